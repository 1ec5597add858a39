/* Methods of texts and dicts, and the names of those that we do not have. */
#include "text/jinja/methods.h"

#include "text/jinja/compare.h"
#include "text/jinja/format.h"
#include "text/jinja/loop.h"
#include "text/jinja/print.h"
#include "text/jinja/text.h"

/* --- texts ------------------------------------------------------------------------------------------- */

static bool text_strip(Run *r, Value *out, Call *c)
{
    Value chars = c->arg[0];
    if (chars.kind != V_ABSENT && chars.kind != V_NONE && !jinja_want_text(r, chars, "strip() needs a text, not"))
        return false;
    if (c->self.flag && chars.kind == V_TEXT)
        return jinja_fail(r, "strip() of certain characters from text marked as safe is not supported");
    *out = jinja_strip(c->self, chars, c->how);
    return jinja_spend(r, c->self.n / 64 * (chars.kind == V_TEXT ? chars.n + 1 : 1));
}

enum { FROM_RIGHT = 1 };

static bool text_split(Run *r, Value *out, Call *c)
{
    Seq *parts;
    int64_t most = -1;
    Value separator = c->arg[0];
    if (separator.kind != V_ABSENT && separator.kind != V_NONE &&
        !jinja_want_text(r, separator, "split() needs a text, not"))
        return false;
    if (c->arg[1].kind != V_ABSENT && !jinja_want_int(r, &most, c->arg[1], "split() needs a number, not"))
        return false;
    if (!jinja_unmarked(r, c) || !jinja_split(r, &parts, c->self, separator, most, c->how == FROM_RIGHT))
        return false;
    *out = jinja_of_seq(V_LIST, parts);
    return true;
}

static bool text_splitlines(Run *r, Value *out, Call *c)
{
    Seq *parts;
    if (!jinja_unmarked(r, c) || !jinja_lines(r, &parts, c->self, jinja_truth(c->arg[0])))
        return false;
    *out = jinja_of_seq(V_LIST, parts);
    return true;
}

static bool has_affix(Value text, Value affix, bool at_end)
{
    return text.n >= affix.n && memcmp(text.s + (at_end ? text.n - affix.n : 0), affix.s, affix.n) == 0;
}

enum { AT_END = 1 };

/* Does the text begin, or end, with the argument, or with one of a tuple? */
static bool text_affix(Run *r, Value *out, Call *c)
{
    Value what = c->arg[0];
    Seq one = {.item = &what, .n = 1};
    const Seq *any = what.kind == V_TUPLE ? what.seq : &one;
    *out = jinja_bool(false);
    for (size_t i = 0; i < any->n && !out->yes; i++) {
        if (!jinja_want_text(r, any->item[i], "a text begins or ends with a text, not with"))
            return false;
        out->yes = has_affix(c->self, any->item[i], c->how == AT_END);
    }
    return jinja_spend(r, any->n);
}

static bool text_removeprefix(Run *r, Value *out, Call *c)
{
    if (!jinja_unmarked(r, c) || !jinja_want_text(r, c->arg[0], "removeprefix() needs a text, not"))
        return false;
    size_t n = has_affix(c->self, c->arg[0], false) ? c->arg[0].n : 0;
    *out = jinja_part(c->self, n, c->self.n - n);
    return true;
}

static bool text_removesuffix(Run *r, Value *out, Call *c)
{
    if (!jinja_unmarked(r, c) || !jinja_want_text(r, c->arg[0], "removesuffix() needs a text, not"))
        return false;
    size_t n = has_affix(c->self, c->arg[0], true) ? c->arg[0].n : 0;
    *out = jinja_part(c->self, 0, c->self.n - n);
    return true;
}

static bool text_find(Run *r, Value *out, Call *c)
{
    size_t at;
    if (!jinja_want_text(r, c->arg[0], "find() needs a text, not"))
        return false;
    bool found = jinja_find_text(c->self.s, c->self.n, c->arg[0].s, c->arg[0].n, &at);
    *out = jinja_int(found ? (int64_t)jinja_chars(jinja_text(c->self.s, at)) : -1);
    return jinja_spend(r, c->self.n / 64);
}

