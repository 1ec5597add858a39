/* Names that carry the CPU level: the files of this folder are compiled once per level. */
#ifndef TENSOR_CPU_LEVEL_H
#define TENSOR_CPU_LEVEL_H

#define LEVEL_JOIN2(name, level) name##_##level
#define LEVEL_JOIN(name, level)  LEVEL_JOIN2(name, level)
#define LEVEL(name)              LEVEL_JOIN(name, CPU_LEVEL)

#endif
