/* Updates and checkpoints. */
#include "train/trainer.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/adapter.h"

const Option train_options[TRAIN_OPTIONS] = {
    {"optimizer", OPT_CHOICE, AT(TrainOptions, optimizer), .choices = OPTIMIZERS, .otherwise = "adafactor",
     .help = "adafactor takes the rate as given: no parameter scaling, update clip 1"},
    {"lr", OPT_REAL, AT(TrainOptions, lr), 0, 1, "1e-5", .help = "learning rate"},
    {"schedule", OPT_CHOICE, AT(TrainOptions, schedule), .choices = SCHEDULES, .otherwise = "constant",
     .help = "how the rate goes on after the warm-up"},
    {"warmup", OPT_INT, AT(TrainOptions, warmup), 0, 1e6, "0", .help = "steps over which the rate rises"},
    {"weight-decay", OPT_REAL, AT(TrainOptions, weight_decay), 0, 1, "0", .with = "optimizer=adamw",
     .help = "adamw's, on matrices"},
    {"clip", OPT_REAL, AT(TrainOptions, clip), 0, 1e9, "1",
     .help = "largest norm of the gradient (the paper states none); 0: no limit"},
    {"save-every", OPT_INT, AT(TrainOptions, save_every), 0, 1e9, "0", .flags = OPT_WORKING,
     .help = "steps between checkpoints; 0: by the clock, every two minutes or ten times what writing one takes"},
    {"memory", OPT_SIZE, AT(TrainOptions, memory), .flags = OPT_WORKING | OPT_MACHINE,
     .help = "what the whole stage may take, as 8G; where that is too little for all activations, only the inputs of "
             "layers are kept and each is computed again in the backward pass: the same bits, about a third more work "
             "[what the machine has]"},
    {"lora", OPT_INT, AT(TrainOptions, lora), 0, 65536, "0", .value = "R",
     .help = "train an adapter of this rank beside the model's weights, which stay as they are; 0: train these"},
    {"lora-alpha", OPT_REAL, AT(TrainOptions, lora_alpha), 0, 1e6, "0", .with = "lora",
     .help = "what the adapter adds has the factor alpha / R; 0: 2 R"},
    {"lora-targets", OPT_LIST, AT(TrainOptions, lora_targets), .value = "NAMES", .with = "lora",
     .help = "linear layers that have an adapter, by PEFT's names, as q_proj,v_proj [all-linear]"},
    {"rslora", OPT_BOOL, AT(TrainOptions, rslora), .with = "lora", .help = "the factor is alpha / sqrt(R)"},
};

bool trainer_adapt(Model *model, const TrainOptions *o, int seed, TrainRole role, Err *err)
{
    char *all = (char *)(uintptr_t)LORA_ALL;
    const OptionList every = {&all, 1};
    LoraChoice choice = {o->lora, o->lora_alpha, o->rslora, o->lora_targets.n ? &o->lora_targets : &every};
    if (!o->lora)
        return true;
    if (model->config.lora_rank)
        return err_set(err, ERR_INPUT, "--lora: %s is an adapter already", model->path),
               err_hint(err, "without --lora it is trained on; rlaif export merges it into its model");
    ModelConfig *c = mem_copy(&model->config, 1, sizeof *c);
    bool ok = lora_choose(c, &choice, err) && model_adapt(model, c, err);
    free(c);
    if (!ok || model->device->hollow)
        return ok;
    model_init_adapter(model, (uint64_t)seed, role);
    return true;
}

bool trainer_init(Trainer *t, Model *model, const TrainOptions *options, int steps, Err *err)
{
    *t = (Trainer){.model = model, .options = options, .steps = steps};
    if (!model->config.lora_rank && !model_own(model, err))
        return false;
    if (model->device->hollow)
        return true;
    if (model->config.lora_rank && !model_base_hash(model, err)) /* as it is now: the adapter's files will say it */
        return false;
    t->grads = mem_zalloc(1, sizeof *t->grads);
    if (!weights_alloc(t->grads, &model->config, true, err))
        return false;
    t->params = params_trained(&model->w, &model->config);
    t->gradients = params_trained(t->grads, &model->config);
    return optimizer_init(&t->optimizer, options->optimizer, options->weight_decay, &t->params, err);
}

void trainer_release(Trainer *t)
{
    if (t->grads)
        weights_free(t->grads);
    free(t->grads);
    params_free(&t->params);
    params_free(&t->gradients);
    optimizer_release(&t->optimizer);
    *t = (Trainer){0};
}

size_t trainer_state_bytes(const TrainOptions *options, const ModelConfig *c)
{
    Weights *shapes = mem_zalloc(1, sizeof *shapes);
    weights_shapes(shapes, c);
    ParamList list = params_trained(shapes, c);
    size_t bytes = optimizer_bytes(options->optimizer, &list);
    params_free(&list);
    free(shapes);
    return bytes;
}

size_t trainer_bytes(const TrainOptions *options, const ModelConfig *c)
{
    return weights_floats(c, true) * sizeof(float) + trainer_state_bytes(options, c);
}

