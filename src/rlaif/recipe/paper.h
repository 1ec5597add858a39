/* A paper's figures, which a recipe sets beside its own numbers:
 *
 *     paper:
 *       differs: "a labeler of 135 million parameters in place of PaLM 2 L"
 *       figures:
 *         - {what: "alignment, Base 0-shot", figure: "67.8 %", ours: base.alignment}
 *
 * `ours` is STAGE.NUMBER, or STAGE.NUMBER.N for the N-th prompt or policy of an evaluation. */
#ifndef RLAIF_RECIPE_PAPER_H
#define RLAIF_RECIPE_PAPER_H

#include "base/json.h"
#include "rlaif/recipe/recipe.h"

/* One figure with the recipe's number beside it. Texts belong to the recipe. */
typedef struct PaperFigure {
    const char *what, *figure;
    const RecipeStage *stage;
    const struct PaperNumber *number;
    int place; /* from 0, in a list of prompts or policies */
} PaperFigure;

/* What a recipe says beside its numbers; NULL where it says nothing. */
const char *paper_differs(const Recipe *r);
int paper_count(const Recipe *r);
/* The i-th figure. Fails, with the line, where keys are missing or unknown, there is no such stage, or stages of its kind
 * have no such number. */
bool paper_figure(const Recipe *r, int i, PaperFigure *out, Err *err) MUST_CHECK;
/* All of them, before anything runs. */
bool paper_check(const Recipe *r, Err *err) MUST_CHECK;
/* The section as YAML. */
void paper_append_yaml(const Recipe *r, Str *out);

/* A number with its interval (95 %, of the stage, or of a share Wilson's) and what it was counted over; NaN where the
 * stage has none. */
typedef struct PaperValue {
    double value, low, high, n;
    bool share;
} PaperValue;
PaperValue paper_value(const PaperFigure *f, const json_t *summary);

#endif
