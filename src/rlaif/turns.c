/* The turns of a conversation as rows hold them: a content is a text, or a list of parts that are texts. */
#include "rlaif/turns.h"

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

/* One turn with its content as a text: itself, or a copy. NULL where it has none. */
static json_t *read_turn(json_t *t, Err *err)
{
    const json_t *content = json_object_get(t, "content");
    if (!json_is_object(t))
        return err_set(err, ERR_INPUT, "it is no object"), NULL;
    if (!json_text_of(t, "role"))
        return err_set(err, ERR_INPUT, "it has no \"role\""), NULL;
    if (json_is_string(content))
        return json_incref(t);
    if (json_is_array(content)) {
        json_t *joined = join_parts(content, err), *copy = joined ? json_copy(t) : NULL;
        if (joined)
            json_object_set_new(copy, "content", joined);
        return copy;
    }
    err_set(err, ERR_INPUT, "its \"content\" is %s",
            !content                ? "missing"
            : json_is_null(content) ? "null"
                                    : "neither a text nor a list of texts");
    if (json_object_get(t, "tool_calls"))
        err_hint(err,
                 "calls of tools are not read: write what the turn says as its \"content\", or leave such rows out");
    return NULL;
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
        const char *role = json_text_of(t, "role");
        err_context(err, "turn %zu%s%s%s of \"%s\"", i + 1, role ? " (" : "", role ? role : "", role ? ")" : "", name);
        json_decref(*out);
        *out = NULL;
        return err_hint(err, form);
    }
    return true;
}
