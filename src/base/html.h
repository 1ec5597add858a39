/* Text and data for HTML pages. */
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include "base/json.h"
#include "base/str.h"

/* Appends a text so that it is nothing but text on a page, in an attribute too. Control characters, which no page may
 * hold, become U+FFFD. NULL adds nothing. */
void html_text(Str *out, const char *text);
/* Its beginning, at most so many bytes, no half character; returns how many bytes are left out. */
size_t html_text_cut(Str *out, const char *text, size_t most);

/* Appends a value as JSON for the inside of a script element, which nothing in it can end. */
void html_json(Str *out, const json_t *value);

#endif
