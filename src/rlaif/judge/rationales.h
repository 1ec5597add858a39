/* Chain of thought (paper.md 3.6, 3.7): rationales that are written after first steps, and the second steps, which are answered. */
#ifndef RLAIF_JUDGE_RATIONALES_H
#define RLAIF_JUDGE_RATIONALES_H

#include "rlaif/judge/layout.h"

/* What is written after each of `total` prompts, `each` of them for one order of a pair. */
typedef struct Rationales {
    char **text;
    TokenCount *tokens;
} Rationales;

void rationales_release(Rationales *r, int total);

/* The first steps of all prompts of n questions, one for each rationale. */
typedef struct FirstSteps {
    Asked *asked; /* [total], which borrow the layout's bodies */
    RngKey *key;
    Sampling how;
    char *stop;
    int total;
} FirstSteps;

FirstSteps first_steps(const Judge *j, const Layout *l, const Question *q, bool both);
void first_steps_release(FirstSteps *s);
/* Step 2 of a prompt with this text as its rationale. Free the ending. */
Asked second_step(const Judge *j, Asked first, const char *rationale);

/* What was written, which is freed, as it goes on: what comes from the prompt's ending on is left out, and blanks at the end. */
char *rationale_clean(const JudgePrompt *p, char *written);

/* The rationales of a layout. Release them whether it fails or not. */
bool rationales_write(Judge *j, const Layout *l, const Question *q, bool both, Rationales *out, Err *err) MUST_CHECK;
/* The answers after each of `total` of them. */
bool rationales_answer(Judge *j, const Asked *asked, const Rationales *r, int total, Verdict *said,
                       Err *err) MUST_CHECK;

#endif
