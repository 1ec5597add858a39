/* Which linear layers have an adapter: as the options say, or adapter_config.json. */
#include "model/lora.h"

#include "base/mem.h"

void lora_module(const Param *w, char out[MODULE_NAME])
{
    snprintf(out, MODULE_NAME, "%.*s", (int)(strlen(w->hf.name) - strlen(".weight")), w->hf.name);
}

bool lora_targets(const char *target, const char *module)
{
    size_t n = strlen(module), t = strlen(target);
    return t <= n && strcmp(module + n - t, target) == 0 && (t == n || module[n - t - 1] == '.');
}

bool lora_set(ModelConfig *c, const Param *w, LoraShape shape, const char *where, Err *err)
{
    int most = w->matrix->rows < w->matrix->cols ? w->matrix->rows : w->matrix->cols;
    if (shape.rank < 1 || shape.rank > most) {
        char module[MODULE_NAME];
        lora_module(w, module);
        err_set(err, ERR_INPUT, "%s: rank %d cannot be that of an adapter of %s, which is %d x %d", where, shape.rank,
                module, w->matrix->rows, w->matrix->cols);
        return err_hint(err, "a rank is 1 to the smaller of the two: 8 and 16 are usual");
    }
    c->lora[w->layer][w->linear] = shape;
    c->lora_rank = shape.rank > c->lora_rank ? shape.rank : c->lora_rank;
    return true;
}

static bool is_target(const LoraChoice *choice, int i, const char *module)
{
    return strcmp(choice->targets->item[i], LORA_ALL) == 0 || lora_targets(choice->targets->item[i], module);
}

/* The ends of the names of layer 0's linear layers. */
static void append_names(Str *s, const ParamList *list)
{
    char module[MODULE_NAME];
    const char *last = "";
    for (int i = 0; i < list->n; i++) {
        if (list->param[i].layer != 0)
            continue;
        lora_module(&list->param[i], module);
        if (strcmp(last, list->param[i].hf.name) != 0)
            str_addf(s, "%s, ", strrchr(module, '.') + 1);
        last = list->param[i].hf.name;
    }
    str_addf(s, LORA_ALL);
}

/* Fails for the i-th target where it is none of the list's. */
static bool check_target(const LoraChoice *choice, int i, const ParamList *list, Err *err)
{
    char module[MODULE_NAME];
    for (int k = 0; k < list->n; k++) {
        if (list->param[k].linear < 0)
            continue;
        lora_module(&list->param[k], module);
        if (is_target(choice, i, module))
            return true;
    }
    Str names = {0};
    append_names(&names, list);
    err_set(err, ERR_INPUT, "--lora-targets: the model has no linear layer %s", choice->targets->item[i]);
    err_hint(err, "it has %s", str_text(&names));
    str_release(&names);
    return false;
}

bool lora_choose(ModelConfig *c, const LoraChoice *choice, Err *err)
{
    Weights *w = mem_zalloc(1, sizeof *w);
    weights_shapes(w, c);
    ParamList list = params_list(w, c);
    LoraShape shape = {choice->rank, choice->alpha > 0 ? (float)choice->alpha : 2.0f * (float)choice->rank};
    c->lora_rslora = choice->rslora;
    bool ok = true;
    for (int t = 0; ok && t < choice->targets->n; t++)
        ok = check_target(choice, t, &list, err);
    for (int i = 0; ok && i < list.n; i++) {
        char module[MODULE_NAME];
        bool target = false;
        if (list.param[i].linear < 0)
            continue;
        lora_module(&list.param[i], module);
        for (int t = 0; t < choice->targets->n; t++)
            target = target || is_target(choice, t, module);
        ok = !target || lora_set(c, &list.param[i], shape, "--lora", err);
    }
    params_free(&list);
    free(w);
    return ok;
}

/* --- adapter_config.json: what is refused ---------------------------------------------------------------------------------------- */

/* Is it as if it were not there? */
static bool is_nothing(const json_t *v)
{
    return !v || json_is_null(v) || json_is_false(v) || (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_object(v) && json_object_size(v) == 0);
}

/* What changes the numbers, and this program does not compute. */
static const char *const refused[] = {
    "use_dora",           "lora_bias",     "target_parameters",       "use_qalora",
    "layer_replication",  "use_bdlora",    "alora_invocation_tokens", "arrow_config",
    "kasa_config",        "velora_config", "monteclora_config",       "trainable_token_indices",
    "ensure_weight_tying"};

