/* Labels: preferences between two responses from a judge (paper.md 3). */
#ifndef RLAIF_LABEL_H
#define RLAIF_LABEL_H

#include "rlaif/cost.h"
#include "rlaif/label_row.h"
#include "rlaif/stage.h"

typedef enum LabelMethod { LABEL_PAIRWISE, LABEL_POINTWISE } LabelMethod;

typedef struct LabelOptions {
    CommonOptions common;
    JudgeOptions judge; /* its seed is the common one */
    SettleOptions settle;
    Prices prices;
    char *pairs, *model, *output;
    char *from; /* labels to settle anew, in place of pairs and a model; NULL: none */
    int method, limit;
    char *prompt; /* NULL: helpful-base, pointwise helpful-score */
    bool both_orders, skip_bad, drop_same_slot, explain;
    double drop_undecided; /* |p - 1/2| below which a label is dropped */
} LabelOptions;
extern const OptionTable label_table;

/* Labels every row: its `label` is what docs/formats.md says. Where labels are dropped, the stage NAME.all keeps what the
 * judge said of all rows, so that other filters do not ask again.
 *
 * Summary: pairs, prompt, method, mean_p, mean_distance_from_half, mass, same_slot_rate (pairs in both orders), cut (rows
 * whose context was cut), tokens {input, output}, alignment (alignment_numbers), cost (cost.h); after filters and with `from`: read, dropped {same_slot, undecided}. */
bool label_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
