/* eval: the stores of its subcommands, then the stages. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "rlaif/eval.h"

#include <unistd.h>

/* An evaluation has no output of its own: what a model said is kept beside its first input, as INPUT.KIND.rlaif, so that
 * it can go on; in memory where that folder cannot be written. */
static bool open_beside(Work *work, const char *output, const char *input, const char *kind, Err *err)
{
    if (output || work->common->run || strcmp(input, "-") == 0)
        return work_open_store(work, output, err);
    const char *slash = strrchr(input, '/');
    char *folder = slash ? mem_strn(input, (size_t)(slash - input) + 1) : mem_str(".");
    char *beside = mem_printf("%s.%s", input, kind);
    bool writable = access(folder, W_OK) == 0;
    if (!writable)
        log_note("%s cannot be written: judgments are not kept; -o FILE or --run DIR keeps them", folder);
    bool ok = work_open_store(work, writable ? beside : NULL, err);
    free(beside);
    free(folder);
    return ok;
}

bool cmd_eval_alignment(Work *work, void *options, Err *err)
{
    const AlignmentOptions *o = options;
    return work_open_store(work, NULL, err) && alignment_stage(work, "alignment", o, err);
}

bool cmd_eval_accuracy(Work *work, void *options, Err *err)
{
    const AccuracyOptions *o = options;
    return open_beside(work, o->output, o->pairs, "accuracy", err) && accuracy_stage(work, "accuracy", o, err);
}

bool cmd_eval_winrate(Work *work, void *options, Err *err)
{
    const WinrateOptions *o = options;
    return open_beside(work, o->output, o->a, "winrate", err) && winrate_stage(work, "winrate", o, err);
}

bool cmd_eval_harmless(Work *work, void *options, Err *err)
{
    const HarmlessOptions *o = options;
    return (o->judge ? open_beside(work, o->output, o->rows.item[0], "harmless", err)
                     : work_open_store(work, NULL, err)) &&
           harmless_stage(work, "harmless", o, err);
}

bool cmd_eval_ratings(Work *work, void *options, Err *err)
{
    return work_open_store(work, NULL, err) && ratings_stage(work, "ratings", options, err);
}

bool cmd_eval_probes(Work *work, void *options, Err *err)
{
    return work_open_store(work, NULL, err) && probes_stage(work, "probes", options, err);
}
