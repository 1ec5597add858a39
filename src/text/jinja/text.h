/* Texts as Python's str has them: characters are code points, blanks and cases are Unicode's. */
#ifndef TEXT_JINJA_TEXT_H
#define TEXT_JINJA_TEXT_H

#include "text/jinja/run.h"

/* A text built in s becomes a value where ok; s is released in any case. */
bool jinja_take(Run *r, Value *out, Tainted *s, bool ok) MUST_CHECK;

/* Bytes of the blank that begins, or ends, the n bytes at s; 0 where there is none. */
size_t jinja_blank(const char *s, size_t n);
size_t jinja_blank_before(const char *s, size_t n);
size_t jinja_char(const char *s, size_t n); /* bytes of the first character */
size_t jinja_chars(Value text);             /* characters in it */
unsigned jinja_code(const char *s, size_t n, size_t *bytes);

enum { STRIP_LEFT = 1, STRIP_RIGHT = 2 };
Value jinja_strip(Value text, Value chars, int sides); /* chars: V_TEXT, or blanks */
Value jinja_substring(Value text, size_t from, size_t to);
bool jinja_find_text(const char *s, size_t n, const char *part, size_t m, size_t *at);
bool jinja_split(Run *r, Seq **out, Value text, Value separator, int64_t most, bool from_right) MUST_CHECK;
bool jinja_lines(Run *r, Seq **out, Value text, bool keep_ends) MUST_CHECK;
bool jinja_replace(Run *r, Value *out, Value text, Value old, Value new, int64_t most) MUST_CHECK;

typedef enum Case { CASE_UPPER, CASE_LOWER, CASE_CAPITAL, CASE_TITLE, CASE_WORDS } Case;
bool jinja_case(Run *r, Value *out, Value text, Case how) MUST_CHECK;
bool jinja_is_word(unsigned code); /* letters, digits and _ */
bool jinja_printable(unsigned code);
bool jinja_digits(Run *r, bool *out, Value text) MUST_CHECK; /* str.isdigit */

#endif
