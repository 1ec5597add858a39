/* report: the page of a run. */
#include "rlaif/report.h"

#include "base/file.h"
#include "cli/command.h"

bool cmd_report(Work *work, void *options, Err *err)
{
    const ReportOptions *o = options;
    char *path = path_join(o->run_dir, "store.sqlite");
    bool ok = store_open_existing(&work->store, path, err) && report_stage(work, "report", o, err);
    free(path);
    return ok;
}
