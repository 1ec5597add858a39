/* The report: one self-contained HTML page, written anew from the store and the recipe. */
#include "rlaif/report.h"

#include "base/file.h"
#include "base/mem.h"

static const Option option_rows[] = {
    {"run-dir", OPT_TEXT, AT(ReportOptions, run_dir), .value = "RUN",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "a run's directory"},
    {"output", OPT_TEXT, AT(ReportOptions, output), .value = "FILE.html", .flags = OPT_SHORT_O | OPT_WORKING | OPT_CLI,
     .help = "the page [RUN/report.html]"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options, COMMON_OPTIONS, AT(ReportOptions, common)},
};
const OptionTable report_table = {groups, COUNT(groups), sizeof(ReportOptions)};

bool report_stage(Work *work, const char *name, const void *options, Err *err)
{
    const ReportOptions *o = options;
    char *path = o->output ? mem_str(o->output) : path_join(o->run_dir, "report.html");
    Str page = {0};
    (void)work, (void)name;
    str_add(&page, "<!doctype html>\n");
    bool ok = file_write(path, str_text(&page), page.n, err);
    str_release(&page);
    free(path);
    return ok;
}
