/* What stages of a recipe make of what came before: the table of their kinds, their products, and the options of one. */
#ifndef RLAIF_STAGES_H
#define RLAIF_STAGES_H

#include "rlaif/recipe/recipe.h"
#include "rlaif/stage/stage.h"

/* What a stage makes or takes; START is the policy that the recipe begins with. */
typedef enum Product { NOTHING, RESPONSES, LABELS, REWARD, POLICY, START, JUDGE, PROMPT, PRODUCTS } Product;

/* An option that is filled in from what came before, where the recipe leaves it out. */
typedef struct Default {
    const char *option;
    Product from;
} Default;

typedef struct StageKind {
    const char *kind;
    const OptionTable *table;
    bool (*run)(Work *work, const char *name, const void *options, Err *err);
    Product makes;
    const char *directory; /* of a trained model; NULL: rows, which stay in the store */
    Default take[3];
    bool (*complete)(const void *options, const char *where, Err *err); /* beside what is required; NULL: all is well */
} StageKind;

/* What a finished stage left, by its name. */
typedef struct Made {
    char *stage;
    Product product;
    char *value; /* "stage:NAME", a file or a directory */
} Made;

/* The recipe, and what its stages so far made. */
typedef struct Products {
    Work *work; /* NULL: nothing runs, and no file is written */
    const Recipe *recipe;
    const OptionList *set; /* of the command line */
    CommonOptions common;  /* with the recipe's seed and date */
    const char *dir;
    Made *made;
    int n;
    const char *latest[PRODUCTS]; /* taken by default */
} Products;

/* NULL: there is no such kind. */
const StageKind *stage_kind(const char *kind);
const char *stage_kind_near(const char *kind); /* one that is called nearly so, or NULL */

/* Keeps what a stage made for those behind it; forgets all of it. */
void products_add(Products *p, const StageKind *k, const RecipeStage *s);
void products_clear(Products *p);

/* The option that --set names for this stage, "OPTION=VALUE" of "STAGE.OPTION=VALUE"; NULL: it is another's. */
const char *set_of_stage(const char *set, const RecipeStage *s);

/* The options of a stage: from the recipe, the command line, what came before. NULL: they cannot be used. Free them with
 * options_free. */
void *stage_options(const Products *p, const StageKind *k, const RecipeStage *s, Err *err) MUST_CHECK;

#endif
