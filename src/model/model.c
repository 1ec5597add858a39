/* Models: loaded from GGUF files and Hugging Face directories into packed weights. */
#include "model/model.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/adapter_file.h"
#include "model/gguf_config.h"
#include "model/places.h"
#include "model/stored.h"

/* The file that a model is read from: one of the two. */
typedef struct Source {
    const char *path;
    Gguf *gguf;
    Safetensors *tensors;
    json_t *config; /* config.json */
} Source;

static void source_close(Source *s)
{
    gguf_free(s->gguf);
    safetensors_free(s->tensors);
    json_decref(s->config);
    *s = (Source){0};
}

/* No config.json says whether a head has a bias. */
static bool has_score_bias(const Safetensors *s)
{
    char spelt[SPELLING];
    for (int i = 0; place_spelling("score.bias", i, spelt); i++)
        if (safetensors_find(s, spelt))
            return true;
    return false;
}

static bool open_directory(Source *s, ModelConfig *c, Err *err)
{
    char *path = path_join(s->path, "config.json");
    bool ok = file_exists(path);
    if (!ok) {
        err_set(err, ERR_INPUT, "%s: there is no config.json in it", s->path);
        err_hint(err, "a MODEL is a GGUF file or a directory with config.json, model.safetensors and tokenizer.json");
    }
    ok = ok && json_read_file(path, &s->config, err) && config_from_json(c, s->config, path, err) &&
         safetensors_open(&s->tensors, s->path, err);
    if (ok)
        c->score_bias = c->head & HEAD_REWARD && has_score_bias(s->tensors);
    ok = ok && places_check(c, false, safetensors_tensor(s->tensors, 0), safetensors_all(s->tensors), s->path, err);
    free(path);
    return ok;
}

bool model_is_there(const char *dir)
{
    char *path = path_join(dir, "config.json");
    bool is = file_exists(path) || adapter_is(dir);
    free(path);
    return is;
}

static bool source_open(Source *s, const char *path, ModelConfig *c, Err *err)
{
    *s = (Source){.path = path};
    bool ok =
        file_is_dir(path) ? open_directory(s, c, err) : gguf_open(&s->gguf, path, err) && gguf_config(s->gguf, c, err);
    return ok || err_hint(err, "the file is damaged, or describes a model that this program does not know");
}

/* The tensor that a parameter lies in, or NULL. */
static const StoredTensor *source_find(const Source *s, const Param *p)
{
    char spelt[SPELLING];
    const StoredTensor *t = s->gguf ? gguf_find(s->gguf, p->gguf.name) : NULL;
    for (int i = 0; !s->gguf && !t && place_spelling(p->hf.name, i, spelt); i++)
        t = safetensors_find(s->tensors, spelt);
    return t;
}

/* Why there is no tensor of that name. */
static bool refuse_missing(const Source *s, const Param *p, Err *err)
{
    const char *name = s->gguf ? p->gguf.name : p->hf.name, *type = NULL;
    char spelt[SPELLING];
    for (int i = 0; !s->gguf && !type && place_spelling(name, i, spelt); i++)
        type = safetensors_unread(s->tensors, spelt);
    if (type)
        return err_set(err, ERR_INPUT, "%s: %s has type %s, which is not supported", s->path, name, type),
               err_hint(err, "convert it to F32, F16 or BF16");
    err_set(err, ERR_INPUT, "%s: the tensor %s is missing", s->path, name);
    return err_hint(err,
                    strcmp(name, "score.weight") == 0 ? REWARD_HEADS
                    : strcmp(name, "lm_head.weight") == 0
                        ? "the file is not complete; or its head is the embedding, which \"tie_word_embeddings\": true "
                          "in config.json says"
                        : "the file is not complete, or of another architecture than it says");
}

