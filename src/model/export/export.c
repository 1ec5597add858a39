/* Models written as GGUF files and as Hugging Face directories. */
#include "model/export/export.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/export/gguf_metadata.h"
#include "model/stored.h"

#include <stdio.h>

/* The type of the tensor that a parameter lies in. */
static DType type_of(const Param *p, const Weights *w, DType type)
{
    size_t shape[2];
    int dims = stored_shape(p, &p->gguf, shape);
    if (dims == 1 || p->matrix == &w->positions)
        return DTYPE_F32;
    return shape[1] % (size_t)dtype_info(type)->block == 0 ? type : DTYPE_F16;
}

double export_bytes(const ModelConfig *c, bool gguf, DType type)
{
    Weights *w = mem_zalloc(1, sizeof *w);
    weights_shapes(w, c);
    ParamList list = params_list(w, c);
    double bytes = 0;
    for (int i = 0; i < list.n; i++) {
        const DTypeInfo *info = dtype_info(gguf ? type_of(&list.param[i], w, type) : type);
        const Matrix *m = list.param[i].matrix;
        bytes += (double)m->rows * m->cols * info->block_bytes / info->block;
    }
    params_free(&list);
    free(w);
    return bytes;
}

/* --- GGUF ------------------------------------------------------------------------------------------- */

/* How llama.cpp numbers what most of a file's numbers are. */
static uint32_t file_type(DType type)
{
    static const int numbers[DTYPE_COUNT] = {
        [DTYPE_F32] = 0, [DTYPE_F16] = 1, [DTYPE_BF16] = 32, [DTYPE_Q4_0] = 2, [DTYPE_Q8_0] = 7};
    return (uint32_t)numbers[type];
}

static void declare(GgufWriter *w, const Model *m, const ParamList *list, DType type)
{
    gguf_declare_ropes(w, &m->config);
    for (int i = 0; i < list->n; i += stored_group(list, i, true)) {
        size_t shape[2];
        int dims = stored_shape(&list->param[i], &list->param[i].gguf, shape);
        gguf_declare(w, list->param[i].gguf.name, type_of(&list->param[i], &m->w, type), shape, dims);
    }
}

static bool give(GgufWriter *w, const Model *m, const ParamList *list, Err *err)
{
    bool ok = gguf_give_ropes(w, &m->config, err);
    for (int i = 0, n; i < list->n && ok; i += n) {
        const Param *group = &list->param[i];
        size_t shape[2] = {1, 1};
        int dims = stored_shape(group, &group->gguf, shape), rows = dims == 1 ? 1 : (int)shape[0];
        n = stored_group(list, i, true);
        float *values = mem_alloc(shape[dims - 1], sizeof *values);
        for (int r = 0; r < rows && ok; r++) {
            stored_row(group, n, true, &m->config, r, values);
            ok = not_interrupted(err) && gguf_row(w, values, err);
        }
        free(values);
    }
    return ok;
}

/* The model without a trainer's value head. */
static ModelConfig without_value(const ModelConfig *c)
{
    ModelConfig plain = *c;
    if (c->head & ~HEAD_VALUE)
        plain.head &= ~HEAD_VALUE;
    return plain;
}

static bool describe(const Model *m, TokenizerDescription *d, Err *err)
{
    ModelConfig c = without_value(&m->config);
    return (gguf_can_say(&c, err) && tokenizer_describe(d, m->tokenizer, c.vocab, err)) ||
           err_context(err, "%s", m->path);
}

bool export_gguf_check(const Model *m, Err *err)
{
    TokenizerDescription d = {0};
    bool ok = describe(m, &d, err);
    tokenizer_description_release(&d);
    return ok;
}

bool export_gguf(const Model *m, const char *path, DType type, Err *err)
{
    TokenizerDescription d = {0};
    ModelConfig c = without_value(&m->config);
    GgufWriter *w;
    if (!describe(m, &d, err))
        return false;
    if (!gguf_create(&w, path, err)) {
        tokenizer_description_release(&d);
        return false;
    }
    gguf_put_config(w, &c);
    gguf_put_u32(w, "general.file_type", file_type(type));
    if (dtype_info(type)->block > 1)
        gguf_put_u32(w, "general.quantization_version", 2);
    gguf_put_tokenizer(w, &d.spec, &c, m->chat ? chat_template_source(m->chat) : NULL);
    ParamList list = params_list(&((Model *)(uintptr_t)m)->w, &c);
    declare(w, m, &list, type);
    bool ok = give(w, m, &list, err);
    params_free(&list);
    tokenizer_description_release(&d);
    if (ok)
        return gguf_close(w, err);
    gguf_discard(w);
    return false;
}

/* --- Hugging Face ----------------------------------------------------------------------------------- */

static bool take_name(const char *from, const char *to, Err *err)
{
    return rename(from, to) == 0 || err_system(err, to);
}

/* A directory that appears under its name once it is whole; with `alone` of an adapter this and its head, else the whole model. */
static bool save_whole(const Model *m, const char *dir, DType type, bool alone, Err *err)
{
    char *fresh = mem_printf("%s.tmp", dir), *lock = mem_printf("%s.lock", dir);
    int fd = -1;
    bool ok = file_lock(&fd, lock, dir, err) && dir_remove(fresh, err) &&
              (alone ? model_save(m, fresh, err) : model_save_as(m, fresh, type, err)) && take_name(fresh, dir, err);
    if (!ok && fd >= 0) {
        Err ignored = {0};
        if (!dir_remove(fresh, &ignored))
            err_context(err, "%s is left", fresh);
    }
    file_unlock(fd, lock);
    free(fresh);
    free(lock);
    return ok;
}

bool export_hf(const Model *m, const char *dir, DType type, Err *err)
{
    return save_whole(m, dir, type, false, err);
}

bool export_peft(const Model *m, const char *dir, Err *err)
{
    return save_whole(m, dir, DTYPE_F32, true, err);
}
