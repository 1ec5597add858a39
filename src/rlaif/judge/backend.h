/* What stands behind a judge: who reads prompts and answers. Judges (judge.c) lay out prompts, cut them, keep orders and
 * rationales apart and average; a backend turns one prompt into probabilities, or continues it. */
#ifndef RLAIF_JUDGE_BACKEND_H
#define RLAIF_JUDGE_BACKEND_H

#include "infer/sampler.h"
#include "infer/scorer.h"
#include "rlaif/judge/options.h"
#include "rlaif/judge/verdict.h"

/* What asking will take, found without asking. */
typedef struct JudgePlan {
    int prompts;            /* read; with chain of thought once for each rationale */
    double tokens;          /* of all prompts, without rationales */
    int longest;            /* of them */
    int sent, texts;        /* requests whose reply is neither stored nor that of another; of these for a rationale */
    double sent_tokens;     /* of their prompts, without rationales */
    int cut;                /* questions whose context is cut */
    int rationales;         /* written */
    int tail;               /* tokens behind a rationale, up to the answer */
    int all_share;          /* tokens that all prompts begin with */
    double orders_share;    /* tokens that the two orders of a pair begin with, summed over pairs */
    double flops;           /* of computing the prompts; 0: not known */
    ScorerCost cost;        /* of computing the prompts, without rationales */
    double rationale_bytes; /* memory while rationales are written, at most */
} JudgePlan;

/* One prompt, borrowed. With chat, the body is the user's message and the ending begins the assistant's reply; without,
 * they are one text; of a contrast the ending is the response, whose tokens are its own. */
typedef struct Asked {
    const char *where; /* begins the messages about it */
    const char *body, *ending;
} Asked;

/* A text read behind a prompt. */
typedef struct Given {
    double *logp; /* of its n tokens; owned */
    int n;
    int tokens;   /* read, those of the prompt too */
    bool refused; /* it will never be read (JudgeOptions.refused) */
} Given;

typedef struct JudgeBackend {
    /* The prompt's answers after each of n prompts, and how many tokens were read. What one is told does not depend on the
     * others. */
    bool (*answer)(void *self, const Asked *a, int n, Verdict *out, Err *err);
    /* What is written after each of n prompts: *text (the caller frees it) and how many tokens were read and written.
     * Neighbours with the same body share it. It may go on after `stop` has been written, or end there. *text NULL: it is
     * refused (JudgeOptions.refused). */
    bool (*write)(void *self, const Asked *a, int n, const RngKey *key, const Sampling *how, const char *stop,
                  char **text, TokenCount *tokens, Err *err);
    /* Of a contrast: the log-probabilities of the ending's tokens behind each of n bodies, one by one. The caller frees those of
     * `out`, whether it fails or not. */
    bool (*read)(void *self, const Asked *a, int n, Given *out, Err *err);
    /* Tokens of each of n prompts; where that cannot be known, rather too many. */
    bool (*measure)(void *self, const Asked *a, int n, int *tokens, Err *err);
    /* Most tokens of a prompt and what is written after it. */
    int (*context)(const void *self);
    ScorerCost (*cost)(const void *self);
    void (*free)(void *self);
    /* What answering n prompts will take, `orders` of them a question: adds to what sharing and cost say. Called for the
     * same prompts in the same order as they will be asked. NULL: nothing is known of it. */
    bool (*plan)(void *self, const Asked *a, int n, int orders, JudgePlan *plan, Err *err);
    /* Which of n prompts need not be sent, because what is said of them is stored or one before them, in this call or an
     * earlier one of this, is the same. key NULL: they are answered; else continued, and text[i] is what is stored (the
     * caller frees it), or NULL. NULL: all are computed. */
    bool (*known)(void *self, const Asked *a, int n, const RngKey *key, const Sampling *how, const char *stop,
                  bool *known, char **text, Err *err);
    /* Appends a prompt as it is read, control tokens included, or as it is sent. */
    bool (*show)(void *self, const Asked *a, Str *out, Err *err);
    /* judge_endpoint_about. NULL: a model in this process. */
    const json_t *(*about)(const void *self);
} JudgeBackend;

/* Who says a part's number: a judge of one prompt, a reward model, or nobody, for it is the length. */
typedef struct PartJudge {
    struct Judge *judge;        /* owned, but for its prompt */
    struct RewardModel *reward; /* owned; NULL before a model is there */
    char hash[HASH_TEXT];       /* its; empty without weights */
    JudgePlan plan;             /* of this part alone */
} PartJudge;

typedef struct Judge {
    JudgePrompt *prompt; /* owned */
    JudgeOptions options;
    Shown shown; /* what stands beside the item */
    Scale scale;
    const JudgeBackend *backend;
    void *self;                 /* the backend's; owned */
    PartJudge part[MOST_PARTS]; /* of a mix, which has no backend itself */
} Judge;

#endif
