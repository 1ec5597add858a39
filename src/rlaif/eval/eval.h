/* Evaluations: labelers against people, reward models against people, policies against each other (paper.md 4, 5.3, 8,
 * 9). Each is a stage: what a model says is kept row by row, so that a killed evaluation goes on; the numbers are worked
 * out of the kept rows. A command prints them as a table on standard output; --json adds the summary.
 *
 * This opens the folder: a file of its own for each evaluation (alignment.c, accuracy.c, winrate.c, harmless.c, ratings.c, probes.c),
 * each the command and its numbers. Below them, upwards: numbers.h, table.h (how numbers are written), outcomes.h (intervals and
 * tests over prompts), contest.h (A against B), match.h, replies.h (responses put side by side). compare.h and choose.h, above,
 * sample policies and choose a checkpoint. Read outcomes.h first, then winrate.c.
 *
 * Numbers that cannot be said are null. An interval is [low, high] at 95 %, over prompts, whose pairs, replies and marks go
 * together: of shares (ties count a half) Wilson's of as many trials as the prompts are worth (stats_share); of other means, and
 * where it is called so, bootstrap: 10,000 draws of prompts, by --seed, never narrower than Student's (stats_bootstrap), null
 * where all prompts are alike, of a share then Wilson's. Lengths are in characters. A `p` of a test is two-sided; but for t_p,
 * over prompts. */
#ifndef RLAIF_EVAL_EVAL_H
#define RLAIF_EVAL_EVAL_H

#include "rlaif/judge/source.h"
#include "rlaif/rows/render.h"
#include "rlaif/stage/stage.h"

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
 * rows, prompts, with_choice   rows with a label; different prompts; rows that say what people preferred
 * accuracy, interval      share of labels on people's side (4.1); a label of exactly 1/2 is a tie
 * ties
 * single_order_accuracy   of one order alone, mean of both: before debiasing (3.5)
 * longer_accuracy, longer_interval   of "the longer response is better", on the same rows
 * base_rate               of one and the same slot, the one that people prefer more often
 * auc                     of the margin, every pair in both orders
 * against_length          accuracy where label and length disagree; also its _interval and _pairs
 * upper_half              accuracy in the half of the larger margins; also its _interval and _pairs, and upper_half_longer, of
 *                         the longer response there
 * kappa                   Cohen's, of first and second as given; null where people always chose the same
 * kappa_both_orders       the same with every pair counted in both orders: 2 accuracy - 1 without ties
 * mean_distance_from_half |p - 1/2|
 * certainty_auc           does |p - 1/2| tell right labels from wrong ones: area under the curve
 * calibration_error       mean |p of the chosen side - accuracy| over bins
 * calibration             [{from, to, n, mean_p, accuracy, interval}], five bins of p of the chosen side
 * by_margin               [{from, to, n, accuracy, interval}], quarters of the rows by |p - 1/2|
 * by_confidence           [{confidence, n, accuracy, interval}], rows with people's confidence (1 to 9)
 * people                  null where nobody chose twice between the same two responses; else
 *   pairs, choices        such pairs, and people's choices between them
 *   agreement, interval   share of two people's choices that are the same
 *   labels                share of labels on people's side there
 * mass                    mean probability on the answers
 * position                null without rows in both orders; else
 *   pairs, same_slot      judged in both orders; those where both answers named the same position (4.3)
 *   same_slot_rate, interval
 *   first_share, first_share_interval, p   of these, the share that named the first; exact binomial test of the prompts
 *                         where that is more than half of them against those where it is less
 *   by_length_gap         [{from, to, pairs, same_slot_rate, interval}]: longer over shorter response: under 1.25, under 2,
 *                         above
 * cost                    cost.h; not of alignment_numbers */
bool alignment_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;
/* The same numbers of rows at hand, viewed as pairs, set into an object. Fails for a row without a label. */
bool alignment_numbers(const Rows *rows, json_t *out, Err *err) MUST_CHECK;

/* --- accuracy ------------------------------------------------------------------------------------------- */

typedef struct AccuracyOptions {
    CommonOptions common;
    OptionList trained_on;
    char *pairs, *reward, *output;
    int chat, truncate, limit;
    bool skip_bad;
} AccuracyOptions;
extern const OptionTable accuracy_table;

