/* What gguf.c shares with the files that interpret the metadata, and with tests that have a file's bytes. */
#ifndef MODEL_GGUF_INTERNAL_H
#define MODEL_GGUF_INTERNAL_H

#include "base/file.h"
#include "model/gguf.h"

/* The types of metadata values, as the file numbers them. */
typedef enum GgufType {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_TEXT,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPES
} GgufType;

typedef struct GgufValue {
    char *key;
    GgufType type;
    GgufType item;           /* the type of an array's items, or `type` */
    uint64_t n;              /* items of an array, or 1 */
    const unsigned char *at; /* the first item, in the file */
    char *text;              /* GGUF_TEXT: a copy that ends in a NUL */
} GgufValue;

struct Gguf {
    char *path;
    FileMap map;
    bool mapped;       /* the bytes are a mapping of ours */
    GgufValue *values; /* by key, sorted */
    int n_values;
    StoredTensor *tensors;
    char **names;  /* of the tensors */
    char **unread; /* their types, "10 (Q2_K)", where these are not read; else NULL */
    int n_tensors;
    const StoredTensor **by_name;
    /* gguf_tokenizer's lists: */
    const char **tokens, **merges;
    char *token_text, *merge_text;
    float *scores;
    int *types;
};

/* gguf_open for a file that lies in memory and outlives g; `where` names it in messages. */
bool gguf_open_bytes(Gguf **out, const char *where, const void *bytes, size_t n, Err *err) MUST_CHECK;

/* The metadata of a key, or NULL. */
const GgufValue *gguf_value(const Gguf *g, const char *key);

/* Item i of a value, for integers and reals of any width and for booleans; false for other types. */
bool gguf_item(const GgufValue *v, uint64_t i, double *out);

/* The id of a special token; -1 where the key is absent or says "none" (2^32 - 1). Fails for anything else
 * that is no id of a vocabulary of n. */
bool gguf_token_id(const Gguf *g, const char *key, int n, int *id, Err *err) MUST_CHECK;

#endif
