/* What labelling will take, planned before anything is asked, measured by the first pairs, and compared with what it took. */
#ifndef RLAIF_LABEL_PLAN_H
#define RLAIF_LABEL_PLAN_H

#include "rlaif/label/asking.h"
#include "rlaif/stage/needs.h"

/* What labelling will take, and has taken so far in this process. */
typedef struct LabelPlan {
    JudgePlan all, first; /* of all pairs to label; of the first ones, by which what all takes is measured */
    int pairs, first_pairs;
    int chunks, first_chunks; /* that are done; that the first pairs are */
    double bytes;             /* of memory, at most, with the judge */
    double input, output;     /* tokens to read and write: of an endpoint at most, or by the first pairs */
    double dollars;           /* of an endpoint, as these */
    double seconds;           /* by the first pairs; 0: not known */
    int waves, first_waves;   /* of requests to an endpoint that are under way together */
    double began;
    double tokens, written; /* read and written so far */
} LabelPlan;

/* Pairs of the first chunk of n: an eighth, by which time and an endpoint's tokens are measured. */
int label_first_chunk(const Asking *a, int n);
/* Plans the rows `index`, says so, and refuses what does not fit into memory. */
bool label_plan(LabelPlan *p, const Asking *a, const Rows *rows, const int *index, int n, Err *err) MUST_CHECK;
/* After a chunk: with the first one that asked anything, what all takes is measured and said. */
void label_plan_goes_on(LabelPlan *p, const Asking *a);
/* Says what was planned and what it took. Returns both: {prompts, longest, cut, planned_tokens, tokens, planned_computed,
 * computed, planned_written, written, planned_bytes, bytes (needs_met; of an endpoint planned_dollars, dollars),
 * planned_seconds, seconds}; of an endpoint tokens are those of requests that were sent. What a machine measured, hence in no
 * store. NULL: nothing was asked. */
json_t *label_plan_ends(const LabelPlan *p, const Asking *a);
/* What labelling these rows needs and computes; the rows are viewed as pairs. */
bool label_needs(Work *work, const void *options, Rows *rows, Needs *n, Effort *e, Err *err) MUST_CHECK;
/* Prints what the prompts share and one of them, and asks nothing. */
bool label_explain(Work *work, const LabelOptions *o, Err *err) MUST_CHECK;

#endif
