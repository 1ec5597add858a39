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
    {"strip", "/ chars?", text_strip, STRIP_LEFT | STRIP_RIGHT},
    {"lstrip", "/ chars?", text_strip, STRIP_LEFT},
    {"rstrip", "/ chars?", text_strip, STRIP_RIGHT},
    {"upper", "/", text_case, CASE_UPPER},
    {"lower", "/", text_case, CASE_LOWER},
    {"title", "/", text_case, CASE_WORDS},
    {"capitalize", "/", text_case, CASE_CAPITAL},
    {"startswith", "/ prefix", text_affix, 0},
    {"endswith", "/ suffix", text_affix, AT_END},
    {"find", "/ sub", text_find, 0},
    {"count", "/ sub", text_count, 0},
    {"isdigit", "/", text_isdigit, 0},
    {"split", "sep? maxsplit?", text_split, 0},
    {"rsplit", "sep? maxsplit?", text_split, FROM_RIGHT},
    {"splitlines", "keepends?", text_splitlines, 0},
    {"replace", "/ old new count?", text_replace, 0},
    {"join", "/ iterable", text_join, 0},
    {"format", "*", jinja_format_fields, 0},
    {"removeprefix", "/ prefix", text_removeprefix, 0},
    {"removesuffix", "/ suffix", text_removesuffix, 0},
    {"casefold", NULL, NULL, 0},
    {"center", NULL, NULL, 0},
    {"encode", NULL, NULL, 0},
    {"expandtabs", NULL, NULL, 0},
    {"format_map", NULL, NULL, 0},
    {"index", NULL, NULL, 0},
    {"isalnum", NULL, NULL, 0},
    {"isalpha", NULL, NULL, 0},
    {"isascii", NULL, NULL, 0},
    {"isdecimal", NULL, NULL, 0},
    {"isidentifier", NULL, NULL, 0},
    {"islower", NULL, NULL, 0},
    {"isnumeric", NULL, NULL, 0},
    {"isprintable", NULL, NULL, 0},
    {"isspace", NULL, NULL, 0},
    {"istitle", NULL, NULL, 0},
    {"isupper", NULL, NULL, 0},
    {"ljust", NULL, NULL, 0},
    {"maketrans", NULL, NULL, 0},
    {"partition", NULL, NULL, 0},
    {"rfind", NULL, NULL, 0},
    {"rindex", NULL, NULL, 0},
    {"rjust", NULL, NULL, 0},
    {"rpartition", NULL, NULL, 0},
    {"swapcase", NULL, NULL, 0},
    {"translate", NULL, NULL, 0},
    {"zfill", NULL, NULL, 0},
};

static const Builtin dict_methods[] = {
    {"get", "/ key default?", dict_get, 0},
    {"items", "/", dict_view, 'i'},
    {"keys", "/", dict_view, 'k'},
    {"values", "/", dict_view, 'v'},
    {"copy", NULL, NULL, 0},
    {"fromkeys", NULL, NULL, 0},
    {"clear", hidden, NULL, 0},
    {"pop", hidden, NULL, 0},
    {"popitem", hidden, NULL, 0},
    {"setdefault", hidden, NULL, 0},
    {"update", hidden, NULL, 0},
};

static const Builtin list_methods[] = {
    {"copy", NULL, NULL, 0},     {"count", NULL, NULL, 0},     {"index", NULL, NULL, 0},    {"append", hidden, NULL, 0},
    {"clear", hidden, NULL, 0},  {"extend", hidden, NULL, 0},  {"insert", hidden, NULL, 0}, {"pop", hidden, NULL, 0},
    {"remove", hidden, NULL, 0}, {"reverse", hidden, NULL, 0}, {"sort", hidden, NULL, 0},
};

/* What tuples, ranges, views and numbers have: nothing that we do. */
static const Builtin other_methods[] = {
    {"count", NULL, NULL, 0},      {"index", NULL, NULL, 0},       {"start", NULL, NULL, 0},
    {"stop", NULL, NULL, 0},       {"step", NULL, NULL, 0},        {"isdisjoint", NULL, NULL, 0},
    {"mapping", NULL, NULL, 0},    {"real", NULL, NULL, 0},        {"imag", NULL, NULL, 0},
    {"numerator", NULL, NULL, 0},  {"denominator", NULL, NULL, 0}, {"as_integer_ratio", NULL, NULL, 0},
    {"bit_count", NULL, NULL, 0},  {"bit_length", NULL, NULL, 0},  {"conjugate", NULL, NULL, 0},
    {"from_bytes", NULL, NULL, 0}, {"to_bytes", NULL, NULL, 0},    {"is_integer", NULL, NULL, 0},
    {"hex", NULL, NULL, 0},        {"fromhex", NULL, NULL, 0},
};

static const Builtin loop_methods[] = {{"cycle", "*", jinja_loop_cycle, 0}, {"changed", "*", jinja_loop_changed, 0}};

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
