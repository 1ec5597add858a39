/* What the files of labelling share. */
#ifndef RLAIF_LABEL_INTERNAL_H
#define RLAIF_LABEL_INTERNAL_H

#include "rlaif/label.h"

enum { LABEL_CHUNK = 16 }; /* pairs that are judged and stored together, at most */

/* What labelling will take, and has taken so far in this process. */
typedef struct LabelPlan {
    JudgePlan all, first;   /* of all pairs to label; of the first chunk */
    double bytes;           /* of memory, at most, with the judge */
    double seconds, output; /* estimated from the first chunk: time, tokens of rationales; 0: not yet */
    double dollars;         /* of an endpoint: what all will cost */
    double began;
    int chunks, pairs;
    double tokens, written; /* tokens read and written */
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

/* --- label_choose.c --- */

/* Tries every prompt of the options on o->choose_on. *chosen are the options with the best, borrowed from `o` but for its
 * name *prompt, which the caller frees and sets; *choice says {chosen, candidates}. */
bool label_choose(Work *work, const char *name, const LabelOptions *o, LabelOptions *chosen, char **prompt,
                  json_t **choice, Err *err) MUST_CHECK;

/* --- label_ask.c --- */

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

/* --- label_plan.c --- */

/* Plans the rows `index`, says so, and refuses what does not fit into memory. */
bool label_plan(Asking *a, const Rows *rows, const int *index, int n, Err *err) MUST_CHECK;
/* After a chunk: with the first one time is estimated. */
void label_plan_goes_on(Asking *a, int pairs);
/* Says what memory it took. Returns beside each other: {prompts, longest, cut, planned_tokens, tokens, planned_computed, computed, planned_written, written,
 * planned_bytes, bytes (needs_met; of an endpoint planned_dollars), planned_seconds, seconds}. What a machine measured, hence in no store. NULL: nothing was asked. */
json_t *label_plan_ends(const Asking *a);
/* Prints what the prompts share and one of them, and asks nothing. */
bool label_explain(Work *work, const LabelOptions *o, Err *err) MUST_CHECK;

/* --- label_summary.c --- */

/* The summary of a stage whose rows are labels, from these rows; where a judge has just made them, with warnings if they
 * say little. `prompt` may be NULL. */
bool label_summary(Stage *s, const LabelOptions *o, const char *prompt, bool fresh, Err *err) MUST_CHECK;

/* --- label_from.c --- */

/* Labels settled anew by the options, and filtered: from a file or a stage ("stage:NAME"). */
bool label_settle_rows(Work *work, const char *name, const LabelOptions *o, const char *from, json_t *choice,
                       Err *err) MUST_CHECK;

#endif