static bool refuse(const AdapterConfig *a, const char *key, Err *err)
{
    char *value = json_text(json_object_get(a->json, key));
    err_set(err, ERR_INPUT, "%s: %s is %.60s, which is not supported", a->where, key, value);
    free(value);
    return err_hint(err, "merge the adapter into its model with PEFT: merge_and_unload()");
}

static bool is_text(const json_t *object, const char *key, const char *text)
{
    const char *v = json_text_of(object, key);
    return v && strcmp(v, text) == 0;
}

/* A head is saved under one of these names. */
static bool check_modules_to_save(const AdapterConfig *a, Err *err)
{
    const json_t *list = json_object_get(a->json, "modules_to_save");
    size_t i;
    json_t *name;
    json_array_foreach(list, i, name)
    {
        const char *text = json_string_value(name);
        if (!text || (strcmp(text, "score") != 0 && strcmp(text, "classifier") != 0 && strcmp(text, "value") != 0))
            return refuse(a, "modules_to_save", err);
    }
    return is_nothing(list) || json_is_array(list) || refuse(a, "modules_to_save", err);
}

/* Ways of beginning that move the base, which the file does not have then. */
static bool check_beginning(const AdapterConfig *a, Err *err)
{
    static const char *const harmless[] = {"gaussian", "orthogonal", "eva"};
    const json_t *init = json_object_get(a->json, "init_lora_weights");
    bool ok = !json_is_string(init);
    for (int i = 0; !ok && i < COUNT(harmless); i++)
        ok = strcmp(json_string_value(init), harmless[i]) == 0;
    return ok || refuse(a, "init_lora_weights", err);
}

