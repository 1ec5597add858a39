/* Filters of single values, each a Builtin's function: c->self is what is filtered, c->arg the parameters of its row in
 * text/jinja/filters.c. */
#ifndef TEXT_JINJA_FILTERS_SINGLE_H
#define TEXT_JINJA_FILTERS_SINGLE_H

#include "text/jinja/call.h"

bool jinja_filter_abs(Run *r, Value *out, Call *c);
bool jinja_filter_case(Run *r, Value *out, Call *c); /* how: Case */
bool jinja_filter_default(Run *r, Value *out, Call *c);
bool jinja_filter_escape(Run *r, Value *out, Call *c);
bool jinja_filter_float(Run *r, Value *out, Call *c);
bool jinja_filter_indent(Run *r, Value *out, Call *c);
bool jinja_filter_int(Run *r, Value *out, Call *c);
bool jinja_filter_replace(Run *r, Value *out, Call *c);
bool jinja_filter_round(Run *r, Value *out, Call *c);
bool jinja_filter_safe(Run *r, Value *out, Call *c);
bool jinja_filter_string(Run *r, Value *out, Call *c);
bool jinja_filter_tojson(Run *r, Value *out, Call *c);
bool jinja_filter_trim(Run *r, Value *out, Call *c);
bool jinja_filter_wordcount(Run *r, Value *out, Call *c);

#endif
