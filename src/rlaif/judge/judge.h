/* Judges: someone who answers, a prompt, and the exact probabilities of its answers (paper.md 3, 7). No answer is
 * parsed: its probability is that of its tokens under the whole vocabulary. Who answers is a model in this process, or
 * whatever else stands behind judge/backend.h. */
#ifndef RLAIF_JUDGE_JUDGE_H
#define RLAIF_JUDGE_JUDGE_H

#include "base/options.h"
#include "infer/scorer.h"
#include "rlaif/judge/endpoint.h"
#include "rlaif/judge/prompt.h"
#include "rlaif/rows/cut.h"

enum { MOST_ANSWERS = 32 };

/* How a judge is asked. */
typedef struct JudgeOptions {
    int chat;           /* ChatMode; CHAT_AUTO: as the prompt says */
    int shots;          /* exemplars shown; -1: as the prompt says */
    int exemplar_seed;  /* they are drawn by this seed; -1: they are the prompt's first */
    bool cot;           /* chain of thought: a rationale before the answer (3.6); pairwise prompts only */
    int samples;        /* rationales an order, whose answers' distributions are averaged (self-consistency, 3.7) */
    double temperature; /* of rationales; 0: greedy, or where there are several 0.7 */
    int top_k;          /* of rationales; 0: all; -1: of a model here 40, of an endpoint what it does by itself */
    int seed;           /* of rationales */
    int max_input;      /* tokens of a prompt without rationale; 0: as many as the model's context holds */
    int cut;            /* CutRule */
    const char *cut_by; /* the option that sets it, for messages; NULL: none does */
    Refused refused;    /* what becomes of answers that an endpoint will never give */
} JudgeOptions;
/* As the prompt says, without chain of thought. */
JudgeOptions judge_defaults(ChatMode chat);
/* The same as options of a command, but for the seed. */
enum { JUDGE_OPTIONS = 9 };
extern const Option judge_option_rows[JUDGE_OPTIONS];

/* What the answers count. */
typedef struct Scale {
    JudgeKind kind;
    int n;
    double number[MOST_ANSWERS]; /* JUDGE_SCORE: the answers as numbers */
    double low, high;            /* the smallest and largest number */
} Scale;

typedef struct JudgeBackend JudgeBackend;

typedef struct Judge {
    JudgePrompt *prompt; /* owned */
    JudgeOptions options;
    Shown shown; /* what stands beside the item */
    Scale scale;
    const JudgeBackend *backend;
    void *self; /* the backend's; owned */
} Judge;

/* A judge that is a model here. Loads the prompt and encodes its answers. Fails for options that do not fit the prompt:
 * more shots than it has exemplars, --cot without a `cot` part or with exemplars that have no rationale. */
bool judge_open(Judge **out, Model *model, const char *prompt, JudgeOptions o, Err *err) MUST_CHECK;
void judge_free(Judge *j); /* accepts NULL */

/* The exemplars that a judge of this prompt shows by these options: the prompt's first, or drawn ones. Fails for more than
 * it has, and where one has no rationale that chain of thought needs. */
bool judge_exemplars(Shown *out, const JudgePrompt *p, const JudgeOptions *o, Err *err) MUST_CHECK;

/* What a judge says of one prompt. */
typedef struct Verdict {
    double logp[MOST_ANSWERS]; /* log-probability of each answer; of one that another begins with ("1", "10"):
                                  only what does not go on to the other */
    double mass;               /* their summed probability */
    double missing;            /* at most so much is not known of where it falls; 0 of a model here */
    unsigned absent; /* bits of answers that an endpoint did not return: logp is the most that they may have */
    bool refused;    /* no answer will come: it has no numbers (JudgeOptions.refused) */
    int cut, tokens; /* of the prompt: characters taken off its context; what was read */
} Verdict;

/* A rationale and the answer after it. */
typedef struct Opinion {
    Verdict verdict;
    char *rationale; /* owned */
} Opinion;

/* Several opinions as one: the mean of the answers' probabilities. */
Verdict verdict_mean(const Opinion *o, int n, int answers);

/* One pair in one order. */
typedef struct OrderVerdict {
    Verdict verdict;  /* with several opinions: their mean probabilities */
    Opinion *opinion; /* [opinions], owned; NULL without chain of thought */
    int opinions;
    double p; /* P(first response as given is preferred); swap and flip are applied */
    bool swapped;
} OrderVerdict;