static bool check_shape(const Source *s, const Param *p, const StoredTensor *t, Err *err)
{
    size_t shape[2];
    int dims = stored_shape(p, s->gguf ? &p->gguf : &p->hf, shape);
    if (t->dims == dims && t->shape[0] == shape[0] && (dims == 1 || t->shape[1] == shape[1]))
        return true;
    Str has = {0};
    for (int i = 0; i < t->dims; i++)
        str_addf(&has, "%s%zu", i ? ", " : "", t->shape[i]);
    char *wanted = dims == 1 ? mem_printf("%zu", shape[0]) : mem_printf("%zu, %zu", shape[0], shape[1]);
    err_set(err, ERR_INPUT, "%s: %s has shape [%s], the configuration says [%s]", s->path, t->name, str_text(&has),
            wanted);
    free(wanted);
    str_release(&has);
    return err_hint(err, "the weights or the configuration are another model's: download or convert it again");
}

/* All parameters, or the heads alone. A head that the file lacks stays zero, unless it is one of those that its configuration
 * says it has. */
static bool read_weights(Model *m, const Source *s, int own, bool heads_alone, Err *err)
{
    ParamList list = params_list(&m->w, &m->config);
    bool ok = true;
    for (int i = 0; i < list.n && ok; i++) {
        const Param *p = &list.param[i];
        const StoredTensor *t = source_find(s, p);
        bool head = p->head, missing = !t && head && !(p->matrix == &m->w.score && own & HEAD_REWARD);
        if (missing || (heads_alone && !head))
            continue;
        ok = t ? check_shape(s, p, t, err) : refuse_missing(s, p, err);
        if (ok && !stored_read(p, s->gguf ? &p->gguf : &p->hf, &m->config, t, m->device->threads)) {
            err_set(err, ERR_INPUT, "%s: %s holds a number that is not finite", s->path, t->name);
            ok = err_hint(err, "the file is damaged, or its training failed");
        }
        if (ok && s->gguf && !p->matrix->packed)
            gguf_forget(s->gguf, t);
        else if (ok && !p->matrix->packed)
            safetensors_forget(s->tensors, t);
    }
    params_free(&list);
    return ok;
}

/* What is read beside the weights. */
static bool read_tokenizer(Model *m, Source *s, Err *err)
{
    const char *template = NULL;
    TokenizerSpec spec;
    if (s->gguf) {
        if (!gguf_tokenizer(s->gguf, &spec, err))
            return false;
        if (!tokenizer_new(&m->tokenizer, &spec, err))
            return err_context(err, "%s", s->path);
        template = gguf_chat_template(s->gguf);
    } else {
        if (!tokenizer_open(&m->tokenizer, s->path, err))
            return false;
        template = tokenizer_chat_template(m->tokenizer);
    }
    /* Where no file of the tokenizer's says what ends a text, config.json does. */
    if (json_field(s->config, "eos_token_id") && tokenizer_end(m->tokenizer) < 0)
        tokenizer_add_end(m->tokenizer, m->config.eos);
    /* Gemma 3's tokenizer has a token for images, which its models of text have no row for. */
    if (tokenizer_size(m->tokenizer) > m->config.vocab && !tokenizer_limit(m->tokenizer, m->config.vocab)) {
        err_set(err, ERR_INPUT, "%s: the tokenizer has %d tokens, the embedding %d rows", s->path,
                tokenizer_size(m->tokenizer), m->config.vocab);
        return err_hint(err, "the tokenizer is another model's");
    }
    const char *bos = tokenizer_token(m->tokenizer, tokenizer_bos(m->tokenizer));
    const char *eos = tokenizer_token(m->tokenizer, tokenizer_eos(m->tokenizer));
    m->chat = template ? chat_template_new(template, bos, eos, tokenizer_named_tokens(m->tokenizer)) : NULL;
    if (template)
        tokenizer_guard(m->tokenizer, template);
    if (s->config)
        m->notes = json_incref(json_object_get(s->config, "rlaif"));
    return true;
}

static bool check_memory(double need, const char *path, Err *err)
{
    double have = (double)mem_available();
    if (have <= 0 || need < have)
        return true;
    char a[32], b[32];
    err_set(err, ERR_MEMORY, "%s needs %s for its weights, %s are free", path, mem_human(a, need), mem_human(b, have));
    return err_hint(err, "use a smaller model or a machine with more memory");
}

/* A reward model whose head is the embedding's copy would load as a language model, and nobody would notice. */
static bool speaks(const ModelConfig *c, int heads, const char *path, Err *err)
{
    if (!(heads & HEAD_LM) || c->head & HEAD_LM)
        return true;
    err_set(err, ERR_INPUT, "%s is a reward model: it scores responses and has no head for the next token", path);
    return err_hint(err, "a language model goes here; --reward DIR names a reward model, and rlaif score asks one");
}

