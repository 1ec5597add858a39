/* Rows as the ids that a model reads. */
#include "rlaif/rows/render.h"

#include "base/mem.h"

bool render_chat(const Model *m, ChatMode mode, bool *chat, Err *err)
{
    *chat = mode == CHAT_TRUE || (mode == CHAT_AUTO && m->chat);
    if (!*chat || (m->chat && chat_template_check(m->chat, err)))
        return true;
    if (m->chat)
        return err_context(err, "%s", m->path);
    err_set(err, ERR_INPUT, "%s has no chat template", m->path);
    return err_hint(err, "use --chat false, or an instruction-tuned model");
}

void render_begin(const Model *m, Ids *out)
{
    if (tokenizer_adds_bos(m->tokenizer) && tokenizer_bos(m->tokenizer) >= 0)
        ids_add(out, tokenizer_bos(m->tokenizer));
}

bool render_fits(const Model *m, int n, int most, Err *err)
{
    int limit = most > 0 && most < m->config.context ? most : m->config.context;
    if (n <= limit)
        return true;
    err_set(err, ERR_INPUT, "%d tokens, %s is %d", n, limit == most ? "--max-tokens" : "the model's context", limit);
    return err_hint(err, "shorten or leave out the row%s", limit == most ? ", or raise --max-tokens" : "");
}

/* A template that writes BOS itself gets no second one. */
static void drop_second_bos(const Model *m, Ids *out, int from)
{
    int bos = tokenizer_bos(m->tokenizer);
    if (bos < 0 || out->n < from + 2 || out->id[from] != bos || out->id[from + 1] != bos)
        return;
    memmove(out->id + from, out->id + from + 1, (size_t)(out->n - from - 1) * sizeof *out->id);
    out->n--;
}

/* Nothing follows from nothing. */
static bool has_tokens(const Ids *ids, int from, Err *err)
{
    return ids->n > from || (err_set(err, ERR_INPUT, "the prompt has no tokens"), err_hint(err, "give it some text"));
}

/* Messages as the template writes them, where `opens` with the opening of the assistant's turn, and `ending` behind it. */
static bool render_messages(const Model *m, const json_t *messages, bool opens, const char *ending, Ids *out, Err *err)
{
    Tainted text = {0};
    int from = out->n;
    bool ok = chat_render(m->chat, messages, opens, m->date, &text, err);
    if (ok) {
        tainted_add(&text, ending, strlen(ending), TAINT_ALL);
        render_begin(m, out);
        ok = tokenizer_encode_tainted(m->tokenizer, &text, out, err);
        drop_second_bos(m, out, from);
    } else {
        err_hint(err, "mend the row, or give it without the template by --chat false");
    }
    tainted_release(&text);
    return ok && has_tokens(out, from, err);
}

bool render_chat_text(const Model *m, const json_t *messages, const char *ending, Ids *out, Err *err)
{
    return render_messages(m, messages, true, ending, out, err);
}

bool render_raw(const Model *m, const char *text, Ids *out, Err *err)
{
    int from = out->n;
    render_begin(m, out);
    bool ok = tokenizer_encode(m->tokenizer, text, strlen(text), TOKENIZE_SPECIAL, out, err);
    drop_second_bos(m, out, from);
    return ok;
}

bool render_plain(const Model *m, const char *text, Ids *out, Err *err)
{
    int from = out->n;
    render_begin(m, out);
    return tokenizer_encode(m->tokenizer, text, strlen(text), 0, out, err) && has_tokens(out, from, err);
}

/* Behind a turn of the assistant's the next one would be another, not its end. */
static bool waits(const Context *c, Err *err)
{
    const json_t *last = c->turns ? json_array_get(c->turns, json_array_size(c->turns) - 1) : NULL;
    return !last || strcmp(json_text_of(last, "role"), "assistant") != 0 ||
           err_set(err, ERR_INPUT, "the prompt ends with the assistant's turn, and a reply would be one more") ||
           err_hint(err, "end it with the user's turn: what a reply begins with belongs to the reply");
}

