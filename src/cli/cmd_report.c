/* report: the page of a run. */
#include "rlaif/report/report.h"

#include "base/mem.h"
#include "cli/command.h"

bool cmd_report(Work *work, void *options, Err *err)
{
    ReportOptions *o = options;
    bool beside;
    if (!work_open_existing(work, o->run_dir, &beside, err))
        return false;
    const char *store = store_path(work->store);
    if (beside && !o->output) /* a model's directory is no place for it */
        o->output = mem_printf("%.*s.html", (int)(strlen(store) - strlen(".rlaif")), store);
    return report_stage(work, "report", o, err);
}
