/* Tiny random models made in code, without files or tokenizer, and sequences scored one by one. */
#ifndef TESTS_TINY_H
#define TESTS_TINY_H

#include "model/head.h"
#include "support.h"
#include "train/pass.h"

typedef enum TinyKind {
    TINY_LLAMA,   /* two layers, untied */
    TINY_GEMMA,   /* Gemma 3's norms, windows, scales; three layers, tied; odd sizes */
    TINY_MISTRAL, /* a window in every layer, YaRN */
    TINY_QWEN2,   /* biases of q, k and v; tied; one layer with a window */
    TINY_QWEN3,   /* norms of q and k */
    TINY_GEMMA2,  /* soft caps */
    TINY_PHI3,    /* longrope, a part of the head rotated */
    TINY_GPT2,    /* LayerNorm, biases, learned positions, no gate */
    TINY_GPTNEOX, /* the same in parallel, a part of the head rotated, exact GELU; a bias of the reward head */
    TINY_KINDS,
    TINY_USUAL = TINY_MISTRAL /* the first ones: enough where no family does anything of its own */
} TinyKind;

extern const char *const tiny_name[TINY_KINDS];

/* A model with these heads (HeadKind, or-ed). Free with model_free. */
Model *tiny_model(TinyKind kind, int heads, int vocab, Device *device);

/* Gives it an adapter of all linear layers, of ranks that differ, with numbers everywhere. */
void tiny_adapt(Model *m);

/* The same on a device of its own. tiny_free frees a model and its device. */
Model *tiny_on(CpuLevel level, int threads, TinyKind kind, int heads, int vocab);
void tiny_free(Model *m);

/* The same with every weight off by about a fifth. */
Model *tiny_neighbour(TinyKind kind, int heads, int vocab, Device *device);

/* The final residual stream [n][C] of one sequence alone. The caller frees it. */
float *hidden_alone(Model *m, const int *ids, int n);

/* Log-probabilities [n - 1] of a sequence's next tokens, alone, or from its hidden states. The caller frees them. */
float *logprobs_alone(Model *m, const int *ids, int n);
float *logprobs_of(Model *m, float *hidden, const int *ids, int n);

/* Gradient buffers for a model, zero. Free with grads_free. */
Weights *grads_new(const Model *m);
void grads_free(Weights *w);
/* A tied head's gradient joins the embedding's. */
void grads_join(const Model *m, Weights *w);

/* Moves a model's parameters by so much of a gradient: in direction 0 all of them, else a random half of all numbers.
 * Returns the squared length of what takes part. */
double move_along(Model *m, const Weights *gradient, int direction, double by);

/* The hash of floats, for bits that have to be the same on every machine. */
void hash_floats(Hash *h, const float *at, size_t n);

#endif
