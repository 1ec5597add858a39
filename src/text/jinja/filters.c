/* Filters of many values: sorting, choosing, mapping, joining; and, since `map` names other filters, the table of
 * all.
 *
 * What is a generator in Jinja is one here: it can be walked once. But its items are made at once, so that an
 * error in an item that nobody asks for is an error all the same. */
#include "text/jinja/filters.h"

#include "text/jinja/compare.h"
#include "text/jinja/filters_single.h"
#include "text/jinja/format.h"
#include "text/jinja/ops.h"
#include "text/jinja/print.h"
#include "text/jinja/tests.h"
#include "text/jinja/text.h"

/* --- keys of items ----------------------------------------------------------------------------------- */

/* One part of a path: digits are an index. */
static bool step(Run *r, Value *out, Value v, Value part)
{
    int64_t index = 0;
    bool number = part.n > 0;
    for (size_t i = 0; i < part.n; i++)
        number = number && part.s[i] >= '0' && part.s[i] <= '9';
    for (size_t i = 0; number && i < part.n; i++)
        if (__builtin_mul_overflow(index, 10, &index) || __builtin_add_overflow(index, part.s[i] - '0', &index))
            return jinja_fail(r, "an integer of more than 64 bits");
    return jinja_item(r, out, v, number ? jinja_int(index) : part);
}

/* What an `attribute` argument selects: "a.b.0" is item a, of it item b, of it item 0; an integer is one
 * item; none is the value itself. `otherwise` stands for what is undefined on the way. */
static bool follow(Run *r, Value *out, Value v, Value path, Value otherwise)
{
    bool fall_back = otherwise.kind != V_ABSENT && otherwise.kind != V_NONE;
    *out = v;
    if (path.kind == V_ABSENT || path.kind == V_NONE)
        return true;
    if (path.kind != V_TEXT) {
        bool ok = jinja_item(r, out, v, path);
        if (ok && fall_back && out->kind == V_UNDEFINED)
            *out = otherwise;
        return ok;
    }
    for (bool more = true; more;) {
        size_t at;
        more = jinja_find_text(path.s, path.n, ".", 1, &at);
        Value part = jinja_text(path.s, more ? at : path.n);
        if (!jinja_spend(r, 1) || !step(r, &v, v, part))
            return false;
        if (fall_back && v.kind == V_UNDEFINED)
            v = otherwise;
        path.s += more ? at + 1 : 0;
        path.n -= more ? at + 1 : 0;
    }
    *out = v;
    return true;
}

/* Texts compare without their case unless the filter is told otherwise. */
static bool fold_case(Run *r, Value *v, Value case_sensitive)
{
    return v->kind != V_TEXT || jinja_truth(case_sensitive) || jinja_case(r, v, *v, CASE_LOWER);
}

/* The key by which an item is sorted: a list with what each of the comma-separated paths selects. */
static bool sort_key(Run *r, Value *out, Value v, Value paths, Value case_sensitive)
{
    Seq *parts = jinja_seq(r, 1), *one = jinja_seq(r, 1);
    jinja_push(r, one, paths);
    if (paths.kind == V_TEXT && !jinja_split(r, &one, paths, jinja_literal(","), -1, false))
        return false;
    for (size_t i = 0; i < one->n; i++) {
        Value part;
        if (!follow(r, &part, v, one->item[i], (Value){0}) || !fold_case(r, &part, case_sensitive))
            return false;
        jinja_push(r, parts, part);
    }
    *out = jinja_of_seq(V_LIST, parts);
    return true;
}

/* --- sorting ----------------------------------------------------------------------------------------- */

static bool filter_sort(Run *r, Value *out, Call *c)
{
    Seq *items;
    if (!jinja_collect(r, &items, c->self))
        return false;
    Seq *keys = jinja_seq(r, items->n);
    for (size_t i = 0; i < items->n; i++) {
        Value key;
        if (!sort_key(r, &key, items->item[i], c->arg[2], c->arg[1]))
            return false;
        jinja_push(r, keys, key);
    }
    *out = jinja_of_seq(V_LIST, items);
    return jinja_sort(r, items, keys, jinja_truth(c->arg[0]));
}

static Value pair_of(Run *r, const Pair *pair)
{
    Seq *two = jinja_seq(r, 2);
    jinja_push(r, two, pair->key);
    jinja_push(r, two, pair->value);
    return jinja_of_seq(V_TUPLE, two);
}

