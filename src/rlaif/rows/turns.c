/* The turns of a conversation as rows hold them: a content is a text, or a list of parts that are texts. */
#include "rlaif/rows/turns.h"

#include "base/mem.h"

/* The text of a turn whose content is a list of parts, [{"type": "text", "text": "..."}, ...]: theirs, one behind the other.
 * NULL where one is no text. */
static json_t *join_parts(const json_t *parts, Err *err)
{
    Str s = {0};
    size_t i;
    json_t *part, *joined = NULL;
    bool ok = json_array_size(parts) > 0 || err_set(err, ERR_INPUT, "\"content\" is an empty list");
    json_array_foreach((json_t *)(uintptr_t)parts, i, part)
    {
        const char *type = json_text_of(part, "type"), *text = json_text_of(part, "text");
        if (ok && (!type || strcmp(type, "text") != 0))
            ok = err_set(err, ERR_INPUT, "part %zu of \"content\" is %s%s%s, only text can be read", i + 1,
                         type ? "\"" : "of no ", type ? type : "type", type ? "\"" : "");
        else if (ok && !text)
            ok = err_set(err, ERR_INPUT, "part %zu of \"content\" has no \"text\"", i + 1);
        if (ok)
            str_addn(&s, text, json_string_length(json_object_get(part, "text")));
    }
    if (ok)
        joined = json_stringn(str_text(&s), s.n);
    str_release(&s);
    return joined;
}

/* The roles, and what judges read before such a turn. */
static const struct {
    const char *role, *speaker;
} roles[] = {{"system", "System"}, {"user", "Human"}, {"assistant", "Assistant"}, {"tool", "Tool"}};

const char *turn_speaker(const json_t *turn)
{
    const char *role = json_text_of(turn, "role");
    int i = 0;
    while (strcmp(roles[i].role, role) != 0)
        i++;
    return roles[i].speaker;
}

/* What ShareGPT calls the role of a name, else the name; NULL: it is none of the roles. */
static const char *role_named(const char *name)
{
    name = strcmp(name, "human") == 0 ? "user" : strcmp(name, "gpt") == 0 ? "assistant" : name;
    for (int i = 0; i < COUNT(roles); i++)
        if (strcmp(roles[i].role, name) == 0)
            return name;
    return NULL;
}

/* Of a turn: its role by whichever name. */
static const char *role_of(const json_t *t)
{
    const char *role = json_text_of(t, "role");
    return role ? role : json_text_of(t, "from");
}

/* A copy of a turn without the fields that are null, which templates would take for given, and with our names of fields and
 * roles. */
static json_t *copy_turn(const json_t *t, const char *role, json_t *content)
{
    static const char *const renamed[] = {"role", "from", "content", "value"};
    json_t *copy = json_object(), *value;
    const char *name;
    json_object_set_new(copy, "role", json_string(role));
    json_object_set_new(copy, "content", content);
    json_object_foreach((json_t *)(uintptr_t)t, name, value)
    {
        bool kept = !json_is_null(value);
        for (int i = 0; i < COUNT(renamed); i++)
            kept = kept && strcmp(renamed[i], name) != 0;
        if (kept)
            json_object_set(copy, name, value);
    }
    return copy;
}

/* One turn with its content as a text, a copy. NULL where it has none. */
static json_t *read_turn(const json_t *t, Err *err)
{
    bool sharegpt = !json_field(t, "role") && json_field(t, "from");
    const char *named = role_of(t), *field = sharegpt ? "value" : "content";
    json_t *content = json_object_get(t, field), *text = NULL;
    if (!json_is_object(t))
        return err_set(err, ERR_INPUT, "it is no object"), NULL;
    if (!named)
        return err_set(err, ERR_INPUT, "it has no \"role\""), NULL;
    const char *role = role_named(named);
    if (!role) {
        err_set(err, ERR_INPUT, "its role is none of system, user, assistant, tool");
        return err_hint(err, "name its role so; of ShareGPT's, human and gpt are known"), NULL;
    }
    if (json_is_string(content))
        return copy_turn(t, role, json_incref(content));
    if (json_is_array(content))
        return (text = join_parts(content, err)) ? copy_turn(t, role, text) : NULL;
    err_set(err, ERR_INPUT, "its \"%s\" is %s", field,
            !content                ? "missing"
            : json_is_null(content) ? "null"
                                    : "neither a text nor a list of texts");
    if (json_field(t, "tool_calls"))
        err_hint(err,
                 "calls of tools are not read: write what the turn says as its \"content\", or leave such rows out");
    return NULL;
}

bool turns_are_no_text(const char *text, const char *name, Err *err)
{
    static const char *const begins[] = {"[{\"role\"",  "[{'role'",   "[{\"content\"",
                                         "[{'content'", "[{\"from\"", "[{'from'"};
    for (int i = 0; i < COUNT(begins); i++)
        if (str_starts(text, begins[i]) && str_ends(text, "}]"))
            return err_set(err, ERR_INPUT, "\"%s\" is turns written as a text", name),
                   err_hint(err, "write them as a list: the text is what json.dumps or str made of one");
    return true;
}

bool turns_read(const json_t *turns, const char *name, json_t **out, Err *err)
{
    static const char form[] = "a turn is {\"role\": \"user\", \"content\": \"...\"}";
    size_t i;
    json_t *t;
    *out = NULL;
    if (!json_is_array(turns) || json_array_size(turns) == 0)
        return err_set(err, ERR_INPUT, "\"%s\" is neither a text nor a list of turns", name), err_hint(err, form);
    *out = json_array();
    json_array_foreach((json_t *)(uintptr_t)turns, i, t)
    {
        json_t *read = read_turn(t, err);
        if (read) {
            json_array_append_new(*out, read);
            continue;
        }
        const char *role = role_of(t);
        err_context(err, "turn %zu%s%s%s of \"%s\"", i + 1, role ? " (" : "", role ? role : "", role ? ")" : "", name);
        json_decref(*out);
        *out = NULL;
        return err_hint(err, form);
    }
    return true;
}
