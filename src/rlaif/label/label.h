/* Labels: preferences between two responses from a judge (paper.md 3). */
#ifndef RLAIF_LABEL_LABEL_H
#define RLAIF_LABEL_LABEL_H

#include "rlaif/judge/source.h"
#include "rlaif/label/row.h"
#include "rlaif/stage/stage.h"

typedef enum LabelMethod { LABEL_PAIRWISE, LABEL_POINTWISE } LabelMethod;

typedef struct LabelOptions {
    CommonOptions common;
    JudgeOptions judge; /* its seed is the common one */
    SettleOptions settle;
    EndpointOptions endpoint; /* in place of a model */
    char *pairs, *model, *output;
    char *from; /* labels to settle anew, in place of pairs and a model; NULL: none */
    int method, limit;
    OptionList prompt; /* none: helpful-base, pointwise helpful-score; several: candidates */
    char *choose_on;   /* rows with people's choices, by which one of several prompts is chosen */
    int trials;        /* draws of exemplars for each */
    bool both_orders, skip_bad, drop_same_slot, explain;
    double drop_undecided; /* |p - 1/2| below which a label is dropped */
} LabelOptions;
extern const OptionTable label_table;

/* Labels every row: its `label` is what docs/formats.md says. Where labels are dropped, the stage NAME.all keeps what the
 * judge said of all rows, so that other filters do not ask again.
 *
 * Of several prompts ("NAME|FILE --cot --shots 2": options that a candidate has of its own may follow) the one whose labels
 * agree with people most on choose_on labels the pairs; equal ones: the first. With several trials every candidate's
 * exemplars are drawn by the seeds SEED, SEED + 1, ..., its accuracy is their mean, and the pairs are labelled with the
 * first draw. The stages NAME.choice-1, ... keep the candidates' labels.
 *
 * Summary: pairs, prompt, method, mean_p, mean_distance_from_half, mass, same_slot_rate (pairs in both orders), cut (rows
 * whose context was cut), tokens {input, output}, alignment (alignment_numbers), cost (cost.h); after filters and with `from`: read, dropped {same_slot, undecided};
 * where a prompt was chosen: choice {chosen, same_rows (the pairs are choose_on's rows), candidates [{prompt, accuracy, interval, n, different (draws of exemplars), sd,
 * least, most (over trials), trials [{exemplar_seed, exemplars (numbers from 1), with_choice, accuracy, interval, ties}]}]}. */
bool label_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
