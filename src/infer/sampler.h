/* Drawing next tokens. A token's log-probability is over the whole vocabulary, at temperature 1 or at that of the draw; top-k
 * and top-p shape the draw only. */
#ifndef INFER_SAMPLER_H
#define INFER_SAMPLER_H

#include "base/rng.h"
#include "model/head.h"

typedef struct Sampling {
    bool greedy;
    double temperature; /* > 0 */
    bool logp_tempered; /* log-probabilities and entropy are at that temperature, too, not at 1 */
    int top_k;          /* 0: all */
    double top_p;       /* 1: all; applied after top_k */
    int max_new_tokens;
} Sampling;

typedef struct Drawn {
    int id;
    float logp;
    float entropy; /* of the whole distribution, in nats */
} Drawn;

/* Draws a token after each of the rows of hidden [n][C]. key[i] and position[i] (of the token in its
 * response) make the random number. */
bool sample_tokens(Model *m, Tensor hidden, const Sampling *how, const RngKey *key, const int *position, Drawn *out,
                   Err *err) MUST_CHECK;

#endif
