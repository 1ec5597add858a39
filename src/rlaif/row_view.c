/* The shapes of rows: prompts, responses, pairs in our own form, TRL's, HH's and OpenAI's. */
#include "base/mem.h"
#include "rlaif/rows.h"
#include "rlaif/turns.h"

void context_release(Context *c)
{
    free(c->text);
    json_decref(c->turns);
    free(c->plain);
    *c = (Context){0};
}

void row_view_release(RowView *v)
{
    context_release(&v->context);
    for (int i = 0; i < v->n; i++)
        free(v->response[i].text);
    free(v->response);
    *v = (RowView){0};
}

static void add_response(RowView *v, char *text, bool ended)
{
    v->response = mem_resize(v->response, (size_t)v->n + 1, sizeof *v->response);
    v->response[v->n++] = (ResponseView){.text = text, .ended = ended};
}

/* Of formats that are a text of their own, in which replies stand behind a colon and a blank. */
static void add_behind_colon(RowView *v, const char *text, bool blank)
{
    add_response(v, mem_str(text + (*text == ' ')), true);
    v->response[v->n - 1].blank_before = blank;
}

static json_t *turn(const char *role, const char *text, size_t n)
{
    return json_pack("{s:s, s:s%}", "role", role, "content", text, n);
}

/* The prompt field: a text or turns. */
static bool read_prompt(const json_t *row, Context *c, Err *err)
{
    json_t *p = json_object_get(row, "prompt");
    if (!json_is_string(p))
        return turns_read(p, "prompt", &c->turns, err);
    c->text = mem_str(json_string_value(p));
    return true;
}

/* --- HH transcripts: "\n\nHuman: ...\n\nAssistant: ..." --- */

static const char HUMAN[] = "\n\nHuman:", ASSISTANT[] = "\n\nAssistant:";

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \n\t");
}

/* Where the next turn begins at or after s, or the end. */
static const char *next_turn(const char *s)
{
    const char *h = strstr(s, HUMAN), *a = strstr(s, ASSISTANT), *end = s + strlen(s);
    h = h ? h : end;
    a = a ? a : end;
    return h < a ? h : a;
}

static bool is_transcript(const char *s)
{
    s = skip_blanks(s);
    return str_starts(s, "Human:") && strstr(s, ASSISTANT);
}

/* Splits a transcript into the turns before its last reply and that reply, which begins behind its "Assistant:". */
static void split_transcript(const char *s, json_t **turns, const char **reply)
{
    *turns = json_array();
    *reply = NULL;
    for (s = skip_blanks(s); *s;) {
        bool human = str_starts(s, "Human:");
        const char *text = s + (human ? strlen("Human:") : strlen("Assistant:")), *end = next_turn(text);
        bool last = *end == 0;
        if (last && !human) {
            *reply = text;
        } else {
            text += *text == ' ';
            json_array_append_new(*turns, turn(human ? "user" : "assistant", text, (size_t)(end - text)));
        }
        s = last ? end : skip_blanks(end);
    }
}

/* Bytes up to and with the last "Assistant:" that two transcripts have in common; 0: there is none. */
static size_t shared_head(const char *a, const char *b)
{
    size_t same = 0, at = 0;
    while (a[same] && a[same] == b[same])
        same++;
    for (const char *s = a; (s = strstr(s, ASSISTANT)); s += strlen(ASSISTANT))
        if ((size_t)(s - a) + strlen(ASSISTANT) <= same)
            at = (size_t)(s - a) + strlen(ASSISTANT);
    return at;
}

/* A reply that goes on to write further turns is one reply all the same: both begin behind the last "Assistant:" that the
 * transcripts share. False where they share none. */
static bool split_at_shared_head(const char *const transcript[2], json_t **turns, const char *reply[2])
{
    size_t head = shared_head(transcript[0], transcript[1]);
    if (head == 0)
        return false;
    char *before = mem_strn(transcript[0], head - strlen(ASSISTANT));
    const char *last;
    split_transcript(before, turns, &last);
    if (last) { /* two turns of the assistant, one after the other */
        last += *last == ' ';
        json_array_append_new(*turns, turn("assistant", last, strlen(last)));
    }
    for (int i = 0; i < 2; i++)
        reply[i] = transcript[i] + head;
    free(before);
    return true;
}

