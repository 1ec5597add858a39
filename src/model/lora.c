/* Which linear layers have an adapter: as the options say, or adapter_config.json. */
#include "model/lora.h"

#include "base/mem.h"
#include "text/prepare/pattern.h"

#include <ctype.h>
#include <strings.h>

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
    return !v || json_is_null(v) || json_is_false(v) || (json_is_string(v) && json_string_length(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0) || (json_is_object(v) && json_object_size(v) == 0);
}

/* The keys that PEFT 0.21 has, and what this program makes of each. */
typedef enum KeyKind {
    KEY_IDLE,    /* does not change what is computed of an adapter that is trained */
    KEY_REFUSED, /* changes it, and this program does not compute that */
    KEY_TEXT,
    KEY_FLAG,
    KEY_NUMBER,
    KEY_NAMES,  /* a text or a list of texts */
    KEY_LIST,   /* of texts */
    KEY_LAYERS, /* a whole number or a list of them */
    KEY_TABLE,  /* names to numbers */
    KEY_KINDS
} KeyKind;

static const struct {
    const char *name;
    KeyKind kind;
} keys[] = {{"peft_type", KEY_TEXT},
            {"base_model_name_or_path", KEY_TEXT},
            {"bias", KEY_TEXT},
            {"use_rslora", KEY_FLAG},
            {"fan_in_fan_out", KEY_FLAG},
            {"r", KEY_NUMBER},
            {"lora_alpha", KEY_NUMBER},
            {"target_modules", KEY_NAMES},
            {"exclude_modules", KEY_NAMES},
            {"layers_pattern", KEY_NAMES},
            {"modules_to_save", KEY_LIST},
            {"layers_to_transform", KEY_LAYERS},
            {"rank_pattern", KEY_TABLE},
            {"alpha_pattern", KEY_TABLE},
            {"init_lora_weights", KEY_IDLE}, /* but for check_beginning */
            {"auto_mapping", KEY_IDLE},
            {"corda_config", KEY_IDLE},
            {"ephemeral_gpu_offload", KEY_IDLE},
            {"eva_config", KEY_IDLE},
            {"inference_mode", KEY_IDLE},
            {"loftq_config", KEY_IDLE},
            {"lora_dropout", KEY_IDLE},
            {"lora_ga_config", KEY_IDLE},
            {"megatron_config", KEY_IDLE},
            {"megatron_core", KEY_IDLE},
            {"peft_version", KEY_IDLE},
            {"qalora_group_size", KEY_IDLE},
            {"revision", KEY_IDLE},
            {"runtime_config", KEY_IDLE},
            {"task_type", KEY_IDLE},
            {"alora_invocation_tokens", KEY_REFUSED},
            {"arrow_config", KEY_REFUSED},
            {"ensure_weight_tying", KEY_REFUSED},
            {"kasa_config", KEY_REFUSED},
            {"layer_replication", KEY_REFUSED},
            {"lora_bias", KEY_REFUSED},
            {"monteclora_config", KEY_REFUSED},
            {"target_parameters", KEY_REFUSED},
            {"trainable_token_indices", KEY_REFUSED},
            {"use_bdlora", KEY_REFUSED},
            {"use_dora", KEY_REFUSED},
            {"use_qalora", KEY_REFUSED},
            {"velora_config", KEY_REFUSED}};

static bool refuse(const AdapterConfig *a, const char *key, Err *err)
{
    const json_t *v = json_object_get(a->json, key);
    char *value = v ? json_text(v) : mem_str("absent");
    err_set(err, ERR_INPUT, "%s: %s is %.60s, which is not supported", a->where, key, value);
    free(value);
    return err_hint(err, "merge the adapter into its model with PEFT: merge_and_unload()");
}

static bool is_list(const json_t *v, bool of_numbers)
{
    size_t i;
    const json_t *at;
    bool is = json_is_array(v);
    json_array_foreach(v, i, at) is = is && (of_numbers ? json_is_integer(at) : json_is_string(at));
    return is;
}

static bool is_table(const json_t *v)
{
    const char *key;
    json_t *at;
    bool is = json_is_object(v);
    json_object_foreach((json_t *)(uintptr_t)v, key, at) is = is && json_is_number(at);
    return is;
}

static bool is_of(KeyKind kind, const json_t *v)
{
    switch (kind) {
    case KEY_TEXT: return json_is_string(v);
    case KEY_FLAG: return json_is_boolean(v);
    case KEY_NUMBER: return json_is_number(v);
    case KEY_NAMES: return json_is_string(v) || is_list(v, false);
    case KEY_LIST: return is_list(v, false);
    case KEY_LAYERS: return json_is_integer(v) || is_list(v, true);
    case KEY_TABLE: return is_table(v);
    default: return true;
    }
}

