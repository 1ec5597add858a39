/* Truth, length, items, equality, order, membership and sorting, as Python has them. */
#include "text/jinja/compare.h"

#include "text/jinja/text.h"

bool jinja_truth(Value v)
{
    switch (v.kind) {
    case V_ABSENT:
    case V_UNDEFINED:
    case V_NONE: return false;
    case V_BOOL: return v.yes;
    case V_INT: return v.i != 0;
    case V_FLOAT: return v.f != 0;
    case V_TEXT: return v.n > 0;
    case V_LIST:
    case V_TUPLE:
    case V_RANGE:
    case V_VIEW: return v.seq->n > 0;
    case V_DICT: return v.dict->n > 0;
    default: return true;
    }
}

bool jinja_length(Run *r, size_t *out, Value v)
{
    switch (v.kind) {
    case V_UNDEFINED: *out = 0; return true;
    case V_TEXT: *out = jinja_chars(v); return jinja_spend(r, v.n / 64);
    case V_LIST:
    case V_TUPLE:
    case V_RANGE:
    case V_VIEW: *out = v.seq->n; return true;
    case V_DICT: *out = v.dict->n; return true;
    default: return jinja_fail_value(r, "there is no length of", v);
    }
}

/* --- items ------------------------------------------------------------------------------------------- */

static bool characters(Run *r, Seq **out, Value text)
{
    if (!jinja_room(r, text.n, sizeof(Value)))
        return false;
    *out = jinja_seq(r, jinja_chars(text));
    for (size_t i = 0, k; i < text.n; i += k) {
        k = jinja_char(text.s + i, text.n - i);
        jinja_push(r, *out, jinja_part(text, i, k));
    }
    return jinja_spend(r, (*out)->n);
}

static Seq *keys(Run *r, const Dict *d)
{
    Seq *q = jinja_seq(r, d->n);
    for (size_t i = 0; i < d->n; i++)
        jinja_push(r, q, d->pair[i].key);
    return q;
}

bool jinja_iterate(Run *r, Seq **out, Value v)
{
    switch (v.kind) {
    case V_ITER: *out = v.seq; return true;
    case V_LIST:
    case V_TUPLE:
    case V_RANGE:
    case V_VIEW:
        *out = jinja_alloc(r->pool, 1, sizeof **out);
        **out = (Seq){.item = v.seq->item, .n = v.seq->n, .cap = v.seq->n};
        return true;
    case V_TEXT: return characters(r, out, v);
    case V_DICT: *out = keys(r, v.dict); return jinja_spend(r, v.dict->n);
    case V_UNDEFINED: *out = jinja_seq(r, 0); return true;
    default: return jinja_fail_value(r, "cannot walk through", v);
    }
}

bool jinja_collect(Run *r, Seq **out, Value v)
{
    Seq *from;
    if (!jinja_iterate(r, &from, v))
        return false;
    size_t n = from->n - from->at;
    if (!jinja_room(r, n, sizeof(Value)) || !jinja_spend(r, n))
        return false;
    *out = jinja_seq(r, n);
    if (n)
        memcpy((*out)->item, from->item + from->at, n * sizeof(Value));
    (*out)->n = n;
    from->at = from->n;
    return true;
}

/* --- equality ---------------------------------------------------------------------------------------- */

static bool equal_seqs(Run *r, bool *out, const Seq *a, const Seq *b)
{
    *out = a->n == b->n;
    for (size_t i = 0; *out && i < a->n; i++)
        if (!jinja_equal(r, out, a->item[i], b->item[i]))
            return false;
    return true;
}

static bool equal_dicts(Run *r, bool *out, const Dict *a, const Dict *b)
{
    *out = a->n == b->n;
    for (size_t i = 0; *out && i < a->n; i++) {
        const Pair *other = jinja_dict_find(b, a->pair[i].key);
        *out = other != NULL;
        if (other && !jinja_equal(r, out, a->pair[i].value, other->value))
            return false;
    }
    return true;
}

bool jinja_equal(Run *r, bool *out, Value a, Value b)
{
    long double x, y;
    *out = false;
    if (!jinja_enter(r) || !jinja_spend(r, 1))
        return false;
    bool ok = true;
    if (jinja_number(a, &x) && jinja_number(b, &y))
        *out = x == y;
    else if (a.kind == b.kind)
        switch (a.kind) {
        case V_TEXT: *out = a.n == b.n && memcmp(a.s, b.s, a.n) == 0; break;
        case V_LIST:
        case V_TUPLE:
        case V_RANGE: ok = equal_seqs(r, out, a.seq, b.seq); break;
        case V_DICT: ok = equal_dicts(r, out, a.dict, b.dict); break;
        case V_VIEW:
        case V_METHOD: ok = jinja_fail_value(r, "there is no comparison of", a); break;
        case V_UNDEFINED:
        case V_NONE: *out = true; break;
        default: *out = a.seq == b.seq; break; /* the same object */
        }
    r->depth--;
    return ok;
}

/* --- order ------------------------------------------------------------------------------------------- */

static bool fail_order(Run *r, Value a, Value b)
{
    if (a.kind == V_UNDEFINED || b.kind == V_UNDEFINED)
        return jinja_fail_undefined(r, a.kind == V_UNDEFINED ? a : b);
    return jinja_fail(r, "there is no order between %s and %s", jinja_kind_name(a), jinja_kind_name(b));
}

