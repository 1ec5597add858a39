/* The charts of the page. */
#ifndef RLAIF_REPORT_PAGE_CHART_H
#define RLAIF_REPORT_PAGE_CHART_H

#include "rlaif/report/page/words.h"

/* Lines over steps, one for each stage that has the metric; nothing where none has. Not live: the drawing alone, without its
 * numbers for the script. */
void chart_metric(Str *out, const ReportStage *const *stage, int n, const char *metric, const char *title, bool live);
void chart_legend(Str *out, const ReportStage *const *stage, int n);
void chart_histogram(Str *out, const int *bin, int bins, const ReportStage *stage);
/* A value with its interval on a line from low to high, with a mark at `zero`. */
void chart_whisker(Str *out, double value, const json_t *interval, double low, double high, double zero);

#endif
