/* Evaluations: labelers against people, reward models against people, policies against each other (paper.md 4, 5.3, 8,
 * 9). Each is a stage: what a model says is kept row by row, so that a killed evaluation goes on; the numbers are worked
 * out of the kept rows. A command prints them as a table on standard output; --json adds the summary.
 *
 * Numbers that cannot be said are null. An interval is [low, high] at 95 %: Wilson's for shares (ties count a half),
 * unless it is called bootstrap: 10,000 draws of prompts, by --seed. Lengths are in characters. A `p` of a test is
 * two-sided. */
#ifndef RLAIF_EVAL_H
#define RLAIF_EVAL_H

#include "rlaif/cost.h"
#include "rlaif/render.h"
#include "rlaif/stage.h"

/* How lengths are controlled for (9): logistic in the ratio of lengths, as the paper, or in its logarithm. */
typedef enum LengthControl { LENGTH_RATIO, LENGTH_LOG } LengthControl;
#define LENGTH_CONTROLS "ratio|log"

/* --- alignment ------------------------------------------------------------------------------------------ */

typedef struct AlignmentOptions {
    CommonOptions common;
    Prices prices;
    char *labels;
    int limit;
    bool skip_bad;
} AlignmentOptions;
extern const OptionTable alignment_table;

/* Labels beside people's choices; without any choices only what position bias and mass need.
 *
 * rows, with_choice       rows with a label; those of them that say what people preferred
 * accuracy, interval      share of labels on people's side (4.1); a label of exactly 1/2 is a tie
 * ties
 * single_order_accuracy   of one order alone, mean of both: before debiasing (3.5)
 * longer_accuracy         of "the longer response is better", on the same rows
 * kappa                   Cohen's, of first and second as given; null where people always chose the same
 * kappa_both_orders       the same with every pair counted in both orders: 2 accuracy - 1 without ties
 * mean_distance_from_half |p - 1/2|
 * certainty_auc           does |p - 1/2| tell right labels from wrong ones: area under the curve
 * calibration_error       mean |p of the chosen side - accuracy| over bins
 * calibration             [{from, to, n, mean_p, accuracy}], five bins of p of the chosen side
 * by_margin               [{from, to, n, accuracy, interval}], quarters of the rows by |p - 1/2|
 * by_confidence           [{confidence, n, accuracy, interval}], rows with people's confidence (1 to 9)
 * people                  null where nobody chose twice between the same two responses; else
 *   pairs, choices        such pairs, and people's choices between them
 *   agreement, interval   share of two people's choices that are the same; interval by bootstrap over pairs
 *   labels                share of labels on people's side there
 * mass                    mean probability on the answers
 * position                null without rows in both orders; else
 *   pairs, same_slot      judged in both orders; those where both preferred the same position (4.3)
 *   same_slot_rate, interval
 *   first_share, p        of these, the share that preferred the first; exact binomial test against 1/2
 *   by_length_gap         [{from, to, pairs, same_slot_rate}]: longer over shorter response: under 1.25, under 2, above
 * cost                    cost.h; not of alignment_numbers */
bool alignment_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;
/* The same numbers of rows at hand, viewed as pairs, set into an object. Fails for a row without a label. */
bool alignment_numbers(const Rows *rows, json_t *out, Err *err) MUST_CHECK;

/* --- accuracy ------------------------------------------------------------------------------------------- */

typedef struct AccuracyOptions {
    CommonOptions common;
    char *pairs, *reward, *output;
    int chat, limit;
    bool skip_bad;
} AccuracyOptions;
extern const OptionTable accuracy_table;

/* A reward model on pairs whose preferred response is known (5.3). Rows get `rewards`, centred and scaled as the model's
 * training rows were.
 *
 * pairs, without_choice   pairs judged; rows left out because nobody's choice is known
 * accuracy, interval      share with r(preferred) > r(other); equal rewards are ties
 * ties
 * mean_margin, sd_margin  of r(preferred) - r(other)
 * auc                     of rewards over all responses, preferred against not: how far they compare across prompts
 * centre, scale           mean and standard deviation of the rewards of these rows: 0 and 1 on the training rows
 * longer_accuracy         of "the longer response is better", on the same rows */
bool accuracy_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* --- win rate ------------------------------------------------------------------------------------------- */

typedef enum WinrateMethod { WINRATE_AUTO, WINRATE_PAIRWISE, WINRATE_POINTWISE } WinrateMethod;

typedef struct WinrateOptions {
    CommonOptions common;
    char *a, *b, *judge, *output;
    OptionList prompt;
    int method, length, chat, limit;
} WinrateOptions;
extern const OptionTable winrate_table;

/* Responses of A against those of B to the same prompts. Rows are matched by `id` where every row has one, else by their
 * prompts, the n-th of a prompt with the n-th; each must be found in both, with as many responses. The i-th response of
 * A meets the i-th of B.
 *
 * A pairwise prompt judges the two in both orders; p is the mean, above 1/2 A wins. A prompt of kind score or verdict
 * judges every response alone, the reward is a direct judge's (7), and the higher wins.
 *
 * prompts, pairs          different prompts; pairs of responses
 * judge                   "sha256:..."
 * characters_a, characters_b   mean lengths
 * results                 one for each judge prompt, in order:
 *   prompt, prompt_hash, kind
 *   win_rate, interval    share of pairs that A wins, ties count a half
 *   win_rate_bootstrap    its interval over prompts, whose samples go together
 *   wins, losses, ties
 *   binomial_p            exact test of wins against losses (ties left out)
 *   paired_p              t-test of the prompts' mean outcomes against 1/2: minds that samples of a prompt go together
 *   t_p                   two-sample t-test of A's outcomes against B's, as the paper (8). Each is what the other is not,
 *                         and a test that takes them as independent says too much: believe paired_p
 *   length_controlled, length_controlled_interval   win rate where both are equally long: logistic in z = length A /
 *                         length B, at z = 1 (9), or by --length log in log z, at 0; interval over prompts. Null where z
 *                         is always the same, but not 1. Pairs with an empty response of B are left out of it
 *   mass                  mean probability on the answers
 *  pairwise:
 *   mean_p, same_slot_rate, first_share   as in alignment
 *  score and verdict:
 *   mean_a, mean_b        mean rewards, in [-1, 1]
 *   gain, gain_interval   mean over prompts of (mean of A's samples - mean of B's), bootstrap over prompts
 *   excludes_zero         the gain's interval does not hold 0
 *   gain_paired_p         t-test of the prompts' gains against 0
 *   gain_t_p, gain_welch_p   two-sample t-tests of A's rewards against B's: Student's (8: the paper's), Welch's */
bool winrate_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