static bool check_supported(const AdapterConfig *a, Err *err)
{
    for (int i = 0; i < COUNT(refused); i++)
        if (!is_nothing(json_object_get(a->json, refused[i])))
            return refuse(a, refused[i], err);
    if (json_object_get(a->json, "bias") && !is_text(a->json, "bias", "none"))
        return refuse(a, "bias", err);
    return check_modules_to_save(a, err) && check_beginning(a, err);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

/* A pattern's key is a regular expression; those that are names are taken, of whole modules or ends behind a dot. */
static bool pattern_find(const AdapterConfig *a, const char *pattern, const char *module, double *value, Err *err)
{
    json_t *table = json_object_get(a->json, pattern), *v;
    const char *key;
    bool found = false;
    json_object_foreach(table, key, v)
    {
        const char *name = key[0] == '^' ? key + 1 : key;
        bool whole = name != key, is_name = true;
        for (const char *c = name; *c; c++)
            is_name = is_name && (strchr("._-", *c) || (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
                                  (*c >= 'A' && *c <= 'Z'));
        if (!is_name || !json_is_number(v))
            return refuse(a, pattern, err);
        if (!found && (whole ? strcmp(name, module) == 0 : lora_targets(name, module))) {
            *value = json_number_value(v);
            found = true;
        }
    }
    return is_nothing(table) || json_is_object(table) || refuse(a, pattern, err);
}

bool adapter_config_read(AdapterConfig *a, const json_t *json, const char *where, Err *err)
{
    *a = (AdapterConfig){.json = json, .where = where};
    if (!json_is_object(json) || !json_text_of(json, "peft_type"))
        return err_set(err, ERR_INPUT, "%s: it has no peft_type", where),
               err_hint(err, "an adapter's directory is as PEFT's save_pretrained writes it");
    if (!is_text(json, "peft_type", "LORA"))
        return refuse(a, "peft_type", err);
    a->rslora = json_bool_of(json, "use_rslora", false);
    double rank = json_number_of(json, "r", 8);
    a->alpha = json_number_of(json, "lora_alpha", 8);
    if (!(rank >= 1 && rank <= 1 << 20 && rank == floor(rank)))
        return refuse(a, "r", err);
    if (!isfinite((float)a->alpha))
        return refuse(a, "lora_alpha", err);
    a->rank = (int)rank;
    return check_supported(a, err);
}

/* Is the layer's number among layers_to_transform, a number or a list of them? */
static bool has_layer(const AdapterConfig *a, int layer)
{
    const json_t *layers = json_object_get(a->json, "layers_to_transform"), *at;
    size_t i;
    bool has = is_nothing(layers) || (json_is_integer(layers) && json_integer_value(layers) == layer);
    json_array_foreach(layers, i, at) has = has || json_integer_value(at) == layer;
    return has;
}

/* target_modules: a list of names; a text is a regular expression (or all linear layers), and its tensors say which were meant. */
static bool has_target(const AdapterConfig *a, const char *module)
{
    const json_t *targets = json_object_get(a->json, "target_modules"), *at;
    size_t i;
    bool has = !json_is_array(targets);
    json_array_foreach(targets, i, at) has = has || (json_is_string(at) && lora_targets(json_string_value(at), module));
    return has;
}

bool adapter_config_of(const AdapterConfig *a, const Param *w, bool *target, LoraShape *shape, Err *err)
{
    char module[MODULE_NAME];
    double rank = a->rank, alpha = a->alpha;
    lora_module(w, module);
    if (json_bool_of(a->json, "fan_in_fan_out", false) && w->hf.order != ORDER_TRANSPOSED)
        return refuse(a, "fan_in_fan_out", err);
    *target = has_target(a, module) && has_layer(a, w->layer);
    if (!pattern_find(a, "rank_pattern", module, &rank, err) || !pattern_find(a, "alpha_pattern", module, &alpha, err))
        return false;
    if (!(rank >= 1 && rank <= 1 << 20 && rank == floor(rank)))
        return refuse(a, "rank_pattern", err);
    if (!isfinite((float)alpha))
        return refuse(a, "alpha_pattern", err);
    *shape = (LoraShape){(int)rank, (float)alpha};
    return true;
}

/* --- writing -------------------------------------------------------------------------------------------------- */

/* A number that is whole without a point: PEFT's alpha is one. */
static json_t *number(double v)
{
    return v == floor(v) && fabs(v) < 1e15 ? json_integer((json_int_t)v) : json_real(v);
}

/* Do all linear layers whose names end so have an adapter? */
static bool all_named(const ModelConfig *c, const ParamList *list, const char *name)
{
    char module[MODULE_NAME];
    bool all = true;
    for (int i = 0; i < list->n; i++)
        if (param_linear(&list->param[i])) {
            lora_module(&list->param[i], module);
            all = all && (!lora_targets(name, module) || c->lora[list->param[i].layer][list->param[i].linear].rank);
        }
    return all;
}

static void add_once(json_t *names, const char *name)
{
    size_t i;
    json_t *at;
    bool has = false;
    json_array_foreach(names, i, at) has = has || strcmp(json_string_value(at), name) == 0;
    if (!has)
        json_array_append_new(names, json_string(name));
}

static void put_shapes(json_t *json, const ModelConfig *c, const ParamList *list)
{
    json_t *targets = json_array(), *ranks = json_object(), *alphas = json_object();
    float alpha = 0;
    bool first = true, transposed = false;
    for (int i = 0; i < list->n; i++) {
        const Param *p = &list->param[i];
        LoraShape shape = param_linear(p) ? c->lora[p->layer][p->linear] : (LoraShape){0, 0};
        if (!shape.rank)
            continue;
        char module[MODULE_NAME];
        lora_module(p, module);
        const char *end = strrchr(module, '.') + 1;
        add_once(targets, all_named(c, list, end) ? end : module);
        alpha = first ? shape.alpha : alpha;
        first = false;
        transposed = transposed || p->hf.order == ORDER_TRANSPOSED;
        if (shape.rank != c->lora_rank)
            json_object_set_new(ranks, module, json_integer(shape.rank));
        if (shape.alpha != alpha)
            json_object_set_new(alphas, module, number((double)shape.alpha));
    }
    json_object_set_new(json, "r", json_integer(c->lora_rank));
    json_object_set_new(json, "lora_alpha", number((double)alpha));
    json_object_set_new(json, "use_rslora", json_boolean(c->lora_rslora));
    json_object_set_new(json, "target_modules", targets);
    json_object_set_new(json, "rank_pattern", ranks);
    json_object_set_new(json, "alpha_pattern", alphas);
    json_object_set_new(json, "fan_in_fan_out", json_boolean(transposed));
}

json_t *adapter_config_json(const ModelConfig *c, const char *base)
{
    bool scored = c->head & HEAD_REWARD, causal = c->head & HEAD_LM;
    const char *task = scored ? "SEQ_CLS" : causal ? "CAUSAL_LM" : NULL, *head = scored ? "score" : "value";
    json_t *json = json_pack("{s:s, s:s, s:s?, s:b, s:f, s:s, s:o}", "peft_type", "LORA", "base_model_name_or_path",
                             base, "task_type", task, "inference_mode", 1, "lora_dropout", 0.0, "bias", "none",
                             "modules_to_save", causal ? json_null() : json_pack("[s]", head));
    Weights *w = mem_zalloc(1, sizeof *w);
    weights_shapes(w, c);
    ParamList list = params_list(w, c);
    put_shapes(json, c, &list);
    params_free(&list);
    free(w);
    return json;
}