/* A reward model on pairs whose preferred response is known (5.3). Rows get `rewards`, centred and scaled as the model's
 * training rows were; one whose context was cut `rewards_cut`, by how many characters.
 *
 * prompts, pairs, without_choice   different prompts; pairs judged; rows left out because nobody's choice is known
 * accuracy, interval      share with r(preferred) > r(other); equal rewards are ties
 * ties
 * mean_margin, sd_margin  of r(preferred) - r(other)
 * auc                     of rewards over all responses, preferred against not: how far they compare across prompts
 * centre, scale           mean and standard deviation of the rewards of these rows: 0 and 1 on the training rows
 * longer_accuracy, longer_interval         of "the longer response is better", on the same rows
 * cut, cut_characters     where contexts were cut: of how many rows, by how much in all */
bool accuracy_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* --- win rate ------------------------------------------------------------------------------------------- */

typedef enum WinrateMethod { WINRATE_AUTO, WINRATE_PAIRWISE, WINRATE_POINTWISE } WinrateMethod;

typedef struct WinrateOptions {
    CommonOptions common;
    JudgeReading reading;
    EndpointOptions endpoint; /* a judge elsewhere */
    char *a, *b, *judge, *reward, *output;
    OptionList prompt, trained_on;
    int method, average, length, chat, limit; /* average: Averaging, of pairwise prompts */
    bool skip_bad;
} WinrateOptions;
extern const OptionTable winrate_table;

/* Responses of A against those of B, or against what people wrote, to the same prompts. Rows are matched by `id` where every row has one, else by their
 * prompts, the n-th of a prompt with the n-th; each must be found in both, with as many responses. The i-th response of
 * A meets the i-th of B.
 *
 * A pairwise prompt judges the two in both orders; p is the mean, or by --average log-odds that of the log-odds; above 1/2 A wins. A prompt of another kind
 * judges every response alone, the reward is a direct judge's (7), and the higher wins; so does the higher reward of a
 * reward model (5.3), which is asked beside the judge or without one.
 *
 * prompts, pairs          different prompts; pairs of responses
 * judge                   "sha256:...", or null: a reward model alone was asked
 * comparisons             how many results there are: each compares A with B
 * characters_a, characters_b   mean lengths
 * probes_a, probes_b      as a policy's of probes_stage
 * judge_cut, judge_cut_characters   where the judge read cut contexts: pairs, or responses judged alone; characters less
 * results                 one for each judge prompt, in order, then the reward model's:
 *   prompt, prompt_hash, kind   of a reward model "reward model", reward_hash, "reward"
 *   parts                 of a mix [{part, weight, prompt_hash or reward_hash}]
 *   win_rate, interval    share of pairs that A wins, ties count a half
 *   win_rate_bootstrap    its interval by bootstrap
 *   wins, losses, ties
 *   binomial_p            exact test of the prompts where A wins more than half against those where it wins less
 *   paired_p              t-test of the prompts' mean outcomes against 1/2: minds that samples of a prompt go together
 *   t_p                   two-sample t-test of A's outcomes against B's, as the paper (8). Each is what the other is not:
 *                         its size is about 17 % for a nominal 5 %; believe paired_p
 *   length_controlled, length_controlled_interval   win rate where both are equally long: logistic in z = length A /
 *                         length B, at z = 1 (9), or by --length log in log z, at 0; interval over prompts. Null where z
 *                         is always the same, but not 1. Pairs with an empty response of B are left out of it
 *   length_share, length_share_interval   win_rate - length_controlled, what length explains; the interval minds that both
 *                         are of the same pairs (docs/math.md). Null where length_controlled has none, and where all are
 *                         equally long
 *   mass                  mean probability on the answers; not of a reward model
 *  pairwise:
 *   mean_p, mean_p_interval   by bootstrap
 *   same_slot_rate, same_slot_interval, first_share, first_share_interval, first_share_p   as in alignment, over pairs
 *  score, verdict and reward:
 *   mean_a, mean_b        mean rewards, a judge's in [-1, 1], a reward model's as it was centred and scaled in training
 *   mean_a_interval, mean_b_interval   bootstrap over prompts
 *   gain, gain_interval   mean over prompts of (mean of A's samples - mean of B's), bootstrap over prompts
 *   spread_b, gain_in_spreads, gain_in_spreads_interval   deviation of B's rewards, and the gain divided by it
 *   gain_in_spreads_at_equal_length, ..._interval   the same where both are equally long: a straight line in z, as above
 *   length_share_of_gain, ..._interval   gain_in_spreads less that: what length explains of it, as length_share
 *   excludes_zero         the gain's interval does not hold 0
 *   gain_paired_p         t-test of the prompts' gains against 0
 *   gain_t_p, gain_welch_p   two-sample t-tests of A's rewards against B's: Student's (8: the paper's), Welch's */
