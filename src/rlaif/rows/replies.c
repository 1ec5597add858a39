/* Replies as rows hold them, alone or at the end of a whole conversation, and the conversation that they answer. */
#include "rlaif/rows/replies.h"

#include "base/mem.h"
#include "rlaif/rows/transcript.h"
#include "rlaif/rows/turns.h"

void view_add(RowView *v, char *text, bool ended)
{
    v->response = mem_resize(v->response, (size_t)v->n + 1, sizeof *v->response);
    v->response[v->n++] = (ResponseView){.text = text, .ended = ended};
}

void view_settle_blanks(const json_t *row, RowView *v)
{
    for (int i = 0; i < v->n; i++)
        v->response[i].blank_before =
            *v->response[i].text && json_bool_of(row, "blank_before", blank_before(&v->context, v->response[i].text));
}

/* --- contexts of one row -------------------------------------------------------------------------------- */

static bool begins(const json_t *a, const json_t *b)
{
    return json_array_size(a) <= json_array_size(b) && turns_stand_at(a, b, 0);
}

static bool ends(const json_t *a, const json_t *b)
{
    return json_array_size(a) <= json_array_size(b) && turns_stand_at(a, b, json_array_size(b) - json_array_size(a));
}

static bool same_but_for_blanks(const char *a, const char *b)
{
    static const char blanks[] = " \t\r\n";
    a += strspn(a, blanks);
    b += strspn(b, blanks);
    size_t n = strlen(a), m = strlen(b);
    while (n > 0 && strchr(blanks, a[n - 1]))
        n--;
    while (m > 0 && strchr(blanks, b[m - 1]))
        m--;
    return n == m && strncmp(a, b, n) == 0;
}

/* Is the text the first or last turn of the user? */
static bool is_users(const char *text, const json_t *turns)
{
    const json_t *first = NULL, *last = NULL;
    size_t i;
    json_t *t;
    json_array_foreach((json_t *)(uintptr_t)turns, i, t) if (strcmp(json_text_of(t, "role"), "user") == 0)
    {
        first = first ? first : t;
        last = t;
    }
    return first && (same_but_for_blanks(text, json_text_of(first, "content")) ||
                     same_but_for_blanks(text, json_text_of(last, "content")));
}

static void become(Context *c, const Context *other)
{
    Context copy = context_copy(other);
    context_release(c);
    *c = copy;
}

bool context_join(Context *c, const Context *more)
{
    bool empty = !c->text && !c->turns;
    if (!empty && context_same(c, more))
        return true;
    if (more->text)
        return empty     ? (become(c, more), true)
               : c->text ? same_but_for_blanks(c->text, more->text)
                         : is_users(more->text, c->turns);
    if (c->turns && ends(more->turns, c->turns))
        return true;
    bool holds = empty || (c->text ? is_users(c->text, more->turns)
                                   : begins(c->turns, more->turns) || ends(c->turns, more->turns));
    if (holds)
        become(c, more);
    return holds;
}

/* --- replies -------------------------------------------------------------------------------------------- */

/* Turns that go on from a prompt begin with the assistant's: the prompt's stand before them. */
static void go_on(const Context *prompt, json_t **turns)
{
    const char *role = json_text_of(json_array_get(*turns, 0), "role");
    if (!role || strcmp(role, "assistant") != 0 || (!prompt->text && !prompt->turns))
        return;
    json_t *all = context_turns(prompt), *copy = json_copy(all);
    json_array_extend(copy, *turns);
    json_decref(all);
    json_decref(*turns);
    *turns = copy;
}

/* A reply is its content: what a turn says beside that would be lost. */
static bool says_no_more(const json_t *turn, const char *name, size_t number, Err *err)
{
    static const char *const more[] = {"tool_calls", "function_call", "reasoning_content", "reasoning", "thinking"};
    for (int i = 0; i < COUNT(more); i++) {
        const json_t *said = json_field(turn, more[i]);
        if (json_string_length(said) + json_array_size(said) + json_object_size(said) > 0)
            return err_set(err, ERR_INPUT, "turn %zu of \"%s\", the reply, has \"%s\" beside its content", number, name,
                           more[i]),
                   err_hint(err, "write that into its \"content\" as the model's template has it, or leave it out");
    }
    return true;
}

