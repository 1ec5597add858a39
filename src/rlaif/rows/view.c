/* The shapes of rows: prompts, responses, pairs in our own form, TRL's, HH's and OpenAI's. What several fields of a row say of one
 * thing is compared. */
#include "rlaif/rows/view.h"

#include "base/mem.h"
#include "rlaif/rows/comparison.h"
#include "rlaif/rows/transcript.h"
#include "rlaif/rows/turns.h"

void row_view_release(RowView *v)
{
    context_release(&v->context);
    for (int i = 0; i < v->n; i++)
        free(v->response[i].text);
    free(v->response);
    *v = (RowView){0};
}

static bool both(const json_t *row, const char *a, const char *b)
{
    return json_field(row, a) && json_field(row, b);
}

static bool has_response(const json_t *row)
{
    return json_field(row, "response") != NULL;
}

/* Whether each response ended, where the row says so: true or false of one, a list of several. */
static bool read_ended(const json_t *row, RowView *v, Err *err)
{
    const json_t *ended = json_field(row, "ended");
    bool ok = !ended || json_is_boolean(ended) ? !ended || v->n == 1 : json_array_size(ended) == (size_t)v->n;
    for (int i = 0; ok && ended && i < v->n; i++) {
        const json_t *end = json_is_array(ended) ? json_array_get(ended, (size_t)i) : ended;
        v->response[i].ended = json_is_true(end);
        ok = json_is_boolean(end);
    }
    if (ok)
        return true;
    err_set(err, ERR_INPUT, "\"ended\" must have one true or false for each of %d response%s", v->n,
            v->n == 1 ? "" : "s");
    return err_hint(err, "false: cut off before its end; without \"ended\" all are whole");
}

/* --- pairs as chosen and rejected --- */

static bool has_chosen_rejected(const json_t *row)
{
    return both(row, "chosen", "rejected");
}

static bool no_prompt(const char *const name[2], Err *err)
{
    err_set(err, ERR_INPUT, "\"%s\" and \"%s\" have no prompt", name[0], name[1]);
    return err_hint(err, "add \"prompt\", or give HH transcripts that begin with \"Human:\"");
}

/* Replies under the row's prompt, by whichever name it has. */
static bool read_under_prompt(const json_t *row, json_t *prompt, const json_t *const *value, const char *const *name,
                              int n, RowView *v, Err *err)
{
    bool ok = (!prompt || context_read(prompt, "prompt", &v->context, err)) &&
              view_replies(row, value, name, n, v, err) &&
              (v->context.text || v->context.turns || no_prompt(name, err));
    json_decref(prompt);
    return ok;
}

/* Do the row's messages wait for a reply, as Axolotl has them beside chosen and rejected? */
static bool are_open(const json_t *row)
{
    const json_t *messages = json_field(row, "messages");
    const char *role = json_text_of(json_array_get(messages, json_array_size(messages) - 1), "role");
    return role && strcmp(role, "assistant") != 0;
}

static bool read_chosen_rejected(const json_t *row, RowView *v, Err *err)
{
    static const char *const name[] = {"chosen", "rejected"};
    const json_t *const value[] = {json_field(row, name[0]), json_field(row, name[1])};
    json_t *prompt;
    v->preferred = 0;
    if (!comparison_prompt(row, &prompt, NULL, err))
        return false;
    if (!prompt && are_open(row))
        prompt = json_incref(json_field(row, "messages"));
    return read_under_prompt(row, prompt, value, name, 2, v, err) && (has_response(row) || read_ended(row, v, err));
}

/* --- OpenAI's TL;DR comparisons --- */

static bool has_summaries(const json_t *row)
{
    return both(row, "info", "summaries");
}

