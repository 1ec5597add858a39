/* Public formats, row by row: which one it is, and the rows that it becomes (import.h). */
#ifndef RLAIF_IMPORT_FORMAT_H
#define RLAIF_IMPORT_FORMAT_H

#include "rlaif/import/imported.h"

/* Release out->rows with json_decref. Fails for a row that is not of the format. */
bool import_row(const json_t *row, ImportFormat format, Imported *out, Err *err) MUST_CHECK;

/* The key of ratings: object item -> its line of FILE.key.jsonl. Release it with json_decref. */
bool rating_keys_read(const char *path, json_t **out, Err *err) MUST_CHECK;
/* One rating as a row. Fails for an item that the key does not have, and for what does not fit it. */
bool import_rating(const json_t *row, const json_t *keys, json_t **out, Err *err) MUST_CHECK;

#endif