static bool read_transcript_pair(const char *chosen, const char *rejected, RowView *v, Err *err)
{
    json_t *turns[2];
    const char *reply[2];
    split_transcript(chosen, &turns[0], &reply[0]);
    split_transcript(rejected, &turns[1], &reply[1]);
    bool ok = reply[0] && reply[1] && json_equal(turns[0], turns[1]);
    if (!ok) {
        json_decref(turns[0]);
        turns[0] = NULL;
        ok = split_at_shared_head((const char *const[]){chosen, rejected}, &turns[0], reply);
    }
    if (!ok) {
        err_set(err, ERR_INPUT, "\"chosen\" and \"rejected\" are not two replies to the same conversation");
        err_hint(err, "both transcripts must be alike up to where the replies begin, behind an \"Assistant:\"");
    } else {
        v->context = (Context){.turns = json_incref(turns[0]), .plain = mem_strn(chosen, (size_t)(reply[0] - chosen))};
        add_behind_colon(v, reply[0], *reply[0] == ' ');
        add_behind_colon(v, reply[1], *reply[1] == ' ');
    }
    json_decref(turns[0]);
    json_decref(turns[1]);
    return ok;
}

/* --- pairs as chosen and rejected --- */

/* A completion is a text, or turns whose last is the reply; turns before it are context where there is no
 * prompt. */
static bool read_completion(const json_t *value, const char *name, json_t **before, char **text, Err *err)
{
    *before = NULL;
    if (json_is_string(value)) {
        *text = mem_str(json_string_value(value));
        return true;
    }
    if (!turns_read(value, name, before, err))
        return false;
    size_t last = json_array_size(*before) - 1;
    *text = mem_str(json_text_of(json_array_get(*before, last), "content"));
    json_array_remove(*before, last);
    if (last == 0) {
        json_decref(*before);
        *before = NULL;
    }
    return true;
}

static bool read_chosen_rejected(const json_t *row, RowView *v, Err *err)
{
    static const char *const name[] = {"chosen", "rejected"};
    v->preferred = 0;
    const char *chosen = json_text_of(row, name[0]), *rejected = json_text_of(row, name[1]);
    bool has_prompt = json_object_get(row, "prompt") != NULL;
    if (!has_prompt && chosen && rejected && is_transcript(chosen) && is_transcript(rejected))
        return read_transcript_pair(chosen, rejected, v, err);
    if (has_prompt && !read_prompt(row, &v->context, err))
        return false;
    for (int i = 0; i < 2; i++) {
        json_t *before;
        char *text;
        if (!read_completion(json_object_get(row, name[i]), name[i], &before, &text, err))
            return false;
        add_response(v, text, true);
        if (!has_prompt && before && !v->context.turns)
            v->context.turns = json_incref(before);
        bool same = has_prompt || !before || json_equal(before, v->context.turns);
        json_decref(before);
        if (!same)
            return err_set(err, ERR_INPUT, "\"chosen\" and \"rejected\" answer different turns");
    }
    if (!v->context.text && !v->context.turns)
        return err_set(err, ERR_INPUT, "\"chosen\" and \"rejected\" have no prompt"),
               err_hint(err, "add \"prompt\", or give HH transcripts that begin with \"Human:\"");
    return true;
}

/* --- OpenAI's TL;DR comparisons --- */

static bool read_comparison(const json_t *row, RowView *v, Err *err)
{
    const json_t *info = json_object_get(row, "info"), *summaries = json_object_get(row, "summaries");
    const char *post = json_text_of(info, "post"), *title = json_text_of(info, "title");
    const char *subreddit = json_text_of(info, "subreddit");
    if (!post)
        return err_set(err, ERR_INPUT, "\"info\" has no \"post\"");
    v->context.text = mem_printf("SUBREDDIT: r/%s\n\nTITLE: %s\n\nPOST: %s\n\nTL;DR:", subreddit ? subreddit : "",
                                 title ? title : "", post);
    for (size_t i = 0; i < json_array_size(summaries); i++) {
        const char *s = json_text_of(json_array_get(summaries, i), "text");
        if (!s)
            return err_set(err, ERR_INPUT, "a summary has no \"text\"");
        add_behind_colon(v, s, *s != 0);
    }
    double choice = json_number_of(row, "choice", -1);
    if (choice != -1 && choice != 0 && choice != 1)
        return err_set(err, ERR_INPUT, "\"choice\" is neither 0 nor 1");
    v->preferred = (int)choice;
    return true;
}