static bool read_summaries(const json_t *row, RowView *v, Err *err)
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
        view_add(v, mem_str(s + (*s == ' ')), true);
        v->response[i].blank_before = *s != 0;
    }
    const json_t *choice = json_field(row, "choice");
    v->preferred = json_is_integer(choice) ? (int)json_integer_value(choice) : -1;
    if (choice && v->preferred != 0 && v->preferred != 1)
        return err_set(err, ERR_INPUT, "\"choice\" is neither 0 nor 1");
    return has_response(row) || read_ended(row, v, err);
}

/* --- our own --- */

static bool has_responses(const json_t *row)
{
    const json_t *list = json_field(row, "responses");
    return list && !json_is_object(json_array_get(list, 0)); /* of objects: comparison.h */
}

/* The prompt that a row has, with its system message. */
static bool read_prompt(const json_t *row, Context *c, Err *err)
{
    json_t *prompt = json_incref(json_field(row, "prompt"));
    bool ok = comparison_system(row, &prompt, NULL, err) && context_read(prompt, "prompt", c, err);
    json_decref(prompt);
    return ok;
}

static bool own_prompt(const json_t *row, RowView *v, Err *err)
{
    if (json_field(row, "prompt"))
        return read_prompt(row, &v->context, err);
    err_set(err, ERR_INPUT, "the row has no \"prompt\"");
    if (json_field(row, "messages") || json_field(row, "conversations"))
        return err_hint(err, "rlaif import --prompts makes prompts of conversations");
    return err_hint(err, "rows have prompt; prompt and response(s); chosen and rejected; or info and summaries");
}

static bool read_responses(const json_t *row, RowView *v, Err *err)
{
    const json_t *list = json_field(row, "responses");
    size_t n = json_array_size(list);
    if (!own_prompt(row, v, err))
        return false;
    if (!json_is_array(list) || n == 0)
        return err_set(err, ERR_INPUT, "\"responses\" is no list of texts");
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text)
            return err_set(err, ERR_INPUT, "\"responses\" holds something that is no text");
        view_add(v, mem_str(text), true);
    }
    view_settle_blanks(row, v);
    if (!read_ended(row, v, err))
        return false;
    const json_t *preferred = json_field(row, "preferred");
    if (!preferred)
        return true;
    v->preferred = json_is_integer(preferred) ? (int)json_integer_value(preferred) : -1;
    return v->preferred == 0 || v->preferred == 1 || err_set(err, ERR_INPUT, "\"preferred\" is neither 0 nor 1");
}

/* Are there responses beside what a person wrote? */
static bool has_others(const json_t *row)
{
    return has_response(row) || json_field(row, "responses");
}

/* One reply. What `ended` says is of the responses, where a row has such beside what a person wrote. */
static bool read_one(const json_t *row, const char *name, RowView *v, Err *err)
{
    const json_t *value = json_field(row, name);
    bool others = strcmp(name, "response") != 0 && has_others(row);
    return own_prompt(row, v, err) && view_replies(row, &value, &name, 1, v, err) &&
           (others || read_ended(row, v, err));
}

static bool read_response(const json_t *row, RowView *v, Err *err)
{
    return read_one(row, "response", v, err);
}

/* --- public comparisons --- */

static bool read_comparison(const json_t *row, bool *found, RowView *v, Err *err)
{
    Comparison c;
    if (!comparison_read(row, &c, err))
        return false;
    int n = (int)json_array_size(c.replies);
    *found = n > 0;
    if (n == 0)
        return true;
    const json_t **value = mem_alloc((size_t)n, sizeof *value);
    const char **name = mem_alloc((size_t)n, sizeof *name);
    for (int i = 0; i < n; i++) {
        value[i] = json_array_get(c.replies, (size_t)i);
        name[i] = json_string_value(json_array_get(c.name, json_array_size(c.name) > 1 ? (size_t)i : 0));
    }
    bool ok = read_under_prompt(row, json_incref(c.prompt), value, name, n, v, err) && read_ended(row, v, err);
    double a = json_number_value(json_array_get(c.worth, 0)), b = json_number_value(json_array_get(c.worth, 1));
    if (n == 2 && json_is_number(json_array_get(c.worth, 0)) && json_is_number(json_array_get(c.worth, 1)) && a != b)
        v->preferred = b > a;
    free(value);
    free(name);
    comparison_release(&c);
    return ok;
}

