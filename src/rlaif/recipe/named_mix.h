/* Mixes whose parts are reward models that a recipe makes: named by their stages, as the recipe's own keys name them. */
#ifndef RLAIF_RECIPE_NAMED_MIX_H
#define RLAIF_RECIPE_NAMED_MIX_H

#include "base/str.h"

/* A model that parts may name as the recipe's keys do. */
typedef struct NamedModel {
    const char *name, *path; /* path NULL: its stage made no model, or none yet */
    bool later;              /* that stage is still to come */
} NamedModel;

/* Appends the mix `path` as a file in the folder `dir`, with the paths of the n models in place of their names: its own name is the
 * same, and its other files are found. Appends nothing where it names none that lies elsewhere, or is no mix: then it is read as it
 * is, and whoever does so says what is wrong. Fails for a part that is called like a stage, or as one could be, where neither such
 * a model nor a directory is there. */
bool named_mix(Str *out, const char *path, const char *dir, const NamedModel *model, int n, Err *err) MUST_CHECK;

#endif