/* --- our own --- */

static bool read_responses(const json_t *row, RowView *v, Err *err)
{
    const json_t *list = json_object_get(row, "responses"), *ended = json_object_get(row, "ended");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n == 0)
        return err_set(err, ERR_INPUT, "\"responses\" is no list of texts");
    if (ended && (!json_is_array(ended) || json_array_size(ended) != n))
        return err_set(err, ERR_INPUT, "\"ended\" must have one true or false for each of %zu responses", n);
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text)
            return err_set(err, ERR_INPUT, "\"responses\" holds something that is no text");
        add_response(v, mem_str(text), !ended || json_is_true(json_array_get(ended, i)));
    }
    json_t *preferred = json_object_get(row, "preferred");
    if (!preferred)
        return true;
    json_int_t choice = json_is_integer(preferred) ? json_integer_value(preferred) : -1;
    v->preferred = (int)choice;
    return choice == 0 || choice == 1 || err_set(err, ERR_INPUT, "\"preferred\" is neither 0 nor 1");
}

static bool read_label(const json_t *row, RowView *v, Err *err)
{
    const json_t *label = json_object_get(row, "label");
    if (!json_is_object(label))
        return true;
    const json_t *p = json_object_get(label, "p");
    v->has_label = true;
    v->label = json_number_value(p);
    return (json_is_number(p) && v->label >= 0 && v->label <= 1) ||
           err_set(err, ERR_INPUT, "\"label\" has no \"p\" between 0 and 1");
}

static bool is_comparison(const json_t *row)
{
    return json_object_get(row, "summaries") && json_object_get(row, "info");
}

static bool read_any(const json_t *row, RowView *v, Err *err)
{
    if (is_comparison(row))
        return read_comparison(row, v, err);
    if (json_object_get(row, "chosen") && json_object_get(row, "rejected"))
        return read_chosen_rejected(row, v, err);
    if (!json_object_get(row, "prompt"))
        return err_set(err, ERR_INPUT, "the row has no \"prompt\""),
               err_hint(err, "rows have prompt; prompt and response(s); chosen and rejected; or info and summaries");
    if (!read_prompt(row, &v->context, err))
        return false;
    if (json_object_get(row, "responses"))
        return read_responses(row, v, err);
    const char *response = json_text_of(row, "response");
    if (response)
        add_response(v, mem_str(response), json_bool_of(row, "ended", true));
    return true;
}

/* --- demonstrations --- */

static bool no_demonstration(Err *err)
{
    err_set(err, ERR_INPUT, "the row is no demonstration");
    return err_hint(
        err, "give prompt and completion, messages that end with an assistant's turn, or pairs with \"preferred\"");
}

/* A pair that a person chose from shows what was chosen. */
static bool read_choice(const json_t *row, RowView *v, Err *err)
{
    if (!read_any(row, v, err))
        return false;
    if (v->preferred < 0 || v->preferred >= v->n)
        return no_demonstration(err);
    for (int i = 0; i < v->n; i++)
        if (i != v->preferred)
            free(v->response[i].text);
    v->response[0] = v->response[v->preferred];
    v->n = 1;
    v->preferred = -1;
    return true;
}

static bool read_messages(const json_t *messages, RowView *v, Err *err)
{
    const json_t *last = json_array_get(messages, json_array_size(messages) - 1);
    const char *role = json_text_of(last, "role");
    char *text;
    if (!read_completion(messages, "messages", &v->context.turns, &text, err))
        return false;
    add_response(v, text, true);
    return (v->context.turns && role && strcmp(role, "assistant") == 0) ||
           err_set(err, ERR_INPUT, "\"messages\" must end with an assistant's turn after another");
}

/* The reply that people chose. */
static bool read_chosen_transcript(const char *chosen, RowView *v, Err *err)
{
    const char *reply;
    split_transcript(chosen, &v->context.turns, &reply);
    if (!reply)
        return err_set(err, ERR_INPUT, "\"chosen\" does not end with an \"Assistant:\" turn");
    v->context.plain = mem_strn(chosen, (size_t)(reply - chosen));
    add_behind_colon(v, reply, *reply == ' ');
    return true;
}

