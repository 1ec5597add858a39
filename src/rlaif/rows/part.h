/* Random parts of rows, drawn by seed and each row's identity: the same rows whatever their order, and a smaller part lies
 * within a larger one. Rows that go together are in it or out of it together. */
#ifndef RLAIF_ROWS_PART_H
#define RLAIF_ROWS_PART_H

#include "rlaif/rows/rows.h"

/* A share of rows (15 of 100, 2 of 3), or a number of them (of 0). */
typedef struct Part {
    double take, of;
} Part;

/* What a part is drawn for: parts of different draws have nothing to do with each other. */
typedef enum PartDraw { PART_SAMPLE, PART_SPLIT, PART_LABELS } PartDraw;

/* "15%", "2/3" or "500"; NULL is {0}. False where it is none of them. */
bool part_read(Part *out, const char *text) MUST_CHECK;
/* Rows of n: halves round up. */
int part_size(Part p, int n);
/* Of the rows that are `in` only those stay in that the part has. Row i is drawn by the identity of row lead[i] (NULL: by its
 * own); rows of one lead go together, and the part has what its last ones are more. */
void part_draw(Part p, const Rows *rows, const int *lead, int seed, PartDraw draw, bool *in);

#endif
