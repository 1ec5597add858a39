/* run: a recipe. */
#include "cli/command.h"
#include "rlaif/pipeline.h"

bool cmd_run(Work *work, void *options, Err *err)
{
    return run_recipe(work, options, err);
}
