/* What a stage's summary says, in words and units for the dashboard. */
#ifndef SERVE_FIGURES_H
#define SERVE_FIGURES_H

#include "base/json.h"
#include "base/str.h"

/* "label" as people call it: "labels by a judge"; NULL for a kind that has no other name. */
const char *kind_words(const char *kind);
/* The numbers of a summary that say most, at most six, each a span: "40 pairs", "2.6 GB planned". */
void html_figures(Str *out, const json_t *summary);
void html_time(Str *out, double seconds); /* "2.9 s", "12 min" */

#endif
