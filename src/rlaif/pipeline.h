/* Recipes: all stages in order, resuming where they stopped (docs/formats.md). */
#ifndef RLAIF_PIPELINE_H
#define RLAIF_PIPELINE_H

#include "rlaif/stage.h"

typedef struct RunOptions {
    CommonOptions common;
    char *recipe, *only, *from;
    OptionList set; /* "seed=3", "rl.steps=2" */
} RunOptions;
extern const OptionTable run_table;

/* Runs a recipe in runs/NAME, or in the directory of --run. */
bool run_recipe(Work *work, const RunOptions *o, Err *err) MUST_CHECK;

#endif
