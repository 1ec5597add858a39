/* Chat templates: the model's own, read once and rendered for each list of messages. */
#include "text/chat.h"

#include "base/mem.h"
#include "text/jinja/jinja.h"

enum { GIVEN = 6 };
static const char *const given_names[GIVEN] = {"messages", "add_generation_prompt", "bos_token", "eos_token", "tools",
                                               "documents"};

struct ChatTemplate {
    char *source, *bos, *eos;
    json_t *more; /* an object */
    Err fault;    /* why it cannot be read; none where it can */
    Pool pool;    /* of the nodes and names */
    Names names;
    Node *body;
    const char *given[GIVEN]; /* the names, interned */
    const char **more_names;  /* those of `more` in its order */
};

static bool is_utf8(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n;) {
        int k = str_utf8_length((const unsigned char *)s + i, n - i);
        if (!k)
            return false;
        i += (size_t)k;
    }
    return true;
}

static bool read_template(ChatTemplate *t, Err *err)
{
    if (!is_utf8(t->source) || !is_utf8(t->bos) || !is_utf8(t->eos))
        return err_set(err, ERR_INPUT, "the chat template, or its BOS or EOS token, is not UTF-8");
    if (!jinja_parse(&t->pool, &t->names, t->source, &t->body, err))
        return false;
    for (int i = 0; i < GIVEN; i++)
        t->given[i] = jinja_intern(&t->names, given_names[i], strlen(given_names[i]));
    const char *name;
    json_t *value;
    size_t n = 0;
    t->more_names = jinja_alloc(&t->pool, json_object_size(t->more), sizeof *t->more_names);
    json_object_foreach(t->more, name, value) t->more_names[n++] = jinja_intern(&t->names, name, strlen(name));
    return true;
}

ChatTemplate *chat_template_new(const char *source, const char *bos, const char *eos, const json_t *more)
{
    ChatTemplate *t = mem_zalloc(1, sizeof *t);
    t->source = mem_str(source);
    t->bos = mem_str(bos ? bos : "");
    t->eos = mem_str(eos ? eos : "");
    t->more = more ? json_deep_copy(more) : json_object();
    if (!read_template(t, &t->fault))
        err_hint(&t->fault,
                 "write the template without that, or take it away; --chat false (generate: --raw) then gives "
                 "the text as it is");
    return t;
}

bool chat_template_check(const ChatTemplate *t, Err *err)
{
    if (t->fault.code != ERR_NONE)
        *err = t->fault;
    return t->fault.code == ERR_NONE;
}

void chat_template_free(ChatTemplate *t)
{
    if (!t)
        return;
    jinja_pool_release(&t->pool);
    free(t->source);
    free(t->bos);
    free(t->eos);
    json_decref(t->more);
    free(t);
}

const char *chat_template_source(const ChatTemplate *t)
{
    return t->source;
}

/* --- messages as values ------------------------------------------------------------------------------ */

static bool value_of(Run *r, Value *out, const json_t *json);

static Value tainted(Value v)
{
    v.taint = TAINT_ALL;
    return v;
}

static bool dict_of(Run *r, Value *out, const json_t *json)
{
    Dict *d = jinja_alloc(r->pool, 1, sizeof *d);
    const char *key;
    json_t *field;
    json_object_foreach((json_t *)(uintptr_t)json, key, field)
    {
        Value v;
        if (!value_of(r, &v, field) || !jinja_dict_put(r, d, tainted(jinja_literal(key)), v))
            return false;
    }
    *out = (Value){.kind = V_DICT, .dict = d};
    return true;
}

static bool list_of(Run *r, Value *out, const json_t *json)
{
    size_t n = json_array_size(json);
    Seq *items = jinja_seq(r, n);
    for (size_t i = 0; i < n; i++) {
        Value v;
        if (!value_of(r, &v, json_array_get(json, i)))
            return false;
        jinja_push(r, items, v);
    }
    *out = jinja_of_seq(V_LIST, items);
    return true;
}