void row_drop_comparison(json_t *row)
{
    Comparison c;
    Err none = {0};
    const char *name;
    json_t *value, *used = json_object();
    int better;
    if (comparison_read(row, &c, &none) && c.replies)
        json_object_update(used, c.used);
    else if (!comparison_verdict(row, 0, &better, used, &none))
        json_object_clear(used);
    comparison_release(&c);
    json_object_del(used, "prompt");
    json_object_foreach(used, name, value) json_object_del(row, name);
    comparison_drop_measures(row);
    json_decref(used);
}

/* --- what several shapes of one row say --- */

static bool contradict(const char *a, const char *b, const char *what, Err *err)
{
    err_set(err, ERR_INPUT, "\"%s\" and \"%s\" %s", a, b, what);
    return err_hint(err, "leave out what does not hold");
}

/* Another shape of the same row must have the same responses to the same conversation, in whatever order, and the same choice;
 * a single response must be one of them. */
static bool agree(RowView *v, const char *name, const RowView *other, const char *of_other, Err *err)
{
    int at[2] = {-1, -1};
    if (other->n != 1 && (v->n != other->n || v->n > 2))
        return contradict(name, of_other, "hold different numbers of responses", err);
    for (int i = 0; i < other->n; i++)
        for (int k = v->n - 1; k >= 0; k--)
            if (strcmp(v->response[k].text, other->response[i].text) == 0 && (i == 0 || k != at[0]))
                at[i] = k;
    if (at[0] < 0 || (other->n == 2 && at[1] < 0))
        return contradict(name, of_other, "hold different responses", err);
    if (!context_join(&v->context, &other->context))
        return contradict(name, of_other, "answer different prompts", err);
    int preferred = other->preferred < 0 ? -1 : at[other->preferred];
    if (v->preferred >= 0 && preferred >= 0 && v->preferred != preferred)
        return contradict(name, of_other, "prefer different responses", err);
    v->preferred = v->preferred >= 0 ? v->preferred : preferred;
    return true;
}

/* Which of two responses the row's scores or ranks of them prefer; left alone where it has none, or they are equal. */
static bool read_scores(const json_t *row, int *better, Err *err)
{
    Comparison c;
    if (!comparison_read(row, &c, err))
        return false;
    const json_t *a = json_array_get(c.worth, 0), *b = json_array_get(c.worth, 1);
    if (json_is_number(a) && json_is_number(b) && json_number_value(a) != json_number_value(b))
        *better = json_number_value(b) > json_number_value(a);
    comparison_release(&c);
    return true;
}

/* The choice must be what other fields say of it, where that can be understood. */
static bool check_verdicts(const json_t *row, RowView *v, Err *err)
{
    int better = NO_VERDICT, by_scores = NO_VERDICT;
    if (v->n != 2)
        return !json_field(row, "preferred") ||
               err_set(err, ERR_INPUT, "\"preferred\" speaks of two responses, and the row has %d", v->n) ||
               err_hint(err, "leave it out, or give two responses");
    if (!comparison_verdict(row, 0, &better, NULL, err) || !read_scores(row, &by_scores, err))
        return false;
    if (better != NO_VERDICT && v->preferred >= 0 && better != v->preferred)
        return err_set(err, ERR_INPUT, "of the two responses one field prefers the first, another not"),
               err_hint(err, "compare preferred, winner, preference and choice: leave out what does not hold");
    better = better == NO_VERDICT ? by_scores : better;
    if (better >= 0 && v->preferred < 0)
        v->preferred = better;
    return true;
}

