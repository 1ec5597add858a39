/* Contests of two policies: win rates, gains, and what they are at equal length. */
#ifndef RLAIF_EVAL_CONTEST_H
#define RLAIF_EVAL_CONTEST_H

#include "base/json.h"
#include "rlaif/stage/stats.h"

/* How lengths are controlled for (9): logistic in the ratio of lengths, as the paper, or in its logarithm. */
typedef enum LengthControl { LENGTH_RATIO, LENGTH_LOG } LengthControl;
#define LENGTH_CONTROLS "ratio|log"

/* What is measured where both sides are equally long (paper.md 9), with its interval over clusters: outcomes y in [0, 1] by the
 * logistic in the ratio of lengths, at 1, or in its logarithm, at 0; with `gains` differences of rewards by a straight line.
 * Rows whose ratio is not finite, or without a logarithm, are left out. NAN where one ratio, but 1, is all there is.
 *
 * by_length is what length explains: the mean of all rows as they are (of gains over prompts), less that. Its interval minds
 * that the same rows move both (docs/math.md, "Length's share"); NAN where `interval` is, and where all are equally long. */
typedef struct Adjusted {
    double rate;
    Interval interval;
    double by_length;
    Interval by_length_interval;
} Adjusted;
Adjusted eval_length_controlled(const double *ratio, const double *y, const int *cluster, int n, int clusters,
                                LengthControl how, bool gains);
/* "length_controlled" and "length_controlled_interval". */
void eval_set_adjusted(json_t *object, Adjusted a);

/* One pair of responses under one judge prompt, or by a reward model. */
typedef struct Contest {
    int cluster;           /* the prompt: its number */
    double a, b;           /* rewards, or p and 1 - p */
    double ratio;          /* length of A / length of B; NAN: B is empty */
    double mass;           /* mean over what the judge was asked; NAN of a reward model */
    bool same_slot, first; /* pairwise: both orders named the same position, the first */
} Contest;

/* The numbers of one judge prompt, or of a reward model, into `out` (keys: winrate_stage); `pointwise` where a and b are rewards. */
void contest_summary(json_t *out, const Contest *c, int n, int clusters, bool pointwise, LengthControl how, int seed);
/* Of these the ones that any contest has, from win_rate to length_share_interval. */
void contest_wins(json_t *out, const Contest *c, int n, int clusters, LengthControl how, int seed);
void contest_print_wins(const json_t *result);
void contest_print(const json_t *result);

#endif