/* *out becomes negative, zero or positive; *known is false beside a NaN, where every order is false. */
static bool order(Run *r, int *out, bool *known, Value a, Value b)
{
    long double x, y;
    *known = true;
    *out = 0;
    if (jinja_number(a, &x) && jinja_number(b, &y)) {
        *known = x == x && y == y;
        *out = (x > y) - (x < y);
        return true;
    }
    if (a.kind == V_TEXT && b.kind == V_TEXT) { /* UTF-8 sorts like its code points */
        size_t n = a.n < b.n ? a.n : b.n;
        *out = n ? memcmp(a.s, b.s, n) : 0;
        if (!*out)
            *out = (a.n > b.n) - (a.n < b.n);
        return jinja_spend(r, n / 64);
    }
    if (a.kind != b.kind || (a.kind != V_LIST && a.kind != V_TUPLE))
        return fail_order(r, a, b);
    if (!jinja_enter(r))
        return false;
    size_t n = a.seq->n < b.seq->n ? a.seq->n : b.seq->n;
    for (size_t i = 0; i < n; i++) {
        bool same;
        if (!jinja_equal(r, &same, a.seq->item[i], b.seq->item[i]))
            return false;
        if (!same) {
            bool ok = order(r, out, known, a.seq->item[i], b.seq->item[i]);
            r->depth--;
            return ok;
        }
    }
    *out = (a.seq->n > b.seq->n) - (a.seq->n < b.seq->n);
    r->depth--;
    return true;
}

/* --- membership -------------------------------------------------------------------------------------- */

static bool contains(Run *r, bool *out, Value item, Value in)
{
    *out = false;
    if (in.kind == V_TEXT) {
        if (item.kind != V_TEXT)
            return jinja_fail_value(r, "a text is searched for a text, not for", item);
        size_t at;
        *out = jinja_find_text(in.s, in.n, item.s, item.n, &at);
        return jinja_spend(r, in.n / 64);
    }
    if (in.kind == V_DICT) {
        if (!jinja_hashable(item))
            return jinja_fail_value(r, "a key of a dict cannot be", item);
        *out = jinja_dict_find(in.dict, item) != NULL;
        return true;
    }
    Seq *walk;
    if (in.kind == V_NAMESPACE || !jinja_iterate(r, &walk, in))
        return jinja_fail_value(r, "there is nothing in", in);
    while (!*out && walk->at < walk->n)
        if (!jinja_equal(r, out, walk->item[walk->at++], item))
            return false;
    return true;
}

bool jinja_compare(Run *r, bool *out, Op op, Value a, Value b)
{
    int sign;
    bool known;
    switch (op) {
    case OP_EQ: return jinja_equal(r, out, a, b);
    case OP_NE:
        if (!jinja_equal(r, out, a, b))
            return false;
        *out = !*out;
        return true;
    case OP_IN: return contains(r, out, a, b);
    case OP_NOT_IN:
        if (!contains(r, out, a, b))
            return false;
        *out = !*out;
        return true;
    default: break;
    }
    *out = false;
    if (!order(r, &sign, &known, a, b))
        return false;
    *out = known && (op == OP_LT ? sign < 0 : op == OP_LE ? sign <= 0 : op == OP_GT ? sign > 0 : sign >= 0);
    return true;
}

/* --- sorting ----------------------------------------------------------------------------------------- */

/* Merges the sorted runs [from, middle) and [middle, to) of the places in `in` into `out`. */
static bool merge(Run *r, const Seq *keys, const size_t *in, size_t *out, const size_t bound[3], bool reverse)
{
    size_t i = bound[0], j = bound[1];
    for (size_t k = bound[0]; k < bound[2]; k++) {
        bool take_right = i == bound[1];
        if (i < bound[1] && j < bound[2]) {
            Value left = keys->item[in[i]], right = keys->item[in[j]];
            if (!jinja_spend(r, 1) || !jinja_compare(r, &take_right, reverse ? OP_GT : OP_LT, right, left))
                return false;
        }
        out[k] = take_right ? in[j++] : in[i++];
    }
    return true;
}

bool jinja_sort(Run *r, Seq *items, Seq *keys, bool reverse)
{
    size_t n = keys->n, *place = jinja_alloc(r->pool, n, sizeof *place);
    size_t *spare = jinja_alloc(r->pool, n, sizeof *spare);
    for (size_t i = 0; i < n; i++)
        place[i] = i;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t from = 0; from < n; from += 2 * width) {
            size_t middle = from + width < n ? from + width : n;
            size_t to = middle + width < n ? middle + width : n;
            if (!merge(r, keys, place, spare, (size_t[3]){from, middle, to}, reverse))
                return false;
        }
        size_t *swap = place;
        place = spare, spare = swap;
    }
    Value *item = jinja_alloc(r->pool, n, sizeof *item), *key = jinja_alloc(r->pool, n, sizeof *key);
    for (size_t i = 0; i < n; i++)
        item[i] = items->item[place[i]], key[i] = keys->item[place[i]];
    items->item = item;
    keys->item = key;
    return true;
}
