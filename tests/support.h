/* What the tests share: random data, comparison in bits, devices of every level, skipping aloud, folders. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include "base/json.h"
#include "base/rng.h"
#include "group.h"
#include "store/store.h"
#include "tensor/ops.h"

/* Ends the test as failed with the words of an error. */
void need_ok(bool ok, const Err *err);

/* Fails unless they are at most so far apart; a NaN is. */
void close_to(double got, double wanted, double tolerance);
/* Fails unless the words stand in the text. */
void says(const char *text, const char *words);

/* n normal deviates times scale; a stream is one sequence of them. The caller frees random_floats. */
void fill_normal(float *at, size_t n, uint64_t stream, double scale);
float *random_floats(size_t n, uint64_t stream, double scale);
Tensor random_tensor(int rows, int cols, uint64_t stream, double scale); /* free .at */
Tensor zero_tensor(int rows, int cols);                                  /* free .at */
Matrix random_matrix(int rows, int cols, uint64_t stream, double scale); /* free .at; padding is zero */
Matrix zero_matrix(int rows, int cols);                                  /* free .at */
Matrix copy_matrix(Matrix m);                                            /* free .at */
void fill_matrix(Matrix m, uint64_t stream, double scale);
/* n numbers in [0, below), drawn. The caller frees them. */
int *random_ids(int n, int below, uint64_t stream);

/* Fails, naming the first difference, unless both have the same bits. */
void same_bits(const char *what, const float *a, const float *b, size_t n);
/* Largest |a - b|; a NaN anywhere is infinite. */
double largest_difference(const float *a, const float *b, size_t n);
double largest(const float *a, size_t n);

/* A device; skips the test aloud where this CPU lacks the level. */
Device *open_device(CpuLevel level, int threads);
/* The levels that this CPU has, plain first. */
int cpu_levels(CpuLevel level[3]);

/* An empty folder of this test under build/, and its end. The caller frees the name by remove_folder. */
char *make_folder(void);
void remove_folder(char *folder);

/* The same for every test of a program: setup, teardown, and the folder between them. */
extern char *test_folder;
int folder_begin(void **state);
int folder_end(void **state);
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_begin, folder_end)

/* Nothing reaches standard error, a failing test's words included, until it is shown again. */
int errors_hide(void);
void errors_show(int hidden);

/* Where the golden numbers that are no part of the project lie, or NULL where they are absent. */
const char *golden_dir(void);
/* The real models are wanted, unless RLAIF_TEST_MODELS=none. */
bool real_models_wanted(void);

/* A forest for attention without a model: spans of one layer, and runs that cover every span. */
typedef struct Grove {
    Attention att;
    KvSpan span[16];
    QueryRun run[16];
    int path[16][16];
    float *block;
    int rows;
    int *position; /* [rows] */
} Grove;

/* Segment i has length[i] tokens under parent[i] (-1: a root); trees stand together. */
void grove_init(Grove *g, int heads, int kv_heads, int dim, int window, const int *parent, const int *length, int n);
void grove_release(Grove *g);

/* Begins a stage of a store; returns its number. `about` NULL: nothing. */
int64_t begin_stage(Store *s, const char *name, const char *kind, const char *identity, const json_t *about);
/* Opens the store of a run that goes on, with the stage "rl" begun: what stands beside it is to be tested. */
Store *open_run(const char *path, int64_t *rl);

#endif
