/* Methods of texts and dicts, and the names of those that we do not have. */
#include "text/jinja/methods.h"

#include "text/jinja/compare.h"
#include "text/jinja/format.h"
#include "text/jinja/loop.h"
#include "text/jinja/print.h"
#include "text/jinja/text.h"

/* --- texts ------------------------------------------------------------------------------------------- */

static bool strip_sides(Run *r, Value *out, Call *c, int sides)
{
    Value chars = c->arg[0];
    if (chars.kind != V_ABSENT && chars.kind != V_NONE && !jinja_want_text(r, chars, "strip() needs a text, not"))
        return false;
    if (c->self.flag && chars.kind == V_TEXT)
        return jinja_fail(r, "strip() of certain characters from text marked as safe is not supported");
    *out = jinja_strip(c->self, chars, sides);
    return jinja_spend(r, c->self.n / 64 * (chars.kind == V_TEXT ? chars.n + 1 : 1));
}

static bool text_strip(Run *r, Value *out, Call *c)
{
    return strip_sides(r, out, c, STRIP_LEFT | STRIP_RIGHT);
}

static bool text_lstrip(Run *r, Value *out, Call *c)
{
    return strip_sides(r, out, c, STRIP_LEFT);
}

static bool text_rstrip(Run *r, Value *out, Call *c)
{
    return strip_sides(r, out, c, STRIP_RIGHT);
}

static bool split(Run *r, Value *out, Call *c, bool from_right)
{
    Seq *parts;
    int64_t most = -1;
    Value separator = c->arg[0];
    if (separator.kind != V_ABSENT && separator.kind != V_NONE &&
        !jinja_want_text(r, separator, "split() needs a text, not"))
        return false;
    if (c->arg[1].kind != V_ABSENT && !jinja_want_int(r, &most, c->arg[1], "split() needs a number, not"))
        return false;
    if (!jinja_unmarked(r, c) || !jinja_split(r, &parts, c->self, separator, most, from_right))
        return false;
    *out = jinja_of_seq(V_LIST, parts);
    return true;
}

static bool text_split(Run *r, Value *out, Call *c)
{
    return split(r, out, c, false);
}

