/* What a process is given by the one that starts it, made safe before anything else is opened. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/err.h"

/* Descriptors 0 to 2 are open from here on, so that no file is given one of their numbers: what was closed fails when
 * it is read or written. A pipe that nobody reads any more and a limit on the size of files are errors of a write
 * (EPIPE, EFBIG) and end nothing by a signal. */
void process_begin(void);

/* All that was printed on standard output has arrived. */
bool process_printed(Err *err) MUST_CHECK;

#endif
