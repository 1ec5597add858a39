/* Truth, length, items, equality, order, membership and sorting, as Python has them. */
#ifndef TEXT_JINJA_COMPARE_H
#define TEXT_JINJA_COMPARE_H

#include "text/jinja/node.h"
#include "text/jinja/run.h"

bool jinja_truth(Value v);
bool jinja_length(Run *r, size_t *out, Value v) MUST_CHECK;
bool jinja_iterate(Run *r, Seq **out, Value v) MUST_CHECK; /* what a loop walks; a V_ITER gives itself */
bool jinja_collect(Run *r, Seq **out, Value v) MUST_CHECK; /* its items, in a Seq of its own */
bool jinja_equal(Run *r, bool *out, Value a, Value b) MUST_CHECK;
bool jinja_compare(Run *r, bool *out, Op op, Value a, Value b) MUST_CHECK; /* every Op from EQ to NOT_IN */
bool jinja_sort(Run *r, Seq *items, Seq *keys, bool reverse) MUST_CHECK;   /* stable; both are reordered */

#endif
