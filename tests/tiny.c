/* Tiny random models. */
#include "tiny.h"

#include "base/mem.h"
#include "model/lora.h"

const char *const tiny_name[TINY_KINDS] = {"llama",  "gemma3", "mistral", "qwen2",  "qwen3",
                                           "gemma2", "phi3",   "gpt2",    "gptneox"};

/* Width, heads, those of keys, numbers in a head, width within the feed-forward layer. */
#define SIZES(wide, n, n_kv, dim, inner)                                                                               \
    .width = wide, .heads = n, .kv_heads = n_kv, .head_dim = dim, .rotary_dim = dim, .ffn = inner, .context = 400

static const ModelConfig llama = {
    .family = "llama",
    .layers = 2,
    SIZES(24, 4, 2, 8, 40),
    .norm_eps = 1e-5f,
    .activation = ACT_SILU,
    .embed_scale = 1,
    .attn_scale = 0.35f,
    .rope = {.theta = 10000, .scaling = ROPE_PLAIN},
    .rope_local = {.theta = 10000, .scaling = ROPE_PLAIN},
};

static const ModelConfig gemma = {
    .family = "gemma3",
    .layers = 3,
    SIZES(21, 3, 1, 10, 35),
    .norm_eps = 1e-6f,
    .norm_plus_one = true,
    .post_norms = true,
    .qk_norm = true,
    .activation = ACT_GELU_TANH,
    .embed_scale = 4.5f,
    .attn_scale = 0.3f,
    .rope = {.theta = 1e6, .scaling = ROPE_LINEAR, .factor = 2},
    .rope_local = {.theta = 10000, .scaling = ROPE_PLAIN},
    .window = 7,
    .local = {true, false, true},
    .tied = true,
};

/* Two layers of llama's kind, for what is particular to the others. */
#define OF_LLAMA(name, act, scale)                                                                                     \
    .family = name, .layers = 2, .norm_eps = 1e-5f, .activation = act, .embed_scale = scale, .attn_scale = 0.35f
#define YARN                                                                                                           \
    {                                                                                                                  \
        10000, ROPE_YARN, 4, 1, 32, 20, .attention = 1.1386                                                            \
    }

static const ModelConfig mistral = {
    OF_LLAMA("mistral", ACT_SILU, 1),
    SIZES(24, 4, 2, 8, 40),
    .rope = YARN,
    .rope_local = YARN,
    .window = 9,
    .local = {true, true},
};

static const ModelConfig qwen2 = {
    OF_LLAMA("qwen2", ACT_SILU, 1),
    SIZES(24, 4, 2, 8, 40),
    .rope = {.theta = 10000},
    .rope_local = {.theta = 10000},
    .window = 11,
    .local = {false, true},
    .qkv_bias = true,
    .tied = true,
};

static const ModelConfig qwen3 = {
    OF_LLAMA("qwen3", ACT_SILU, 1),
    SIZES(24, 4, 2, 10, 40),
    .rope = {.theta = 10000},
    .qk_norm = true,
};

static const ModelConfig gemma2 = {
    OF_LLAMA("gemma2", ACT_GELU_TANH, 4.9f),
    SIZES(24, 4, 2, 8, 40),
    .rope = {.theta = 10000},
    .rope_local = {.theta = 10000},
    .norm_plus_one = true,
    .post_norms = true,
    .attn_cap = 1.5f,
    .logit_cap = 4,
    .window = 7,
    .local = {true, false},
    .tied = true,
};

static const ModelConfig phi3 = {
    OF_LLAMA("phi3", ACT_SILU, 1),
    .width = 24,
    .heads = 4,
    .kv_heads = 2,
    .head_dim = 8,
    .rotary_dim = 6,
    .ffn = 40,
    .context = 400,
    .rope = {10000, ROPE_LONG, .original_context = 400, .attention = 1.19, .short_factor = {1, 1.5, 3},
             .long_factor = {1, 4, 8}, .long_context = 800},
};

/* Two of LayerNorm, biases and no gate. */
#define OF_GPT2(name, act, turns)                                                                                      \
    .family = name, .layers = 2, .width = 21, .heads = 3, .kv_heads = 3, .head_dim = 8, .rotary_dim = turns,           \
    .ffn = 40, .context = 400, .norm_eps = 1e-5f, .embed_scale = 1, .attn_scale = 0.35f, .layer_norm = true,           \
    .qkv_bias = true, .o_bias = true, .ffn_bias = true, .ungated = true, .activation = act

static const ModelConfig gpt2 = {OF_GPT2("gpt2", ACT_GELU_TANH, 0), .learned_positions = true, .tied = true};

static const ModelConfig gptneox = {OF_GPT2("gptneox", ACT_GELU, 2), .rope = {.theta = 10000}, .parallel = true};

static const ModelConfig *const configs[TINY_KINDS] = {&llama,  &gemma, &mistral, &qwen2,  &qwen3,
                                                       &gemma2, &phi3,  &gpt2,    &gptneox};

/* Numbers of one parameter, of a usual size. */
static void draw(const Model *m, const Param *p, uint64_t stream)
{
    bool shift = strstr(p->name, ".bias") && p->matrix != &m->w.value_bias,
         gain = !shift && strstr(p->name, "norm") != NULL;
    double scale = gain || shift                     ? 0.2
                   : p->matrix == &m->w.embed        ? 0.3
                   : p->matrix == &m->w.positions    ? 0.3
                   : p->matrix->cols > m->config.ffn ? 1
                                                     : 1 / sqrt(p->matrix->cols);
    fill_matrix(*p->matrix, stream, scale);
    for (int r = 0; gain && !m->config.norm_plus_one && r < p->matrix->rows; r++)
        p->matrix->at[r] += 1;
}

