/* What a text is written in: the scripts of its letters, and its emoji (Unicode's property Extended_Pictographic). */
#ifndef TEXT_SCRIPT_H
#define TEXT_SCRIPT_H

#include "base/str.h"

#include <stdint.h>

/* The scripts of a text's letters as a set of bits. Han, Hiragana and Katakana are one, since Japanese mixes them, and so are the
 * scripts that the table lacks; letters that no script has for itself, as those of formulas, count for none. */
uint64_t text_scripts(const char *text);

/* The next emoji from *text on, which moves behind it; false at the end. One is what people see as one: with its colour, as a flag
 * of two letters, as a family joined. Signs such as (c) are emoji only where the text says so (U+FE0F). */
bool emoji_next(const char **text, const char **at, size_t *n);

#endif
