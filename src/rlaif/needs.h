/* What a stage takes of the machine: said before it starts, and refused where it is not there; in the end what it took is
 * said beside it. */
#ifndef RLAIF_NEEDS_H
#define RLAIF_NEEDS_H

#include "base/err.h"

#include <jansson.h>

typedef struct Need {
    const char *what;
    double bytes;
} Need;

typedef struct Needs {
    Need part[12];
    int parts;
    double disk; /* bytes in the output's file system */
} Needs;

void needs_add(Needs *n, const char *what, double bytes);
double needs_bytes(const Needs *n); /* of memory, altogether */

/* Says the sum and its parts in one line, and puts it into the summary as "planned_bytes". Fails where the machine has
 * less memory, or `out` less disk. */
bool needs_check(const Needs *n, const char *stage, const char *out, json_t *summary, Err *err) MUST_CHECK;

/* Says what the program took at most beside what needs_check has put into this summary, and adds it as "bytes". Nothing
 * where the stage took no more than was taken at some time before it began. */
void needs_met(json_t *summary, const char *stage, size_t before);

#endif
