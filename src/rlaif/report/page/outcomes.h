/* Who compared what, and how it came out: the results of a run's evaluations of one policy against another. */
#ifndef RLAIF_REPORT_PAGE_OUTCOMES_H
#define RLAIF_REPORT_PAGE_OUTCOMES_H

#include "rlaif/report/page/taste.h"

/* Who compares two replies at once, a judge; or says of each alone how good it is, a judge or a reward model. */
typedef enum Sort { BY_COMPARISON, BY_SCORE, BY_REWARD, SORTS } Sort;

/* One judge prompt's result, or a reward model's, of an evaluation of policy A against B. */
typedef struct Outcome {
    const ReportStage *eval;
    const json_t *result, *interval;
    Sort sort;
    bool pointwise;        /* each reply alone */
    double value, neutral; /* the gain and 0, or the win rate and 1/2 */
    int sign;              /* 1: A is better, -1: worse, 0: the interval holds `neutral`, or there is none */
    int trained;  /* 1: the judge, or the reward model, that A was trained to please, 0: another, -1: not known */
    bool part;    /* it is only a part of what A was trained to please, or a mix that holds such a part */
    bool rival;   /* B was trained on the reward model */
    bool network; /* the judge is the network that A was trained to please, by this prompt or another */
} Outcome;
enum { MOST_OUTCOMES = 64 };

/* Who wins a contest, as the sign of an Outcome: where its interval leaves out one half, and where all prompts are alike, so that
 * no other test minds how few they are, the binomial test over prompts too. */
int report_wins(const json_t *result);
/* All of a run; those by which a checkpoint was chosen, which flatter it, come last. Returns how many. */
int report_outcomes(const Report *r, Outcome out[MOST_OUTCOMES]);
int outcomes_of_one(const Outcome *x, int n);       /* how many from here on belong to one evaluation */
bool range_holds(const json_t *interval, double x); /* also where there is none */

/* The choice of a checkpoint that an evaluation is a part of, or NULL; *checkpoint (or NULL): which one it is about. */
const ReportStage *report_choice_of(const Report *r, const ReportStage *eval, const char **checkpoint);
/* The reinforcement learning that a side of an evaluation ("policy", "against") comes from, or NULL. */
const ReportStage *report_side_training(const Report *r, const ReportStage *eval, const char *option);
/* The sample stage whose replies a side are, or NULL. */
const ReportStage *report_sampled(const Report *r, const ReportStage *eval, const char *option);

#endif
