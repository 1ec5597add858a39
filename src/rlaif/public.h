/* rlaif.h: a judge or a reward model inside another program. Installed with librlaif.a by `make install`.
 *
 *     char why[400];
 *     RlaifJudge *judge = rlaif_judge_open("model.gguf", "helpful-base", 0, why, sizeof why);
 *     RlaifPair pair = {.context = "What is a lichen?", .first = "A fungus with an alga.", .second = "No idea."};
 *     if (judge && rlaif_judge_pairs(judge, &pair, 1, why, sizeof why))
 *         printf("%f\n", pair.p);
 *     rlaif_judge_close(judge);
 *
 * The numbers are those of `rlaif label` and `rlaif score`, in every bit. Functions that can fail return NULL or false
 * and write a sentence to `why`. A judge or reward model is used by one thread at a time; it starts threads of its own
 * (0: one per core). Texts are UTF-8 and borrowed for the call. Link with the libraries that `rlaif version` names. */
#ifndef RLAIF_H
#define RLAIF_H

#include <stdbool.h>
#include <stddef.h>

#define RLAIF_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

typedef struct RlaifJudge RlaifJudge;
typedef struct RlaifReward RlaifReward;

/* Two responses to one context, and what the judge says of them. */
typedef struct RlaifPair {
    const char *context, *first, *second;
    double p;       /* P(first is preferred), mean of both orders */
    double mass;    /* probability on the answers, mean of both orders */
    bool same_slot; /* both orders chose the same position: a sign of position bias, not of quality */
} RlaifPair;

/* One response, and its score. */
typedef struct RlaifResponse {
    const char *context, *response;
    bool cut_off; /* it stopped before its end */
    double score; /* a judge's: in [-1, 1]; a reward model's: centred and scaled as its training rows */
    double mass;  /* a judge's: probability on the answers; a reward model's: 1 */
} RlaifResponse;

/* `model`: a GGUF file or a Hugging Face directory; `prompt`: a built-in judge prompt's name or a YAML file. */
RLAIF_API RlaifJudge *rlaif_judge_open(const char *model, const char *prompt, int threads, char *why, size_t why_bytes);
RLAIF_API void rlaif_judge_close(RlaifJudge *judge); /* accepts NULL */
/* Fills p, mass and same_slot of n pairs; the prompt compares two responses. */
RLAIF_API bool rlaif_judge_pairs(RlaifJudge *judge, RlaifPair *pair, int n, char *why, size_t why_bytes);
/* Fills score and mass of n responses; the prompt's kind is any but pairwise. */
RLAIF_API bool rlaif_judge_responses(RlaifJudge *judge, RlaifResponse *response, int n, char *why, size_t why_bytes);

/* `model`: a directory that `rlaif reward` wrote, or another sequence classifier with one label. */
RLAIF_API RlaifReward *rlaif_reward_open(const char *model, int threads, char *why, size_t why_bytes);
RLAIF_API void rlaif_reward_close(RlaifReward *reward); /* accepts NULL */
/* Fills score and mass of n responses. */
RLAIF_API bool rlaif_reward_responses(RlaifReward *reward, RlaifResponse *response, int n, char *why, size_t why_bytes);

RLAIF_API const char *rlaif_version(void);

#ifdef __cplusplus
}
#endif

#endif
