/* The weights below a model's heads, which several models may read: counted, and freed with the last of them. A library finds
 * those of a file that is loaded again. */
#ifndef MODEL_TRUNK_H
#define MODEL_TRUNK_H

#include "base/hash.h"
#include "model/file/gguf.h"
#include "model/file/safetensors.h"
#include "model/params.h"

typedef struct Trunk {
    int users;
    bool hollow;        /* it has shapes, no memory (Device.hollow) */
    ModelConfig config; /* of the model that it was made for, heads included */
    Weights w;          /* with those heads: one block, but for what is packed */
    Packed *packed;     /* [n_packed] matrices that stay as they are in the file */
    int n_packed;
    double packed_bytes;
    Gguf *gguf; /* owned: the file that they lie in, one of both */
    Safetensors *tensors;
    char *file;           /* what it was read from, as the library knows it */
    char hash[HASH_TEXT]; /* and its hash, once somebody asked (model_base_hash); "": nobody has */
    struct Library *library;
    struct Trunk *next; /* in the library */
} Trunk;

/* Trunks that are in use, by their files. They leave it with their last user, or when they are about to change. */
typedef struct Library {
    Trunk *first;
    struct Store *const
        *kept;   /* the store that knows hashes of files, where one is open by then; NULL: there is none */
    bool packed; /* weights that can stay as they are in their file do so, until they are trained (--weights) */
} Library;

/* A zeroed trunk with one user; or one without memory, to be packed first, and then the memory of what is not packed. */
bool trunk_new(Trunk **out, const ModelConfig *c, bool hollow, Err *err) MUST_CHECK;
Trunk *trunk_begin(const ModelConfig *c, bool hollow);
bool trunk_alloc(Trunk *t, Err *err) MUST_CHECK;
double trunk_bytes(const Trunk *t);
void trunk_release(Trunk *t); /* one user less; accepts NULL */

/* The trunk of a file that a model with these heads can stand on, or NULL; it has one user more. */
Trunk *library_find(Library *l, const char *file, const ModelConfig *c);
/* Lets others find it. Takes `file` over. */
void library_add(Library *l, Trunk *t, char *file);
void library_remove(Trunk *t);

/* The weights of a model of this configuration on a trunk: matrices of the trunk, and scalar heads and an adapter in a block of w's own,
 * zeroed. */
bool trunk_weights(const Trunk *t, Weights *w, const ModelConfig *c, Err *err) MUST_CHECK;
/* Copies what a model's weights on a trunk have in common with others, in f32: all parameters, or scalar heads and
 * adapters alone. What was
 * read of the trunk's file is let go, one after the other. */
void weights_copy(Device *d, Weights *to, const ModelConfig *c, const Trunk *t, const Weights *from,
                  const ModelConfig *of, bool own_alone);

#endif
