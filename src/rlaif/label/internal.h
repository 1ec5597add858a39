/* What the files of labelling share. */
#ifndef RLAIF_LABEL_INTERNAL_H
#define RLAIF_LABEL_INTERNAL_H

#include "rlaif/label/label.h"

enum { LABEL_CHUNK = 16 }; /* pairs that are judged and stored together, at most */

/* What labelling will take, and has taken so far in this process. */
typedef struct LabelPlan {
    JudgePlan all, first; /* of all pairs to label; of the first ones, by which what all takes is measured */
    int pairs, first_pairs;
    int chunks, first_chunks; /* that are done; that the first pairs are */
    double bytes;             /* of memory, at most, with the judge */
    double input, output;     /* tokens to read and write: of an endpoint at most, or by the first pairs */
    double dollars;           /* of an endpoint, as these */
    double seconds;           /* by the first pairs; 0: not known */
    int waves, first_waves;   /* of requests to an endpoint that are under way together */
    double began;
    double tokens, written; /* read and written so far */
} LabelPlan;

/* Asking a judge about pairs. */
typedef struct Asking {
    const LabelOptions *options;
    const char *prompt_name;
    Work *work;
    Stage *stage;
    JudgeSource source;
    Judge *judge;
    char prompt_hash[HASH_TEXT];
    int chunk; /* pairs that are asked together */
    LabelPlan plan;
} Asking;

/* --- label.c --- */

/* Asks the judge about every row of o->pairs by o->prompt's first, as a stage whose rows stay in the store. `choice` (may be
 * NULL) becomes a part of its summary. */
bool label_ask_rows(Work *work, const char *name, const LabelOptions *o, json_t *choice, bool deliver,
                    Err *err) MUST_CHECK;

/* --- label/choose.c --- */

/* Tries every prompt of the options on o->choose_on. *chosen are the options with the best, borrowed from `o` but for its
 * name *prompt, which the caller frees and sets; *choice says {chosen, candidates}. */
bool label_choose(Work *work, const char *name, const LabelOptions *o, LabelOptions *chosen, char **prompt,
                  json_t **choice, Err *err) MUST_CHECK;

/* --- label/ask.c --- */

/* Names the judge and reads the prompt: its name, hash and kind, and how many pairs are asked together. */
bool asking_begin(Asking *a, Work *work, const LabelOptions *o, Err *err) MUST_CHECK;
void asking_release(Asking *a);
/* The judge, its source being loaded. */
bool asking_open_judge(Asking *a, Err *err) MUST_CHECK;
/* RowWork of a stage: labels a chunk. */
bool ask_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err) MUST_CHECK;

/* What is asked about a chunk of rows: a question a pair, or one for each response. */
typedef struct Questions {
    Question q[2 * LABEL_CHUNK];
    char place[LABEL_CHUNK][300];
    int n;
    bool both; /* orders */
} Questions;
void questions_make(Questions *s, const Asking *a, const Rows *rows, const int *index, int n);
void questions_release(Questions *s);

/* --- label/plan.c --- */

/* Pairs of the first chunk of n: an eighth, by which time and an endpoint's tokens are measured. */
int label_first_chunk(const Asking *a, int n);
/* Plans the rows `index`, says so, and refuses what does not fit into memory. */
bool label_plan(Asking *a, const Rows *rows, const int *index, int n, Err *err) MUST_CHECK;
/* After a chunk: with the first one that asked anything, what all takes is measured and said. */
void label_plan_goes_on(Asking *a);
/* Says what was planned and what it took. Returns both: {prompts, longest, cut, planned_tokens, tokens, planned_computed,
 * computed, planned_written, written, planned_bytes, bytes (needs_met; of an endpoint planned_dollars, dollars),
 * planned_seconds, seconds}; of an endpoint tokens are those of requests that were sent. What a machine measured, hence in no
 * store. NULL: nothing was asked. */
json_t *label_plan_ends(const Asking *a);
/* Prints what the prompts share and one of them, and asks nothing. */
bool label_explain(Work *work, const LabelOptions *o, Err *err) MUST_CHECK;

/* --- label/summary.c --- */

/* The summary of a stage whose rows are labels, from these rows; where a judge has just made them, with warnings if they
 * say little. `prompt` may be NULL. */
bool label_summary(Stage *s, const LabelOptions *o, const char *prompt, bool fresh, Err *err) MUST_CHECK;

/* --- label/from.c --- */

/* Labels settled anew by the options, and filtered: from a file or a stage ("stage:NAME"). */
bool label_settle_rows(Work *work, const char *name, const LabelOptions *o, const char *from, json_t *choice,
                       Err *err) MUST_CHECK;

#endif