static void new_trunk(Model *m, Trunk *t)
{
    m->trunk = t;
    m->w = t->w;
}

/* The files that a model is read from, as they are now. The caller frees it. */
static char *stamps_of(const char *path)
{
    char **paths;
    int n;
    Str s = {0};
    Err unread = {0};
    if (!model_files(&paths, &n, path, &unread))
        return NULL;
    for (int i = 0; i < n; i++) {
        char stamp[FILE_STAMP];
        if (file_stamp(paths[i], stamp))
            str_addf(&s, "%s ", stamp);
    }
    names_free(paths, n);
    return str_take(&s);
}

static double f32_bytes(const ModelConfig *c)
{
    return (double)weights_floats(c, false) * sizeof(float);
}

/* Leaves all matrices in the file that can stay there. */
static void pack(Trunk *t, const Source *s)
{
    ParamList list = params_list(&t->w, &t->config);
    t->packed = mem_zalloc((size_t)list.n, sizeof *t->packed);
    for (int i = 0; i < list.n; i++) {
        Err ignored = {0}; /* read_weights says it */
        const Param *p = &list.param[i];
        const FilePlace *at = s->gguf ? &p->gguf : &p->hf;
        const StoredTensor *stored = source_find(s, p);
        Packed *packed = &t->packed[t->n_packed];
        if (!stored || p->head || !check_shape(s, p, stored, &ignored) ||
            !stored_pack(p, at, &t->config, stored, packed))
            continue;
        p->matrix->packed = packed;
        t->n_packed++;
        t->packed_bytes += (double)packed->row_bytes * p->matrix->rows;
    }
    params_free(&list);
}

/* From the file, or all but the heads from another model that was. */
static bool load_weights(Model *m, const Source *s, int own, Err *err)
{
    Library *library = m->device->library;
    char *file = library ? stamps_of(m->path) : NULL;
    m->trunk = file ? library_find(library, file, &m->config) : NULL;
    bool hollow = m->device->hollow;
    if (m->trunk) {
        free(file);
        return trunk_weights(m->trunk, &m->w, &m->config, err) && (hollow || read_weights(m, s, own, true, err));
    }
    m->trunk = trunk_begin(&m->config, hollow);
    if (library && library->packed)
        pack(m->trunk, s);
    double packed = m->trunk->packed_bytes, need = packed > 0 ? packed : f32_bytes(&m->config);
    bool ok = (hollow || check_memory(need, m->path, err)) && trunk_alloc(m->trunk, err);
    new_trunk(m, m->trunk);
    ok = ok && (hollow || read_weights(m, s, own, false, err));
    if (ok && file)
        library_add(library, m->trunk, file);
    else
        free(file);
    return ok;
}

bool model_base_hash(Model *m, Err *err)
{
    const Library *l = m->device->library;
    return m->trunk->hash[0] || model_hash(m->base, l && l->kept ? *l->kept : NULL, m->trunk->hash, err);
}

/* The base, with a head where the adapter brings one. */
static bool load_base(Model **out, const AdapterFile *a, Device *device, int heads, Err *err)
{
    const ModelConfig brought = {.head = a->head ? a->head : HEAD_LM};
    const char *wanted = a->own ? json_text_of(a->own, "base_hash") : NULL;
    if (!speaks(&brought, heads, a->dir, err))
        return false;
    heads = heads ? heads : a->head;
    if (!device)
        return model_load_text(out, a->base, heads, err);
    if (!model_load(out, a->base, device, heads, err))
        return false;
    if (device->hollow || !wanted)
        return true;
    (*out)->base = mem_str(a->base);
    if (!model_base_hash(*out, err))
        return false;
    return strcmp(wanted, (*out)->trunk->hash) == 0 ||
           (err_set(err, ERR_INPUT, "%s adapts another model than %s is now", a->dir, a->base),
            err_hint(err, "put the model there that it was trained on: its hash is %s", wanted));
}

