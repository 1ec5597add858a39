/* import: public formats to rows. It needs no store: it reads, and writes whole files or none. */
#include "cli/command.h"
#include "rlaif/import/import.h"

bool cmd_import(Work *work, void *options, Err *err)
{
    return import_rows(work, options, err);
}
