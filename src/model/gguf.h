/* GGUF version 3 files, read by mmap. Every offset, length and count is checked against the file before it is
 * used, so that a truncated or lying file gets a message and nothing else. */
#ifndef MODEL_GGUF_H
#define MODEL_GGUF_H

#include "model/config.h"
#include "model/dtype.h"
#include "text/tokenizer.h"

typedef struct Gguf Gguf;

bool gguf_open(Gguf **out, const char *path, Err *err) MUST_CHECK;
void gguf_free(Gguf *g); /* accepts NULL; everything borrowed from it ends */

/* Metadata by key; false (and *out untouched) where the key is absent or of another type. Integers of any
 * width count as numbers. Texts are borrowed and end in a NUL. */
bool gguf_number(const Gguf *g, const char *key, double *out);
bool gguf_text(const Gguf *g, const char *key, const char **out);
bool gguf_bool(const Gguf *g, const char *key, bool *out);

int gguf_tensors(const Gguf *g);
const StoredTensor *gguf_tensor(const Gguf *g, int i);
/* By its GGUF name ("blk.0.attn_q.weight"), or NULL. Shapes are in Hugging Face's order. */
const StoredTensor *gguf_find(const Gguf *g, const char *name);

/* The configuration, checked against the metadata and the shapes of the tensors. */
bool gguf_config(const Gguf *g, ModelConfig *c, Err *err) MUST_CHECK;
/* The tokenizer's description, borrowed from g. */
bool gguf_tokenizer(const Gguf *g, TokenizerSpec *spec, Err *err) MUST_CHECK;
/* The chat template, or NULL. Borrowed. */
const char *gguf_chat_template(const Gguf *g);

/* Tells the system that a tensor's bytes will not be read again soon. */
void gguf_forget(const Gguf *g, const StoredTensor *t);

#endif
