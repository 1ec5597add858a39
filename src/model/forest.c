/* Forests: segments of tokens and their keys and values. */
#include "model/forest.h"

#include <assert.h>

void forest_init(Forest *f, const ModelConfig *config)
{
    *f = (Forest){.config = config};
}

static int room_rounded(int room)
{
    return (room + PANEL - 1) / PANEL * PANEL;
}

static size_t span_floats(const ModelConfig *c, int cap)
{
    return (size_t)c->layers * kv_layer_floats(c->kv_heads, c->head_dim, cap);
}

size_t forest_bytes(const ModelConfig *config, int room)
{
    return mem_big_bytes(span_floats(config, room_rounded(room)), sizeof(float));
}

static void free_segment(Forest *f, int s)
{
    mem_big_free(f->span[s].at, span_floats(f->config, f->span[s].cap), sizeof(float));
    f->bytes -= forest_bytes(f->config, f->span[s].cap);
    free(f->segment[s].path);
    f->segment[s] = (Segment){0};
    f->span[s] = (KvSpan){0};
}

void forest_clear(Forest *f)
{
    for (int s = 0; s < f->n; s++)
        if (f->segment[s].used)
            free_segment(f, s);
    f->n = 0;
}

void forest_release(Forest *f)
{
    forest_clear(f);
    free(f->segment);
    free(f->span);
    *f = (Forest){0};
}

static int free_number(Forest *f)
{
    for (int s = 0; s < f->n; s++)
        if (!f->segment[s].used)
            return s;
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 64;
        f->segment = mem_resize(f->segment, (size_t)f->cap, sizeof *f->segment);
        f->span = mem_resize(f->span, (size_t)f->cap, sizeof *f->span);
    }
    return f->n++;
}

bool forest_add(Forest *f, int parent, int room, int *segment, Err *err)
{
    assert(parent < f->n && (parent < 0 || f->segment[parent].used));
    int cap = room_rounded(room > 0 ? room : 1);
    float *at =
        f->hollow ? NULL : mem_big(span_floats(f->config, cap), sizeof(float), "keys and values of a segment", err);
    if (!at && !f->hollow)
        return false;
    int s = free_number(f), above = parent < 0 ? 0 : f->segment[parent].path_n;
    Segment *g = &f->segment[s];
    *g = (Segment){.parent = parent, .used = true, .path_n = above + 1};
    g->tree = parent < 0 ? s : f->segment[parent].tree;
    g->path = mem_alloc((size_t)g->path_n, sizeof *g->path);
    for (int i = 0; i < above; i++)
        g->path[i] = f->segment[parent].path[i];
    g->path[above] = s;
    if (parent >= 0)
        f->segment[parent].children++;
    f->span[s] = (KvSpan){.at = at, .position = parent < 0 ? 0 : forest_end(f, parent), .cap = cap, .row = -1};
    f->bytes += forest_bytes(f->config, cap);
    f->most_bytes = f->bytes > f->most_bytes ? f->bytes : f->most_bytes;
    *segment = s;
    return true;
}

void forest_drop(Forest *f, int segment)
{
    assert(f->segment[segment].used && f->segment[segment].children == 0);
    int parent = f->segment[segment].parent;
    free_segment(f, segment);
    if (parent >= 0)
        f->segment[parent].children--;
}

int forest_length(const Forest *f, int segment)
{
    return f->span[segment].n;
}

int forest_end(const Forest *f, int segment)
{
    return f->span[segment].position + f->span[segment].n;
}

int batch_add(Batch *b, Forest *f, int segment, const int *id, int n)
{
    KvSpan *span = &f->span[segment];
    const Segment *g = &f->segment[segment];
    assert(g->used && span->n + n <= span->cap && (g->children == 0 || n == 0));
    while (b->rows + n > b->cap) {
        b->cap = b->cap ? 2 * b->cap : 256;
        b->id = mem_resize(b->id, (size_t)b->cap, sizeof *b->id);
        b->position = mem_resize(b->position, (size_t)b->cap, sizeof *b->position);
    }
    int first = b->rows, position = forest_end(f, segment);
    if (n == 0)
        return first;
    for (int i = 0; i < n; i++) {
        b->id[first + i] = id[i];
        b->position[first + i] = position + i;
    }
    b->rows += n;
    b->run = MEM_GROW(b->run, b->runs, b->runs_cap);
    b->run[b->runs++] =
        (QueryRun){.row = first, .n = n, .position = position, .path = g->path, .path_n = g->path_n, .tree = g->tree};
    span->row = span->n == 0 ? first : -1; /* backward needs whole segments in one batch */
    span->n += n;
    return first;
}

void batch_clear(Batch *b)
{
    b->rows = 0;
    b->runs = 0;
}

void batch_release(Batch *b)
{
    free(b->id);
    free(b->position);
    free(b->run);
    *b = (Batch){0};
}
