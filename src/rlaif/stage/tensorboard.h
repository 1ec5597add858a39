/* TensorBoard's event files: records of the TFRecord framing that hold protocol buffers of the message tensorflow.Event,
 * both encoded here by hand (docs/formats.md). */
#ifndef RLAIF_STAGE_TENSORBOARD_H
#define RLAIF_STAGE_TENSORBOARD_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* TensorBoard reads files whose name holds "tfevents". */
#define TENSORBOARD_FILE "events.out.tfevents.rlaif"

typedef struct TensorboardScalar {
    const char *tag;
    double value; /* kept as a float */
} TensorboardScalar;

/* Appends the record that a file begins with. Wall times are seconds since 1970. */
void tensorboard_begin(Str *out, double wall_time);
/* Appends the record of a step's scalars. */
void tensorboard_step(Str *out, int step, double wall_time, const TensorboardScalar *scalar, int n);

/* CRC-32C (Castagnoli), as the framing masks it. */
uint32_t crc32c(const void *bytes, size_t n);

#endif
