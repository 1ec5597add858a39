/* Mixes whose parts are reward models that a recipe makes: named by their stages, as the recipe's own keys name them. */
#ifndef RLAIF_RECIPE_NAMED_MIX_H
#define RLAIF_RECIPE_NAMED_MIX_H

#include "base/str.h"

/* The directory that a stage of this name made, which the context keeps; NULL: there is none. */
typedef const char *StageMade(const void *context, const char *name);

/* Appends the mix `path` as a file in the folder `dir`, with what stages made in place of their names: its name is the same, and
 * its other files are found. Appends nothing where it names no stage that lies elsewhere, or is no mix: then it is read as it is,
 * and whoever does so says what is wrong. */
void named_mix(Str *out, const char *path, const char *dir, StageMade *made, const void *context);

#endif
