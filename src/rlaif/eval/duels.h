/* Pairs of responses to one prompt, A's and B's of a matched row (match.h), put to a judge or a reward model. */
#ifndef RLAIF_EVAL_DUELS_H
#define RLAIF_EVAL_DUELS_H

#include "rlaif/judge/judge.h"
#include "rlaif/judge/reward_model.h"

/* The pairs of some rows, one after the other. */
typedef struct Duels {
    int n;
    Question *question; /* [n]: context, A's, B's */
    RowView *view;      /* [rows]; the responses of each: A's and B's first, A's and B's second, ... */
    char (*place)[300], **context;
    int rows;
} Duels;
void duels_gather(Duels *d, const Rows *rows, const int *index, int n);
void duels_release(Duels *d);
/* How many a row has, and the k-th response of a side, which the row keeps. */
int duel_count(const Row *row);
ResponseView duel_response(const json_t *row, const Context *context, const char *side, size_t k);

/* Judgments of all, one each into out; NULL of one that gets no answer (JudgeOptions.refused). In both orders: {"p", "orders",
 * "same_slot"}, and `flip` as in a label; */
bool duels_ask_pairs(Judge *j, const Duels *d, Averaging average, json_t **out, Err *err) MUST_CHECK;
/* of both responses alone: {"a": {"reward", "logp", "mass"}, "b": ...}; */
bool duels_ask_responses(Judge *j, const Duels *d, json_t **out, Err *err) MUST_CHECK;
/* by a reward model: {"a": {"reward"}, "b": {"reward"}}. */
bool duels_ask_reward(RewardModel *m, const Duels *d, json_t **out, Err *err) MUST_CHECK;

#endif
