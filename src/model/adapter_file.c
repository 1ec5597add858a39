/* Adapters in files. */
#include "model/adapter_file.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/stored.h"

#define PREFIX "base_model.model."

bool adapter_is(const char *path)
{
    char *config = path_join(path, ADAPTER_CONFIG);
    bool is = file_exists(config);
    free(config);
    return is;
}

/* --- the directory -------------------------------------------------------------------------------------------- */

static const char *base_elsewhere; /* borrowed */

void adapter_set_base(const char *base)
{
    base_elsewhere = base;
}

/* The path of the base that an adapter names, as it stands there or from its directory on; NULL: it is not here. The caller
 * frees it. */
static char *base_here(const char *dir, const char *named)
{
    if (!named || !named[0])
        return NULL;
    if (file_exists(named))
        return mem_str(named);
    char *beside = path_join(dir, named);
    if (file_exists(beside))
        return beside;
    free(beside);
    return NULL;
}

/* The base that an adapter's files name, or NULL. */
static const char *named_base(const json_t *config, const json_t *own)
{
    return own ? json_text_of(own, "base") : json_text_of(config, "base_model_name_or_path");
}

bool adapter_takes_base(const char *dir)
{
    char *path[] = {path_join(dir, ADAPTER_CONFIG), path_join(dir, ADAPTER_OWN)};
    json_t *json[] = {NULL, NULL};
    bool read = true;
    for (int i = 0; i < COUNT(path); i++) {
        Err said = {0}; /* by who loads it */
        read = read && (!file_exists(path[i]) || json_read_file(path[i], &json[i], &said));
        free(path[i]);
    }
    char *here = read ? base_here(dir, named_base(json[0], json[1])) : NULL;
    bool takes = adapter_is(dir) && (!here || (base_elsewhere && file_same(here, base_elsewhere)));
    free(here);
    json_decref(json[0]);
    json_decref(json[1]);
    return takes;
}

static bool find_base(AdapterFile *a, Err *err)
{
    const char *named = named_base(a->json, a->own);
    named = named && named[0] ? named : NULL;
    a->base = base_here(a->dir, named);
    if (!a->base && base_elsewhere)
        a->base = mem_str(base_elsewhere);
    if (!a->base) {
        err_set(err, ERR_INPUT, "%s: it adapts %s, which is no file or directory here", a->dir,
                named ? named : "a model");
        return err_hint(err, "--base MODEL says where it is; rlaif export --format peft writes that into the adapter");
    }
    if (!file_exists(a->base))
        return err_set(err, ERR_INPUT, "--base %s is no file or directory", a->base),
               err_hint(err, "%s adapts %s: name its GGUF file or directory", a->dir, named ? named : "a model");
    if (!adapter_is(a->base))
        return true;
    err_set(err, ERR_INPUT, "%s: it adapts %s, which is an adapter itself", a->dir, a->base);
    return err_hint(err, "rlaif export merges that one into its model first");
}

/* rlaif.json, where it is there: what it says of the base must not be read as nothing. */
static bool check_own(const AdapterFile *a, Err *err)
{
    const json_t *base = json_field(a->own, "base"), *hash = json_field(a->own, "base_hash"),
                 *notes = json_field(a->own, "notes");
    if (!a->own || (json_is_object(a->own) && json_is_string(base) && (!hash || json_is_string(hash)) &&
                    (!notes || json_is_object(notes))))
        return true;
    err_set(err, ERR_INPUT, "%s: it has to be an object of base, base_hash, two texts, and notes, an object",
            a->path[2]);
    return err_hint(err, "remove it where the adapter is another program's; else train or export the adapter again");
}

bool adapter_open(AdapterFile *a, const char *dir, Err *err)
{
    *a = (AdapterFile){.dir = dir};
    static const char *const names[] = {ADAPTER_CONFIG, ADAPTER_MODEL, ADAPTER_OWN};
    for (int i = 0; i < COUNT(names); i++)
        a->path[i] = path_join(dir, names[i]);
    bool ok = json_read_file(a->path[0], &a->json, err) && adapter_config_read(&a->config, a->json, a->path[0], err) &&
              (!file_exists(a->path[2]) || json_read_file(a->path[2], &a->own, err)) && check_own(a, err) &&
              safetensors_open(&a->tensors, a->path[1], err) && find_base(a, err);
    if (ok && safetensors_find(a->tensors, PREFIX "score.weight"))
        a->head = HEAD_REWARD;
    else if (ok && safetensors_find(a->tensors, PREFIX "value.weight"))
        a->head = HEAD_VALUE;
    if (ok && !a->head && json_array_size(json_object_get(a->json, "modules_to_save"))) {
        ok = err_set(err, ERR_INPUT, "%s: there is no head in it, which modules_to_save of %s names", a->path[1],
                     ADAPTER_CONFIG);
        err_hint(err, "the file is not complete, or the two are of different adapters: write them again");
    }
    if (!ok)
        adapter_close(a);
    return ok;
}

