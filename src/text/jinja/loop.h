/* The loop variable of a for statement: its items, fetched one by one, and what a template asks of it.
 *
 * Items are fetched when they are needed, as Jinja does: a test sees what the body has done so far, and loop.last looks
 * one item ahead. */
#ifndef TEXT_JINJA_LOOP_H
#define TEXT_JINJA_LOOP_H

#include "text/jinja/call.h"

typedef struct Loop {
    const struct Node *node;
    /* Does the statement's test let the item through? The item may be made anew. NULL: it has no test, or all items are
     * fetched. */
    bool (*passes)(Run *r, struct Loop *loop, bool *yes, Value *item);
    Scope *outer;
    Seq *from;
    Value before, current, after; /* V_ABSENT: none, or not fetched yet */
    Value changed;
    int64_t index0, length; /* length: -1 where not known yet */
} Loop;

bool jinja_loop_advance(Run *r, Loop *loop) MUST_CHECK; /* to the next item; current is V_ABSENT behind the last */
bool jinja_loop_attribute(Run *r, Value *out, Loop *loop, const char *name, size_t n) MUST_CHECK;

/* Methods. */
bool jinja_loop_cycle(Run *r, Value *out, Call *c);
bool jinja_loop_changed(Run *r, Value *out, Call *c);

#endif
