/* What a row of another format becomes, and the fields that all formats give it. */
#ifndef RLAIF_IMPORT_IMPORTED_H
#define RLAIF_IMPORT_IMPORTED_H

#include "rlaif/rows/rows.h"

typedef enum ImportFormat {
    IMPORT_AUTO, /* every row by its fields */
    IMPORT_HH,
    IMPORT_COMPARISONS,
    IMPORT_SHP,
    IMPORT_TLDR,
    IMPORT_TRL,
    IMPORT_INSTRUCTION,
    IMPORT_REPLIES,
    IMPORT_ROWS,
    IMPORT_RATINGS,
    IMPORT_FORMATS
} ImportFormat;
#define IMPORT_FORMAT_NAMES "auto|hh|tldr-comparisons|shp|tldr|trl|instruction|replies|rows|ratings"

/* What one row of another format becomes. */
typedef struct Imported {
    json_t *rows; /* list of rows in our form */
    ImportFormat format;
    bool grouped;       /* they are pairs of the replies to one prompt: each is to have the row's identity as `group` */
    int ties, unscored; /* pairs that were left out: neither reply is better, or one has no score */
} Imported;

/* The view's prompt, responses and choice as fields of a row. */
void import_set_pair(json_t *out, const RowView *v);
/* Copies the fields of a row that are not used, an object of names. */
void import_keep_others(json_t *out, const json_t *row, const json_t *used);

#endif
