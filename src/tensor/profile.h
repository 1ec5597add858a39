/* Where the time of a computation goes: calls, seconds and floating-point operations of every operation, of a device
 * that was told to keep them (Device.profile). */
#ifndef TENSOR_PROFILE_H
#define TENSOR_PROFILE_H

/* The operations of ops.h that take time; those that add to their output count with those that set it. */
#define PROFILED(X)                                                                                                    \
    X(linear)                                                                                                          \
    X(linear_back_x)                                                                                                   \
    X(linear_back_w)                                                                                                   \
    X(embed)                                                                                                           \
    X(embed_back)                                                                                                      \
    X(norm)                                                                                                            \
    X(norm_back)                                                                                                       \
    X(rope)                                                                                                            \
    X(kv_store)                                                                                                        \
    X(attention)                                                                                                       \
    X(attention_back)                                                                                                  \
    X(glu)                                                                                                             \
    X(glu_back)                                                                                                        \
    X(act)                                                                                                             \
    X(act_back)                                                                                                        \
    X(add)                                                                                                             \
    X(bias)                                                                                                            \
    X(bias_back)                                                                                                       \
    X(gather)                                                                                                          \
    X(scatter_add)                                                                                                     \
    X(soft_cap)                                                                                                        \
    X(soft_cap_back)                                                                                                   \
    X(vocab_scan)                                                                                                      \
    X(vocab_back)                                                                                                      \
    X(vocab_back_kl)                                                                                                   \
    X(sum_squares)                                                                                                     \
    X(adamw)                                                                                                           \
    X(adafactor)

#define PROFILED_NUMBER(name) PROFILE_##name,
typedef enum ProfiledOp { PROFILED(PROFILED_NUMBER) PROFILED_OPS } ProfiledOp;
#undef PROFILED_NUMBER

extern const char *const profiled_name[PROFILED_OPS];

typedef struct Profile {
    struct {
        long long calls;
        double seconds, flops; /* of matrix products and attention, 2 for a multiply-add; else 0 */
    } op[PROFILED_OPS];
} Profile;

#endif