static bool filter_dictsort(Run *r, Value *out, Call *c)
{
    bool by_value = jinja_is_text(c->arg[1], "value");
    if (c->self.kind != V_DICT)
        return jinja_fail_value(r, "dictsort needs a dict, not", c->self);
    if (!by_value && c->arg[1].kind != V_ABSENT && !jinja_is_text(c->arg[1], "key"))
        return jinja_fail(r, "dictsort sorts by key or value");
    const Dict *d = c->self.dict;
    Seq *items = jinja_seq(r, d->n), *keys = jinja_seq(r, d->n);
    for (size_t i = 0; i < d->n; i++) {
        Value key = by_value ? d->pair[i].value : d->pair[i].key;
        if (!fold_case(r, &key, c->arg[0]))
            return false;
        jinja_push(r, keys, key);
        jinja_push(r, items, pair_of(r, &d->pair[i]));
    }
    *out = jinja_of_seq(V_LIST, items);
    return jinja_sort(r, items, keys, jinja_truth(c->arg[2]));
}

static bool filter_unique(Run *r, Value *out, Call *c)
{
    Seq *items, *kept = jinja_seq(r, 0);
    Dict seen = {0};
    if (!jinja_collect(r, &items, c->self))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        Value key;
        if (!follow(r, &key, items->item[i], c->arg[1], (Value){0}) || !fold_case(r, &key, c->arg[0]))
            return false;
        if (!jinja_hashable(key))
            return jinja_fail_value(r, "unique cannot compare", key);
        if (!jinja_dict_find(&seen, key))
            jinja_push(r, kept, items->item[i]);
        if (!jinja_dict_put(r, &seen, key, jinja_none()))
            return false;
    }
    *out = jinja_of_seq(V_ITER, kept);
    return true;
}

/* The first item that is better than all, by c->how: OP_LT or OP_GT. */
static bool filter_extreme(Run *r, Value *out, Call *c)
{
    static const char why[] = "there is no item to choose from";
    Seq *items;
    Value best = {0};
    *out = jinja_undefined(WHY_HINT, why, sizeof why - 1);
    if (!jinja_collect(r, &items, c->self))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        Value key;
        bool take = i == 0;
        if (!follow(r, &key, items->item[i], c->arg[1], (Value){0}) || !fold_case(r, &key, c->arg[0]) ||
            (i > 0 && !jinja_compare(r, &take, (Op)c->how, key, best)))
            return false;
        if (take)
            best = key, *out = items->item[i];
    }
    return true;
}

static bool filter_sum(Run *r, Value *out, Call *c)
{
    Seq *items;
    *out = c->arg[1].kind == V_ABSENT ? jinja_int(0) : c->arg[1];
    if (out->kind == V_TEXT)
        return jinja_fail(r, "sum does not add texts: use join");
    if (!jinja_collect(r, &items, c->self))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        Value v;
        if (!follow(r, &v, items->item[i], c->arg[0], (Value){0}) || !jinja_binary(r, out, OP_ADD, *out, v))
            return false;
    }
    return true;
}

/* --- ends, order, length ----------------------------------------------------------------------------- */

static bool filter_length(Run *r, Value *out, Call *c)
{
    size_t n;
    if (!jinja_length(r, &n, c->self))
        return false;
    *out = jinja_int((int64_t)n);
    return true;
}

static bool filter_list(Run *r, Value *out, Call *c)
{
    Seq *items;
    if (!jinja_collect(r, &items, c->self))
        return false;
    *out = jinja_of_seq(V_LIST, items);
    return true;
}

static bool filter_first(Run *r, Value *out, Call *c)
{
    static const char why[] = "there is no first item: the sequence is empty";
    Seq *items;
    *out = jinja_undefined(WHY_HINT, why, sizeof why - 1);
    if (!jinja_iterate(r, &items, c->self))
        return false;
    if (items->at < items->n)
        *out = items->item[items->at++];
    return true;
}

static bool filter_last(Run *r, Value *out, Call *c)
{
    static const char why[] = "there is no last item: the sequence is empty";
    Seq *items;
    *out = jinja_undefined(WHY_HINT, why, sizeof why - 1);
    if (c->self.kind == V_ITER)
        return jinja_fail(r, "a generator has no last item: make a list of it first");
    if (!jinja_iterate(r, &items, c->self))
        return false;
    if (items->n)
        *out = items->item[items->n - 1];
    return true;
}

