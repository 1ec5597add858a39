/* Values: memory, making them, dicts. */
#include "text/jinja/value.h"

#include "base/mem.h"

/* --- memory ------------------------------------------------------------------------------------------ */

enum { BLOCK_BYTES = 1 << 16, ALIGNMENT = 16 };

typedef struct PoolBlock {
    struct PoolBlock *before;
    size_t size, used;
    _Alignas(ALIGNMENT) char bytes[];
} PoolBlock;

void *jinja_alloc(Pool *p, size_t count, size_t size)
{
    size_t n;
    if (!mem_mul(count, size, &n) || n > SIZE_MAX / 2)
        return mem_zalloc(count, size); /* says that there is not so much memory, and ends */
    n = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!p->block || p->block->size - p->block->used < n) {
        size_t room = n > BLOCK_BYTES ? n : BLOCK_BYTES;
        PoolBlock *b = mem_zalloc(1, sizeof *b + room);
        b->size = room;
        b->before = p->block;
        p->block = b;
    }
    void *out = p->block->bytes + p->block->used;
    p->block->used += n;
    p->used += n;
    return out;
}

const char *jinja_keep(Pool *p, const char *s, size_t n)
{
    char *out = jinja_alloc(p, n + 1, 1);
    if (n)
        memcpy(out, s, n);
    return out;
}

void jinja_pool_release(Pool *p)
{
    while (p->block) {
        PoolBlock *before = p->block->before;
        free(p->block);
        p->block = before;
    }
    *p = (Pool){0};
}

/* --- making values ----------------------------------------------------------------------------------- */

Value jinja_none(void)
{
    return (Value){.kind = V_NONE};
}

Value jinja_bool(bool yes)
{
    return (Value){.kind = V_BOOL, .yes = yes};
}

Value jinja_int(int64_t i)
{
    return (Value){.kind = V_INT, .i = i};
}

Value jinja_float(double f)
{
    return (Value){.kind = V_FLOAT, .f = f};
}

Value jinja_text(const char *s, size_t n)
{
    return (Value){.kind = V_TEXT, .s = s, .n = n};
}

Value jinja_part(Value text, size_t at, size_t n)
{
    Value out = jinja_text(text.s + at, n);
    out.taint = taint_from(text.taint, at);
    return out;
}

Value jinja_literal(const char *s)
{
    return jinja_text(s, strlen(s));
}

Value jinja_undefined(Why why, const char *s, size_t n)
{
    return (Value){.kind = V_UNDEFINED, .flag = (unsigned char)why, .s = s, .n = n};
}

Value jinja_of_seq(Kind kind, Seq *seq)
{
    return (Value){.kind = kind, .seq = seq};
}

bool jinja_number(Value v, long double *out)
{
    *out = v.kind == V_BOOL ? v.yes : v.kind == V_INT ? (long double)v.i : v.kind == V_FLOAT ? v.f : 0;
    return v.kind == V_BOOL || v.kind == V_INT || v.kind == V_FLOAT;
}

const char *jinja_kind_name(Value v)
{
    static const char *const names[KINDS] = {
        [V_ABSENT] = "nothing",
        [V_UNDEFINED] = "an undefined value",
        [V_NONE] = "none",
        [V_BOOL] = "a boolean",
        [V_INT] = "an integer",
        [V_FLOAT] = "a float",
        [V_TEXT] = "a text",
        [V_LIST] = "a list",
        [V_TUPLE] = "a tuple",
        [V_RANGE] = "a range",
        [V_VIEW] = "a view of a dict",
        [V_ITER] = "a generator",
        [V_DICT] = "a dict",
        [V_NAMESPACE] = "a namespace",
        [V_LOOP] = "the loop",
        [V_MACRO] = "a macro",
        [V_FUNCTION] = "a function",
        [V_METHOD] = "a method",
    };
    return names[v.kind];
}

bool jinja_is_text(Value v, const char *s)
{
    size_t n = strlen(s);
    return v.kind == V_TEXT && v.n == n && memcmp(v.s, s, n) == 0;
}

/* --- dicts ------------------------------------------------------------------------------------------- */

enum { SMALL_DICT = 8 };

