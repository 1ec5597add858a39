/* safetensors for tests that have a file's bytes. */
#ifndef MODEL_SAFETENSORS_INTERNAL_H
#define MODEL_SAFETENSORS_INTERNAL_H

#include "model/safetensors.h"

/* safetensors_open for one file that lies in memory and outlives s; `where` names it in messages. */
bool safetensors_open_bytes(Safetensors **out, const char *where, const void *bytes, size_t n, Err *err) MUST_CHECK;

#endif