static bool filter_reverse(Run *r, Value *out, Call *c)
{
    if (c->self.kind == V_TEXT)
        return jinja_slice(r, out, c->self, (Value[3]){{0}, {0}, jinja_int(-1)});
    Seq *items;
    if (!jinja_collect(r, &items, c->self))
        return false;
    Seq *turned = jinja_seq(r, items->n);
    for (size_t i = items->n; i-- > 0;)
        jinja_push(r, turned, items->item[i]);
    *out = jinja_of_seq(c->self.kind == V_ITER ? V_LIST : V_ITER, turned);
    return true;
}

static bool filter_items(Run *r, Value *out, Call *c)
{
    Seq *items = jinja_seq(r, 0);
    if (c->self.kind != V_DICT && c->self.kind != V_UNDEFINED)
        return jinja_fail_value(r, "items needs a dict, not", c->self);
    for (size_t i = 0; c->self.kind == V_DICT && i < c->self.dict->n; i++)
        jinja_push(r, items, pair_of(r, &c->self.dict->pair[i]));
    *out = jinja_of_seq(V_ITER, items);
    return jinja_spend(r, items->n);
}

static bool filter_join(Run *r, Value *out, Call *c)
{
    Seq *items;
    Value between = jinja_literal("");
    if (c->arg[0].kind != V_ABSENT && !jinja_to_text(r, &between, c->arg[0]))
        return false;
    if (!jinja_iterate(r, &items, c->self))
        return false;
    Tainted s = {0};
    bool ok = true;
    for (bool first = true; ok && items->at < items->n; first = false) {
        Value v;
        tainted_add(&s, between.s, first ? 0 : between.n, between.taint);
        ok = follow(r, &v, items->item[items->at++], c->arg[1], (Value){0}) && jinja_print(r, &s, v) &&
             jinja_room(r, s.text.n, 1) && jinja_spend(r, 1);
    }
    return jinja_take(r, out, &s, ok);
}

/* Lists of so many items; the last one is filled up where there is something to do it with. */
static bool filter_batch(Run *r, Value *out, Call *c)
{
    Seq *items, *batches = jinja_seq(r, 0), *batch = NULL;
    int64_t size;
    Value fill = c->arg[1];
    if (!jinja_want_int(r, &size, c->arg[0], "batch needs a number, not") || !jinja_collect(r, &items, c->self))
        return false;
    if (size < 1)
        return jinja_fail(r, "batch of less than one item is not supported");
    bool fills = fill.kind != V_ABSENT && fill.kind != V_NONE && items->n % (size_t)size;
    size_t n = items->n, places = fills ? n + (size_t)size - n % (size_t)size : n;
    if (!jinja_room(r, places, sizeof(Value)) || !jinja_spend(r, places))
        return false;
    for (size_t i = 0; i < places; i++) {
        if (i % (size_t)size == 0) {
            batch = jinja_seq(r, 4);
            jinja_push(r, batches, jinja_of_seq(V_LIST, batch));
        }
        jinja_push(r, batch, i < n ? items->item[i] : fill);
    }
    *out = jinja_of_seq(V_ITER, batches);
    return true;
}

/* --- choosing and mapping ---------------------------------------------------------------------------- */

static const Value *keyword(const Call *c, const char *name)
{
    for (size_t i = 0; i < c->nkw; i++)
        if (strcmp(c->kw[i].name, name) == 0)
            return &c->kw[i].value;
    return NULL;
}

/* The rest of a call's arguments, for the filter or test that one of them names. */
static bool inner(Run *r, const Builtin **b, Call *to, const Call *c, size_t at, bool test)
{
    Value name = c->pos[at];
    if (!jinja_want_text(r, name, "the name of a filter or test cannot be"))
        return false;
    *b = (test ? jinja_test : jinja_filter)(name.s, name.n);
    if (!*b || !(*b)->fn)
        return jinja_fail(r, "the %s \"%.*s\" is not supported", test ? "test" : "filter",
                          name.n > 60 ? 60 : (int)name.n, name.s);
    *to = (Call){.pos = c->pos + at + 1, .npos = c->npos - at - 1, .kw = c->kw, .nkw = c->nkw};
    return true;
}

enum { BY_ATTRIBUTE = 1, REJECT = 2 };

static bool filter_choose(Run *r, Value *out, Call *c)
{
    bool attribute = c->how & BY_ATTRIBUTE, wanted = !(c->how & REJECT);
    Seq *items, *kept = jinja_seq(r, 0);
    const Builtin *test = NULL;
    Call call = {0};
    *out = jinja_of_seq(V_ITER, kept);
    if (!jinja_truth(c->self))
        return true;
    if (attribute && !c->npos)
        return jinja_fail(r, "selectattr and rejectattr need the name of an attribute");
    if (c->npos > attribute && !inner(r, &test, &call, c, attribute, true))
        return false;
    if (!jinja_collect(r, &items, c->self))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        Value v = items->item[i], yes;
        if (attribute && !follow(r, &v, v, c->pos[0], (Value){0}))
            return false;
        call.self = yes = v;
        if (test && !jinja_apply(r, &yes, test, &call))
            return false;
        if (jinja_truth(yes) == wanted)
            jinja_push(r, kept, items->item[i]);
    }
    return true;
}