/* Python's hashable values, as far as they are of use as a key: tuples of them only where shallow. */
static bool hashable_within(Value v, int depth)
{
    if (v.kind == V_TUPLE) {
        for (size_t i = 0; i < v.seq->n; i++)
            if (depth == 0 || !hashable_within(v.seq->item[i], depth - 1))
                return false;
        return true;
    }
    return v.kind >= V_UNDEFINED && v.kind <= V_TEXT;
}

bool jinja_hashable(Value v)
{
    return hashable_within(v, 4);
}

static bool key_equal(Value a, Value b)
{
    long double x, y;
    if (jinja_number(a, &x) && jinja_number(b, &y))
        return x == y;
    if (a.kind != b.kind)
        return false;
    if (a.kind == V_TEXT)
        return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
    if (a.kind != V_TUPLE)
        return true;
    bool same = a.seq->n == b.seq->n;
    for (size_t i = 0; same && i < a.seq->n; i++)
        same = key_equal(a.seq->item[i], b.seq->item[i]);
    return same;
}

/* FNV-1a; numbers that are equal have equal hashes. */
static uint64_t hash_key(Value v)
{
    uint64_t h = 14695981039346656037u;
    long double number;
    if (v.kind == V_TEXT) {
        for (size_t i = 0; i < v.n; i++)
            h = (h ^ (unsigned char)v.s[i]) * 1099511628211u;
    } else if (v.kind == V_TUPLE) {
        for (size_t i = 0; i < v.seq->n; i++)
            h = (h ^ hash_key(v.seq->item[i])) * 1099511628211u;
    } else if (jinja_number(v, &number)) {
        double f = (double)number + 0.0; /* -0.0 becomes 0.0 */
        uint64_t bits;
        memcpy(&bits, &f, sizeof bits);
        h = (h ^ bits) * 1099511628211u;
    }
    return h ^ h >> 32;
}

static void fill_buckets(Pool *pool, Dict *d, size_t buckets)
{
    d->buckets = buckets;
    d->bucket = jinja_alloc(pool, buckets, sizeof *d->bucket);
    for (size_t i = 0; i < d->n; i++) {
        size_t b = hash_key(d->pair[i].key) & (buckets - 1);
        while (d->bucket[b])
            b = (b + 1) & (buckets - 1);
        d->bucket[b] = (uint32_t)i + 1;
    }
}

Pair *jinja_dict_find(const Dict *d, Value key)
{
    if (!d->bucket) {
        for (size_t i = 0; i < d->n; i++)
            if (key_equal(d->pair[i].key, key))
                return &d->pair[i];
        return NULL;
    }
    for (size_t b = hash_key(key) & (d->buckets - 1); d->bucket[b]; b = (b + 1) & (d->buckets - 1))
        if (key_equal(d->pair[d->bucket[b] - 1].key, key))
            return &d->pair[d->bucket[b] - 1];
    return NULL;
}

Pair *jinja_dict_name(const Dict *d, const char *s, size_t n)
{
    return jinja_dict_find(d, jinja_text(s, n));
}

void jinja_dict_set(Pool *pool, Dict *d, Value key, Value value)
{
    Pair *old = jinja_dict_find(d, key);
    if (old) {
        old->value = value;
        return;
    }
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 4;
        Pair *pair = jinja_alloc(pool, d->cap, sizeof *pair);
        if (d->n)
            memcpy(pair, d->pair, d->n * sizeof *pair);
        d->pair = pair;
    }
    d->pair[d->n++] = (Pair){key, value};
    if (d->n > SMALL_DICT && 2 * d->n > d->buckets)
        fill_buckets(pool, d, d->buckets ? 2 * d->buckets : 4 * SMALL_DICT);
    else if (d->bucket) {
        size_t b = hash_key(key) & (d->buckets - 1);
        while (d->bucket[b])
            b = (b + 1) & (d->buckets - 1);
        d->bucket[b] = (uint32_t)d->n;
    }
}

const char *jinja_intern(Names *names, const char *s, size_t n)
{
    Pair *known = jinja_dict_name(&names->dict, s, n);
    if (known)
        return known->key.s;
    const char *own = jinja_keep(names->pool, s, n);
    jinja_dict_set(names->pool, &names->dict, jinja_text(own, n), jinja_none());
    return own;
}