/* Is it a key that is known, with a value of its kind? A value like a text where a number is meant would be read as nothing. */
static bool check_key(const AdapterConfig *a, const char *key, const json_t *v, Err *err)
{
    static const char *const wants[KEY_KINDS] = {[KEY_TEXT] = "a text",
                                                 [KEY_FLAG] = "true or false",
                                                 [KEY_NUMBER] = "a number",
                                                 [KEY_NAMES] = "a text or a list of texts",
                                                 [KEY_LIST] = "a list of texts",
                                                 [KEY_LAYERS] = "a whole number or a list of them",
                                                 [KEY_TABLE] = "an object of numbers"};
    int i = 0;
    while (i < COUNT(keys) && strcmp(keys[i].name, key) != 0)
        i++;
    KeyKind kind = i < COUNT(keys) ? keys[i].kind : KEY_REFUSED;
    if (is_nothing(v) && kind != KEY_NUMBER)
        return true;
    if (i == COUNT(keys))
        return err_set(err, ERR_INPUT, "%s: %s is no key that is known of an adapter", a->where, key),
               err_hint(err, "remove it, if it does not change what is computed; PEFT 0.21's are known");
    if (kind == KEY_REFUSED)
        return refuse(a, key, err);
    if (is_of(kind, v))
        return true;
    char *value = json_text(v);
    err_set(err, ERR_INPUT, "%s: %s is %.60s, it has to be %s", a->where, key, value, wants[kind]);
    free(value);
    return err_hint(err, "write the adapter anew with PEFT's save_pretrained");
}

static bool check_keys(const AdapterConfig *a, Err *err)
{
    const char *key;
    json_t *v;
    bool ok = true;
    json_object_foreach((json_t *)(uintptr_t)a->json, key, v) ok = ok && check_key(a, key, v, err);
    return ok;
}

static bool is_text(const json_t *object, const char *key, const char *text)
{
    const char *v = json_text_of(object, key);
    return v && strcmp(v, text) == 0;
}

/* A head is saved under one of these names. */
static bool check_modules_to_save(const AdapterConfig *a, Err *err)
{
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(a->json, "modules_to_save"), i, name)
    {
        const char *text = json_string_value(name);
        if (strcmp(text, "score") != 0 && strcmp(text, "classifier") != 0 && strcmp(text, "value") != 0)
            return refuse(a, "modules_to_save", err);
    }
    return true;
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

/* Layers are numbered in modules that a list names, not a regular expression. */
static bool check_layers(const AdapterConfig *a, Err *err)
{
    bool listed = json_is_array(json_object_get(a->json, "target_modules")),
         layers = !is_nothing(json_object_get(a->json, "layers_to_transform"));
    if (layers && !listed)
        return refuse(a, "layers_to_transform", err);
    return (layers && listed) || is_nothing(json_object_get(a->json, "layers_pattern")) ||
           refuse(a, "layers_pattern", err);
}

static bool check_supported(const AdapterConfig *a, Err *err)
{
    if (json_object_get(a->json, "bias") && !is_text(a->json, "bias", "none"))
        return refuse(a, "bias", err);
    if (is_nothing(json_object_get(a->json, "target_modules")))
        return refuse(a, "target_modules", err);
    return check_modules_to_save(a, err) && check_beginning(a, err) && check_layers(a, err);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

/* Is it a name, which as a regular expression means little else? */
static bool is_name(const char *text)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("._-", *text))
            return false;
    return true;
}

/* Does the regular expression of this key match the whole of the module's name, as by Python's fullmatch? */
static bool matches(const AdapterConfig *a, const char *key, const char *expression, const char *module, bool *is,
                    Err *err)
{
    Pattern *alone = NULL, *p = NULL;
    PatternScratch *s = pattern_scratch_new();
    char *whole = mem_printf("^(?:%s)$", expression);
    int begin = -1, end;
    bool ok = pattern_new(&alone, expression, false, err) && pattern_new(&p, whole, false, err) &&
              pattern_find(p, s, module, (int)strlen(module), 0, &begin, &end, err);
    *is = begin == 0;
    pattern_free(alone);
    pattern_free(p);
    pattern_scratch_free(s);
    free(whole);
    if (ok)
        return true;
    err_hint(err, "merge the adapter into its model with PEFT: merge_and_unload()");
    return err_context(err, "%s: %s", a->where, key);
}

/* The first of a pattern's keys that matches the module's name, or its end behind a dot, says the value: regular expressions
 * again, though most are names. */
