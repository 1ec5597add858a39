/* eval: the stores of its subcommands, then the stages. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "rlaif/eval/eval.h"

#include <unistd.h>

/* An evaluation has no output of its own: what a model said is kept beside its first input, as INPUT.KIND.rlaif, so
 * that it can go on; in memory where that folder cannot be written. */
static bool open_beside(Work *work, const char *output, const char *input, const char *kind, Err *err)
{
    if (output || work->common->run || file_is_once(input))
        return work_open_rows_store(work, output, err);
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

/* Where people's judgments come from a run, *from_run, its store is opened, and its ratings are read. */
static bool open_ratings(Work *work, const char *source, bool *from_run, Err *err)
{
    *from_run = source && file_is_dir(source);
    if (!source && !work->common->run)
        return err_set(err, ERR_USAGE, "command line: ROWS is missing"),
               err_hint(err, "name a file of ratings or a run");
    if (!*from_run)
        return work_open_store(work, NULL, err);
    char *path = path_join(source, "store.sqlite");
    bool ok = store_open_existing(&work->store, path, err);
    free(path);
    return ok;
}

bool cmd_eval_harmless(Work *work, void *options, Err *err)
{
    HarmlessOptions *o = options, of_run;
    bool from_run;
    if ((o->judge || o->endpoint.url) && o->rows.n > 0 && !file_is_dir(o->rows.item[0]))
        return open_beside(work, o->output, o->rows.item[0], "harmless", err) &&
               harmless_stage(work, "harmless", o, err);
    if (!open_ratings(work, o->rows.n > 0 ? o->rows.item[0] : NULL, &from_run, err))
        return false;
    of_run = *o;
    if (from_run)
        of_run.rows = (OptionList){0};
    return harmless_stage(work, "harmless", &of_run, err);
}

bool cmd_eval_ratings(Work *work, void *options, Err *err)
{
    RatingsOptions *o = options, of_run;
    bool from_run;
    if (!open_ratings(work, o->rows, &from_run, err))
        return false;
    of_run = *o;
    if (from_run)
        of_run.rows = NULL;
    return ratings_stage(work, "ratings", &of_run, err);
}

bool cmd_eval_probes(Work *work, void *options, Err *err)
{
    return work_open_store(work, NULL, err) && probes_stage(work, "probes", options, err);
}
