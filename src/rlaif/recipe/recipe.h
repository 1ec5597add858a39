/* A recipe's text: its head and its stages, in order, not yet options. This opens the folder, which knows what a recipe says before
 * anything runs: its text (recipe.c), whether its evaluations are of prompts that nothing trained on (heldout.h), and the figures
 * of a paper beside its own (paper.h). What runs it is rlaif/pipeline.h. Read recipe.c first. */
#ifndef RLAIF_RECIPE_RECIPE_H
#define RLAIF_RECIPE_RECIPE_H

#include "base/yaml.h"

typedef struct RecipeStage {
    const char *kind;    /* "sample"; "eval winrate" */
    const char *name;    /* its `as:`, or its kind's own name */
    bool named;          /* by `as:`: its products are taken only by stages that name it */
    const Yaml *options; /* the mapping, or NULL */
    int line;
} RecipeStage;

typedef struct Recipe {
    Yaml *yaml;
    char *path;
    const char *name, *policy, *judge;
    const Yaml *paper; /* figures to set beside the numbers (paper.h), or NULL */
    int seed, date;    /* date: 20240726 is 2024-07-26 */
    RecipeStage *stage;
    int n;
    char **made; /* texts that belong to the recipe */
    int n_made;
} Recipe;

/* Reads and checks the outline: known keys at the top, a list of stages, each one mapping of a kind to its options, no
 * two stages of one name. Release it in any case. */
bool recipe_read(Recipe *r, const char *path, Err *err) MUST_CHECK;
/* The same from a text in memory; messages call it `path`. */
bool recipe_parse(Recipe *r, const char *path, const char *text, size_t n, Err *err) MUST_CHECK;
void recipe_release(Recipe *r);

/* Values that --set gives: "key=value" for the head, "stage.key=value" for a stage's options; the value of a stage's
 * key by that means, or NULL. */
bool recipe_set_head(Recipe *r, const char *const *set, int n, Err *err) MUST_CHECK;

#endif