/* Texts are borrowed from the JSON. */
static bool value_of(Run *r, Value *out, const json_t *json)
{
    bool ok = true;
    if (!jinja_enter(r) || !jinja_spend(r, 1))
        return false;
    switch (json_typeof(json)) {
    case JSON_OBJECT: ok = dict_of(r, out, json); break;
    case JSON_ARRAY: ok = list_of(r, out, json); break;
    case JSON_STRING: *out = tainted(jinja_text(json_string_value(json), json_string_length(json))); break;
    case JSON_INTEGER: *out = tainted(jinja_int(json_integer_value(json))); break;
    case JSON_REAL: *out = tainted(jinja_float(json_real_value(json))); break;
    case JSON_TRUE: *out = tainted(jinja_bool(true)); break;
    case JSON_FALSE: *out = tainted(jinja_bool(false)); break;
    case JSON_NULL: *out = tainted(jinja_none()); break;
    }
    r->depth--;
    return ok;
}

/* A role that there is, is one of a few names and no text of the row. */
static void clear_role(Dict *message)
{
    static const char *const roles[] = {"system", "user", "assistant", "tool"};
    Pair *role = jinja_dict_name(message, "role", 4);
    for (int i = 0; role && i < COUNT(roles); i++)
        if (jinja_is_text(role->value, roles[i]))
            role->value.taint = NULL;
}

static bool check_messages(const json_t *messages, Err *err)
{
    if (!json_is_array(messages))
        return err_set(err, ERR_INPUT, "a chat is a list of messages");
    for (size_t i = 0; i < json_array_size(messages); i++)
        if (!json_is_object(json_array_get(messages, i)))
            return err_set(err, ERR_INPUT, "message %zu of a chat is no object", i + 1),
                   err_hint(err, "write {\"role\": ..., \"content\": ...}");
    return true;
}

/* Special tokens are the template's own, not a row's. */
static Value token_value(Run *r, const json_t *token)
{
    if (!json_is_array(token))
        return jinja_text(json_string_value(token), json_string_length(token));
    Seq *items = jinja_seq(r, json_array_size(token));
    for (size_t i = 0; i < json_array_size(token); i++)
        jinja_push(r, items, token_value(r, json_array_get(token, i)));
    return jinja_of_seq(V_LIST, items);
}

static bool render(const ChatTemplate *t, Run *r, const json_t *messages, bool add_generation_prompt)
{
    Value given[GIVEN] = {{0}};
    if (!value_of(r, &given[0], messages))
        return false;
    for (size_t i = 0; i < given[0].seq->n; i++)
        clear_role(given[0].seq->item[i].dict);
    given[1] = jinja_bool(add_generation_prompt);
    given[2] = jinja_literal(t->bos);
    given[3] = jinja_literal(t->eos);
    given[4] = given[5] = jinja_none(); /* as transformers passes them where there are none */
    r->scope = jinja_scope(r, NULL);
    const char *name;
    json_t *token;
    size_t n = 0;
    json_object_foreach(t->more, name, token) jinja_bind(r, r->scope, t->more_names[n++], token_value(r, token));
    for (int i = 0; i < GIVEN; i++)
        jinja_bind(r, r->scope, t->given[i], given[i]);
    return jinja_exec(r, t->body);
}

bool chat_render(const ChatTemplate *t, const json_t *messages, bool add_generation_prompt, int date, Tainted *out,
                 Err *err)
{
    if (!chat_template_check(t, err) || !check_messages(messages, err))
        return false;
    Pool pool = {0};
    Tainted text = {0};
    Run r = {.pool = &pool,
             .err = err,
             .names = &t->names,
             .line = 1,
             .date = date ? date : CHAT_DATE,
             .out = &text,
             .run_body = jinja_exec};
    bool ok = render(t, &r, messages, add_generation_prompt);
    if (ok)
        tainted_add(out, str_text(&text.text), text.text.n, tainted_taint(&text));
    tainted_release(&text);
    jinja_pool_release(&pool);
    return ok;
}
