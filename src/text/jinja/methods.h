/* Methods of texts, dicts and loops by name. */
#ifndef TEXT_JINJA_METHODS_H
#define TEXT_JINJA_METHODS_H

#include "text/jinja/call.h"

/* NULL: neither we nor Python have one. */
const Builtin *jinja_method(Value self, const char *name, size_t n);

#endif
