/* What the win rates of a run's judges said of two responses to a prompt, found by their texts. */
#ifndef RLAIF_EVAL_VERDICTS_H
#define RLAIF_EVAL_VERDICTS_H

#include "rlaif/stage/stage.h"

typedef struct Verdicts {
    json_t *said;   /* hash of a prompt and two texts -> [1, 1/2 or 0: the first in order of bytes is better; stage] */
    json_t *stages; /* names; */
    json_t *used;   /* of them those that verdicts_find took one from, in order of use */
    char hash[HASH_TEXT]; /* of all that was said */
} Verdicts;

/* Of every finished stage of the store that is a win rate, by its first judge prompt; of two that judged the same texts the first
 * counts. */
bool verdicts_read(Work *work, Verdicts *out, Err *err) MUST_CHECK;
void verdicts_release(Verdicts *v);

/* 1 where x is better than y, 0 where worse, 1/2 where equal; NAN: no judge was asked about the two. */
double verdicts_find(Verdicts *v, const Context *prompt, const char *x, const char *y);

#endif
