/* Expressions: every kind of node to its value; arguments of calls, and macros. */
#ifndef TEXT_JINJA_EVAL_H
#define TEXT_JINJA_EVAL_H

#include "text/jinja/call.h"
#include "text/jinja/node.h"

bool jinja_eval(Run *r, Value *out, const Node *n) MUST_CHECK;
/* What the statements write becomes a text. */
bool jinja_capture(Run *r, Value *out, const Node *list) MUST_CHECK;

/* The arguments among the kids of a call's, filter's or test's node. */
bool jinja_arguments(Run *r, Call *c, const Node *kids) MUST_CHECK;
bool jinja_call(Run *r, Value *out, Value callee, Call *c) MUST_CHECK;

#endif