bool render_context(const Model *m, const Context *c, bool chat, Ids *out, Err *err)
{
    if (!waits(c, err))
        return false;
    if (chat) {
        json_t *turns = context_turns(c);
        bool ok = render_chat_text(m, turns, "", out, err);
        json_decref(turns);
        return ok;
    }
    char *text = context_plain(c);
    bool ok = render_plain(m, text, out, err);
    free(text);
    return ok;
}

/* The token that the chat template writes behind a reply, where responses end with it: of several that may end them the one that
 * the model has learned. -1: none. */
static int turn_end(const Model *m)
{
    json_t *turns =
        json_pack("[{s:s, s:s}, {s:s, s:s}]", "role", "user", "content", "a", "role", "assistant", "content", "b");
    Tainted text = {0};
    Ids ids = {0};
    Err err = {0}; /* a template that fails here says nothing of ends */
    int end = -1;
    if (chat_render(m->chat, turns, false, m->date, &text, &err)) {
        const char *taint = tainted_taint(&text);
        size_t at = text.text.n;
        while (at > 0 && !taint_at(taint, at - 1))
            at--;
        at += strspn(str_text(&text.text) + at, " \n");
        if (tokenizer_encode(m->tokenizer, str_text(&text.text) + at, text.text.n - at,
                             TOKENIZE_SPECIAL | TOKENIZE_BARE, &ids, &err) &&
            ids.n > 0 && tokenizer_ends(m->tokenizer, ids.id[0]))
            end = ids.id[0];
    }
    ids_release(&ids);
    tainted_release(&text);
    json_decref(turns);
    return end;
}

void render_end(const Model *m, bool chat, bool ended, Ids *out)
{
    int end = ended && chat ? turn_end(m) : -1;
    end = end >= 0 ? end : tokenizer_end(m->tokenizer);
    if (ended && end >= 0)
        ids_add(out, end);
}

bool render_response(const Model *m, const char *text, bool chat, bool ended, Ids *out, Err *err)
{
    if (!tokenizer_encode(m->tokenizer, text, strlen(text), TOKENIZE_BARE, out, err))
        return false;
    render_end(m, chat, ended, out);
    return true;
}

/* Without chat the blank between them is the beginning of the reply's first token: so it is sampled behind the context. */
bool render_reply(const Model *m, const ResponseView *r, bool chat, Ids *out, Err *err)
{
    if (chat || !r->blank_before)
        return render_response(m, r->text, chat, r->ended, out, err);
    char *text = mem_printf(" %s", r->text);
    bool ok = render_response(m, text, chat, r->ended, out, err);
    free(text);
    return ok;
}

/* The template writes context and reply, and what it has behind a reply. */
static bool render_whole_chat(const Model *m, const RowView *v, int response, Ids *out, Err *err)
{
    json_t *turns = context_turns(&v->context), *all = json_copy(turns),
           *text = json_take_text(mem_str(v->response[response].text));
    json_array_append_new(all, json_pack("{s:s, s:o}", "role", "assistant", "content", text));
    bool ok = render_messages(m, all, false, "", out, err);
    json_decref(all);
    json_decref(turns);
    return ok;
}

bool render_whole(const Model *m, const RowView *v, int response, bool chat, Ids *out, int *from, Err *err)
{
    int begin = out->n;
    bool whole = chat && m->whole_chats;
    if (!(whole ? waits(&v->context, err) && render_whole_chat(m, v, response, out, err)
                : render_context(m, &v->context, chat, out, err)))
        return false;
    *from = out->n;
    if (!whole && !render_reply(m, &v->response[response], chat, out, err))
        return false;
    /* Classes of transformers read the last token that is no padding, wherever the padding comes from. */
    while (m->whole_chats && out->n > begin + 1 && out->id[out->n - 1] == m->config.pad)
        out->n--;
    *from = *from < out->n ? *from : out->n;
    return true;
}
