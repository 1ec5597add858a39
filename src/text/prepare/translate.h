/* Regular expressions of other engines in PCRE2's language. */
#ifndef TEXT_PREPARE_TRANSLATE_H
#define TEXT_PREPARE_TRANSLATE_H

#include "base/str.h"

/* Appends what means in PCRE2 (with UTF, UCP, and LF as the end of a line) what the source means to Oniguruma and, as far as
 * tokenizers use it, to Rust's and C++'s engines. What it does not know to be the same it refuses, with its name. */
bool pattern_translate(Str *out, const char *source, Err *err) MUST_CHECK;

#endif
