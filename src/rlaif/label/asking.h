/* Asking a judge about pairs: who is asked, and the questions of a chunk of rows. */
#ifndef RLAIF_LABEL_ASKING_H
#define RLAIF_LABEL_ASKING_H

#include "rlaif/label/options.h"

enum { LABEL_CHUNK = 16 }; /* pairs that are judged and stored together, at most */

/* Asking a judge about pairs. */
typedef struct Asking {
    const LabelOptions *options;
    const char *prompt_name; /* NULL: a reward model has none */
    Work *work;
    Stage *stage;
    JudgeSource source;
    Judge *judge;
    char prompt_hash[HASH_TEXT];
    int chunk; /* pairs that are asked together */
} Asking;

/* Names the judge and reads the prompt, where it has one: its name, hash and kind, and how many pairs are asked together. */
bool asking_begin(Asking *a, Work *work, const LabelOptions *o, Err *err) MUST_CHECK;
void asking_release(Asking *a);
/* Loads the judge; `weights` false: without, to plan. */
bool asking_open_judge(Asking *a, bool weights, Err *err) MUST_CHECK;

/* What is asked about a chunk of rows: a question a pair, or one for each response. */
typedef struct Questions {
    Question q[2 * LABEL_CHUNK];
    char place[LABEL_CHUNK][300];
    int n;
    bool both; /* orders */
} Questions;

/* The order that a pair is asked in where it is in one alone, drawn by seed: 1: the second response comes first. */
int asked_order(const LabelOptions *o, const Row *row);
void questions_make(Questions *s, const Asking *a, const Rows *rows, const int *index, int n);
void questions_release(Questions *s);

#endif