/* Turns beside a prompt are the conversation that it is of, with or without a reply. */
static bool join_turns(const json_t *row, const char *name, RowView *v, Err *err)
{
    const json_t *turns = json_field(row, name);
    Context whole = {0};
    if (!turns || (!v->context.text && !v->context.turns))
        return true;
    if (!turns_read(turns, name, &whole.turns, err) || !comparison_system(row, &whole.turns, NULL, err)) {
        context_release(&whole);
        return false;
    }
    size_t last = json_array_size(whole.turns) - 1;
    if (last > 0 && strcmp(json_text_of(json_array_get(whole.turns, last), "role"), "assistant") == 0)
        json_array_remove(whole.turns, last);
    bool ok = context_join(&v->context, &whole) || contradict(name, "prompt", "are of different conversations", err);
    context_release(&whole);
    return ok;
}

static bool join_messages(const json_t *row, RowView *v, Err *err)
{
    return join_turns(row, "messages", v, err) && join_turns(row, "conversations", v, err);
}

static bool read_any(const json_t *row, RowView *v, Err *err)
{
    static const struct {
        const char *name;
        bool (*has)(const json_t *row);
        bool (*read)(const json_t *row, RowView *v, Err *err);
    } shapes[] = {{"responses", has_responses, read_responses},
                  {"summaries", has_summaries, read_summaries},
                  {"chosen", has_chosen_rejected, read_chosen_rejected},
                  {"response", has_response, read_response}};
    const char *name = NULL;
    bool ok = true, found = false;
    for (int i = 0; ok && i < COUNT(shapes); i++) {
        RowView other = {.preferred = -1};
        if (!shapes[i].has(row))
            continue;
        ok = shapes[i].read(row, name ? &other : v, err) && (!name || agree(v, name, &other, shapes[i].name, err));
        name = name ? name : shapes[i].name;
        row_view_release(&other);
    }
    if (ok && name)
        return check_verdicts(row, v, err) && join_messages(row, v, err);
    return ok && read_comparison(row, &found, v, err) &&
           (found || (own_prompt(row, v, err) && join_messages(row, v, err)));
}

/* --- labels --- */

/* A judge's label is an object. TRL's unpaired rows have true or false: may the completion be learned? */
static bool read_label(const json_t *row, RowView *v, Err *err)
{
    const json_t *label = json_field(row, "label");
    if (!json_is_object(label)) {
        bool bad = v->n == 2 && label && !json_is_string(label);
        return !bad || err_set(err, ERR_INPUT, "\"label\" of two responses is no judge's label") ||
               err_hint(err, "rlaif label writes one; what a person chose is \"preferred\": 0 or 1");
    }
    const json_t *p = json_object_get(label, "p");
    v->has_label = true;
    v->label = json_number_value(p);
    return (json_is_number(p) && v->label >= 0 && v->label <= 1) ||
           err_set(err, ERR_INPUT, "\"label\" has no \"p\" between 0 and 1");
}

/* --- demonstrations --- */

static bool no_demonstration(Err *err)
{
    err_set(err, ERR_INPUT, "the row is no demonstration");
    return err_hint(
        err, "give prompt and completion, messages that end with an assistant's turn, or pairs with \"preferred\"");
}

/* A pair that a person chose from shows what was chosen; one response shows itself. */
static bool read_choice(const json_t *row, RowView *v, Err *err)
{
    if (!read_any(row, v, err))
        return false;
    int shown = v->n == 1 ? 0 : v->preferred;
    if (shown < 0 || shown >= v->n)
        return no_demonstration(err);
    for (int i = 0; i < v->n; i++)
        if (i != shown)
            free(v->response[i].text);
    v->response[0] = v->response[shown];
    v->n = 1;
    v->preferred = -1;
    return true;
}

