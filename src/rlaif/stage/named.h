/* Which models a command's options name, so that what is said of models has some to be said of. */
#ifndef RLAIF_STAGE_NAMED_H
#define RLAIF_STAGE_NAMED_H

#include "base/options.h"

/* Fails for --base where no adapter is named whose base it could be, and for --weights where no model is named: by an option,
 * by a file of YAML that an option names (a recipe, a mix, rewards), or by what a run was asked for. The first member of
 * `options` is a CommonOptions. */
bool named_models_check(const OptionTable *table, const void *options, Err *err) MUST_CHECK;

#endif
