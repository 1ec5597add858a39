/* The report: one HTML page that shows what a run did. It holds everything it needs, loads nothing, and is a function of
 * the store's content and the recipe alone: no clock, no machine, no place. */
#ifndef RLAIF_REPORT_REPORT_H
#define RLAIF_REPORT_REPORT_H

#include "rlaif/stage/stage.h"

typedef struct ReportOptions {
    CommonOptions common;
    char *run_dir, *output; /* output NULL: RUN/report.html */
} ReportOptions;
extern const OptionTable report_table;

/* Appends the page of work->store, which is open, as it is now; the run may go on. */
bool report_write(Str *out, Work *work, const char *run_dir, Err *err) MUST_CHECK;
/* Writes that page. It is no stage of the store: it is made anew every time. */
bool report_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* Appends "dygraphs 2.2.1", which draws the page's curves, for `rlaif version`. */
void report_libraries(Str *out);

#endif
