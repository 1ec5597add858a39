/* The sections of the report, in the order of the page. Each appends its own part, or nothing where the run has nothing for
 * it; one that reads rows of the store may fail. */
#ifndef RLAIF_REPORT_SECTIONS_H
#define RLAIF_REPORT_SECTIONS_H

#include "rlaif/report/page/run.h"

typedef bool ReportSection(Str *out, const Report *r, Err *err);

ReportSection report_front; /* what a person came for: the verdict, replies before and after, curves */
ReportSection report_arms, report_results, report_people, report_harmless, report_probes;
ReportSection report_paper, report_named; /* a recipe's figures beside the paper's, or alone where the paper has none */
ReportSection report_meaning, report_labels, report_training, report_samples, report_provenance;

#endif