/* One reply: its text, and the turns before it, NULL where there are none. */
static bool read_reply(const json_t *value, const char *name, json_t **before, char **text, Err *err)
{
    json_t *list = json_is_object(value) ? json_pack("[O]", value) : NULL;
    *before = NULL;
    *text = NULL;
    if (json_is_string(value)) {
        *text = mem_str(json_string_value(value));
        return true;
    }
    bool ok = turns_read(list ? list : value, name, before, err);
    json_decref(list);
    if (!ok)
        return false;
    size_t last = json_array_size(*before) - 1;
    const json_t *t = json_array_get(*before, last);
    if (strcmp(json_text_of(t, "role"), "assistant") != 0)
        return err_set(err, ERR_INPUT, "\"%s\" must end with an assistant's turn, and turn %zu is of %s", name,
                       last + 1, json_text_of(t, "role"));
    if (!says_no_more(t, name, last + 1, err))
        return false;
    *text = mem_str(json_text_of(t, "content"));
    json_array_remove(*before, last);
    if (last == 0) {
        json_decref(*before);
        *before = NULL;
    }
    return true;
}

static bool another_prompt(const char *name, Err *err)
{
    err_set(err, ERR_INPUT, "\"%s\" answers another conversation than \"prompt\"", name);
    return err_hint(err, "the turns before a reply are the prompt's, or hold it: leave out what does not hold");
}

/* Both are transcripts: what they share is the conversation. */
static bool read_transcripts(const char *const text[2], const char *const *name, RowView *v, Err *err)
{
    Context whole = {0};
    const char *reply[2];
    if (!transcript_is_answered(text[0]) && !transcript_is_answered(text[1]))
        return err_set(err, ERR_INPUT, "\"%s\" and \"%s\" end with the human's turn", name[0], name[1]),
               err_hint(err, "the last turn is the reply, \"Assistant: ...\"");
    if (!transcript_split_pair(text, &whole.turns, reply)) {
        err_set(err, ERR_INPUT, "\"%s\" and \"%s\" are not two replies to the same conversation", name[0], name[1]);
        return err_hint(err, "both transcripts must be alike up to where the replies begin, behind an \"Assistant:\"");
    }
    whole.plain = mem_strn(text[0], (size_t)(reply[0] - text[0]));
    bool ok = context_join(&v->context, &whole) || another_prompt(name[0], err);
    if (ok && context_same(&v->context, &whole))
        become(&v->context, &whole); /* as the transcripts write it */
    context_release(&whole);
    for (int i = 0; ok && i < 2; i++) {
        view_add(v, mem_str(reply[i] + (*reply[i] == ' ')), true);
        v->response[i].blank_before = *reply[i] == ' ';
    }
    return ok;
}

/* Is it a transcript of the prompt and a reply, or one as HH writes them, of whatever prompt? */
static bool is_whole(const char *text, const Context *prompt)
{
    Context whole = {0}, c = context_copy(prompt);
    const char *reply;
    bool holds = false;
    if (transcript_is(text)) {
        transcript_split(text, &whole.turns, &reply);
        holds = reply && (str_starts(text, "\n\nHuman:") || context_join(&c, &whole));
    }
    context_release(&whole);
    context_release(&c);
    return holds;
}

bool view_replies(const json_t *row, const json_t *const *value, const char *const *name, int n, RowView *v, Err *err)
{
    const char *text[2] = {json_string_value(value[0]), n == 2 ? json_string_value(value[1]) : NULL};
    if (n == 2 && text[0] && text[1] && transcript_is(text[0]) && transcript_is(text[1]))
        return read_transcripts(text, name, v, err);
    for (int i = 0; i < n && n == 2; i++)
        if (text[i] && is_whole(text[i], &v->context)) {
            err_set(err, ERR_INPUT, "\"%s\" is a whole conversation, \"%s\" is not", name[i], name[1 - i]);
            return err_hint(err, "give both as transcripts, or both as replies to \"prompt\"");
        }
    Context prompt = context_copy(&v->context);
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        Context c = context_copy(&prompt), whole = {0};
        char *reply;
        ok = read_reply(value[i], name[i], &whole.turns, &reply, err);
        if (ok)
            view_add(v, reply, true);
        if (ok && whole.turns) {
            go_on(&prompt, &whole.turns);
            ok = context_join(&c, &whole) || another_prompt(name[i], err);
        }
        if (ok && i == 0)
            become(&v->context, &c);
        else if (ok && !context_same(&v->context, &c))
            ok = err_set(err, ERR_INPUT, "\"%s\" and \"%s\" answer different turns", name[0], name[i]) ||
                 err_hint(err, "the turns before both replies must be the same");
        context_release(&c);
        context_release(&whole);
    }
    context_release(&prompt);
    if (ok)
        view_settle_blanks(row, v);
    return ok;
}