/* Messages, or ShareGPT's conversations, with their system message. */
static bool whole_turns(const json_t *row, const char *name, json_t **out, Err *err)
{
    json_t *conversation = json_pack("{s:O, s:O*, s:O*}", "prompt", json_object_get(row, name), "system",
                                     json_field(row, "system"), "system_prompt", json_field(row, "system_prompt"));
    bool ok = comparison_prompt(conversation, out, NULL, err);
    json_decref(conversation);
    return ok;
}

static bool read_messages(const json_t *row, const char *name, RowView *v, Err *err)
{
    json_t *messages;
    if (!whole_turns(row, name, &messages, err))
        return false;
    bool ok = view_replies(row, (const json_t *const[]){messages}, &name, 1, v, err);
    json_decref(messages);
    if (ok && !v->context.turns)
        return err_set(err, ERR_INPUT, "\"%s\" must end with an assistant's turn after another", name);
    return ok && (has_others(row) || has_chosen_rejected(row) || read_ended(row, v, err));
}

/* The reply that people chose, without what they rejected. */
static bool read_chosen(const json_t *row, RowView *v, Err *err)
{
    const char *chosen = json_text_of(row, "chosen"), *reply;
    if (json_field(row, "prompt") || !chosen || !transcript_is(chosen))
        return read_one(row, "chosen", v, err);
    transcript_split(chosen, &v->context.turns, &reply);
    if (!reply)
        return err_set(err, ERR_INPUT, "\"chosen\" does not end with an \"Assistant:\" turn");
    v->context.plain = mem_strn(chosen, (size_t)(reply - chosen));
    view_add(v, mem_str(reply + (*reply == ' ')), true);
    v->response[0].blank_before = *reply == ' ';
    return true;
}

/* Conversations beside messages must be the same. */
static bool agree_conversations(const json_t *row, const char *name, RowView *v, Err *err)
{
    static const char of_other[] = "conversations";
    RowView other = {.preferred = -1};
    if (strcmp(name, of_other) == 0 || !json_field(row, of_other))
        return true;
    bool ok = read_messages(row, of_other, &other, err) && agree(v, name, &other, of_other, err);
    row_view_release(&other);
    return ok;
}

/* Messages are the whole; what stands beside them must say the same. */
static bool read_whole(const json_t *row, const char *name, RowView *v, Err *err)
{
    const char *other = json_field(row, "completion") ? "completion" : has_chosen_rejected(row) ? "chosen" : NULL;
    if (!read_messages(row, name, v, err) || !agree_conversations(row, name, v, err))
        return false;
    if (!other) {
        Context prompt = {0};
        bool has = json_field(row, "prompt") != NULL, ok = !has || read_prompt(row, &prompt, err);
        ok = ok && (!has || context_join(&v->context, &prompt) ||
                    contradict(name, "prompt", "are of different conversations", err));
        context_release(&prompt);
        return ok;
    }
    RowView beside = {.preferred = -1};
    bool ok = strcmp(other, "completion") != 0 ? read_choice(row, &beside, err)
              : json_field(row, "prompt") != NULL
                  ? read_one(row, other, &beside, err)
                  : view_replies(row, (const json_t *const[]){json_field(row, other)}, &other, 1, &beside, err);
    if (ok && !beside.context.text && !beside.context.turns)
        beside.context = context_copy(&v->context);
    ok = ok && agree(v, name, &beside, other, err);
    if (ok)
        v->response[0].ended = beside.response[0].ended;
    row_view_release(&beside);
    return ok;
}

static bool read_demonstration(const json_t *row, RowView *v, Err *err)
{
    const char *whole = json_field(row, "messages")        ? "messages"
                        : json_field(row, "conversations") ? "conversations"
                                                           : NULL;
    if (whole && !(has_chosen_rejected(row) && (strcmp(whole, "conversations") == 0 || are_open(row))))
        return read_whole(row, whole, v, err);
    if (json_field(row, "completion"))
        return read_one(row, "completion", v, err);
    if (json_field(row, "chosen") && !json_field(row, "rejected") && !has_response(row) &&
        !json_field(row, "responses"))
        return read_chosen(row, v, err);
    return read_choice(row, v, err);
}

