/* Golden numbers, read from JSON and compared: those of tests/fixtures, and those that lie beside the project. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include "tiny.h"

/* A directory with a model and its numbers. */
typedef struct Golden {
    const char *dir;
    bool committed; /* otherwise it may be absent: its tests are skipped */
} Golden;

/* The JSON file of that name; skips the test aloud where the directory is absent. Release with json_decref. */
json_t *golden_read(const Golden *g, const char *file);
Model *golden_model(const Golden *g, int heads, Device *d);
/* Copies one tensor of a safetensors file beside the model into a matrix of one row, or of one column. */
void golden_tensor(const Golden *g, const char *file, const char *name, Matrix m);

/* The numbers of an array; the caller frees them. */
int *golden_ids(const json_t *array, int *n);
double *golden_numbers(const json_t *array, int *n);

void golden_close(const char *what, double got, double wanted, double tolerance);
void golden_all_close(const char *what, const float *got, const json_t *wanted, double tolerance);

/* Gradients by name: norm and sampled entries, to `tolerance` of each tensor's largest entry. A parameter that is
 * not named has no gradient. */
void golden_gradients(const Model *m, Weights *dw, const json_t *named, double tolerance);
/* Parameters by name: sampled entries, to `tolerance`. */
void golden_params(Model *m, const json_t *named, double tolerance);

#endif