bool winrate_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* --- harmless rate -------------------------------------------------------------------------------------- */

typedef struct HarmlessOptions {
    CommonOptions common;
    JudgeReading reading;
    EndpointOptions endpoint; /* a judge elsewhere */
    OptionList rows, trained_on;
    char *judge, *prompt, *baseline, *output;
    int length, chat, limit;
    bool skip_bad;
} HarmlessOptions;
extern const OptionTable harmless_table;

/* The share of responses that are harmless, policy by policy (8): each is judged on its own, by a judge's verdict (its
 * first answer is the likelier one: 1; equal: 1/2; rows get `judgment`) or by people, one `harmless` mark a row, with the
 * `rater`'s name. Without rows: the ratings of the store.
 *
 * source            "judge" or "people"
 * prompts           different prompts
 * baseline          the policy whose mean length is the unit of length control
 * policies          [{policy, n, prompts, harmless, interval, bootstrap (over prompts), characters,
 *                   length_controlled, length_controlled_interval, and of a judge mean_p, mass}]; length control: logistic in
 *                   z = length / mean length of the baseline's responses, at z = 1 (9), or by --length log in log z
 * against           every two policies: [{a, b, prompts, difference, difference_interval, paired_p, binomial_p, t_p}]:
 *                   mean over the prompts that both answered of A's rate - B's, bootstrap over prompts; t-test of these
 *                   differences against 0; exact test of the prompts where A is above B against those where it is below;
 *                   and the paper's two-sample t-test of all marks
 * comparisons       how many of these
 *  judge:
 *   judge, prompt, prompt_hash; where contexts were cut judge_cut (responses), judge_cut_characters
 *   beside_people    null, or where rows have people's marks too {marks, accuracy, interval, kappa}
 *  people:
 *   raters           {raters, pairs, agreement, interval, kappa, by_rater: [{rater, judgments, pairs, agreement}]}: marks of
 *                   the same response by two raters, alike or not */
bool harmless_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* --- people's rankings ---------------------------------------------------------------------------------- */

typedef struct RatingsOptions {
    CommonOptions common;
    char *rows, *output;
    OptionList trained_on;
    int length, limit;
    bool skip_bad;
} RatingsOptions;
extern const OptionTable ratings_table;

/* People's rankings without ties (8; rows: rankings.h). Without rows: the ratings of the store. Responses of the same text
 * share a place, and are a tie between their policies.
 *
 * rankings, items, prompts   rows; different sets of responses; different prompts
 * policies          [{policy, n, mean_rank, mean_rank_interval, first (share of first places), first_interval,
 *                   characters}]; intervals by bootstrap over prompts
 * pairs             every two policies: [{a, b, n, and as in winrate_stage win_rate .. length_share_interval}]
 * over              two policies against a third (8: 71 % beside 73 %): [{a, b, over, prompts, rate_a, rate_b, difference,
 *                   difference_interval, t_p, paired_p}]: the paper's two-sample t-test; bootstrap and t-test over prompts
 * comparisons       how many of pairs and over
 * kendall           {items, w, interval, chi_square, df, p, significant}: items of several raters, the mean of their W, its
 *                   bootstrap interval over prompts; chi-squares and degrees of freedom summed, and their p; items whose own
 *                   p is below 0.05. Chi-square is rough for few raters of few responses
 * raters            {raters, pairs, agreement, interval, by_rater}: the order of two responses, alike or not
 * beside_judge      {pairs, agreement, interval, bootstrap, stages}, the order of two responses by a judge and by a rater. The
 *                   judge's is of `score` of each response or, of two, `label` in the rows, else of the run's win rates by
 *                   prompt and texts, whose names are `stages`; null where no judge was asked about any two */
bool ratings_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* --- probes --------------------------------------------------------------------------------------------- */

typedef struct ProbesOptions {
    CommonOptions common;
    OptionList rows, trained_on;
    char *output;
    int limit;
    bool skip_bad;
} ProbesOptions;
extern const OptionTable probes_table;

/* What win rates do not show, policy by policy (probes.h); no model is asked. Rows get `probes`.
 *
 * prompts           different prompts
 * comparisons       probes times how many two policies there are
 * policies          [{policy, responses, prompts, characters, cut_off, next_turn, repetition, trailing, names, numbers}], each probe
 *                   {mean, interval}, the interval bootstrap over prompts */
bool probes_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
