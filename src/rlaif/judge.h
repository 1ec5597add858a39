/* Judges: a model, a prompt, and the exact probabilities of its answers (paper.md 3, 7). Nothing is generated
 * and nothing is parsed: an answer's probability is that of its tokens under the whole vocabulary. */
#ifndef RLAIF_JUDGE_H
#define RLAIF_JUDGE_H

#include "infer/scorer.h"
#include "rlaif/judge_prompt.h"

enum { MOST_ANSWERS = 32 };

typedef struct Judge {
    Model *model;        /* borrowed */
    JudgePrompt *prompt; /* owned */
    bool chat;
    Scorer *scorer;
    Ids answer[MOST_ANSWERS];
    double number[MOST_ANSWERS]; /* JUDGE_SCORE: what each answer counts, mapped linearly to [-1, 1] */
    double low, high;            /* the smallest and largest number */
} Judge;

/* Loads the prompt and encodes its answers. `chat` overrides the prompt's own where it is not CHAT_AUTO. */
bool judge_open(Judge **out, Model *model, const char *prompt, ChatMode chat, Err *err) MUST_CHECK;
void judge_free(Judge *j); /* accepts NULL */

/* What a judge says of one prompt. */
typedef struct Verdict {
    double logp[MOST_ANSWERS]; /* log-probability of each answer; of one that another begins with ("1", "10"):
                                  only what does not go on to the other */
    double mass;               /* their summed probability */
} Verdict;

/* One pair in one order. */
typedef struct OrderVerdict {
    Verdict verdict;
    double p; /* P(first response as given is preferred); swap and flip are applied */
    bool swapped;
} OrderVerdict;

/* One pair (equations: paper.md 3.4, 3.5). */
typedef struct PairVerdict {
    OrderVerdict order[2];
    int orders;     /* 1 or 2 */
    double p;       /* mean over the orders */
    bool same_slot; /* both orders chose the same position */
} PairVerdict;

/* One or two responses to judge. `where` begins the message where they are too long for the model. */
typedef struct Question {
    const char *where;
    const char *context; /* as judges read it (context_lines) */
    const char *first, *second;
    bool swap; /* a pair in one order: the second response comes first */
} Question;

/* Pairs in both orders, or in one. */
bool judge_pairs(Judge *j, const Question *q, int n, bool both, PairVerdict *out, Err *err) MUST_CHECK;

/* Responses one by one (kinds score and verdict). */
bool judge_responses(Judge *j, const Question *q, int n, Verdict *out, Err *err) MUST_CHECK;

/* A direct judge's reward in [-1, 1] (paper.md 7): kind score, the expectation of the answers' numbers mapped
 * linearly; kind verdict, (P1 - P2) / (P1 + P2). */
double judge_reward(const Judge *j, const Verdict *v);
/* The expectation of a score's numbers; for a verdict P1 / (P1 + P2). */
double judge_expectation(const Judge *j, const Verdict *v);

/* P(S1 > S2) / (P(S1 > S2) + P(S2 > S1)) for independent draws from the two answer distributions; for a
 * verdict the logistic function of the difference of log-odds. */
double judge_preference(const Judge *j, const Verdict *first, const Verdict *second);

/* The ids of one prompt: the body for a context and one or two responses, then the ending. */
bool judge_render(const Judge *j, const char *context, const char *first, const char *second, Ids *out,
                  Err *err) MUST_CHECK;

#endif
