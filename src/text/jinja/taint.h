/* Taint: which bytes of a text came from a row.
 *
 * A row's strings are data: whatever a chat template does with them, no byte of theirs may become part of a control
 * token. So a template's interpreter carries their taint through all that it does with them, and the tokenizer looks for
 * control tokens outside of it. */
#ifndef TEXT_JINJA_TAINT_H
#define TEXT_JINJA_TAINT_H

#include "base/str.h"

/* The taint of n bytes of text: NULL: none of them is tainted; TAINT_ALL: every one; or n bytes, not 0 where the byte of
 * the text is. */
extern const char TAINT_ALL[1];

bool taint_at(const char *taint, size_t at);
bool taint_any(const char *taint, size_t n);
const char *taint_from(const char *taint, size_t at); /* of the text that begins at this byte */

/* Text that grows with its taint. A zeroed one is empty. What is appended to `text` alone waits for its taint until the
 * next call of any function below; only tainted_fill taints it. */
typedef struct Tainted {
    Str text, taint;
} Tainted;

void tainted_fill(Tainted *t, bool tainted);
void tainted_add(Tainted *t, const char *s, size_t n, const char *taint);
const char *tainted_taint(Tainted *t); /* of the whole text; borrowed */
void tainted_clear(Tainted *t);
void tainted_release(Tainted *t);

#endif
