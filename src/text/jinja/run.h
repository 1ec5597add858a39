/* A run of a template: its limits, its failures, its scopes, and the values that it makes. */
#ifndef TEXT_JINJA_RUN_H
#define TEXT_JINJA_RUN_H

#include "text/jinja/value.h"

/* What one render may use; beyond it, it fails with a sentence. */
enum {
    JINJA_DEPTH = 800,        /* nesting of expressions, blocks, macros and values */
    JINJA_STEPS = 10000000,   /* nodes, items and 64-byte pieces of text looked at */
    JINJA_OUTPUT = 64 << 20,  /* bytes of text written */
    JINJA_MEMORY = 256 << 20, /* bytes of values */
    JINJA_RANGE = 100000      /* items of a range(), the sandbox's own limit */
};

typedef struct Binding {
    const char *name;
    Value value;
} Binding;

typedef struct Scope {
    struct Scope *parent;
    Binding *var;
    int n, cap;
} Scope;

typedef enum Flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE } Flow;

typedef struct Run {
    Pool *pool;
    Err *err;
    const Names *names;
    int line;
    int depth;
    int date; /* 20240726: what strftime_now tells */
    size_t steps;
    Tainted *out; /* where text goes now */
    Value input;  /* of a filter block: the text that its first filter gets */
    Scope *scope;
    Flow flow;
    /* How a macro's body is run: jinja_exec, since statements stand above the expressions that call macros. */
    bool (*run_body)(struct Run *r, const struct Node *list);
} Run;

/* --- failures: "chat template line N: ..." ----------------------------------------------------------- */

bool jinja_error(Err *err, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define jinja_fail(run, ...) jinja_error((run)->err, (run)->line, __VA_ARGS__)
bool jinja_fail_undefined(Run *r, Value v);
bool jinja_fail_value(Run *r, const char *what, Value v); /* "<what> <kind of the value>" */

bool jinja_enter(Run *r) MUST_CHECK;                           /* one level deeper; r->depth-- leaves it */
bool jinja_spend(Run *r, size_t steps) MUST_CHECK;             /* also looks whether the pool has grown too large */
bool jinja_room(Run *r, size_t count, size_t size) MUST_CHECK; /* before something big is made */

/* --- scopes, lists, dicts ---------------------------------------------------------------------------- */

Scope *jinja_scope(Run *r, Scope *parent);
void jinja_bind(Run *r, Scope *s, const char *name, Value v);

Seq *jinja_seq(Run *r, size_t cap);
void jinja_push(Run *r, Seq *seq, Value v);
bool jinja_dict_put(Run *r, Dict *d, Value key, Value value) MUST_CHECK; /* fails for a key of no use */

#endif
