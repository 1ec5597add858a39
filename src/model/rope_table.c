/* Rotary tables: cos and sin of position * frequency, frequencies scaled as the configuration says. Computed
 * in double by base/real.h, so that every machine has the same bytes. */
#include "base/real.h"
#include "model/model.h"

/* The i-th frequency at which a head turns so many times over the original context, as a real number. */
static double turning_at(const Rope *r, double turns, int rotary_dim)
{
    return rotary_dim * real_log(r->original_context / (turns * 6.283185307179586)) / (2 * real_log(r->theta));
}

/* YaRN (Peng et al. 2023): fast waves are kept, slow ones divided by the factor; between the frequencies (whole numbers) at which
 * these bounds lie it goes over evenly. */
static double yarn(const Rope *r, double f, int i, int rotary_dim)
{
    double low = floor(turning_at(r, r->high_freq, rotary_dim)), high = ceil(turning_at(r, r->low_freq, rotary_dim));
    low = low > 0 ? low : 0;
    high = high < rotary_dim - 1 ? high : rotary_dim - 1;
    double slow = (i - low) / (high == low ? 0.001 : high - low);
    slow = slow < 0 ? 0 : slow > 1 ? 1 : slow;
    return slow * f / r->factor + (1 - slow) * f;
}

/* Llama 3: long waves are divided by the factor, short ones are kept, those between are blended. */
static double llama3(const Rope *r, double f)
{
    double wave = 6.283185307179586 / f;
    double low = r->original_context / r->low_freq, high = r->original_context / r->high_freq;
    if (wave < high)
        return f;
    if (wave > low)
        return f / r->factor;
    double blend = (r->original_context / wave - r->low_freq) / (r->high_freq - r->low_freq);
    return (1 - blend) * f / r->factor + blend * f;
}

/* The i-th frequency of a head: theta^(-2i / rotary_dim), scaled. */
static double frequency(const Rope *r, int i, int rotary_dim)
{
    double f = real_pow(r->theta, -2.0 * i / rotary_dim);
    switch (r->scaling) {
    case ROPE_PLAIN: return f;
    case ROPE_LINEAR: return f / r->factor;
    case ROPE_LLAMA3: return llama3(r, f);
    case ROPE_YARN: return yarn(r, f, i, rotary_dim);
    case ROPE_LONG: return f / r->short_factor[i];
    }
    return f;
}

/* [positions][half] cosines, then as many sines. */
static void fill(float *table, const Rope *r, int rotary_dim, int positions, int threads)
{
    int half = rotary_dim / 2;
    double size = r->scaling == ROPE_YARN || r->scaling == ROPE_LONG ? r->attention : 1;
    float *cosines = table, *sines = table + (size_t)positions * (size_t)half;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int i = 0; i < half; i++) {
        double f = frequency(r, i, rotary_dim);
        for (int p = 0; p < positions; p++) {
            cosines[(size_t)p * (size_t)half + (size_t)i] = (float)(size * real_cos(p * f));
            sines[(size_t)p * (size_t)half + (size_t)i] = (float)(size * real_sin(p * f));
        }
    }
}

bool model_reserve_positions(Model *m, int positions, Err *err)
{
    if (positions <= m->rope_positions)
        return true;
    const ModelConfig *c = &m->config;
    if (positions > c->context && (c->learned_positions || c->rope.scaling == ROPE_LONG))
        return err_set(err, ERR_INPUT, "%s: a text of %d tokens, the model has %d positions", m->path, positions,
                       c->context),
               err_hint(err, "shorten it");
    if (c->rotary_dim == 0)
        return true;
    int n = (positions + 1023) / 1024 * 1024;
    n = n < c->context ? n : positions > c->context ? positions : c->context;
    size_t floats = (size_t)n * (size_t)c->rotary_dim;
    float *global = mem_big(floats, sizeof(float), "rotary tables", err);
    float *local = global && c->window ? mem_big(floats, sizeof(float), "rotary tables", err) : NULL;
    if (!global || (c->window && !local)) {
        mem_big_free(global, floats, sizeof(float));
        return false;
    }
    fill(global, &c->rope, c->rotary_dim, n, m->device->threads);
    if (local)
        fill(local, &c->rope_local, c->rotary_dim, n, m->device->threads);
    size_t old = (size_t)m->rope_positions * (size_t)c->rotary_dim;
    mem_big_free(m->rope_global, old, sizeof(float));
    mem_big_free(m->rope_local, old, sizeof(float));
    m->rope_global = global;
    m->rope_local = local;
    m->rope_positions = n;
    return true;
}

RopeTable model_rope(const Model *m, bool local)
{
    int half = m->config.rotary_dim / 2;
    const float *table = local ? m->rope_local : m->rope_global;
    return (RopeTable){table, table + (size_t)m->rope_positions * (size_t)half, half, m->rope_positions};
}
