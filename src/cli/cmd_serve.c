/* serve and rate: the pages for people. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "serve/export.h"
#include "serve/serve.h"

bool cmd_serve(Work *work, void *options, Err *err)
{
    (void)work;
    return serve_run(options, err);
}

bool cmd_rate_export(Work *work, void *options, Err *err)
{
    const RateExportOptions *o = options;
    if (!file_is_dir(o->source))
        return rate_export(work, o, err);
    char *path = path_join(o->source, "store.sqlite");
    bool ok = store_open_existing(&work->store, path, err) && rate_export(work, o, err);
    free(path);
    return ok;
}
