/* What a file is that another was expected in place of, by its first bytes: for messages that say so. */
#ifndef BASE_KIND_H
#define BASE_KIND_H

#include "base/err.h"

#include <stddef.h>

/* Fails, saying what it is, where the first n bytes are of another kind beyond doubt: a binary format, or text that is
 * not UTF-8. `needed` is what was expected ("a recipe is needed"); `remedy` what to do about most kinds. */
bool kind_check(const char *where, const void *head, size_t n, const char *needed, const char *remedy,
                Err *err) MUST_CHECK;

/* Of a text whose first line, text[0, line), is no row: fails, saying so, where the whole is beyond doubt no JSON
 * Lines. The rest may be cut anywhere. */
bool kind_check_rows(const char *where, const char *text, size_t line, size_t n, Err *err) MUST_CHECK;
/* What a line that is no JSON looks like, where it does not even begin as an object; else NULL. */
const char *kind_of_line(const char *line, size_t n);

extern const char kind_rows_remedy[]; /* how tables of other kinds become rows */

#endif
