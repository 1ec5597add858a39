/* The libraries that base stands on, for `rlaif version`. */
#ifndef BASE_LIBRARIES_H
#define BASE_LIBRARIES_H

#include "base/str.h"

/* Appends "jansson 2.14, libyaml 0.2.5, ...". */
void base_libraries(Str *out);

#endif
