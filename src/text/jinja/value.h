/* Values of a template, and the memory that they live in.
 *
 * Containers, but for namespaces, never change once built, so that values are shared freely; all that a render makes lives
 * in one pool that ends with it, and the template stays as it is. */
#ifndef TEXT_JINJA_VALUE_H
#define TEXT_JINJA_VALUE_H

#include "base/err.h"
#include "text/jinja/taint.h"

#include <stddef.h>
#include <stdint.h>

/* --- memory ------------------------------------------------------------------------------------------ */

typedef struct Pool {
    struct PoolBlock *block;
    size_t used; /* bytes given out */
} Pool;

/* Zeroed memory that lives as long as the pool. */
void *jinja_alloc(Pool *p, size_t count, size_t size);
const char *jinja_keep(Pool *p, const char *s, size_t n); /* a copy, ended by a NUL */
void jinja_pool_release(Pool *p);

/* --- kinds ------------------------------------------------------------------------------------------- */

typedef enum Kind {
    V_ABSENT, /* a parameter that was not given; never seen by a template */
    V_UNDEFINED,
    V_NONE,
    V_BOOL,
    V_INT,
    V_FLOAT,
    V_TEXT,
    V_LIST,
    V_TUPLE,
    V_RANGE,
    V_VIEW, /* keys(), values() or items() of a dict */
    V_ITER, /* what a generator gives: it can be walked once */
    V_DICT,
    V_NAMESPACE,
    V_LOOP,
    V_MACRO,
    V_FUNCTION,
    V_METHOD,
    KINDS
} Kind;

typedef enum Why { WHY_NAME, WHY_FIELD, WHY_HINT } Why; /* of an undefined value: what its text says */

typedef struct Value {
    Kind kind;
    unsigned char flag; /* V_TEXT: marked as safe HTML; V_UNDEFINED: Why; V_VIEW: 'k', 'v' or 'i' */
    union {
        bool yes;
        int64_t i;
        double f;
        const char *s; /* V_TEXT, V_UNDEFINED: n bytes of UTF-8, no NUL after them */
        struct Seq *seq;
        struct Dict *dict; /* also V_NAMESPACE */
        struct Loop *loop;
        const struct Macro *macro;
        const struct Builtin *fn;
        const struct Method *method;
    };
    size_t n;
    const char *taint; /* V_TEXT: of its bytes (taint.h); V_NONE to V_FLOAT: TAINT_ALL or NULL */
} Value;

typedef struct Seq {
    Value *item;
    size_t n, cap;
    size_t at; /* the next one to walk to */
} Seq;

typedef struct Pair {
    Value key, value;
} Pair;

typedef struct Dict {
    Pair *pair; /* in the order of insertion */
    size_t n, cap;
    uint32_t *bucket; /* 1 + index into pair, or 0; NULL while the dict is small */
    size_t buckets;   /* a power of two */
} Dict;

typedef struct Method {
    Value self;
    const struct Builtin *fn;
} Method;

typedef struct Macro {
    const struct Node *node;
    struct Scope *scope; /* where it was defined */
} Macro;

/* --- making and asking ------------------------------------------------------------------------------- */

Value jinja_none(void);
Value jinja_bool(bool yes);
Value jinja_int(int64_t i);
Value jinja_float(double f);
Value jinja_text(const char *s, size_t n);         /* untainted */
Value jinja_part(Value text, size_t at, size_t n); /* n bytes of it, with their taint, marked as safe no more */
Value jinja_literal(const char *s);
Value jinja_undefined(Why why, const char *s, size_t n);
Value jinja_of_seq(Kind kind, Seq *seq);

bool jinja_number(Value v, long double *out); /* bool, int or float */
const char *jinja_kind_name(Value v);
bool jinja_is_text(Value v, const char *s);

bool jinja_hashable(Value v);
void jinja_dict_set(Pool *pool, Dict *d, Value key, Value value); /* the key is hashable */
Pair *jinja_dict_find(const Dict *d, Value key);
Pair *jinja_dict_name(const Dict *d, const char *s, size_t n);

/* --- names ------------------------------------------------------------------------------------------- */

typedef struct Names {
    Pool *pool;
    Dict dict;
    const char *loop, *caller, *varargs, *kwargs;
} Names;
/* The one pointer that stands for this name. Only while a template is read: a render leaves it as it is. */
const char *jinja_intern(Names *names, const char *s, size_t n);

#endif