/* A tied embedding has two gradients, from the head and from the look-up: they join before the update. */
static void join_tied(Trainer *t)
{
    const ModelConfig *c = &t->model->config;
    Matrix *head = &t->grads->lm_head, *embed = &t->grads->embed;
    if (!c->tied || !head->rows)
        return;
    int floats = (int)(matrix_floats(embed->rows, embed->cols) / PANEL);
    op_add(t->model->device, tensor(embed->at, floats, PANEL), tensor(head->at, floats, PANEL));
}

double trainer_grad_norm(Trainer *t)
{
    join_tied(t);
    double sum = 0;
    for (int i = 0; i < t->gradients.n; i++)
        sum += op_sum_squares(t->model->device, *t->gradients.param[i].matrix);
    return sqrt(sum);
}

bool trainer_update(Trainer *t, Err *err)
{
    const TrainOptions *o = t->options;
    t->grad_norm = trainer_grad_norm(t);
    if (!isfinite(t->grad_norm))
        return err_set(err, ERR_NUMBER, "step %d: the gradient is not finite", t->step), err_hint(err, NOT_FINITE);
    if (t->step < t->wait) {
        t->rate = 0;
        weights_zero(t->grads);
        t->step++;
        return true;
    }
    t->rate = schedule_rate(o->schedule, o->lr, o->warmup, t->step - t->wait, t->steps - t->wait);
    double scale = o->clip > 0 && t->grad_norm > o->clip ? o->clip / t->grad_norm : 1;
    optimizer_step(&t->optimizer, t->model->device, &t->params, &t->gradients, t->rate, scale);
    weights_zero(t->grads);
    t->step++;
    return device_ok(t->model->device, err);
}

/* --- checkpoints ---------------------------------------------------------------------------------------- */

/* The value head, where the model's own files leave it out. */
static bool keeps_value(const Trainer *t)
{
    return (t->model->config.head & HEAD_VALUE) && t->model->config.head != HEAD_VALUE;
}

bool trainer_save(const Trainer *t, const char *dir, const json_t *notes, Err *err)
{
    char *state = path_join(dir, "trainer.safetensors"), *about = path_join(dir, "trainer.json");
    const Weights *w = &t->model->w;
    size_t value_floats = matrix_floats(1, t->model->config.width), bias_floats = matrix_floats(1, 1);
    SafetensorsWriter *out;
    bool ok = safetensors_create(&out, state, DTYPE_F32, err);
    if (ok) {
        optimizer_declare(&t->optimizer, out);
        if (keeps_value(t)) {
            safetensors_declare(out, "value", &value_floats, 1);
            safetensors_declare(out, "value_bias", &bias_floats, 1);
        }
        ok = optimizer_write(&t->optimizer, out, err);
        if (ok && keeps_value(t))
            ok = safetensors_values(out, w->value.at, value_floats, err) &&
                 safetensors_values(out, w->value_bias.at, bias_floats, err);
        if (ok)
            ok = safetensors_close(out, err);
        else
            safetensors_discard(out);
    }
    json_t *j = json_pack("{s:i, s:i, s:O?}", "step", t->step, "optimizer_step", t->optimizer.step, "notes", notes);
    char *text = json_text(j);
    ok = ok && file_write(about, text, strlen(text), err);
    free(text);
    json_decref(j);
    free(state);
    free(about);
    return ok;
}

static bool read_value_head(Trainer *t, const Safetensors *s, const char *where, Err *err)
{
    Matrix *part[2] = {&t->model->w.value, &t->model->w.value_bias};
    const char *name[2] = {"value", "value_bias"};
    for (int i = 0; i < 2; i++) {
        const StoredTensor *stored = safetensors_find(s, name[i]);
        size_t bytes = matrix_floats(part[i]->rows, part[i]->cols) * sizeof(float);
        if (!stored || stored->n_bytes != bytes)
            return err_set(err, ERR_INPUT, "%s: %s is missing or of another size", where, name[i]);
        memcpy(part[i]->at, stored->bytes, bytes);
    }
    return true;
}

bool trainer_load(Trainer *t, const char *dir, json_t **notes, Err *err)
{
    char *state = path_join(dir, "trainer.safetensors"), *about = path_join(dir, "trainer.json");
    json_t *j = NULL;
    Safetensors *s = NULL;
    bool ok = json_read_file(about, &j, err) && safetensors_open(&s, state, err) &&
              optimizer_read(&t->optimizer, s, state, err) && (!keeps_value(t) || read_value_head(t, s, state, err)) &&
              model_read_weights(t->model, dir, err);
    if (ok) {
        t->step = (int)json_number_of(j, "step", 0);
        t->optimizer.step = (int)json_number_of(j, "optimizer_step", 0);
        if (notes)
            *notes = json_incref(json_object_get(j, "notes"));
    }
    safetensors_free(s);
    json_decref(j);
    free(state);
    free(about);
    return ok;
}
