/* Parameters as tensors of files: read into panels, and given row by row to who writes them. */
#ifndef MODEL_STORED_H
#define MODEL_STORED_H

#include "model/file/safetensors.h"
#include "model/params.h"

/* The shape of the tensor that a parameter lies in; returns its dimensions. */
int stored_shape(const Param *p, const FilePlace *at, size_t shape[2]);

/* Where the parameter's rows lie in a tensor of that shape, so that they can stay there; false where the matrix has to be made:
 * from f32, which would gain nothing, from columns, from a vector. The caller frees out->row. */
bool stored_pack(const Param *p, const FilePlace *at, const ModelConfig *c, const StoredTensor *t, Packed *out);

/* Copies a tensor of that shape, or the parameter's rows of it, into the matrix, unless they stay in the file; false where one
 * of its numbers is not finite. */
bool stored_read(const Param *p, const FilePlace *at, const ModelConfig *c, const StoredTensor *t,
                 int threads) MUST_CHECK;

/* How many parameters, from number i of the list on, share one tensor of a GGUF file or of one of Hugging Face's. */
int stored_group(const ParamList *list, int i, bool gguf);

/* One row of the tensor that the n parameters of a group share, of as many numbers as its last dimension (a vector is one
 * row). */
void stored_row(const Param *group, int n, bool gguf, const ModelConfig *c, int row, float *values);

/* The whole tensor of a group, as Hugging Face's files have it. */
bool stored_write(const Param *group, int n, const ModelConfig *c, SafetensorsWriter *w, Err *err) MUST_CHECK;

#endif