Model *tiny_model(TinyKind kind, int heads, int vocab, Device *device)
{
    Model *m = mem_zalloc(1, sizeof *m);
    m->config = *configs[kind];
    m->config.vocab = vocab;
    m->config.head = heads;
    m->config.score_bias = kind == TINY_GPTNEOX && heads & HEAD_REWARD;
    m->config.bos = m->config.eos = -1;
    m->device = device;
    m->path = mem_str(tiny_name[kind]);
    Err err = {0};
    need_ok(config_check(&m->config, m->path, &err) && trunk_new(&m->trunk, &m->config, false, &err), &err);
    m->w = m->trunk->w;
    ParamList list = params_list(&m->w, &m->config);
    for (int i = 0; i < list.n; i++)
        draw(m, &list.param[i], (uint64_t)(1000 + i));
    params_free(&list);
    return m;
}

void tiny_adapt(Model *m)
{
    Err err = {0};
    ModelConfig *c = mem_copy(&m->config, 1, sizeof *c);
    const char *fused = NULL;
    LoraShape shape = {0, 0};
    ParamList list = params_list(&m->w, &m->config);
    for (int i = 0; i < list.n; i++) {
        const Param *p = &list.param[i];
        if (p->linear < 0)
            continue;
        if (!fused || strcmp(fused, p->hf.name) != 0) /* one module: one rank */
            shape = (LoraShape){2 + i % 3, 3};
        fused = p->hf.name;
        need_ok(lora_set(c, p, shape, "tiny", &err), &err);
    }
    params_free(&list);
    need_ok(model_adapt(m, c, &err), &err);
    list = params_list(&m->w, &m->config);
    for (int i = 0; i < list.n; i++)
        if (list.param[i].adapter)
            draw(m, &list.param[i], (uint64_t)(5000 + i));
    params_free(&list);
    free(c);
}

Model *tiny_on(CpuLevel level, int threads, TinyKind kind, int heads, int vocab)
{
    return tiny_model(kind, heads, vocab, open_device(level, threads));
}

void tiny_free(Model *m)
{
    Device *d = m->device;
    model_free(m);
    device_free(d);
}

Model *tiny_neighbour(TinyKind kind, int heads, int vocab, Device *device)
{
    Model *m = tiny_model(kind, heads, vocab, device);
    for (size_t i = 0; i < m->w.floats; i++)
        m->w.block[i] *= (float)(1 + 0.2 * rng_normal((RngKey){.seed = 8, .purpose = RNG_TEST}, i));
    return m;
}

float *hidden_alone(Model *m, const int *ids, int n)
{
    Err err = {0};
    Forest f;
    Batch b = {0};
    Acts *a = mem_zalloc(1, sizeof *a);
    int segment;
    forest_init(&f, &m->config);
    need_ok(forest_add(&f, -1, n, &segment, &err), &err);
    batch_add(&b, &f, segment, ids, n);
    need_ok(transformer_forward(m, &f, &b, KEEP_NOTHING, a, &err), &err);
    float *hidden = mem_copy(a->hidden.at, tensor_count(a->hidden), sizeof(float));
    acts_release(a);
    free(a);
    batch_release(&b);
    forest_release(&f);
    return hidden;
}

float *logprobs_of(Model *m, float *hidden, const int *ids, int n)
{
    Err err = {0};
    float *logp = mem_zalloc((size_t)n, sizeof *logp);
    int *row = mem_alloc((size_t)n, sizeof *row);
    for (int t = 0; t < n; t++)
        row[t] = t;
    need_ok(head_logprobs(m, tensor(hidden, n, m->config.width), (Targets){.n = n - 1, .row = row, .target = ids + 1},
                          (LogProbs){.logp = logp}, &err),
            &err);
    free(row);
    return logp;
}

float *logprobs_alone(Model *m, const int *ids, int n)
{
    float *hidden = hidden_alone(m, ids, n), *logp = logprobs_of(m, hidden, ids, n);
    free(hidden);
    return logp;
}

Weights *grads_new(const Model *m)
{
    Err err = {0};
    Weights *w = mem_zalloc(1, sizeof *w);
    need_ok(weights_alloc(w, &m->config, true, &err), &err);
    return w;
}

void grads_free(Weights *w)
{
    weights_free(w);
    free(w);
}

void grads_join(const Model *m, Weights *w)
{
    for (size_t i = 0; m->config.tied && w->lm_head.at && i < matrix_floats(w->embed.rows, w->embed.cols); i++)
        w->embed.at[i] += w->lm_head.at[i];
}

double move_along(Model *m, const Weights *gradient, int direction, double by)
{
    Weights g = *gradient;
    ParamList w = params_list(&m->w, &m->config), from = params_list(&g, &m->config);
    double squares = 0;
    for (int i = 0; i < w.n; i++) {
        const Matrix *d = from.param[i].matrix;
        RngKey key = {.seed = 3, .purpose = RNG_TEST, .row = (uint64_t)i, .sample = (uint32_t)direction};
        for (size_t j = 0; j < matrix_floats(d->rows, d->cols); j++) {
            if (direction > 0 && rng_below(key, j, 2) == 0)
                continue;
            squares += (double)d->at[j] * (double)d->at[j];
            w.param[i].matrix->at[j] += (float)(by * (double)d->at[j]);
        }
    }
    params_free(&w);
    params_free(&from);
    return squares;
}

void hash_floats(Hash *h, const float *at, size_t n)
{
    hash_add(h, at, n * sizeof *at);
}
