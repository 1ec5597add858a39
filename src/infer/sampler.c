/* Drawing next tokens without storing their logits: the scan over the vocabulary keeps sums of blocks; a
 * uniform number chooses a block, whose logits are computed once more. */
#include "infer/sampler.h"

#include "base/real.h"

/* Everything that one call allocates. */
typedef struct Draw {
    Model *model;
    Sampling how; /* top_k below the vocabulary's size, or 0 */
    HeadInput in;
    VocabScan scan;
    float *floats;
    int *ids;
} Draw;

static void draw_release(Draw *d)
{
    head_input_release(&d->in);
    free(d->floats);
    free(d->ids);
    d->floats = NULL;
    d->ids = NULL;
}

/* Runs the vocabulary's scan with the arrays that this way of drawing needs. */
static bool scan_vocabulary(Draw *d, int top, Err *err)
{
    size_t n = (size_t)d->in.normed.rows, chunks = (size_t)head_chunks(d->model);
    bool sampling = !d->how.greedy;
    free(d->floats);
    free(d->ids);
    d->floats = mem_alloc(n * (4 + chunks * (1 + VOCAB_BLOCKS) + (size_t)top), sizeof(float));
    d->ids = mem_alloc(n * (1 + (size_t)top), sizeof(int));
    float *f = d->floats;
    d->scan = (VocabScan){.rows = (int)n,
                          .chunks = (int)chunks,
                          .max = f,
                          .sum = f + n,
                          .moment = f + 2 * n,
                          .best = f + 3 * n,
                          .best_id = d->ids,
                          .top = top,
                          .top_id = d->ids + n};
    f += 4 * n;
    if (sampling) {
        d->scan.inv_temperature = d->how.logp_tempered ? 1 : (float)(1 / d->how.temperature); /* of what is scanned */
        d->scan.chunk_max = f;
        d->scan.block_sum = f + n * chunks;
    }
    d->scan.top_logit = f + n * chunks * (1 + VOCAB_BLOCKS);
    return head_scan(d->model, d->in.normed, &d->scan, err);
}

/* exp((chunk's largest - row's largest) / T): brings a chunk's sums to the row's scale. */
static double chunk_scale(const Draw *d, int r, int chunk)
{
    float m = d->scan.chunk_max[(size_t)r * (size_t)d->scan.chunks + (size_t)chunk];
    return real_exp((double)(m - d->scan.max[r]) * (double)d->scan.inv_temperature);
}

static const float *blocks_of(const Draw *d, int r, int chunk)
{
    return d->scan.block_sum + ((size_t)r * (size_t)d->scan.chunks + (size_t)chunk) * VOCAB_BLOCKS;
}

static double total_mass(const Draw *d, int r)
{
    double total = 0;
    for (int c = 0; c < d->scan.chunks; c++) {
        double sum = 0;
        for (int b = 0; b < VOCAB_BLOCKS; b++)
            sum += (double)blocks_of(d, r, c)[b];
        total += sum * chunk_scale(d, r, c);
    }
    return total;
}

/* The token at which the running mass over all ids in order passes u. */
static int draw_from_all(Draw *d, int r, double u, float *logit)
{
    double left = u * total_mass(d, r);
    int chunk = -1, block = -1;
    double scale = 1;
    for (int c = 0; c < d->scan.chunks; c++) {
        double s = chunk_scale(d, r, c);
        for (int b = 0; b < VOCAB_BLOCKS; b++) {
            double mass = (double)blocks_of(d, r, c)[b] * s;
            if (mass <= 0)
                continue;
            chunk = c; /* the last block with any mass stands in where rounding leaves a rest */
            block = b;
            scale = s;
            if (left < mass)
                goto found;
            left -= mass;
        }
    }
    left = INFINITY;
found:;
    int first = chunk * VOCAB_CHUNK + block * VOCAB_BLOCK, rest = d->model->config.vocab - first;
    int n = rest < VOCAB_BLOCK ? rest : VOCAB_BLOCK;
    float logits[VOCAB_BLOCK];
    head_logits(d->model, d->in.normed, r, first, n, logits);
    float max = d->scan.chunk_max[(size_t)r * (size_t)d->scan.chunks + (size_t)chunk];
    int i = op_vocab_pick(d->model->device, logits, n, max, d->scan.inv_temperature, left / scale);
    *logit = logits[i];
    return first + i;
}

