/* Random numbers without state: each is a function of what it is for.
 *
 * A number is keyed by (seed, purpose, row, visit, sample, position), so that it does not depend on the
 * batch around a row, on threads, or on what was drawn before, and a resumed run draws the same. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

typedef enum RngPurpose {
    RNG_SAMPLE = 1, /* tokens of a response */
    RNG_SHUFFLE,    /* order of rows in an epoch */
    RNG_SPLIT,      /* subsets and splits of a data set */
    RNG_ORDER,      /* which response a single-order judge sees first */
    RNG_HEAD,       /* first weights of a head */
    RNG_BOOTSTRAP,  /* confidence intervals */
    RNG_TEST,       /* test data */
    RNG_RATIONALE,  /* tokens of a rationale */
    RNG_EXEMPLAR,   /* which exemplars a judge is shown */
    RNG_RETRY,      /* waits before a request is made again; no result depends on them */
    RNG_RATING,     /* order of what people rate */
    RNG_ROLLOUT,    /* tokens of a response that reinforcement learning learns from: not those that were labelled */
    RNG_HELD_OUT,   /* tokens of a response that a checkpoint is kept for: not those that choose and eval judge */
    RNG_SHOWN,      /* which prompts a report shows first */
    RNG_NOISE,      /* which labels are turned on purpose */
    RNG_ADAPTER     /* first numbers of an adapter */
} RngPurpose;

typedef struct RngKey {
    uint64_t seed;
    RngPurpose purpose;
    uint64_t row;    /* the row's identity: rng_row of its id, or of its content's hash */
    uint32_t visit;  /* how often the stage has met the row before */
    uint32_t sample; /* which of the row's samples */
} RngKey;

/* The number at a position: 64 random bits, or a double in [0, 1) of 53 bits. */
uint64_t rng_bits(RngKey key, uint64_t position);
double rng_uniform(RngKey key, uint64_t position);
/* A standard normal deviate (Box and Muller). */
double rng_normal(RngKey key, uint64_t position);
/* An integer in [0, n), n > 0. */
uint64_t rng_below(RngKey key, uint64_t position, uint64_t n);

/* order[0..n) becomes a random permutation of 0..n-1. */
void rng_permutation(RngKey key, int *order, int n);

/* 64 bits that identify a row for its random numbers. */
uint64_t rng_row(const char *id);

#endif