void adapter_close(AdapterFile *a)
{
    safetensors_free(a->tensors);
    json_decref(a->json);
    json_decref(a->own);
    for (int i = 0; i < COUNT(a->path); i++)
        free(a->path[i]);
    free(a->base);
    *a = (AdapterFile){0};
}

/* --- shapes --------------------------------------------------------------------------------------------------- */

enum { TENSOR_NAME = 160 };
static const char *half_name(char out[TENSOR_NAME], const char *module, char half)
{
    snprintf(out, TENSOR_NAME, PREFIX "%s.lora_%c.weight", module, half);
    return out;
}

static const StoredTensor *find_half(const AdapterFile *a, const char *module, char half)
{
    char name[TENSOR_NAME];
    return safetensors_find(a->tensors, half_name(name, module, half));
}

static bool refuse_missing(const AdapterFile *a, const char *module, char half, Err *err)
{
    char name[TENSOR_NAME];
    const char *type = safetensors_unread(a->tensors, half_name(name, module, half));
    if (type)
        return err_set(err, ERR_INPUT, "%s: %s has type %s, which is not supported", a->path[1], name, type),
               err_hint(err, "convert it to F32, F16 or BF16");
    err_set(err, ERR_INPUT, "%s: %s has no lora_%c, which %s asks for", a->path[1], module, half, ADAPTER_CONFIG);
    return err_hint(err, "the file is not complete, or the two are of different adapters: write them again");
}

/* Sets the shape of W's adapter, if the file has one. */
static bool shape_of(const AdapterFile *a, ModelConfig *c, const Param *w, int *adapted, Err *err)
{
    char module[MODULE_NAME];
    lora_module(w, module);
    const StoredTensor *half[2] = {find_half(a, module, 'A'), find_half(a, module, 'B')};
    bool target;
    LoraShape shape;
    if (!adapter_config_of(&a->config, w, &target, &shape, err))
        return false;
    if (!half[0] && !half[1] && !target)
        return true;
    if (!half[0] || !half[1])
        return refuse_missing(a, module, half[0] ? 'B' : 'A', err);
    if (!target)
        return err_set(err, ERR_INPUT, "%s: %s has an adapter, but %s does not name it", a->path[1], module,
                       ADAPTER_CONFIG),
               err_hint(err, "the two files are of different adapters");
    for (int i = 0; i < 2; i++)
        if (half[i]->dims != 2)
            return err_set(err, ERR_INPUT, "%s: %s has %d dimensions, not 2", a->path[1], half[i]->name, half[i]->dims),
                   err_hint(err, "the file is damaged: write it again");
    if (half[0]->shape[0] != (size_t)shape.rank)
        return err_set(err, ERR_INPUT, "%s: %s has %zu rows, the rank is %d by %s", a->path[1], half[0]->name,
                       half[0]->shape[0], shape.rank, ADAPTER_CONFIG),
               err_hint(err, "the two files are of different adapters");
    ++*adapted;
    return lora_set(c, w, shape, a->path[0], err);
}

/* The tensor of a parameter that an adapter's file may have, or NULL. */
static const StoredTensor *tensor_of(const AdapterFile *a, const Param *p)
{
    char name[TENSOR_NAME];
    snprintf(name, sizeof name, "%s%s", p->head ? PREFIX : "", p->hf.name);
    return p->adapter || p->head ? safetensors_find(a->tensors, name) : NULL;
}

/* Every tensor of the file is one of the list's. */
static bool check_places(const AdapterFile *a, const ParamList *list, Err *err)
{
    for (int i = 0; i < safetensors_all(a->tensors); i++) {
        const StoredTensor *t = safetensors_tensor(a->tensors, i);
        bool found = false;
        for (int k = 0; !found && k < list->n; k++)
            found = tensor_of(a, &list->param[k]) == t;
        if (!found)
            return err_set(err, ERR_INPUT, "%s: %s has no place in an adapter of %s", a->path[1], t->name, a->base),
                   err_hint(err,
                            "adapters of linear layers and a reward head are supported, of the model that they were "
                            "made for");
    }
    return true;
}

static bool check_shapes(const AdapterFile *a, const ParamList *list, Err *err)
{
    for (int i = 0; i < list->n; i++) {
        const Param *p = &list->param[i];
        const StoredTensor *t = tensor_of(a, p);
        size_t shape[2] = {1, 1};
        int dims = t ? stored_shape(p, &p->hf, shape) : 0;
        if (!t || (t->dims == dims && t->shape[0] == shape[0] && (dims == 1 || t->shape[1] == shape[1])))
            continue;
        err_set(err, ERR_INPUT, "%s: %s has shape [%zu, %zu], %s wants [%zu, %zu]", a->path[1], t->name, t->shape[0],
                t->dims > 1 ? t->shape[1] : 1, a->base, shape[0], shape[1]);
        return err_hint(err, "it is an adapter of another model");
    }
    return true;
}

