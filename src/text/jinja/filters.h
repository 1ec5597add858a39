/* Filters by name: `|trim`, `|map(...)`, ... */
#ifndef TEXT_JINJA_FILTERS_H
#define TEXT_JINJA_FILTERS_H

#include "text/jinja/call.h"

const Builtin *jinja_filter(const char *name, size_t n);

#endif
