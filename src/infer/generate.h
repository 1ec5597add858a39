/* Generation: many responses at once over one forest. Prompts are computed once, whatever the number of their
 * responses; every pass computes new prompts and one more token of each running response together. A response
 * depends on its own prompt and random key only, never on what runs beside it. */
#ifndef INFER_GENERATE_H
#define INFER_GENERATE_H

#include "infer/sampler.h"

typedef struct Response {
    /* set by the caller: */
    const int *prompt; /* borrowed; responses with the same pointer and length that stand together share it */
    int n_prompt;      /* at least 1 */
    RngKey key;
    /* the result; release with response_release: */
    Ids ids;        /* the end-of-turn token included, where it came */
    float *logp;    /* [ids.n] */
    float *entropy; /* [ids.n] */
    bool ended;     /* by its end-of-turn token, not by max_new_tokens or the caller */
    bool failed;    /* generate has failed because what the model says here is not finite */
} Response;

void response_release(Response *r);

/* Called with every token once it stands at the end of its response, in the order of each response; may be NULL. Returns
 * false where the response shall end there. */
typedef bool GenerateToken(void *context, int index, int id);

/* Fails where a prompt and its response could exceed the model's context, naming the index. */
bool generate(Model *m, Response *r, int n, const Sampling *how, GenerateToken *token, void *context,
              Err *err) MUST_CHECK;

/* Bytes beside the model while it generates, for each of `prompts` prompts of at most n_prompt tokens, `samples` responses
 * of at most max_new. */
size_t generate_bytes(const ModelConfig *c, int prompts, int samples, int n_prompt, int max_new);
/* And for its weights that are unpacked (unpacked_bytes). */
size_t generate_unpacked(const Model *m, int prompts, int samples, int n_prompt);

#endif
