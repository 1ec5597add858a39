/* Tests by name: `is defined`, `is even`, ... */
#ifndef TEXT_JINJA_TESTS_H
#define TEXT_JINJA_TESTS_H

#include "text/jinja/call.h"

const Builtin *jinja_test(const char *name, size_t n);

#endif
