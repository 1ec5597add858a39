/* What the metadata of a GGUF file means: the configuration (gguf_config.c), tokenizer and chat template (gguf_tokenizer.c). */
#ifndef MODEL_GGUF_CONFIG_H
#define MODEL_GGUF_CONFIG_H

#include "model/config.h"
#include "model/file/gguf.h"
#include "text/tokenizer.h"

/* The configuration, checked against the metadata and the shapes of the tensors: every tensor that the
 * architecture needs is there in its right shape. Two things are as GGUF has them, not as Hugging Face: the
 * rows of llama's attn_q and attn_k are in pairs where the rotation wants halves, and gemma3's norms have the
 * 1 already added that norm_plus_one stands for. Whoever loads the tensors undoes both. */
bool gguf_config(const Gguf *g, ModelConfig *c, Err *err) MUST_CHECK;
/* The divisor of rotary frequency i in Llama 3's scaling, which these files keep as a table. */
double gguf_llama3_divisor(const Rope *r, int i, int rotary_dim);
/* Sets the factor on q.k of a Gemma of so many layers as the 27B models have, if none is set: by the width that a head has of the
 * residual stream, where smaller ones go by key_length; llama.cpp too tells them by their layers. */
void gguf_scale_large(ModelConfig *c);
/* The tokenizer's description. The lists are made at the first call and belong to g. */
bool gguf_tokenizer(Gguf *g, TokenizerSpec *spec, Err *err) MUST_CHECK;
/* The chat template, or NULL. Borrowed. */
const char *gguf_chat_template(const Gguf *g);

#endif