static bool read_demonstration(const json_t *row, RowView *v, Err *err)
{
    static const char *const names[] = {"completion", "response", "chosen"};
    const json_t *messages = json_object_get(row, "messages"), *value = NULL;
    const char *chosen = json_text_of(row, "chosen");
    if (messages)
        return read_messages(messages, v, err);
    if (!json_object_get(row, "prompt") && chosen && is_transcript(chosen))
        return read_chosen_transcript(chosen, v, err);
    int i = 0;
    while (i < COUNT(names) && !(value = json_object_get(row, names[i])))
        i++;
    if (!value)
        return json_object_get(row, "responses") || json_object_get(row, "summaries") ? read_choice(row, v, err)
                                                                                      : no_demonstration(err);
    json_t *before;
    char *text;
    if (!read_prompt(row, &v->context, err) || !read_completion(value, names[i], &before, &text, err))
        return false;
    json_decref(before);
    add_response(v, text, json_bool_of(row, "ended", true));
    return true;
}

/* --- what is needed --- */

static bool check_need(const RowView *v, RowNeed need, Err *err)
{
    if (need == NEED_PAIR && v->n != 2) {
        err_set(err, ERR_INPUT, "\"responses\" has %d %s, needs 2", v->n, v->n == 1 ? "entry" : "entries");
        return err_hint(err, "give every row two responses: rlaif sample --n 2 makes such rows");
    }
    if (need == NEED_RESPONSES && v->n == 0) {
        err_set(err, ERR_INPUT, "the row has no \"response\" and no \"responses\"");
        return err_hint(err, "rlaif sample makes rows with responses");
    }
    return true;
}

/* Where the form of a row does not know it, the row says whether a blank is before its responses. */
static void settle_blanks(const json_t *row, RowView *v)
{
    for (int i = 0; i < v->n && !v->context.plain && !is_comparison(row); i++)
        v->response[i].blank_before =
            *v->response[i].text && json_bool_of(row, "blank_before", blank_before(&v->context, v->response[i].text));
}

bool row_view(const json_t *row, RowNeed need, RowView *out, Err *err)
{
    *out = (RowView){.preferred = -1};
    bool demonstration =
        need == NEED_DEMONSTRATION || (need == NEED_CONTEXT && json_object_get(row, "messages") != NULL);
    bool ok = demonstration ? read_demonstration(row, out, err) : read_any(row, out, err) && read_label(row, out, err);
    if (ok && check_need(out, need, err)) {
        settle_blanks(row, out);
        return true;
    }
    row_view_release(out);
    return false;
}

/* --- contexts --- */

Context context_copy(const Context *c)
{
    return (Context){.text = c->text ? mem_str(c->text) : NULL,
                     .turns = c->turns ? json_deep_copy(c->turns) : NULL,
                     .plain = c->plain ? mem_str(c->plain) : NULL};
}

json_t *context_turns(const Context *c)
{
    if (c->turns)
        return json_incref(c->turns);
    return json_pack("[{s:s, s:s}]", "role", "user", "content", c->text);
}

bool blank_before(const Context *c, const char *text)
{
    return c->turns && *text && !strchr(" \t\r\n", *text);
}

char *context_plain(const Context *c)
{
    if (c->text || c->plain)
        return mem_str(c->text ? c->text : c->plain);
    Str s = {0};
    size_t i;
    json_t *t;
    json_array_foreach(c->turns, i, t)
    {
        const char *text = json_text_of(t, "content");
        str_addf(&s, "\n\n%s:%s%s", turn_speaker(t), blank_before(c, text) ? " " : "", text);
    }
    str_add(&s, ASSISTANT);
    return str_take(&s);
}

char *context_lines(const Context *c)
{
    if (c->text)
        return mem_str(c->text);
    Str s = {0};
    size_t i;
    json_t *t;
    json_array_foreach(c->turns, i, t)
        str_addf(&s, "%s%s: %s", i ? "\n" : "", turn_speaker(t), json_text_of(t, "content"));
    return str_take(&s);
}

json_t *context_exact(const Context *c)
{
    const Context turns = {.turns = c->turns};
    char *text = c->plain ? context_plain(&turns) : NULL;
    bool own = text && strcmp(text, c->plain) != 0;
    free(text);
    return own ? json_string(c->plain) : context_json(c);
}

json_t *context_json(const Context *c)
{
    return c->turns ? json_incref(c->turns) : json_string(c->text);
}

int text_characters(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80; /* not within a UTF-8 sequence */
    return n;
}
