/* Command lines that have to be refused: one message that names the file, the line or value and the remedy; the right exit
 * status; and the folder as it was before. */
#ifndef TESTS_REFUSALS_H
#define TESTS_REFUSALS_H

#include "program.h"

/* A command line behind `rlaif` that has to fail. */
typedef struct Refusal {
    const char *line;
    int status;
    const char *message, *remedy; /* words of the first and the second line */
    const char *file, *text;      /* a file that is written first; NULL: none */
} Refusal;

/* Runs it in make_bench's folder; false, with all that was seen, unless the program refuses it as it should. */
bool is_refused(const char *bench, const Refusal *c);
/* Fails where one of them is not refused so, after all have been run. */
void need_refusals(const char *bench, const Refusal *c, int n);

#endif