/* What was sent and written for a pair, all orders and rationales together; the prompt counts once a rationale (10). */
typedef struct TokenCount {
    int input, output;
} TokenCount;

/* One pair (equations: paper.md 3.4, 3.5). */
typedef struct PairVerdict {
    OrderVerdict order[2];
    int orders;     /* 1 or 2 */
    double p;       /* mean over the orders */
    bool same_slot; /* both orders chose the same position */
    bool refused;   /* an answer will never come, of any order or rationale: it has no numbers (JudgeOptions.refused) */
    int cut;        /* characters taken off the context */
    TokenCount tokens;
} PairVerdict;
void pair_verdict_release(PairVerdict *v);

/* One or two responses to judge. `where` begins the message where they are too long for the model. Questions that
 * stand together and have the same context (the same pointer) lose the same part of it where it is cut. */
typedef struct Question {
    const char *where;
    const char *context; /* as judges read it (context_lines) */
    const char *first, *second;
    bool swap;    /* a pair in one order: the second response comes first */
    uint64_t row; /* identity, for what is drawn */
    int coming;   /* where a prompt is planned: tokens that the response will have at most beside what stands there */
} Question;

/* Pairs in both orders, or in one. Release each of `out` with pair_verdict_release, whether it fails or not. */
bool judge_pairs(Judge *j, const Question *q, int n, bool both, PairVerdict *out, Err *err) MUST_CHECK;

/* Responses one by one (kinds score and verdict). */
bool judge_responses(Judge *j, const Question *q, int n, Verdict *out, Err *err) MUST_CHECK;

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

/* Adds to a plan, which begins as zeros. Call it for the questions of each judge_pairs (orders 1 or 2) or judge_responses
 * (orders 1) to come, in their order. */
bool judge_plan(Judge *j, const Question *q, int n, bool both, JudgePlan *plan, Err *err) MUST_CHECK;

/* Appends the prompt of one question as the judge reads it, in the order as given; with chain of thought both steps, with
 * "..." for the rationale. */
bool judge_show(Judge *j, const Question *q, Str *out, Err *err) MUST_CHECK;

/* How the answers of a pair become a label. */
typedef struct Settling {
    bool flip;          /* the answers name the worse response */
    double temperature; /* of the answers' distribution: above 1 softens it */
    double clamp;       /* p is kept in [clamp, 1 - clamp] */
} Settling;

/* From the answers of each order (and rationale) to p of each and all, and the slot (3.2, 3.4, 3.5):
 * P(first slot) = sigma((l1 - l2) / temperature), averaged over rationales; turned by flip and swap; averaged over the
 * orders. judge_pairs settles by the prompt's flip, temperature 1, no clamp. */
void pair_settle(PairVerdict *v, Settling how);

/* A direct judge's reward in [-1, 1] (paper.md 7): kind score, the expectation of the answers' numbers mapped
 * linearly; kind verdict, (P1 - P2) / (P1 + P2). */
double judge_reward(const Judge *j, const Verdict *v);
/* A verdict as rows keep it: {"logp": one for each answer, "mass"}; of an endpoint also "missing" and, where there are any,
 * "absent": the numbers of the answers that were not returned, from 0. */
json_t *verdict_json(const Verdict *v, int answers);
/* The same with "expectation": a response's `judgment`. */
json_t *judgment_json(const Judge *j, const Verdict *v);
/* Adds "cut", the characters that its context lost, where it did. */
void judgment_set_cut(json_t *judgment, int cut);

/* The expectation of a score's numbers; for a verdict P1 / (P1 + P2). Of a prompt that flips, turned: high is better. */
double judge_expectation(const Judge *j, const Verdict *v);

/* P(S1 > S2) / (P(S1 > S2) + P(S2 > S1)) for independent draws from the two answer distributions, each at a
 * temperature; for a verdict the logistic function of the difference of log-odds over the temperature. */
double verdict_preference(const Scale *s, const Verdict *first, const Verdict *second, double temperature);

/* {"url", "model", ...} of a judge behind an endpoint, borrowed; NULL of a model here. */
const json_t *judge_endpoint_about(const Judge *j);

/* What sharing of prefixes has saved so far; zeros where the backend does not say. */
ScorerCost judge_cost(const Judge *j);

#endif
