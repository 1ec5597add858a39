/* A judge's prompts laid out for its questions, and cut where they are too long. */
#ifndef RLAIF_JUDGE_LAYOUT_H
#define RLAIF_JUDGE_LAYOUT_H

#include "rlaif/judge/backend.h"

/* One or two responses to judge. `where` begins the message where they are too long for the model. Questions that
 * stand together and have the same context (the same pointer) lose the same part of it where it is cut. */
typedef struct Question {
    const char *where;
    const char *context; /* as judges read it (context_lines) */
    const char *first, *second;
    bool swap;    /* a pair in one order: the second response comes first */
    uint64_t row; /* identity, for what is drawn */
    /* For reward models, where it is known: the context that `context` tells, and how `first` stands there. Else the context is
     * a text, and the response has its end. */
    const Context *turns;
    const ResponseView *reply;
    int coming; /* where a prompt is planned: tokens that the response will have at most beside what stands there */
} Question;

typedef struct Layout {
    /* [n]: for each question one prompt, or two: where it is asked in both orders, and of a contrast, behind the good example and
     * the bad one. Bodies are owned, of a contrast endings too. */
    Asked *asked;
    int *tokens; /* [n], without rationales; 0 where nothing limits them */
    int *cut;    /* [n]: characters taken off the context */
    int n;
    bool contrast;
} Layout;

/* Fails for a prompt that is too long where nothing may be cut, or where even no context at all would not do. Release
 * it whether it fails or not. */
bool layout_make(Layout *l, Judge *j, const Question *q, int n, bool both, Err *err) MUST_CHECK;
void layout_release(Layout *l);

#endif
