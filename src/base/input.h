/* The text of a file, a pipe or standard input, decoded where it is compressed. Private to base/. */
#ifndef BASE_INPUT_H
#define BASE_INPUT_H

#include "base/err.h"

#include <stddef.h>

/* Plain, gzip or zstd, by the first bytes. */
typedef struct Input Input;
/* "-" is standard input. */
bool input_open(Input **out, const char *path, Err *err) MUST_CHECK;
/* Up to `room` bytes of the text, at least one but at its end. Compressed data that is damaged or cut short fails with
 * ERR_INPUT; the message does not name the input. */
bool input_read(Input *in, char *to, size_t room, size_t *got, Err *err) MUST_CHECK;
const char *input_name(const Input *in); /* the path, or "standard input" */
void input_close(Input *in);             /* accepts NULL */

#endif
