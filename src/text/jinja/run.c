/* A run of a template: its limits, its failures, its scopes, and the values that it makes. */
#include "text/jinja/run.h"

#include "base/mem.h"

#include <stdarg.h>

/* --- failures and limits ----------------------------------------------------------------------------- */

bool jinja_error(Err *err, int line, const char *fmt, ...)
{
    char what[sizeof err->msg];
    va_list ap;
    if (err->code != ERR_NONE)
        return false;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    err_set(err, ERR_INPUT, "%s", what);
    return err_context(err, "chat template line %d", line);
}

bool jinja_fail_undefined(Run *r, Value v)
{
    int n = v.n > 200 ? 200 : (int)v.n;
    switch ((Why)v.flag) {
    case WHY_NAME: return jinja_fail(r, "\"%.*s\" is not defined", n, v.s);
    case WHY_FIELD: return jinja_fail(r, "there is no \"%.*s\" in the value", n, v.s);
    case WHY_HINT: break;
    }
    return jinja_fail(r, "%.*s", n, v.s);
}

bool jinja_fail_value(Run *r, const char *what, Value v)
{
    if (v.kind == V_UNDEFINED)
        return jinja_fail_undefined(r, v);
    return jinja_fail(r, "%s %s", what, jinja_kind_name(v));
}

bool jinja_enter(Run *r)
{
    if (++r->depth <= JINJA_DEPTH)
        return true;
    return jinja_fail(r, "more than %d levels of nesting", JINJA_DEPTH);
}

bool jinja_spend(Run *r, size_t steps)
{
    r->steps += steps;
    if (r->steps > JINJA_STEPS)
        return jinja_fail(r, "more than %d steps: the template does not end, or the messages are too long",
                          JINJA_STEPS);
    return jinja_room(r, 0, 1);
}

bool jinja_room(Run *r, size_t count, size_t size)
{
    size_t n;
    if (mem_mul(count, size, &n) && n <= JINJA_MEMORY && r->pool->used <= JINJA_MEMORY - n)
        return true;
    return jinja_fail(r, "the values take more than %d MB", JINJA_MEMORY >> 20);
}

/* --- scopes ------------------------------------------------------------------------------------------ */

Scope *jinja_scope(Run *r, Scope *parent)
{
    Scope *s = jinja_alloc(r->pool, 1, sizeof *s);
    s->parent = parent;
    return s;
}

void jinja_bind(Run *r, Scope *s, const char *name, Value v)
{
    for (int i = 0; i < s->n; i++)
        if (s->var[i].name == name) {
            s->var[i].value = v;
            return;
        }
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 4;
        Binding *var = jinja_alloc(r->pool, (size_t)cap, sizeof *var);
        if (s->n)
            memcpy(var, s->var, (size_t)s->n * sizeof *var);
        s->var = var;
        s->cap = cap;
    }
    s->var[s->n++] = (Binding){name, v};
}

/* --- lists and dicts --------------------------------------------------------------------------------- */

Seq *jinja_seq(Run *r, size_t cap)
{
    Seq *q = jinja_alloc(r->pool, 1, sizeof *q);
    q->item = jinja_alloc(r->pool, cap, sizeof *q->item);
    q->cap = cap;
    return q;
}

void jinja_push(Run *r, Seq *q, Value v)
{
    if (q->n == q->cap) {
        size_t cap = q->cap ? 2 * q->cap : 4;
        Value *item = jinja_alloc(r->pool, cap, sizeof *item);
        if (q->n)
            memcpy(item, q->item, q->n * sizeof *item);
        q->item = item;
        q->cap = cap;
    }
    q->item[q->n++] = v;
}

bool jinja_dict_put(Run *r, Dict *d, Value key, Value value)
{
    if (!jinja_hashable(key))
        return jinja_fail_value(r, "a key of a dict cannot be", key);
    jinja_dict_set(r->pool, d, key, value);
    return jinja_spend(r, 1);
}
