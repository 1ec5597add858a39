/* The libraries that text stands on, for `rlaif version`. */
#ifndef TEXT_TEXT_LIBRARIES_H
#define TEXT_TEXT_LIBRARIES_H

#include "base/str.h"

/* Appends "PCRE2 10.42, utf8proc 2.8.0". */
void text_libraries(Str *out);

#endif