static bool pattern_value(const AdapterConfig *a, const char *pattern, const char *module, double *value, Err *err)
{
    json_t *v;
    const char *key;
    json_object_foreach(json_object_get(a->json, pattern), key, v)
    {
        bool whole = key[0] == '^' && is_name(key + 1), is = false;
        if (whole)
            is = strcmp(key + 1, module) == 0;
        else if (is_name(key))
            is = lora_targets(key, module);
        else {
            char *end = mem_printf("(?:.*\\.)?(?:%s)", key);
            bool ok = matches(a, pattern, end, module, &is, err);
            free(end);
            if (!ok)
                return false;
        }
        if (is) {
            *value = json_number_value(v);
            return true;
        }
    }
    return true;
}

bool adapter_config_read(AdapterConfig *a, const json_t *json, const char *where, Err *err)
{
    *a = (AdapterConfig){.json = json, .where = where};
    if (!json_is_object(json) || !json_text_of(json, "peft_type"))
        return err_set(err, ERR_INPUT, "%s: it has no peft_type", where),
               err_hint(err, "an adapter's directory is as PEFT's save_pretrained writes it");
    if (!is_text(json, "peft_type", "LORA"))
        return refuse(a, "peft_type", err);
    if (!check_keys(a, err))
        return false;
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

/* Is the layer among layers_to_transform, and does its module stand under one of layers_pattern? */
static bool has_layer(const AdapterConfig *a, int layer, const char *module, bool *has, Err *err)
{
    const json_t *layers = json_object_get(a->json, "layers_to_transform"),
                 *pattern = json_object_get(a->json, "layers_pattern"), *at;
    size_t i;
    *has = is_nothing(layers) || (json_is_integer(layers) && json_integer_value(layers) == layer);
    json_array_foreach(layers, i, at) *has = *has || json_integer_value(at) == layer;
    if (is_nothing(pattern))
        return true;
    bool under = false;
    for (i = 0; i < (json_is_string(pattern) ? 1 : json_array_size(pattern)); i++) {
        const char *name = json_string_value(json_is_string(pattern) ? pattern : json_array_get(pattern, i));
        if (!is_name(name))
            return refuse(a, "layers_pattern", err);
        char *numbered = mem_printf(".%s.%d.", name, layer);
        under = under || str_starts(module, numbered + 1) || strstr(module, numbered);
        free(numbered);
    }
    *has = *has && under;
    return true;
}

/* Is the module among those of a list, by its name or the end of it, or does the regular expression match it? `whole`: it is
 * named in full. */
static bool is_among(const AdapterConfig *a, const char *key, const char *module, bool *is, bool *whole, Err *err)
{
    const json_t *names = json_object_get(a->json, key), *at;
    size_t i;
    *is = *whole = false;
    if (json_is_string(names))
        return matches(a, key, json_string_value(names), module, is, err);
    json_array_foreach(names, i, at)
    {
        *is = *is || lora_targets(json_string_value(at), module);
        *whole = *whole || strcmp(json_string_value(at), module) == 0;
    }
    return true;
}

static bool is_all_linear(const AdapterConfig *a)
{
    const char *all = json_text_of(a->json, "target_modules");
    return all && strcasecmp(all, LORA_ALL) == 0;
}

/* PEFT's check_target_module_exists. */
static bool is_targeted(const AdapterConfig *a, const Param *w, const char *module, bool *target, Err *err)
{
    bool excluded, whole, layer;
    if (!is_among(a, "exclude_modules", module, &excluded, &whole, err))
        return false;
    *target = !excluded;
    if (excluded || is_all_linear(a))
        return true;
    if (!is_among(a, "target_modules", module, target, &whole, err))
        return false;
    if (!*target || whole)
        return true;
    bool ok = has_layer(a, w->layer, module, &layer, err);
    *target = layer;
    return ok;
}

bool adapter_config_leaves(const AdapterConfig *a, const Param *w, Err *err)
{
    char module[MODULE_NAME];
    bool target = false;
    lora_module(w, module);
    if (!is_all_linear(a) && !is_targeted(a, w, module, &target, err))
        return false;
    return !target || (err_set(err, ERR_INPUT, "%s: target_modules asks for an adapter of %s, which is not supported",
                               a->where, module),
                       err_hint(err, "linear layers of the blocks have adapters here; merge it with PEFT: "
                                     "merge_and_unload()"));
}

bool adapter_config_of(const AdapterConfig *a, const Param *w, bool *target, LoraShape *shape, Err *err)
{
    char module[MODULE_NAME];
    double rank = a->rank, alpha = a->alpha;
    lora_module(w, module);
    if (json_bool_of(a->json, "fan_in_fan_out", false) && w->hf.order != ORDER_TRANSPOSED)
        return refuse(a, "fan_in_fan_out", err);
    if (!is_targeted(a, w, module, target, err) || !pattern_value(a, "rank_pattern", module, &rank, err) ||
        !pattern_value(a, "alpha_pattern", module, &alpha, err))
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
