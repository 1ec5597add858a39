/* What a response answers: a text, or the turns of a conversation. */
#include "rlaif/rows/context.h"

#include "base/mem.h"
#include "rlaif/rows/transcript.h"
#include "rlaif/rows/turns.h"

void context_release(Context *c)
{
    free(c->text);
    json_decref(c->turns);
    free(c->plain);
    *c = (Context){0};
}

bool context_read(const json_t *value, const char *name, Context *c, Err *err)
{
    const char *text = json_string_value(value);
    if (!text)
        return turns_read(value, name, &c->turns, err);
    if (!turns_are_no_text(text, name, err))
        return false;
    c->turns = transcript_prompt(text);
    *(c->turns ? &c->plain : &c->text) = mem_str(text);
    return true;
}

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
    bool open = c->plain ? str_ends(c->plain, ":") : c->turns != NULL;
    return open && *text && !strchr(" \t\r\n", *text);
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
    str_add(&s, TRANSCRIPT_ASSISTANT);
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

static bool same_turn(const json_t *a, const json_t *b)
{
    return strcmp(json_text_of(a, "role"), json_text_of(b, "role")) == 0 &&
           strcmp(json_text_of(a, "content"), json_text_of(b, "content")) == 0;
}

bool turns_stand_at(const json_t *a, const json_t *b, size_t at)
{
    bool same = true;
    for (size_t i = 0; same && i < json_array_size(a); i++)
        same = same_turn(json_array_get(a, i), json_array_get(b, at + i));
    return same;
}

bool context_same(const Context *a, const Context *b)
{
    if ((!a->text && !a->turns) || (!b->text && !b->turns))
        return !a->text && !a->turns && !b->text && !b->turns;
    json_t *x = context_turns(a), *y = context_turns(b);
    bool same = json_array_size(x) == json_array_size(y) && turns_stand_at(x, y, 0);
    json_decref(x);
    json_decref(y);
    return same;
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
