/* The families' files: names, shapes and orders of tensors as transformers and llama.cpp have them, written down once more, and small
 * models in them. */
#ifndef TESTS_FAMILIES_H
#define TESTS_FAMILIES_H

#include "support.h"

enum { FAMILIES = 9, FAMILY_VOCAB = 293, FAMILY_LAYERS = 2 };

/* What a GGUF file does to a tensor of transformers'. */
typedef enum Change { SAME, TURNED, PLUS_ONE, PAIRS, HEADS } Change;

typedef struct Row {
    const char *hf, *gguf; /* %d: the layer */
    int rows, cols;        /* cols 0: a vector */
    Change change;
} Row;

typedef struct Listed {
    const char *family, *config; /* as config.json says it */
    Row row[24];                 /* up to one without a name */
    const char *hash;            /* of what the model below says */
} Listed;

extern const Listed listed_families[FAMILIES];

/* The name of a tensor in a layer. The caller frees it. */
char *named(const char *pattern, int layer);

/* How a model of images and texts names the tensors of its texts. */
typedef enum Outer { OUTER_NONE, OUTER_OLDER, OUTER_NEWER } Outer;

/* A directory with a small model, whole or in two shards, and tiny-llama's tokenizer. */
void put_family(const Listed *f, const char *folder, bool shards, Outer outer);
/* A file of a directory. */
void write_text(const char *folder, const char *name, const char *text);

#endif
