/* The CPU as a device. */
#ifndef TENSOR_CPU_H
#define TENSOR_CPU_H

#include "tensor/device.h"

/* Fails where this CPU lacks the level. threads 0: one per core that this process may use. */
bool device_open(Device **out, CpuLevel level, int threads, Err *err) MUST_CHECK;

bool cpu_has(CpuLevel level);
const char *cpu_level_name(CpuLevel level);
/* The CPU's own name for itself ("AMD EPYC ..."); "unknown CPU" where it has none. */
void cpu_model(char out[128]);

#endif