/* The model of an adapter's directory; device NULL: without weights. */
static bool load_adapted(Model **out, const char *dir, Device *device, int heads, Err *err)
{
    AdapterFile a;
    Model *m = NULL;
    *out = NULL;
    if (!adapter_open(&a, dir, err))
        return false;
    bool ok = load_base(&m, &a, device, heads, err);
    ModelConfig *c = ok ? mem_copy(&m->config, 1, sizeof *c) : NULL;
    ok = ok && adapter_shapes(&a, c, err);
    if (ok && device)
        ok = model_adapt(m, c, err) && (device->hollow || adapter_numbers(&a, &m->w, &m->config, device->threads, err));
    else if (ok)
        m->config = *c;
    free(c);
    if (ok) {
        m->config.head = heads ? heads : a.head ? a.head : m->config.head;
        json_decref(m->notes);
        m->notes = json_incref(json_object_get(a.own, "notes"));
        free(m->base);
        m->base = mem_str(a.base);
        free(m->path);
        m->path = mem_str(dir);
        *out = m;
    } else {
        model_free(m);
    }
    adapter_close(&a);
    return ok;
}

bool model_load(Model **out, const char *path, Device *device, int heads, Err *err)
{
    if (adapter_is(path))
        return load_adapted(out, path, device, heads, err);
    *out = NULL;
    Model *m = mem_zalloc(1, sizeof *m);
    m->path = mem_str(path);
    m->device = device;
    Source s;
    bool ok = source_open(&s, path, &m->config, err) && speaks(&m->config, heads, path, err);
    int own = m->config.head;
    if (ok && heads)
        m->config.head = heads;
    ok = ok && load_weights(m, &s, own, err) && read_tokenizer(m, &s, err);
    if (ok && m->trunk->n_packed && !m->trunk->gguf && !m->trunk->tensors) { /* whose rows they are */
        m->trunk->gguf = s.gguf;
        m->trunk->tensors = s.tensors;
        s.gguf = NULL;
        s.tensors = NULL;
    }
    source_close(&s);
    if (!ok) {
        model_free(m);
        return false;
    }
    *out = m;
    return true;
}

bool model_load_text(Model **out, const char *path, int heads, Err *err)
{
    if (adapter_is(path))
        return load_adapted(out, path, NULL, heads, err);
    *out = NULL;
    Model *m = mem_zalloc(1, sizeof *m);
    m->path = mem_str(path);
    Source s;
    bool ok =
        source_open(&s, path, &m->config, err) && speaks(&m->config, heads, path, err) && read_tokenizer(m, &s, err);
    source_close(&s);
    if (!ok) {
        model_free(m);
        return false;
    }
    *out = m;
    return true;
}

static bool read_adapter(Model *m, const char *dir, Err *err)
{
    AdapterFile a;
    if (!adapter_open(&a, dir, err))
        return false;
    bool ok = adapter_numbers(&a, &m->w, &m->config, m->device->threads, err);
    adapter_close(&a);
    return ok;
}

bool model_read_weights(Model *m, const char *dir, Err *err)
{
    if (m->config.lora_rank)
        return read_adapter(m, dir, err);
    Source s;
    ModelConfig c;
    bool ok = source_open(&s, dir, &c, err) && read_weights(m, &s, c.head, false, err);
    source_close(&s);
    return ok;
}

/* The configuration of the model at a path, from headers alone. */
static bool read_config(const char *path, ModelConfig *config, Err *err)
{
    Source s;
    AdapterFile a;
    if (!adapter_is(path)) {
        bool ok = source_open(&s, path, config, err);
        source_close(&s);
        return ok;
    }
    if (!adapter_open(&a, path, err))
        return false;
    bool ok = read_config(a.base, config, err) && adapter_shapes(&a, config, err);
    config->head = ok && a.head ? a.head : config->head;
    adapter_close(&a);
    return ok;
}

bool model_bytes(const char *path, int heads, size_t *bytes, ModelConfig *config, Err *err)
{
    bool ok = read_config(path, config, err) && speaks(config, heads, path, err);
    if (ok && heads)
        config->head = heads;
    *bytes = ok ? weights_floats(config, false) * sizeof(float) : 0;
    return ok;
}

