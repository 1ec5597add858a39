/* A recipe's evaluations are checked against what it trains on before it trains: what an evaluation refuses (heldout.h) is
 * known as soon as both files are there, and hours of training would be for nothing. */
#ifndef RLAIF_RECIPE_HELDOUT_H
#define RLAIF_RECIPE_HELDOUT_H

#include "rlaif/stage/stage.h"

typedef struct RecipePrompts RecipePrompts;
RecipePrompts *recipe_prompts_new(void);
void recipe_prompts_free(RecipePrompts *p); /* accepts NULL */

/* The next stage of the recipe, with its options as it will run with them. */
void recipe_prompts_stage(RecipePrompts *p, const char *kind, const char *name, const OptionTable *table,
                          const void *options);
/* A file that the stage added last will make. */
void recipe_prompts_product(RecipePrompts *p, const char *path);

/* Refuses, where `done` stages are over, what an evaluation to come would refuse for the stages before it. Where rows are not
 * there yet, or cannot be read, nothing is said: the stage itself will. */
bool recipe_prompts_check(RecipePrompts *p, Work *work, int done, Err *err) MUST_CHECK;

#endif
