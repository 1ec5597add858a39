/* Scoring given sequences: log-probabilities of their tokens, rewards, next-token rankings. Sequences are
 * merged into a forest, so that what they begin with in common is computed once; what all of them begin with
 * (a judge's preamble) is kept from call to call. */
#ifndef INFER_SCORER_H
#define INFER_SCORER_H

#include "model/head.h"

typedef struct Scorer Scorer;

typedef struct Sequence {
    const int *ids;
    int n;
} Sequence;

/* What it took so far, and what sharing saved. */
typedef struct ScorerCost {
    double tokens;   /* of all sequences */
    double computed; /* rows that were computed */
    double attended; /* positions that they attended to, altogether */
    double wanted;   /* different states that went through the head */
    double bytes;    /* at most at once, beside the model */
    double unpacked; /* and for weights that are unpacked (unpacked_bytes) */
} ScorerCost;

/* The model is borrowed and must not change while the scorer lives. */
void scorer_open(Scorer **out, Model *model);
/* One that computes nothing and returns nothing: scorer_logprobs and scorer_rewards only add to its cost. The model needs
 * no weights. */
void scorer_open_hollow(Scorer **out, Model *model);
/* Log-probabilities of scorer_logprobs are at this temperature from now on, and not at 1. */
void scorer_temper(Scorer *s, double temperature);
void scorer_free(Scorer *s); /* accepts NULL */
ScorerCost scorer_cost(const Scorer *s);

/* logp[i][t] = log P(ids[from + t] | ids[.. from + t]) of sequence i, for every token from from[i] (at least
 * 1) to its end; over the whole vocabulary. */
bool scorer_logprobs(Scorer *s, const Sequence *seq, const int *from, int n, float *const *logp, Err *err) MUST_CHECK;

/* The reward head at each sequence's last token. */
bool scorer_rewards(Scorer *s, const Sequence *seq, int n, float *reward, Err *err) MUST_CHECK;

/* The `top` likeliest tokens after each sequence, likeliest first: id[i * top + k] and their
 * log-probabilities. */
bool scorer_next(Scorer *s, const Sequence *seq, int n, int top, int *id, float *logp, Err *err) MUST_CHECK;

#endif
