/* The weights below a model's heads, which several models may read: counted, and freed with the last of them. A library finds
 * those of a file that is loaded again. */
#ifndef MODEL_TRUNK_H
#define MODEL_TRUNK_H

#include "base/file.h"
#include "model/params.h"

typedef struct Trunk {
    int users;
    bool hollow;        /* it has shapes, no memory (Device.hollow) */
    ModelConfig config; /* of the model that it was made for, heads included */
    Weights w;          /* with those heads: one block */
    char *file;         /* what it was read from, as the library knows it */
    struct Library *library;
    struct Trunk *next; /* in the library */
} Trunk;

/* Trunks that are in use, by their files. They leave it with their last user, or when they are about to change. */
typedef struct Library {
    Trunk *first;
} Library;

/* A zeroed trunk with one user. */
bool trunk_new(Trunk **out, const ModelConfig *c, bool hollow, Err *err) MUST_CHECK;
void trunk_release(Trunk *t); /* one user less; accepts NULL */

/* The trunk of a file that a model with these heads can stand on, or NULL; it has one user more. */
Trunk *library_find(Library *l, const char *file, const ModelConfig *c);
/* Lets others find it. Takes `file` over. */
void library_add(Library *l, Trunk *t, char *file);
void library_remove(Trunk *t);

/* The weights of a model of this configuration on a trunk: matrices of the trunk, and heads in a block of w's own, zeroed. */
bool trunk_weights(const Trunk *t, Weights *w, const ModelConfig *c, Err *err) MUST_CHECK;
/* Copies what both have: all parameters, or the heads alone. */
void weights_copy(Weights *to, const ModelConfig *c, const Weights *from, const ModelConfig *of, bool heads_alone);

/* A scalar head, which every model has for itself. */
bool is_scalar_head(const Weights *w, const Param *p);

#endif
