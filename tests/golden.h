/* Golden numbers, read from JSON and compared: those of tests/fixtures, and those that lie beside the project. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include "tiny.h"

/* A directory with a model and its numbers. */
typedef struct Golden {
    const char *dir;
    bool committed; /* otherwise it may be absent: its tests are skipped */
} Golden;

/* A model that people use, if it is there. */
typedef struct RealModel {
    const char *name, *path;
    double tolerance; /* of a log-probability in f32 */
} RealModel;
enum { REAL_MODELS = 2 };
extern const RealModel real_models[REAL_MODELS];
/* Skips the test aloud where the model is absent or RLAIF_TEST_MODELS=none. */
void need_real_model(const RealModel *r);
/* The same, then the model. Free with model_free. */
Model *open_real_model(const RealModel *r, int heads, Device *d);
/* The numbers of a real model: DIR/WHAT_NAME.json; skips where model or directory is absent. Release with
 * json_decref. */
json_t *golden_of_real(const Golden *g, const char *what, const RealModel *r);
/* The two places where such numbers are: first those that are committed. */
extern const Golden real_goldens[2];

/* One test of a file's list for every real model and both places; a test's state is a RealGolden. */
typedef struct RealGolden {
    const Golden *golden;
    const RealModel *model;
} RealGolden;
enum { REAL_GOLDENS = 4 };
extern const RealGolden real_golden[REAL_GOLDENS];

/* The JSON file of that name; skips the test aloud where the directory is absent. Release with json_decref. */
json_t *golden_read(const Golden *g, const char *file);
Model *golden_model(const Golden *g, int heads, Device *d);
/* Gives a model other rotary embeddings: config.json's rope_parameters, of type llama3 or linear. */
void golden_rope(Model *m, const json_t *parameters);
/* Copies one tensor of a safetensors file beside the model into a matrix of one row, or of one column. */
void golden_tensor(const Golden *g, const char *file, const char *name, Matrix m);

/* The numbers of an array; the caller frees them. */
int *golden_ids(const json_t *array, int *n);
double *golden_numbers(const json_t *array, int *n);

void golden_close(const char *what, double got, double wanted, double tolerance);
void golden_all_close(const char *what, const float *got, const json_t *wanted, double tolerance);

/* Runs tests, at most 16, whose state is a Golden, for tiny-llama in both places. Returns what main returns. */
int golden_run(const char *name, const struct CMUnitTest *kinds, int n);

/* The logits of every sequence of the file, and its log-probabilities where it has them, to `tolerance`. */
void golden_sequences(Model *m, const json_t *golden, double tolerance);
/* The mean cross-entropy over all next tokens of the file's sequences; its gradient is added to dw. */
double golden_loss(Model *m, const json_t *golden, Weights *dw);
/* Sampled entries of one tensor. */
void golden_samples(const char *name, Matrix m, const json_t *samples, double tolerance);
/* Gradients by name: norm and sampled entries, to `tolerance` of each tensor's largest entry. A parameter that is
 * not named has no gradient. */
void golden_gradients(const Model *m, Weights *dw, const json_t *named, double tolerance);
/* Parameters by name: sampled entries, to `tolerance`. */
void golden_params(Model *m, const json_t *named, double tolerance);

#endif