/* Fails where it asks for adapters of the embedding or the LM head, though that be the embedding. */
static bool check_others(const AdapterFile *a, const ModelConfig *c, Err *err)
{
    Weights *w = mem_zalloc(1, sizeof *w);
    ModelConfig *untied = mem_copy(c, 1, sizeof *c);
    untied->tied = false;
    untied->head |= HEAD_LM;
    weights_shapes(w, untied);
    ParamList list = params_list(w, untied);
    bool ok = true;
    for (int i = 0; ok && i < list.n; i++) {
        const Matrix *m = list.param[i].matrix;
        ok = (m != &w->embed && m != &w->lm_head) || adapter_config_leaves(&a->config, &list.param[i], err);
    }
    params_free(&list);
    free(untied);
    free(w);
    return ok;
}

bool adapter_shapes(const AdapterFile *a, ModelConfig *c, Err *err)
{
    Weights *w = mem_zalloc(1, sizeof *w);
    ModelConfig *with = mem_copy(c, 1, sizeof *c);
    weights_shapes(w, c);
    ParamList list = params_list(w, c);
    int adapted = 0;
    bool ok = true;
    with->lora_rslora = a->config.rslora;
    for (int i = 0; ok && i < list.n; i++)
        ok = !param_linear(&list.param[i]) || shape_of(a, with, &list.param[i], &adapted, err);
    params_free(&list);
    if (ok && adapted == 0) {
        ok = err_set(err, ERR_INPUT, "%s: it adapts no linear layer of %s", a->path[1], a->base);
        err_hint(err, "it is an adapter of another model");
    }
    with->head |= a->head;
    if (a->head == HEAD_REWARD)
        with->score_bias = safetensors_find(a->tensors, PREFIX "score.bias") != NULL;
    weights_shapes(w, with);
    list = params_list(w, with);
    ok = ok && check_places(a, &list, err) && check_shapes(a, &list, err) && check_others(a, c, err);
    params_free(&list);
    with->head = c->head;
    if (ok)
        *c = *with;
    free(with);
    free(w);
    return ok;
}

bool adapter_numbers(const AdapterFile *a, Weights *w, const ModelConfig *c, int threads, Err *err)
{
    ParamList list = params_list(w, c);
    bool ok = check_shapes(a, &list, err);
    for (int i = 0; ok && i < list.n; i++) {
        const Param *p = &list.param[i];
        const StoredTensor *t = tensor_of(a, p);
        if (p->adapter && !t)
            ok = err_set(err, ERR_INPUT, "%s: the tensor %s is missing", a->path[1], p->hf.name);
        else if (t && !stored_read(p, &p->hf, c, t, threads))
            ok = err_set(err, ERR_INPUT, "%s: %s holds a number that is not finite", a->path[1], t->name),
            err_hint(err, "the file is damaged, or its training failed");
    }
    params_free(&list);
    return ok;
}

/* --- writing -------------------------------------------------------------------------------------------------- */

/* The value head belongs to a trainer, unless it is all that stands on the trunk. */
static bool is_written(const ModelConfig *c, const Weights *w, const Param *p)
{
    bool value = p->matrix == &w->value || p->matrix == &w->value_bias;
    return p->adapter || (p->head && (!value || c->head == HEAD_VALUE));
}

static bool save_tensors(Weights *w, const ModelConfig *c, const char *path, Err *err)
{
    SafetensorsWriter *out;
    if (!safetensors_create(&out, path, DTYPE_F32, err))
        return false;
    ParamList list = params_list(w, c);
    for (int i = 0; i < list.n; i += stored_group(&list, i, false)) {
        const Param *p = &list.param[i];
        size_t shape[2];
        char name[TENSOR_NAME];
        snprintf(name, sizeof name, "%s%s", p->adapter ? "" : PREFIX, p->hf.name);
        int dims = stored_shape(p, &p->hf, shape);
        if (is_written(c, w, p))
            safetensors_declare(out, name, shape, dims);
    }
    bool ok = true;
    for (int i = 0, n; i < list.n && ok; i += n) {
        n = stored_group(&list, i, false);
        ok = !is_written(c, w, &list.param[i]) || stored_write(&list.param[i], n, c, out, err);
    }
    params_free(&list);
    if (ok)
        return safetensors_close(out, err);
    safetensors_discard(out);
    return false;
}

/* Releases the JSON. */
static bool save_json(const char *path, json_t *json, Err *err)
{
    char *text = json_dumps(json, JSON_INDENT(2));
    bool ok = file_write(path, text, strlen(text), err);
    free(text);
    json_decref(json);
    return ok;
}

bool adapter_save(const Weights *w, const ModelConfig *c, AdapterAbout about, const char *dir, Err *err)
{
    char *config = path_join(dir, ADAPTER_CONFIG), *tensors = path_join(dir, ADAPTER_MODEL),
         *own = path_join(dir, ADAPTER_OWN);
    const char *hash = about.base_hash[0] ? about.base_hash : NULL;
    bool ok =
        dir_make(dir, err) && save_tensors((Weights *)(uintptr_t)w, c, tensors, err) &&
        save_json(own, json_pack("{s:s, s:s?, s:O?}", "base", about.base, "base_hash", hash, "notes", about.notes),
                  err) &&
        save_json(config, adapter_config_json(c, about.base), err) && dir_sync(dir, err);
    free(config);
    free(tensors);
    free(own);
    return ok;
}
