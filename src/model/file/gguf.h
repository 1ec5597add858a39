/* GGUF files of versions 2 and 3, one or several to a model, read by mmap. Every offset, length and count is checked against the file before it is
 * used, so that a truncated or lying file gets a message and nothing else.
 *
 * The container and its tensors are in gguf.c, models of several files in gguf_split.c; what the metadata means is in
 * model/gguf_config.h. */
#ifndef MODEL_GGUF_H
#define MODEL_GGUF_H

#include "base/file.h"
#include "model/file/dtype.h"

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

typedef struct Gguf {
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
    struct Gguf **others; /* of a model of several files: the files behind the first, whose tensors are this one's */
    int n_others;
    /* gguf_tokenizer's lists: */
    const char **tokens, **merges;
    char *token_text, *merge_text, *charsmap;
    float *scores;
    int *types;
} Gguf;

/* Of a model of several files any may be named: they are NAME-00001-of-00003.gguf and so on, beside each other. */
bool gguf_open(Gguf **out, const char *path, Err *err) MUST_CHECK;
/* gguf_open for a file that lies in memory and outlives g; `where` names it in messages. */
bool gguf_open_bytes(Gguf **out, const char *where, const void *bytes, size_t n, Err *err) MUST_CHECK;
/* The files of the model that this path names, n of them in their order, for names_free: all parts, or just this one. Fails
 * where a part is missing. */
bool gguf_files(char ***paths, int *n, const char *path, Err *err) MUST_CHECK;
/* gguf_open_bytes for one part of a model; and n of them, of which it becomes the owner, as one. */
bool gguf_open_part(Gguf **out, const char *where, const void *bytes, size_t n, Err *err) MUST_CHECK;
bool gguf_join(Gguf **out, Gguf **part, int n, Err *err) MUST_CHECK;
void gguf_free(Gguf *g); /* accepts NULL; everything borrowed from it ends */

/* Metadata by key; false (and *out untouched) where the key is absent or of another type. Integers of any
 * width count as numbers. Texts are borrowed and end in a NUL. */
bool gguf_number(const Gguf *g, const char *key, double *out);
bool gguf_text(const Gguf *g, const char *key, const char **out);
bool gguf_bool(const Gguf *g, const char *key, bool *out);
/* Fails where it is there and of another type: GGUF_TEXT or GGUF_BOOL. */
bool gguf_typed(const Gguf *g, const char *key, GgufType type, Err *err) MUST_CHECK;
/* The id of a special token ("bos", "eos", "eot", "unknown", "padding"); where the key is absent that of SentencePiece's
 * vocabularies, and -1 in others or where it says "none" (2^32 - 1). Fails for anything else that is no id of a vocabulary of n. */
bool gguf_token_id(const Gguf *g, const char *name, int n, int *id, Err *err) MUST_CHECK;
/* The id that SentencePiece gives, where a file of so many tokens says nothing of it: so llama.cpp reads it. -1: none. */
int gguf_usual_id(const char *model, const char *name, int n);
/* The metadata of a key, or NULL. */
const GgufValue *gguf_value(const Gguf *g, const char *key);
/* Item i of a value, for integers and reals of any width and for booleans; false for other types. */
bool gguf_item(const GgufValue *v, uint64_t i, double *out);

int gguf_tensors(const Gguf *g);
/* In the file's order. One of a type that is not read has the type DTYPE_COUNT and no bytes. */
const StoredTensor *gguf_tensor(const Gguf *g, int i);
const char *gguf_type_name(const Gguf *g, int i);
/* By its GGUF name ("blk.0.attn_q.weight"), or NULL where there is none of a type that is read. Shapes are in Hugging
 * Face's order. */
const StoredTensor *gguf_find(const Gguf *g, const char *name);
/* By its name, whatever its type; and the order of names made anew, which fails where two have one name. */
const StoredTensor *gguf_find_any(const Gguf *g, const char *name);
bool gguf_index(Gguf *g, Err *err) MUST_CHECK;
/* Is there a tensor of this name whose type is not read? Then err says so. */
bool gguf_unread(const Gguf *g, const char *name, Err *err);

/* Tells the system that a tensor's bytes will not be read again soon. */
void gguf_forget(const Gguf *g, const StoredTensor *t);

#endif
