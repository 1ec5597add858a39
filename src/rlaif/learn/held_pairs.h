/* Held-out pairs: how well a reward model foretells choices that it was not trained on (paper.md 5.3). */
#ifndef RLAIF_LEARN_HELD_PAIRS_H
#define RLAIF_LEARN_HELD_PAIRS_H

#include "rlaif/judge/reward_model.h"
#include "rlaif/rows/cut.h"

/* Whose choices are foretold. */
typedef enum HeldLabels { HELD_HUMAN, HELD_AI } HeldLabels;
#define HELD_LABELS "human|ai"

typedef struct HeldPairs {
    Ids *ids;    /* [2 n] both sequences of every pair */
    double *p;   /* [n] P(the first is better); of a person's choice 0 or 1 */
    int n;       /* rows that have such a label */
    int chosen;  /* of them those that prefer one: p is not a half */
    int prompts; /* of those: different prompts */
} HeldPairs;

/* Renders the rows (viewed) that have a label of this kind. Those that there is no room for are refused, or cut in the rows
 * and counted, as `room` says; rows without any choice are refused. Release it in any case. */
bool held_pairs_read(HeldPairs *h, Rows *rows, HeldLabels labels, const Model *m, bool chat, Room room, CutCount *count,
                     Err *err) MUST_CHECK;
void held_pairs_release(HeldPairs *h);

/* accuracy: the share of pairs whose better response has the higher reward, ties a half. loss: mean preference_loss. */
bool held_pairs_measure(const HeldPairs *h, Model *m, double *accuracy, double *loss, Err *err) MUST_CHECK;

#endif
