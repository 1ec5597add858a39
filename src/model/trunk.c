/* Trunks: counted weights, and the library of those in use. */
#include "model/trunk.h"

#include "base/mem.h"

bool is_scalar_head(const Weights *w, const Param *p)
{
    return p->matrix == &w->score || p->matrix == &w->score_bias || p->matrix == &w->value ||
           p->matrix == &w->value_bias;
}

bool trunk_new(Trunk **out, const ModelConfig *c, bool hollow, Err *err)
{
    Trunk *t = mem_zalloc(1, sizeof *t);
    *out = t;
    t->users = 1;
    t->config = *c;
    t->hollow = hollow;
    if (hollow) {
        weights_shapes(&t->w, c);
        t->w.floats = weights_floats(c, false);
        return true;
    }
    if (weights_alloc(&t->w, c, false, err))
        return true;
    trunk_release(t);
    *out = NULL;
    return false;
}

void trunk_release(Trunk *t)
{
    if (!t || --t->users > 0)
        return;
    library_remove(t);
    weights_free(&t->w);
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
    for (int i = 0; i < list.n; i++) {
        const Param *p = &list.param[i], *of = param_find(&theirs, p->name);
        if (of && !is_scalar_head(w, p))
            *p->matrix = *of->matrix;
        else
            w->floats += matrix_floats(p->matrix->rows, p->matrix->cols);
    }
    if (c->tied && w->lm_head.rows)
        w->lm_head = w->embed;
    bool wanted = w->floats && !t->hollow;
    w->block = wanted ? mem_big(w->floats, sizeof(float), "a model's heads", err) : NULL;
    float *at = w->block;
    for (int i = 0; at && i < list.n; i++) {
        Matrix *m = list.param[i].matrix;
        if (m->at)
            continue;
        m->at = at;
        at += matrix_floats(m->rows, m->cols);
    }
    params_free(&list);
    params_free(&theirs);
    return w->block || !wanted;
}

void weights_copy(Weights *to, const ModelConfig *c, const Weights *from, const ModelConfig *of, bool heads_alone)
{
    Weights *source = (Weights *)(uintptr_t)from; /* only read */
    ParamList list = params_list(to, c), theirs = params_list(source, of);
    for (int i = 0; i < list.n; i++) {
        const Param *p = &list.param[i], *old = param_find(&theirs, p->name);
        if (old && (!heads_alone || is_scalar_head(to, p)))
            memcpy(p->matrix->at, old->matrix->at, matrix_floats(p->matrix->rows, p->matrix->cols) * sizeof(float));
    }
    params_free(&list);
    params_free(&theirs);
}