static bool filter_map(Run *r, Value *out, Call *c)
{
    Seq *items, *mapped = jinja_seq(r, 0);
    const Builtin *filter = NULL;
    Call call = {0};
    const Value *path = c->npos ? NULL : keyword(c, "attribute"), *otherwise = keyword(c, "default");
    *out = jinja_of_seq(V_ITER, mapped);
    if (!jinja_truth(c->self))
        return true;
    if (path && c->nkw > 1u + (otherwise != NULL))
        return jinja_fail(r, "map takes attribute and default, and no other argument with them");
    if (!path && !c->npos)
        return jinja_fail(r, "map needs the name of a filter or attribute=");
    if (!path && !inner(r, &filter, &call, c, 0, false))
        return false;
    if (!jinja_collect(r, &items, c->self))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        Value v;
        call.self = items->item[i];
        bool ok = filter ? jinja_apply(r, &v, filter, &call)
                         : follow(r, &v, items->item[i], *path, otherwise ? *otherwise : (Value){0});
        if (!ok)
            return false;
        jinja_push(r, mapped, v);
    }
    return true;
}

/* --- the table --------------------------------------------------------------------------------------- */

const Builtin *jinja_filter(const char *name, size_t n)
{
    static const Builtin table[] = {
        {"abs", "/", .fn = jinja_filter_abs},
        {"batch", "linecount fill_with?", .fn = filter_batch},
        {"capitalize", "", .fn = jinja_filter_case, .how = CASE_CAPITAL},
        {"count", "/", .fn = filter_length},
        {"d", "default_value? boolean?", .fn = jinja_filter_default},
        {"default", "default_value? boolean?", .fn = jinja_filter_default},
        {"dictsort", "case_sensitive? by? reverse?", .fn = filter_dictsort},
        {"e", "/", .fn = jinja_filter_escape},
        {"escape", "/", .fn = jinja_filter_escape},
        {"first", "", .fn = filter_first},
        {"float", "default?", .fn = jinja_filter_float},
        {"format", "*", .fn = jinja_filter_format},
        {"indent", "width? first? blank?", .fn = jinja_filter_indent},
        {"int", "default? base?", .fn = jinja_filter_int},
        {"items", "", .fn = filter_items},
        {"join", "d? attribute?", .fn = filter_join},
        {"last", "", .fn = filter_last},
        {"length", "/", .fn = filter_length},
        {"list", "", .fn = filter_list},
        {"lower", "", .fn = jinja_filter_case, .how = CASE_LOWER},
        {"map", "*", .fn = filter_map},
        {"max", "case_sensitive? attribute?", .fn = filter_extreme, .how = OP_GT},
        {"min", "case_sensitive? attribute?", .fn = filter_extreme, .how = OP_LT},
        {"reject", "*", .fn = filter_choose, .how = REJECT},
        {"rejectattr", "*", .fn = filter_choose, .how = BY_ATTRIBUTE | REJECT},
        {"replace", "old new count?", .fn = jinja_filter_replace},
        {"reverse", "", .fn = filter_reverse},
        {"round", "precision? method?", .fn = jinja_filter_round},
        {"safe", "", .fn = jinja_filter_safe},
        {"select", "*", .fn = filter_choose},
        {"selectattr", "*", .fn = filter_choose, .how = BY_ATTRIBUTE},
        {"sort", "reverse? case_sensitive? attribute?", .fn = filter_sort},
        {"string", "", .fn = jinja_filter_string},
        {"sum", "attribute? start?", .fn = filter_sum},
        {"title", "", .fn = jinja_filter_case, .how = CASE_TITLE},
        {"tojson", "ensure_ascii? indent? separators? sort_keys?", .fn = jinja_filter_tojson},
        {"trim", "chars?", .fn = jinja_filter_trim},
        {"unique", "case_sensitive? attribute?", .fn = filter_unique},
        {"upper", "", .fn = jinja_filter_case, .how = CASE_UPPER},
        {"wordcount", "", .fn = jinja_filter_wordcount},
    };
    return jinja_find(table, COUNT(table), name, n);
}
