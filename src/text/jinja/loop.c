/* The loop variable of a for statement: its items, fetched one by one, and what a template asks of it. */
#include "text/jinja/loop.h"

#include "text/jinja/compare.h"

/* The next item, V_ABSENT at the end. */
static bool fetch(Run *r, Loop *loop, Value *item)
{
    bool yes = false;
    while (loop->from->at < loop->from->n) {
        *item = loop->from->item[loop->from->at++];
        if (!jinja_spend(r, 1) || (loop->passes && !loop->passes(r, loop, &yes, item)))
            return false;
        if (!loop->passes || yes)
            return true;
    }
    *item = (Value){0};
    return true;
}

static bool peek(Run *r, Loop *loop)
{
    return loop->after.kind != V_ABSENT || fetch(r, loop, &loop->after);
}

bool jinja_loop_advance(Run *r, Loop *loop)
{
    Value next = loop->after;
    loop->after = (Value){0};
    if (next.kind == V_ABSENT && !fetch(r, loop, &next))
        return false;
    loop->index0++;
    loop->before = loop->current;
    loop->current = next;
    return true;
}

/* Fetches all that is left to know how many there are. */
static bool measure(Run *r, Loop *loop)
{
    Seq *rest = jinja_seq(r, 4);
    Value item;
    if (loop->length >= 0)
        return true;
    do {
        if (!fetch(r, loop, &item))
            return false;
        if (item.kind != V_ABSENT)
            jinja_push(r, rest, item);
    } while (item.kind != V_ABSENT);
    loop->from = rest;
    loop->passes = NULL;
    loop->length = (int64_t)rest->n + loop->index0 + 1 + (loop->after.kind != V_ABSENT);
    return true;
}

static const char *const loop_names[] = {"index",    "index0",   "first",     "last",  "length", "previtem",
                                         "nextitem", "revindex", "revindex0", "depth", "depth0"};
enum { INDEX, INDEX0, FIRST, LAST, LENGTH, PREVITEM, NEXTITEM, REVINDEX, REVINDEX0, LEVEL, LEVEL0 };

bool jinja_loop_attribute(Run *r, Value *out, Loop *loop, const char *name, size_t n)
{
    int which = 0;
    while (which < COUNT(loop_names) && (strlen(loop_names[which]) != n || memcmp(loop_names[which], name, n) != 0))
        which++;
    if (((which == LAST || which == NEXTITEM) && !peek(r, loop)) ||
        ((which == LENGTH || which == REVINDEX || which == REVINDEX0) && !measure(r, loop)))
        return false;
    switch (which) {
    case INDEX: *out = jinja_int(loop->index0 + 1); break;
    case INDEX0: *out = jinja_int(loop->index0); break;
    case FIRST: *out = jinja_bool(loop->index0 == 0); break;
    case LAST: *out = jinja_bool(loop->after.kind == V_ABSENT); break;
    case LENGTH: *out = jinja_int(loop->length); break;
    case PREVITEM: *out = loop->before; break;
    case NEXTITEM: *out = loop->after; break;
    case REVINDEX: *out = jinja_int(loop->length - loop->index0); break;
    case REVINDEX0: *out = jinja_int(loop->length - loop->index0 - 1); break;
    case LEVEL:
    case LEVEL0: *out = jinja_int(which == LEVEL); break;
    default: *out = jinja_undefined(WHY_FIELD, name, n); break;
    }
    if (out->kind == V_ABSENT) {
        const char *why = which == PREVITEM ? "there is no previous item" : "there is no next item";
        *out = jinja_undefined(WHY_HINT, why, strlen(why));
    }
    return true;
}

bool jinja_loop_cycle(Run *r, Value *out, Call *c)
{
    if (!c->npos)
        return jinja_fail(r, "loop.cycle() has nothing to cycle through");
    *out = c->pos[(size_t)c->self.loop->index0 % c->npos];
    return true;
}

bool jinja_loop_changed(Run *r, Value *out, Call *c)
{
    Loop *loop = c->self.loop;
    Seq *now = jinja_seq(r, c->npos);
    for (size_t i = 0; i < c->npos; i++)
        jinja_push(r, now, c->pos[i]);
    Value tuple = jinja_of_seq(V_TUPLE, now);
    bool same;
    if (!jinja_equal(r, &same, loop->changed, tuple))
        return false;
    loop->changed = tuple;
    *out = jinja_bool(!same);
    return true;
}
