/* rate export: the page on which people rate as a file that needs no server. */
#ifndef SERVE_EXPORT_H
#define SERVE_EXPORT_H

#include "rlaif/import/rating_items.h"

typedef struct RateExportOptions {
    CommonOptions common;
    RatingOptions rating;
    char *source, *output, *key, *question; /* source: a run's directory, or a file of rows with `models` */
    int kind;
} RateExportOptions;
extern const OptionTable rate_export_table;

/* Writes the page, and beside it its key: who wrote what, which `import --format ratings` needs and raters must not
 * see. `work` has the run's store, or none. */
bool rate_export(Work *work, const RateExportOptions *o, Err *err) MUST_CHECK;

#endif
