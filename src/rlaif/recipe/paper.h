/* A paper's figures, which a recipe sets beside its own numbers:
 *
 *     paper:
 *       differs: "a labeler of 135 million parameters in place of PaLM 2 L"
 *       figures:
 *         - {what: "alignment, Base 0-shot", figure: "67.8 %", ours: base.alignment}
 *
 * `ours` is STAGE.NUMBER, or STAGE.NUMBER.N for the N-th prompt or policy of an evaluation. Of a list of them, one of each run,
 * it is the mean, with Student's interval over the runs; with `over: [0, 0.15, 0.3]`, a number for each, how much they rise or
 * fall by 1 of it: the slope of the line through them.
 *
 *       primary: {what: ..., figure: ..., ours: ..., test: "by the reward model, 200 prompts; shown where the interval excludes 0"}
 *
 * is the one that the experiment is about, said before it runs: its judge, its n and what decides. */
#ifndef RLAIF_RECIPE_PAPER_H
#define RLAIF_RECIPE_PAPER_H

#include "base/json.h"
#include "rlaif/recipe/recipe.h"

/* A number of a stage. */
typedef struct PaperTerm {
    const RecipeStage *stage;
    const struct PaperNumber *number;
    int place; /* from 0, in a list of prompts or policies */
} PaperTerm;

/* One figure with the recipe's number beside it, or that of several runs. Texts belong to the recipe. */
enum { MOST_TERMS = 16 };
typedef struct PaperFigure {
    const char *what, *figure, *test; /* test: of the primary one; else NULL */
    PaperTerm term[MOST_TERMS];
    double over[MOST_TERMS];
    int n;
    bool slope; /* over `over` */
} PaperFigure;

/* What a recipe says beside its numbers; NULL where it says nothing. */
const char *paper_differs(const Recipe *r);
int paper_count(const Recipe *r);
/* The i-th figure. Fails, with the line, where keys are missing or unknown, there is no such stage, or stages of its kind
 * have no such number. */
bool paper_figure(const Recipe *r, int i, PaperFigure *out, Err *err) MUST_CHECK;
/* The primary one, which a recipe may do without. */
bool paper_has_primary(const Recipe *r);
bool paper_primary(const Recipe *r, PaperFigure *out, Err *err) MUST_CHECK;
/* All of them, before anything runs. */
bool paper_check(const Recipe *r, Err *err) MUST_CHECK;
/* The section as YAML. */
void paper_append_yaml(const Recipe *r, Str *out);

/* PAPER_POINTS: a difference of shares. */
typedef enum PaperUnit { PAPER_SHARE, PAPER_POINTS, PAPER_NUMBER } PaperUnit;

/* A number with its interval (95 %, of the stage, or of a share Wilson's) and what it was counted over; NaN where the
 * stage has none. */
typedef struct PaperValue {
    double value, low, high, n;
    PaperUnit unit;
} PaperValue;
/* summary[n]: of each term's stage, NULL where it has not run. */
PaperValue paper_value(const PaperFigure *f, const json_t *const *summary);

#endif