bool model_share(Model **out, const Model *from, int heads, Err *err)
{
    Model *m = mem_zalloc(1, sizeof *m);
    m->path = mem_str(from->path);
    m->config = from->config;
    m->config.head = heads ? heads : from->config.head;
    m->device = from->device;
    m->tokenizer = from->tokenizer;
    m->chat = from->chat;
    m->date = from->date;
    m->lender = from->lender ? from->lender : (Model *)(uintptr_t)from;
    m->notes = json_deep_copy(from->notes);
    m->base = from->base ? mem_str(from->base) : NULL;
    m->trunk = from->trunk;
    m->trunk->users++;
    bool ok = trunk_weights(m->trunk, &m->w, &m->config, err);
    if (ok && !m->device->hollow)
        weights_copy(m->device, &m->w, &m->config, m->trunk, &from->w, &from->config, true);
    if (!ok)
        model_free(m);
    *out = ok ? m : NULL;
    return ok;
}

/* Its weights are the trunk's, heads included. */
static bool has_all(const Model *m)
{
    return m->w.block == m->trunk->w.block && m->w.floats == m->trunk->w.floats;
}

/* Lets go of heads and trunk. */
static void free_weights(Model *m)
{
    if (m->trunk && !has_all(m))
        weights_free(&m->w);
    trunk_release(m->trunk);
}

bool model_own(Model *m, Err *err)
{
    Trunk *t;
    if (m->trunk->users == 1 && m->trunk->n_packed == 0) {
        library_remove(m->trunk);
        m->trunk->hash[0] = 0;
        return true;
    }
    bool hollow = m->device->hollow;
    if (!(hollow || check_memory(f32_bytes(&m->config), m->path, err)) || !trunk_new(&t, &m->config, hollow, err))
        return false;
    if (!hollow)
        weights_copy(m->device, &t->w, &m->config, m->trunk, &m->w, &m->config, false);
    free_weights(m);
    new_trunk(m, t);
    return true;
}

bool model_adapt(Model *m, const ModelConfig *c, Err *err)
{
    Weights w, old = m->w;
    ModelConfig was = m->config;
    memcpy(m->config.lora, c->lora, sizeof c->lora);
    m->config.lora_rank = c->lora_rank;
    m->config.lora_rslora = c->lora_rslora;
    m->config.score_bias = c->score_bias;
    if (!trunk_weights(m->trunk, &w, &m->config, err)) {
        m->config = was;
        return false;
    }
    if (!m->device->hollow)
        weights_copy(m->device, &w, &m->config, m->trunk, &old, &was, true);
    m->w = w;
    if (!m->base && c->lora_rank)
        m->base = mem_str(m->path);
    if (old.block != m->trunk->w.block)
        weights_free(&old);
    return true;
}

double model_own_bytes(const Model *m, Model *const *others, int n)
{
    double heads = has_all(m) ? 0 : (double)m->w.floats * sizeof(float);
    bool shared = false;
    for (int i = 0; i < n; i++) {
        if (others[i] == m)
            return 0;
        shared = shared || others[i]->trunk == m->trunk;
    }
    return heads + (shared ? 0 : trunk_bytes(m->trunk));
}

void model_init_head(Model *m, uint64_t seed)
{
    if (m->device->hollow)
        return;
    int C = m->config.width;
    Matrix head = m->config.head & HEAD_REWARD ? m->w.score : m->w.value;
    RngKey key = {.seed = seed, .purpose = RNG_HEAD, .row = m->config.head & HEAD_REWARD ? 1 : 2};
    float *values = mem_alloc((size_t)C, sizeof *values);
    for (int i = 0; i < C; i++)
        values[i] = (float)(rng_normal(key, (uint64_t)i) / (C + 1.0)); /* small: the first margins are about 0 */
    matrix_set_row(head, 0, values);
    free(values);
}

void model_free(Model *m)
{
    if (!m)
        return;
    size_t rope = (size_t)m->rope_positions * (size_t)m->config.rotary_dim;
    mem_big_free(m->rope_global, rope, sizeof(float));
    mem_big_free(m->rope_local, rope, sizeof(float));
    free_weights(m);
    if (!m->lender) {
        tokenizer_free(m->tokenizer);
        chat_template_free(m->chat);
    }
    json_decref(m->notes);
    free(m->base);
    free(m->path);
    free(m);
}
