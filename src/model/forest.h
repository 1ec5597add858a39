/* Forests: segments of tokens, each with a parent; a token attends to its own segment up to itself and to all
 * ancestors. The forest keeps every segment's keys and values, so that a segment can be extended and have
 * children computed later: it is the KV cache.
 *
 *     int prompt = forest_add(f, -1, n_prompt);           // a root with room for n_prompt tokens
 *     int sample = forest_add(f, prompt, 64);             // a branch
 *     batch_add(&b, f, prompt, ids, n_prompt);            // its tokens are the batch's next rows
 *     model_forward(...)                                  // computes them
 *
 * A batch adds tokens to the ends of segments; parents before children. Segments are numbered from 0 and a
 * number is used again once its segment was dropped. */
#ifndef MODEL_FOREST_H
#define MODEL_FOREST_H

#include "model/config.h"
#include "tensor/ops.h"

typedef struct Segment {
    int parent;   /* -1: a root */
    int children; /* segments that have this one as their parent */
    int tree;     /* the number of its root segment */
    int *path;    /* root first, itself last */
    int path_n;
    bool used;
} Segment;

typedef struct Forest {
    const ModelConfig *config;
    Segment *segment;
    KvSpan *span; /* [n]: keys and values of each segment */
    int n, cap;
    size_t bytes, most_bytes; /* of keys and values: now, at most so far */
    bool hollow;              /* counts keys and values, but has no memory for them: nothing can be computed */
} Forest;

void forest_init(Forest *f, const ModelConfig *config);
void forest_release(Forest *f);
/* Drops every segment, keeps the rest. */
void forest_clear(Forest *f);

/* A new empty segment with room for `room` tokens into *segment. The parent must not grow afterwards: a child
 * begins where its parent ends now. Fails for lack of memory. */
bool forest_add(Forest *f, int parent, int room, int *segment, Err *err) MUST_CHECK;
/* Frees a segment without children. */
void forest_drop(Forest *f, int segment);

int forest_length(const Forest *f, int segment); /* tokens held */
int forest_end(const Forest *f, int segment);    /* position after its last token */

/* Bytes of keys and values for a segment with this room. */
size_t forest_bytes(const ModelConfig *config, int room);

/* Rows to compute next: consecutive tokens at the ends of segments. */
typedef struct Batch {
    int rows, cap;
    int *id, *position; /* [rows] */
    QueryRun *run;
    int runs, runs_cap;
} Batch;

/* Adds n tokens to the end of a segment (which has room) as the next rows, and returns the first row. A
 * segment appears at most once in a batch. */
int batch_add(Batch *b, Forest *f, int segment, const int *id, int n);
void batch_clear(Batch *b);
void batch_release(Batch *b);

#endif