/* exp((logit - largest) / T) of the k-th best token. */
static double top_weight(const Draw *d, int r, int k)
{
    float l = d->scan.top_logit[(size_t)r * (size_t)d->scan.top + (size_t)k];
    return real_exp((double)(l - d->scan.max[r]) * (double)d->scan.inv_temperature);
}

/* How many of the best tokens are drawn from: top_k, then the fewest whose mass reaches top_p. 0: the list is
 * too short to tell. */
static int nucleus(const Draw *d, int r)
{
    int n = d->how.top_k ? d->how.top_k : d->scan.top;
    if (d->how.top_p >= 1)
        return n;
    double total = 0, sum = 0;
    for (int k = 0; k < n; k++)
        total += top_weight(d, r, k);
    if (!d->how.top_k)
        total = total_mass(d, r);
    for (int k = 0; k < n; k++) {
        sum += top_weight(d, r, k);
        if (sum >= d->how.top_p * total)
            return k + 1;
    }
    return d->how.top_k || n == d->model->config.vocab ? n : 0;
}

static int draw_from_top(const Draw *d, int r, int n, double u, float *logit)
{
    double total = 0, sum = 0;
    for (int k = 0; k < n; k++)
        total += top_weight(d, r, k);
    int k = 0;
    for (; k < n - 1; k++) {
        sum += top_weight(d, r, k);
        if (sum > u * total)
            break;
    }
    *logit = d->scan.top_logit[(size_t)r * (size_t)d->scan.top + (size_t)k];
    return d->scan.top_id[(size_t)r * (size_t)d->scan.top + (size_t)k];
}

/* Scans with a list of the best tokens that is long enough for every row's nucleus. */
static bool scan_for(Draw *d, Err *err)
{
    int vocab = d->model->config.vocab, top = 0;
    if (!d->how.greedy && (d->how.top_k || d->how.top_p < 1))
        top = d->how.top_k ? d->how.top_k : vocab < 256 ? vocab : 256;
    for (;;) {
        if (!scan_vocabulary(d, top, err))
            return false;
        bool enough = true;
        for (int r = 0; r < d->scan.rows && top; r++)
            enough = enough && nucleus(d, r) > 0;
        if (enough)
            return true;
        top = 4 * top < vocab ? 4 * top : vocab;
    }
}

static bool draw_rows(Draw *d, const RngKey *key, const int *position, Drawn *out, Err *err)
{
    for (int r = 0; r < d->scan.rows; r++) {
        float logit = d->scan.best[r];
        int id = d->scan.best_id[r];
        double log_z = (double)d->scan.max[r] + real_log((double)d->scan.sum[r]);
        if (!isfinite(log_z))
            return out[r].id = -1, err_set(err, ERR_NUMBER, "the model's logits are not finite"),
                   err_hint(err, "its weights are damaged, or its training diverged: lower --lr");
        if (!d->how.greedy) {
            double u = rng_uniform(key[r], (uint64_t)position[r]);
            id = d->scan.top ? draw_from_top(d, r, nucleus(d, r), u, &logit) : draw_from_all(d, r, u, &logit);
        }
        double entropy = scan_entropy(&d->scan, r);
        out[r] = (Drawn){id, (float)((double)logit - log_z), (float)entropy};
    }
    return true;
}

bool sample_tokens(Model *m, Tensor hidden, const Sampling *how, const RngKey *key, const int *position, Drawn *out,
                   Err *err)
{
    int n = hidden.rows, *row = mem_alloc((size_t)n, sizeof *row);
    for (int i = 0; i < n; i++)
        row[i] = i;
    Draw d = {.model = m, .how = *how};
    if (how->top_k >= m->config.vocab)
        d.how.top_k = 0;
    bool ok = head_input(m, &d.in, hidden, row, n, err);
    if (ok && how->logp_tempered)
        head_temper(&d.in, how->temperature);
    ok = ok && scan_for(&d, err) && draw_rows(&d, key, position, out, err) && device_ok(m->device, err);
    draw_release(&d);
    free(row);
    return ok;
}