static bool text_count(Run *r, Value *out, Call *c)
{
    Value part = c->arg[0];
    int64_t count = 0;
    if (!jinja_want_text(r, part, "count() needs a text, not"))
        return false;
    if (!part.n)
        count = (int64_t)jinja_chars(c->self) + 1;
    for (size_t i = 0, at; part.n && jinja_find_text(c->self.s + i, c->self.n - i, part.s, part.n, &at); count++)
        i += at + part.n;
    *out = jinja_int(count);
    return jinja_spend(r, c->self.n / 64 + (size_t)count);
}

static bool text_replace(Run *r, Value *out, Call *c)
{
    int64_t most = -1;
    if (!jinja_unmarked(r, c) || !jinja_want_text(r, c->arg[0], "replace() needs texts, not") ||
        !jinja_want_text(r, c->arg[1], "replace() needs texts, not") ||
        (c->arg[2].kind != V_ABSENT && !jinja_want_int(r, &most, c->arg[2], "replace() needs a number, not")))
        return false;
    return jinja_replace(r, out, c->self, c->arg[0], c->arg[1], most);
}

static bool text_join(Run *r, Value *out, Call *c)
{
    Seq *items;
    Tainted s = {0};
    bool ok = jinja_unmarked(r, c) && jinja_iterate(r, &items, c->arg[0]);
    for (bool first = true; ok && items->at < items->n; first = false) {
        Value v = items->item[items->at++];
        tainted_add(&s, c->self.s, first ? 0 : c->self.n, c->self.taint);
        ok = jinja_want_text(r, v, "join() needs texts, not") && jinja_room(r, s.text.n + v.n, 1) && jinja_spend(r, 1);
        if (ok)
            tainted_add(&s, v.s, v.n, v.taint);
    }
    return jinja_take(r, out, &s, ok);
}

static bool text_case(Run *r, Value *out, Call *c)
{
    return jinja_case(r, out, c->self, (Case)c->how);
}

static bool text_isdigit(Run *r, Value *out, Call *c)
{
    bool yes;
    if (!jinja_digits(r, &yes, c->self))
        return false;
    *out = jinja_bool(yes);
    return true;
}

/* --- dicts ------------------------------------------------------------------------------------------- */

static bool dict_get(Run *r, Value *out, Call *c)
{
    if (!jinja_hashable(c->arg[0]))
        return jinja_fail_value(r, "a key of a dict cannot be", c->arg[0]);
    const Pair *pair = jinja_dict_find(c->self.dict, c->arg[0]);
    *out = pair ? pair->value : c->arg[1].kind == V_ABSENT ? jinja_none() : c->arg[1];
    return true;
}

/* how: 'k', 'v' or 'i', as a V_VIEW's flag */
static bool dict_view(Run *r, Value *out, Call *c)
{
    int what = c->how;
    const Dict *d = c->self.dict;
    Seq *items = jinja_seq(r, d->n);
    for (size_t i = 0; i < d->n; i++) {
        Seq *pair = what == 'i' ? jinja_seq(r, 2) : NULL;
        if (pair) {
            jinja_push(r, pair, d->pair[i].key);
            jinja_push(r, pair, d->pair[i].value);
        }
        jinja_push(r, items, pair ? jinja_of_seq(V_TUPLE, pair) : what == 'k' ? d->pair[i].key : d->pair[i].value);
    }
    *out = jinja_of_seq(V_VIEW, items);
    out->flag = (unsigned char)what;
    return jinja_spend(r, d->n);
}

/* --- tables ------------------------------------------------------------------------------------------ */

static const char hidden[] = "the sandbox has no methods that change a value";

