/* Arithmetic, subscripts, slices and attributes, as Python has them on integers of 64 bits. */
#ifndef TEXT_JINJA_OPS_H
#define TEXT_JINJA_OPS_H

#include "text/jinja/node.h"
#include "text/jinja/run.h"

bool jinja_binary(Run *r, Value *out, Op op, Value a, Value b) MUST_CHECK;                /* every Op from ADD to POW */
bool jinja_attribute(Run *r, Value *out, Value v, const char *name, size_t n) MUST_CHECK; /* v.name */
bool jinja_item(Run *r, Value *out, Value v, Value key) MUST_CHECK;                       /* v[key] */
bool jinja_slice(Run *r, Value *out, Value v, const Value bound[3]) MUST_CHECK;

#endif
