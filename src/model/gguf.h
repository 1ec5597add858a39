/* GGUF version 3 files, read by mmap. Every offset, length and count is checked against the file before it is
 * used, so that a truncated or lying file gets a message and nothing else.
 *
 * The container and its tensors are in gguf.c, what the metadata means in gguf_config.c and gguf_tokenizer.c.
 */
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
/* In the file's order. One of a type that is not read has the type DTYPE_COUNT and no bytes. */
const StoredTensor *gguf_tensor(const Gguf *g, int i);
const char *gguf_type_name(const Gguf *g, int i);
/* By its GGUF name ("blk.0.attn_q.weight"), or NULL where there is none of a type that is read. Shapes are in Hugging
 * Face's order. */
const StoredTensor *gguf_find(const Gguf *g, const char *name);
/* Is there a tensor of this name whose type is not read? Then err says so. */
bool gguf_unread(const Gguf *g, const char *name, Err *err);

/* The configuration, checked against the metadata and the shapes of the tensors: every tensor that the
 * architecture needs is there in its right shape. Two things are as GGUF has them, not as Hugging Face: the
 * rows of llama's attn_q and attn_k are in pairs where the rotation wants halves, and gemma3's norms have the
 * 1 already added that norm_plus_one stands for. Whoever loads the tensors undoes both. */
bool gguf_config(const Gguf *g, ModelConfig *c, Err *err) MUST_CHECK;
/* The tokenizer's description. The lists are made at the first call and belong to g. */
bool gguf_tokenizer(Gguf *g, TokenizerSpec *spec, Err *err) MUST_CHECK;
/* The chat template, or NULL. Borrowed. */
const char *gguf_chat_template(const Gguf *g);

/* Tells the system that a tensor's bytes will not be read again soon. */
void gguf_forget(const Gguf *g, const StoredTensor *t);

#endif
