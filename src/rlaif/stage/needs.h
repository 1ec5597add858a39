/* What a stage takes of the machine: said before it starts, and refused where it is not there; in the end what it took is
 * said beside it. */
#ifndef RLAIF_STAGE_NEEDS_H
#define RLAIF_STAGE_NEEDS_H

#include "model/transformer.h"

/* The parts of a stage's memory, in the order in which they are said. */
#define NEEDS_LIST(X)                                                                                                  \
    X(NEEDS_REFERENCE, "reference")                                                                                    \
    X(NEEDS_POLICY, "policy")                                                                                          \
    X(NEEDS_VALUE, "value network")                                                                                    \
    X(NEEDS_REWARD_MODEL, "reward model")                                                                              \
    X(NEEDS_JUDGE, "judge")                                                                                            \
    X(NEEDS_WEIGHTS, "weights")                                                                                        \
    X(NEEDS_OPTIMIZER, "gradients and optimizer")                                                                      \
    X(NEEDS_PASS, "training pass")                                                                                     \
    X(NEEDS_DRAWN, "sampling and scoring")                                                                             \
    X(NEEDS_REWARDS, "rewards")                                                                                        \
    X(NEEDS_HELD_OUT, "held-out rows")                                                                                 \
    X(NEEDS_RATIONALES, "rationales")                                                                                  \
    X(NEEDS_PROMPTS, "prompts")                                                                                        \
    X(NEEDS_UNPACKED, "unpacked weights")                                                                              \
    X(NEEDS_BASE, "program and tokenizer")

#define NEEDS_PART(part, name) part,
typedef enum Need { NEEDS_LIST(NEEDS_PART) NEED_PARTS } Need;
#undef NEEDS_PART

typedef struct Needs {
    double part[NEED_PARTS]; /* bytes; 0: it is no part */
    double pass_again;       /* of NEEDS_PASS, where it computes its layers again; 0: there is none */
    double disk;             /* bytes in the output's file system */
} Needs;

/* What a stage computes, in floating-point operations. */
typedef struct Effort {
    double scored;  /* of forward passes over many rows */
    double trained; /* of passes forward and backward */
    double drawn;   /* of passes over one more token each of `at_once` responses */
    int at_once;
} Effort;

void needs_add(Needs *n, Need part, double bytes);
/* Of what is there once, for one after the other: the part is at least that. */
void needs_most(Needs *n, Need part, double bytes);
double needs_bytes(const Needs *n); /* of memory, altogether */

/* Models whose weights are counted: those of one file, once. */
typedef struct Counted {
    Model **model;
    int n, cap;
} Counted;
/* What the program takes beside: by the size of the tokenizer, about. */
void needs_add_base(Needs *n, const Model *m);
void needs_add_model(Needs *n, Need part, Counted *counted, Model *m);
void counted_release(Counted *counted);

void needs_again(Needs *n);         /* layers are computed again, where there is a pass that could */
json_t *needs_json(const Needs *n); /* the parts that there are: name, bytes */

/* Bytes that a stage may take: `memory`, or what the machine has where that is less or memory is 0; infinite where neither
 * is known. */
double needs_limit(double memory);

/* Says the sum and its parts in one line, and puts it into the summary as "planned_bytes". Fails where the machine has
 * less memory, or `out` less disk. */
bool needs_check(const Needs *n, const char *stage, const char *out, json_t *summary, Err *err) MUST_CHECK;

/* What a stage that trains needs, and may take. */
typedef struct Budget {
    bool (*needs)(void *self, int batch, Needs *n, Err *err); /* with --batch so many */
    void *self;
    int batch;
    double memory; /* --memory; 0: what the machine has */
} Budget;

/* needs_check of a training. Where not all activations fit, *keep becomes KEEP_INPUTS, which is said; fails where it does
 * not fit even so, and says with which smaller batch it would. */
bool needs_settle(const Budget *b, const char *stage, const char *out, json_t *summary, Keep *keep,
                  Err *err) MUST_CHECK;

/* Says what the program took at most beside what needs_check has put into this summary, and adds it as "bytes". Nothing
 * where the stage took no more than was taken at some time before it began. */
void needs_met(json_t *summary, const char *stage, size_t before);

#endif