static bool text_rsplit(Run *r, Value *out, Call *c)
{
    return split(r, out, c, true);
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

/* Does the text begin, or end, with the argument, or with one of a tuple? */
static bool affix(Run *r, Value *out, Call *c, bool at_end)
{
    Value what = c->arg[0];
    Seq one = {.item = &what, .n = 1};
    const Seq *any = what.kind == V_TUPLE ? what.seq : &one;
    *out = jinja_bool(false);
    for (size_t i = 0; i < any->n && !out->yes; i++) {
        if (!jinja_want_text(r, any->item[i], "a text begins or ends with a text, not with"))
            return false;
        out->yes = has_affix(c->self, any->item[i], at_end);
    }
    return jinja_spend(r, any->n);
}

static bool text_startswith(Run *r, Value *out, Call *c)
{
    return affix(r, out, c, false);
}

static bool text_endswith(Run *r, Value *out, Call *c)
{
    return affix(r, out, c, true);
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

static bool text_upper(Run *r, Value *out, Call *c)
{
    return jinja_case(r, out, c->self, CASE_UPPER);
}

static bool text_lower(Run *r, Value *out, Call *c)
{
    return jinja_case(r, out, c->self, CASE_LOWER);
}

static bool text_capitalize(Run *r, Value *out, Call *c)
{
    return jinja_case(r, out, c->self, CASE_CAPITAL);
}

static bool text_title(Run *r, Value *out, Call *c)
{
    return jinja_case(r, out, c->self, CASE_WORDS);
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

static bool view(Run *r, Value *out, Call *c, char what)
{
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

static bool dict_items(Run *r, Value *out, Call *c)
{
    return view(r, out, c, 'i');
}

static bool dict_keys(Run *r, Value *out, Call *c)
{
    return view(r, out, c, 'k');
}

static bool dict_values(Run *r, Value *out, Call *c)
{
    return view(r, out, c, 'v');
}

/* --- tables ------------------------------------------------------------------------------------------ */

static const char hidden[] = "the sandbox has no methods that change a value";

static const Builtin text_methods[] = {
    {"strip", "/ chars?", text_strip},
    {"lstrip", "/ chars?", text_lstrip},
    {"rstrip", "/ chars?", text_rstrip},
    {"upper", "/", text_upper},
    {"lower", "/", text_lower},
    {"title", "/", text_title},
    {"capitalize", "/", text_capitalize},
    {"startswith", "/ prefix", text_startswith},
    {"endswith", "/ suffix", text_endswith},
    {"find", "/ sub", text_find},
    {"count", "/ sub", text_count},
    {"isdigit", "/", text_isdigit},
    {"split", "sep? maxsplit?", text_split},
    {"rsplit", "sep? maxsplit?", text_rsplit},
    {"splitlines", "keepends?", text_splitlines},
    {"replace", "/ old new count?", text_replace},
    {"join", "/ iterable", text_join},
    {"format", "*", jinja_format_fields},
    {"removeprefix", "/ prefix", text_removeprefix},
    {"removesuffix", "/ suffix", text_removesuffix},
    {"casefold", NULL, NULL},
    {"center", NULL, NULL},
    {"encode", NULL, NULL},
    {"expandtabs", NULL, NULL},
    {"format_map", NULL, NULL},
    {"index", NULL, NULL},
    {"isalnum", NULL, NULL},
    {"isalpha", NULL, NULL},
    {"isascii", NULL, NULL},
    {"isdecimal", NULL, NULL},
    {"isidentifier", NULL, NULL},
    {"islower", NULL, NULL},
    {"isnumeric", NULL, NULL},
    {"isprintable", NULL, NULL},
    {"isspace", NULL, NULL},
    {"istitle", NULL, NULL},
    {"isupper", NULL, NULL},
    {"ljust", NULL, NULL},
    {"maketrans", NULL, NULL},
    {"partition", NULL, NULL},
    {"rfind", NULL, NULL},
    {"rindex", NULL, NULL},
    {"rjust", NULL, NULL},
    {"rpartition", NULL, NULL},
    {"swapcase", NULL, NULL},
    {"translate", NULL, NULL},
    {"zfill", NULL, NULL},
};

static const Builtin dict_methods[] = {
    {"get", "/ key default?", dict_get},
    {"items", "/", dict_items},
    {"keys", "/", dict_keys},
    {"values", "/", dict_values},
    {"copy", NULL, NULL},
    {"fromkeys", NULL, NULL},
    {"clear", hidden, NULL},
    {"pop", hidden, NULL},
    {"popitem", hidden, NULL},
    {"setdefault", hidden, NULL},
    {"update", hidden, NULL},
};

static const Builtin list_methods[] = {
    {"copy", NULL, NULL},     {"count", NULL, NULL},     {"index", NULL, NULL},    {"append", hidden, NULL},
    {"clear", hidden, NULL},  {"extend", hidden, NULL},  {"insert", hidden, NULL}, {"pop", hidden, NULL},
    {"remove", hidden, NULL}, {"reverse", hidden, NULL}, {"sort", hidden, NULL},
};

/* What tuples, ranges, views and numbers have: nothing that we do. */
static const Builtin other_methods[] = {
    {"count", NULL, NULL},      {"index", NULL, NULL},       {"start", NULL, NULL},
    {"stop", NULL, NULL},       {"step", NULL, NULL},        {"isdisjoint", NULL, NULL},
    {"mapping", NULL, NULL},    {"real", NULL, NULL},        {"imag", NULL, NULL},
    {"numerator", NULL, NULL},  {"denominator", NULL, NULL}, {"as_integer_ratio", NULL, NULL},
    {"bit_count", NULL, NULL},  {"bit_length", NULL, NULL},  {"conjugate", NULL, NULL},
    {"from_bytes", NULL, NULL}, {"to_bytes", NULL, NULL},    {"is_integer", NULL, NULL},
    {"hex", NULL, NULL},        {"fromhex", NULL, NULL},
};

static const Builtin loop_methods[] = {{"cycle", "*", jinja_loop_cycle}, {"changed", "*", jinja_loop_changed}};

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
