/* What a model is, as the metadata of a GGUF file. */
#ifndef MODEL_EXPORT_GGUF_METADATA_H
#define MODEL_EXPORT_GGUF_METADATA_H

#include "model/export/gguf_write.h"
#include "model/gguf_config.h"
#include "text/tokenizer_describe.h"

/* Fails for a configuration that has no form in GGUF: one with a part for which the family's files have no key. */
bool gguf_can_say(const ModelConfig *c, Err *err) MUST_CHECK;
/* The keys that gguf_config reads, and llama.cpp. */
void gguf_put_config(GgufWriter *w, const ModelConfig *c);
/* Tables of rotary divisors are tensors: declares them, and gives them, before all others. */
void gguf_declare_ropes(GgufWriter *w, const ModelConfig *c);
bool gguf_give_ropes(GgufWriter *w, const ModelConfig *c, Err *err) MUST_CHECK;
/* The keys that gguf_tokenizer reads. BOS and EOS that the tokenizer lacks are the configuration's. `chat_template` may be NULL. */
void gguf_put_tokenizer(GgufWriter *w, const TokenizerSpec *s, const ModelConfig *c, const char *chat_template);

#endif
