/* Trunks: counted weights, and the library of those in use. */
#include "model/trunk.h"

#include "base/mem.h"
#include "tensor/ops.h"

/* One block for the matrices of a list, or only the count of its floats. */
static bool alloc_matrices(Weights *w, const ParamList *list, bool hollow, const char *what, Err *err)
{
    w->floats = params_floats(list);
    bool wanted = w->floats && !hollow;
    w->block = wanted ? mem_big(w->floats, sizeof(float), what, err) : NULL;
    float *at = w->block;
    for (int i = 0; at && i < list->n; i++) {
        Matrix *m = list->param[i].matrix;
        m->at = at;
        at += matrix_floats(m->rows, m->cols);
    }
    return w->block || !wanted;
}

Trunk *trunk_begin(const ModelConfig *c, bool hollow)
{
    Trunk *t = mem_zalloc(1, sizeof *t);
    t->users = 1;
    t->config = *c;
    t->hollow = hollow;
    weights_shapes(&t->w, c);
    return t;
}

bool trunk_alloc(Trunk *t, Err *err)
{
    ParamList list = params_list(&t->w, &t->config);
    int n = 0;
    for (int i = 0; i < list.n; i++)
        if (!list.param[i].matrix->packed)
            list.param[n++] = list.param[i];
    list.n = n;
    bool ok = alloc_matrices(&t->w, &list, t->hollow, "a model's parameters", err);
    weights_join(&t->w, &t->config);
    params_free(&list);
    return ok;
}

bool trunk_new(Trunk **out, const ModelConfig *c, bool hollow, Err *err)
{
    *out = trunk_begin(c, hollow);
    if (trunk_alloc(*out, err))
        return true;
    trunk_release(*out);
    *out = NULL;
    return false;
}

double trunk_bytes(const Trunk *t)
{
    return (double)t->w.floats * sizeof(float) + t->packed_bytes;
}

/* Tells the system that this tensor of the trunk's file will not be read again soon. */
static void forget(const Trunk *t, const Packed *packed)
{
    const StoredTensor of = {.bytes = packed->bytes, .n_bytes = packed->n_bytes};
    if (t->gguf)
        gguf_forget(t->gguf, &of);
    if (t->tensors)
        safetensors_forget(t->tensors, &of);
}

void trunk_release(Trunk *t)
{
    if (!t || --t->users > 0)
        return;
    library_remove(t);
    weights_free(&t->w);
    for (int i = 0; i < t->n_packed; i++)
        free(t->packed[i].row);
    free(t->packed);
    gguf_free(t->gguf);
    safetensors_free(t->tensors);
    free(t);
}

Trunk *library_find(Library *l, const char *file, const ModelConfig *c)
{
    for (Trunk *t = l ? l->first : NULL; t; t = t->next)
        if (strcmp(t->file, file) == 0 && (c->tied || !(c->head & ~t->config.head & HEAD_LM))) {
            t->users++;
            return t;
        }
    return NULL;
}

void library_add(Library *l, Trunk *t, char *file)
{
    t->library = l;
    t->file = file;
    t->next = l->first;
    l->first = t;
}

void library_remove(Trunk *t)
{
    if (!t->library)
        return;
    Trunk **at = &t->library->first;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->library = NULL;
    free(t->file);
    t->file = NULL;
}

/* Is it of a scalar head or an adapter, which every model has for itself? */
static bool is_own(const Param *p)
{
    return p->head || p->adapter;
}

/* The parameter of the same name, or NULL. */
static const Param *param_find(const ParamList *list, const char *name)
{
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->param[i].name, name) == 0)
            return &list->param[i];
    return NULL;
}

bool trunk_weights(const Trunk *t, Weights *w, const ModelConfig *c, Err *err)
{
    Trunk *from = (Trunk *)(uintptr_t)t; /* only read */
    memset(w, 0, sizeof *w);
    weights_shapes(w, c);
    ParamList list = params_list(w, c), theirs = params_list(&from->w, &t->config);
    int n = 0;
    for (int i = 0; i < list.n; i++) {
        const Param *p = &list.param[i], *of = param_find(&theirs, p->name);
        if (of && !is_own(p))
            *p->matrix = *of->matrix;
        else
            list.param[n++] = *p;
    }
    list.n = n;
    bool ok = alloc_matrices(w, &list, t->hollow, "a model's heads and adapter", err);
    weights_join(w, c);
    params_free(&list);
    params_free(&theirs);
    return ok;
}

void weights_copy(Device *d, Weights *to, const ModelConfig *c, const Trunk *t, const Weights *from,
                  const ModelConfig *of, bool own_alone)
{
    Weights *source = (Weights *)(uintptr_t)from; /* only read */
    ParamList list = params_list(to, c), theirs = params_list(source, of);
    for (int i = 0; i < list.n; i++) {
        const Param *p = &list.param[i], *old = param_find(&theirs, p->name);
        if (!old || (own_alone && !is_own(p)))
            continue;
        op_unpack(d, *p->matrix, *old->matrix);
        if (old->matrix->packed)
            forget(t, old->matrix->packed);
    }
    params_free(&list);
    params_free(&theirs);
}