static const Builtin text_methods[] = {
    {"strip", "/ chars?", .fn = text_strip, .how = STRIP_LEFT | STRIP_RIGHT},
    {"lstrip", "/ chars?", .fn = text_strip, .how = STRIP_LEFT},
    {"rstrip", "/ chars?", .fn = text_strip, .how = STRIP_RIGHT},
    {"upper", "/", .fn = text_case, .how = CASE_UPPER},
    {"lower", "/", .fn = text_case, .how = CASE_LOWER},
    {"title", "/", .fn = text_case, .how = CASE_WORDS},
    {"capitalize", "/", .fn = text_case, .how = CASE_CAPITAL},
    {"startswith", "/ prefix", .fn = text_affix},
    {"endswith", "/ suffix", .fn = text_affix, .how = AT_END},
    {"find", "/ sub", .fn = text_find},
    {"count", "/ sub", .fn = text_count},
    {"isdigit", "/", .fn = text_isdigit},
    {"split", "sep? maxsplit?", .fn = text_split},
    {"rsplit", "sep? maxsplit?", .fn = text_split, .how = FROM_RIGHT},
    {"splitlines", "keepends?", .fn = text_splitlines},
    {"replace", "/ old new count?", .fn = text_replace},
    {"join", "/ iterable", .fn = text_join},
    {"format", "*", .fn = jinja_format_fields},
    {"removeprefix", "/ prefix", .fn = text_removeprefix},
    {"removesuffix", "/ suffix", .fn = text_removesuffix},
    {.name = "casefold"},
    {.name = "center"},
    {.name = "encode"},
    {.name = "expandtabs"},
    {.name = "format_map"},
    {.name = "index"},
    {.name = "isalnum"},
    {.name = "isalpha"},
    {.name = "isascii"},
    {.name = "isdecimal"},
    {.name = "isidentifier"},
    {.name = "islower"},
    {.name = "isnumeric"},
    {.name = "isprintable"},
    {.name = "isspace"},
    {.name = "istitle"},
    {.name = "isupper"},
    {.name = "ljust"},
    {.name = "maketrans"},
    {.name = "partition"},
    {.name = "rfind"},
    {.name = "rindex"},
    {.name = "rjust"},
    {.name = "rpartition"},
    {.name = "swapcase"},
    {.name = "translate"},
    {.name = "zfill"},
};

static const Builtin dict_methods[] = {
    {"get", "/ key default?", .fn = dict_get},
    {"items", "/", .fn = dict_view, .how = 'i'},
    {"keys", "/", .fn = dict_view, .how = 'k'},
    {"values", "/", .fn = dict_view, .how = 'v'},
    {.name = "copy"},
    {.name = "fromkeys"},
    {"clear", .params = hidden},
    {"pop", .params = hidden},
    {"popitem", .params = hidden},
    {"setdefault", .params = hidden},
    {"update", .params = hidden},
};

static const Builtin list_methods[] = {
    {.name = "copy"},
    {.name = "count"},
    {.name = "index"},
    {"append", .params = hidden},
    {"clear", .params = hidden},
    {"extend", .params = hidden},
    {"insert", .params = hidden},
    {"pop", .params = hidden},
    {"remove", .params = hidden},
    {"reverse", .params = hidden},
    {"sort", .params = hidden},
};

/* What tuples, ranges, views and numbers have: nothing that we do. */
static const Builtin other_methods[] = {
    {.name = "count"},     {.name = "index"},      {.name = "start"},       {.name = "stop"},
    {.name = "step"},      {.name = "isdisjoint"}, {.name = "mapping"},     {.name = "real"},
    {.name = "imag"},      {.name = "numerator"},  {.name = "denominator"}, {.name = "as_integer_ratio"},
    {.name = "bit_count"}, {.name = "bit_length"}, {.name = "conjugate"},   {.name = "from_bytes"},
    {.name = "to_bytes"},  {.name = "is_integer"}, {.name = "hex"},         {.name = "fromhex"},
};

static const Builtin loop_methods[] = {{"cycle", "*", .fn = jinja_loop_cycle},
                                       {"changed", "*", .fn = jinja_loop_changed}};

const Builtin *jinja_method(Value self, const char *name, size_t n)
{
    switch (self.kind) {
    case V_TEXT: return jinja_find(text_methods, COUNT(text_methods), name, n);
    case V_DICT: return jinja_find(dict_methods, COUNT(dict_methods), name, n);
    case V_LIST: return jinja_find(list_methods, COUNT(list_methods), name, n);
    case V_LOOP: return jinja_find(loop_methods, COUNT(loop_methods), name, n);
    case V_TUPLE:
    case V_RANGE:
    case V_VIEW:
    case V_BOOL:
    case V_INT:
    case V_FLOAT: return jinja_find(other_methods, COUNT(other_methods), name, n);
    default: return NULL;
    }
}
