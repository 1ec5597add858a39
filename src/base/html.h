/* Text for HTML pages. */
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include "base/str.h"

/* Appends a text so that it is nothing but text on a page, in an attribute too. Control characters, which no page may hold,
 * become U+FFFD. NULL adds nothing. */
void html_text(Str *out, const char *text);

#endif
