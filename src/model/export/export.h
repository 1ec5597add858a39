/* Models written as files that others read. */
#ifndef MODEL_EXPORT_EXPORT_H
#define MODEL_EXPORT_EXPORT_H

#include "model/model.h"

/* Bytes that the weights take in such a file. */
double export_bytes(const ModelConfig *c, bool gguf, DType type);

/* A GGUF file of version 3, as llama.cpp reads it: matrices in this type (F32, F16, BF16, Q8_0, Q4_0; F16 where their rows are no
 * whole blocks), vectors and learned positions in F32. Fails for what has no form in GGUF: reward heads, some tokenizers. */
bool export_gguf(const Model *m, const char *path, DType type, Err *err) MUST_CHECK;
/* The same question before the weights are loaded. */
bool export_gguf_check(const Model *m, Err *err) MUST_CHECK;

/* A directory as transformers reads it, with all weights in this type (F32, F16, BF16). It appears under its name once it is
 * whole. */
bool export_hf(const Model *m, const char *dir, DType type, Err *err) MUST_CHECK;

/* A model's adapter as a GGUF file that llama.cpp puts beside the base's (--lora); its head is left out. */
bool export_gguf_adapter(const Model *m, const char *path, Err *err) MUST_CHECK;
/* A model's adapter and head as PEFT's directory, which appears under its name once it is whole. */
bool export_peft(const Model *m, const char *dir, Err *err) MUST_CHECK;

#endif