/* Is the demonstration one that was marked as bad? */
static bool check_mark(const json_t *row, bool to_learn, Err *err)
{
    static const char *const names[] = {"label", "kto_tag"};
    for (int i = 0; i < COUNT(names); i++) {
        const json_t *mark = json_field(row, names[i]);
        const char *text = json_string_value(mark);
        if (json_is_false(mark) && to_learn)
            return err_set(err, ERR_INPUT, "\"%s\" is false: the completion is one not to learn", names[i]),
                   err_hint(err, "leave such rows out, for instance with --skip-bad");
        if (json_is_number(mark) || (text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0))) {
            char *said = json_text(mark);
            err_set(err, ERR_INPUT, "\"%s\" is %s, which is neither true nor false", names[i], said);
            free(said);
            return err_hint(err, "true: the completion is good, false: it is bad");
        }
    }
    return true;
}

/* --- what is needed --- */

static bool check_need(const json_t *row, const RowView *v, RowNeed need, Err *err)
{
    if (need == NEED_PAIR && v->n != 2) {
        err_set(err, ERR_INPUT, "\"responses\" has %d %s, needs 2", v->n, v->n == 1 ? "entry" : "entries");
        return err_hint(err, v->n == 0 && json_field(row, "completion")
                                 ? "a completion is one response: a pair has responses: [a, b], or chosen and rejected"
                             : v->n > MOST_PAIRED
                                 ? "or 3 to 100 that nobody has compared, of which every two are a pair"
                             : v->n > 2 ? "rlaif import makes a row of every two scored or ranked responses"
                                        : "give every row two responses: rlaif sample --n 2 makes such rows");
    }
    if (need == NEED_RESPONSES && v->n == 0) {
        err_set(err, ERR_INPUT, "the row has no \"response\" and no \"responses\"");
        return err_hint(err, "rlaif sample makes rows with responses");
    }
    if (need == NEED_DEMONSTRATION || (need == NEED_ANY && json_field(row, "completion")))
        return check_mark(row, need == NEED_DEMONSTRATION, err);
    return v->n > 0 || comparison_absent(row, err);
}

static bool check_blank(const json_t *row, Err *err)
{
    const json_t *blank = json_field(row, "blank_before");
    return !blank || json_is_boolean(blank) || err_set(err, ERR_INPUT, "\"blank_before\" is neither true nor false") ||
           err_hint(err, "one blank is before all responses of a row, or none: or let each begin with its own");
}

/* A template would write what it is told of tools into the prompt. */
static bool check_tools(const json_t *row, Err *err)
{
    const json_t *tools = json_field(row, "tools");
    const char *text = json_string_value(tools);
    bool any = text ? str_starts(text, "[{") : json_array_size(tools) + json_object_size(tools) > 0;
    return !any || err_set(err, ERR_INPUT, "\"tools\" are not read, and a prompt without them is another") ||
           err_hint(err, "write them into the system message, or take the field out where they do not matter");
}

bool row_view(const json_t *row, RowNeed need, RowView *out, Err *err)
{
    bool whole = json_field(row, "messages") || (json_field(row, "conversations") && !json_field(row, "chosen"));
    bool demonstration = need == NEED_DEMONSTRATION || (need == NEED_CONTEXT && whole) ||
                         (need == NEED_ANY && ((whole && !json_field(row, "prompt")) || json_field(row, "completion")));
    *out = (RowView){.preferred = -1};
    bool ok =
        check_blank(row, err) && check_tools(row, err) &&
        (demonstration ? read_demonstration(row, out, err) : read_any(row, out, err) && read_label(row, out, err));
    if (ok && check_need(row, out, need, err))
        return true;
    row_view_release(out);
    return false;
}
