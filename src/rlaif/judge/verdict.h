/* What a judge's answers say: of one response, of a pair in both orders and over rationales. Here a label is averaged
 * (pair_settle). */
#ifndef RLAIF_JUDGE_VERDICT_H
#define RLAIF_JUDGE_VERDICT_H

#include "rlaif/judge/prompt/prompt.h"

enum { MOST_ANSWERS = 2 * MOST_CHECKS };

/* What the answers count. */
typedef struct Scale {
    JudgeKind kind;
    int n;                       /* of a checklist two for each item, the ideal one first; of a contrast two */
    double number[MOST_ANSWERS]; /* JUDGE_SCORE: the answers as numbers */
    double low, high;            /* the smallest and largest number */
    double temperature;          /* of a mix: its own */
} Scale;

/* What a part of a mix says of a response; its fields as those of Verdict. */
typedef struct PartVerdict {
    double number; /* x in weight (x - centre) / scale */
    double logp[MOST_ANSWERS], mass, missing;
    unsigned absent;
} PartVerdict;

/* What a judge says of one prompt. */
typedef struct Verdict {
    double logp[MOST_ANSWERS]; /* log-probability of each answer; of one that another begins with ("1", "10"):
                                  only what does not go on to the other */
    double mass;               /* their summed probability */
    double number;   /* of a contrast F, where logp are the means behind the good example and the bad one; of a
                                  mix its margin, the weighted sum */
    double missing;  /* at most so much is not known of where it falls; 0 of a model here */
    unsigned absent; /* bits of answers that an endpoint did not return: logp is the most that they may have */
    bool refused;    /* no answer will come: it has no numbers (JudgeOptions.refused) */
    int cut, tokens; /* of the prompt: characters taken off its context; what was read */
    PartVerdict part[MOST_PARTS]; /* of a mix */
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
    double p;       /* of both orders (pair_settle) */
    bool same_slot; /* both orders chose the same position */
    bool refused;   /* an answer will never come, of any order or rationale: it has no numbers (JudgeOptions.refused) */
    int cut;        /* characters taken off the context */
    TokenCount tokens;
} PairVerdict;
void pair_verdict_release(PairVerdict *v);

/* What is averaged over the two orders; over the rationales of one it is probabilities. */
typedef enum Averaging { AVERAGE_PROBABILITY, AVERAGE_LOG_ODDS } Averaging;
#define AVERAGINGS "probability|log-odds"

/* How the answers of a pair become a label. */
typedef struct Settling {
    Averaging average;
    bool flip;          /* the answers name the worse response */
    double temperature; /* of the answers' distribution: above 1 softens it */
    double clamp;       /* p is kept in [clamp, 1 - clamp] */
} Settling;

/* From the answers of each order (and rationale) to p of each and all, and the slot (3.2, 3.4, 3.5):
 * P(first slot) = sigma((l1 - l2) / temperature), averaged over rationales; turned by flip and swap; averaged over the
 * orders, or sigma of the mean of their log-odds. judge_pairs settles by the prompt's flip, temperature 1, no clamp. */
void pair_settle(PairVerdict *v, Settling how);

/* K = sum over the items of a checklist of log(p / (1 - p)), p the probability of the ideal answer among the two. A verdict is
 * a checklist of one item. */
double verdict_log_odds(const Scale *s, const Verdict *v);

/* The expectation of a score's numbers; for a verdict P1 / (P1 + P2); for a checklist K, for a contrast F, for a mix its margin. Of a prompt that flips, turned: high is
 * better. */
double verdict_expectation(const Scale *s, bool flip, const Verdict *v);

/* P(S1 > S2) / (P(S1 > S2) + P(S2 > S1)) for independent draws from the two answer distributions, each at a
 * temperature; for other kinds the logistic function of the difference of log-odds, of contrasts, or of margins over the mix's
 * own temperature, over the temperature. */
double verdict_preference(const Scale *s, const Verdict *first, const Verdict *second, double temperature);

/* A verdict as rows keep it: {"logp": one for each answer, "mass"}; of an endpoint also "missing" and, where there are any,
 * "absent": the numbers of the answers that were not returned, from 0. */
json_t *verdict_json(const Verdict *v, int answers);
/* Adds "cut", the characters that its context lost, where it did. */
void judgment_set_cut(json_t *judgment, int cut);

#endif
