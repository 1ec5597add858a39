/* Recipes: all stages in order, resuming where they stopped (docs/formats.md). */
#ifndef RLAIF_PIPELINE_H
#define RLAIF_PIPELINE_H

#include "rlaif/recipe/recipe.h"
#include "rlaif/stage/stage.h"

typedef struct RunOptions {
    CommonOptions common;
    char *recipe, *only, *from;
    OptionList set; /* "seed=3", "rl.steps=2" */
} RunOptions;
extern const OptionTable run_table;

/* Appends the recipe as recipe.yaml of a run in `dir` has it: every option with the value that is used. Runs nothing, and
 * reads no file but mixes. Fails for a stage that there is not, an option that cannot be used, or one that nothing before it fills in. */
bool recipe_resolve(const Recipe *r, const RunOptions *o, const char *dir, Str *out, Err *err) MUST_CHECK;

/* Runs a recipe in runs/NAME, or in the directory of --run. */
bool run_recipe(Work *work, const RunOptions *o, Err *err) MUST_CHECK;

#endif
