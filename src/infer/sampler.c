/* Drawing next tokens without storing their logits: the scan over the vocabulary keeps sums of blocks; a
 * uniform number chooses a block, whose logits are computed once more. Of the best tokens it keeps a short list; a row for
 * which that is too short has all of its logits computed once more, and ranked. */
#include "infer/sampler.h"

#include "base/real.h"
#include "infer/rank.h"

enum {
    SHORT_LIST = 256, /* tokens; the list is kept sorted by insertion */
    RANKED_ROWS = 16  /* at a time: so many rows of logits in memory */
};

/* Everything that one call allocates. */
typedef struct Draw {
    Model *model;
    Sampling how; /* top_k below the vocabulary's size, or 0 */
    HeadInput in;
    VocabScan scan;
    float *floats;
    int *ids;
    double *weight; /* [vocab] scratch: of the tokens of one list */
} Draw;

/* Some of a row's best tokens, largest first, among equals the lowest id. */
typedef struct Ranking {
    const float *logit;
    const int *id;
    int n;
} Ranking;

static void draw_release(Draw *d)
{
    head_input_release(&d->in);
    free(d->floats);
    free(d->ids);
    free(d->weight);
}

/* Runs the vocabulary's scan with the arrays that this way of drawing needs. */
static bool scan_vocabulary(Draw *d, int top, Err *err)
{
    size_t n = (size_t)d->in.normed.rows, chunks = (size_t)head_chunks(d->model);
    bool sampling = !d->how.greedy;
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
    return head_scan(d->model, &d->in, &d->scan, err);
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
    head_logits(d->model, &d->in, r, first, n, logits);
    float max = d->scan.chunk_max[(size_t)r * (size_t)d->scan.chunks + (size_t)chunk];
    int i = op_vocab_pick(d->model->device, logits, n, max, d->scan.inv_temperature, left / scale);
    *logit = logits[i];
    return first + i;
}

/* exp((logit - largest) / T) of the k-th best token. */
static double weigh(Draw *d, int r, Ranking best, int k)
{
    d->weight[k] = real_exp((double)(best.logit[k] - d->scan.max[r]) * (double)d->scan.inv_temperature);
    return d->weight[k];
}

/* How many of the best tokens are drawn from: top_k, then the fewest whose mass reaches top_p; they are weighed then. 0: the
 * ranking is too short to tell. */
static int nucleus(Draw *d, int r, Ranking best)
{
    int n = d->how.top_k ? d->how.top_k : best.n;
    double total = 0, sum = 0;
    if (n > best.n)
        return 0;
    for (int k = 0; k < n && d->how.top_k; k++)
        total += weigh(d, r, best, k);
    if (d->how.top_p >= 1)
        return n;
    if (!d->how.top_k)
        total = total_mass(d, r);
    for (int k = 0; k < n; k++) {
        sum += d->how.top_k ? d->weight[k] : weigh(d, r, best, k);
        if (sum >= d->how.top_p * total)
            return k + 1;
    }
    return d->how.top_k || n == d->model->config.vocab ? n : 0;
}

/* Which of the n best, which are weighed. */
static int draw_from_best(const Draw *d, int n, double u)
{
    double total = 0, sum = 0;
    for (int k = 0; k < n; k++)
        total += d->weight[k];
    int k = 0;
    for (; k < n - 1; k++) {
        sum += d->weight[k];
        if (sum > u * total)
            break;
    }
    return k;
}

static void put(const Draw *d, int r, int id, float logit, Drawn *out)
{
    double log_z = (double)d->scan.max[r] + real_log((double)d->scan.sum[r]);
    *out = (Drawn){id, (float)((double)logit - log_z), (float)scan_entropy(&d->scan, r)};
}

/* False where the ranking is too short. */
static bool put_of_best(Draw *d, int r, Ranking best, double u, Drawn *out)
{
    int n = nucleus(d, r, best);
    if (n > 0) {
        int k = draw_from_best(d, n, u);
        put(d, r, best.id[k], best.logit[k], out);
    }
    return n > 0;
}

/* Draws for up to RANKED_ROWS rows from all of their logits. */
static bool draw_ranked(Draw *d, const int *row, int n, const double *u, Drawn *out, Err *err)
{
    int vocab = d->model->config.vocab, width = d->model->config.width;
    size_t V = (size_t)vocab, floats = (size_t)n * ((size_t)width + V) + V;
    float *block = mem_big(floats, sizeof(float), "the logits of some rows", err);
    if (!block)
        return false;
    Tensor normed = tensor(block, n, width), logits = tensor(block + (size_t)n * (size_t)width, n, vocab);
    float *sorted = logits.at + (size_t)n * V;
    int *id = mem_alloc(V, sizeof *id);
    RankItem *room = mem_alloc(2 * V, sizeof *room);
    op_gather(d->model->device, normed, d->in.normed, row);
    op_linear(d->model->device, logits, normed, d->model->w.lm_head);
    if (d->in.cap > 0)
        op_soft_cap(d->model->device, logits, d->in.cap);
    for (int i = 0; i < n; i++) {
        const float *logit = logits.at + (size_t)i * V;
        rank_ids(id, logit, vocab, room);
        for (int k = 0; k < vocab; k++)
            sorted[k] = logit[id[k]];
        (void)put_of_best(d, row[i], (Ranking){sorted, id, vocab}, u[row[i]], &out[row[i]]); /* long enough */
    }
    free(room);
    free(id);
    mem_big_free(block, floats, sizeof(float));
    return true;
}

/* Draws for the rows that need no more than the scan; the others come into rest. */
static bool draw_rows(Draw *d, const double *u, Drawn *out, int *rest, int *n_rest, Err *err)
{
    size_t top = (size_t)d->scan.top;
    bool ranked = !d->how.greedy && (d->how.top_k || d->how.top_p < 1);
    for (int r = 0; r < d->scan.rows; r++) {
        float logit = d->scan.best[r];
        int id = d->scan.best_id[r];
        if (!isfinite((double)d->scan.max[r] + real_log((double)d->scan.sum[r])))
            return out[r].id = -1, err_set(err, ERR_NUMBER, "the model's logits are not finite"),
                   err_hint(err, "its weights are damaged, or its training diverged: lower --lr");
        Ranking best = {d->scan.top_logit + (size_t)r * top, d->scan.top_id + (size_t)r * top, d->scan.top};
        if (ranked && !put_of_best(d, r, best, u[r], &out[r]))
            rest[(*n_rest)++] = r;
        if (ranked)
            continue;
        if (!d->how.greedy)
            id = draw_from_all(d, r, u[r], &logit);
        put(d, r, id, logit, &out[r]);
    }
    return true;
}

/* How long a list of the best tokens the scan keeps. */
static int short_list(const Draw *d)
{
    int vocab = d->model->config.vocab;
    if (d->how.greedy || d->how.top_k > SHORT_LIST || (!d->how.top_k && d->how.top_p >= 1))
        return 0;
    return d->how.top_k ? d->how.top_k : vocab < SHORT_LIST ? vocab : SHORT_LIST;
}

static bool draw_all(Draw *d, const double *u, Drawn *out, Err *err)
{
    int *rest = mem_alloc((size_t)d->in.normed.rows, sizeof *rest), n_rest = 0;
    d->weight = mem_alloc((size_t)d->model->config.vocab, sizeof *d->weight);
    bool ok = scan_vocabulary(d, short_list(d), err) && draw_rows(d, u, out, rest, &n_rest, err);
    for (int i = 0; ok && i < n_rest; i += RANKED_ROWS)
        ok = draw_ranked(d, rest + i, n_rest - i < RANKED_ROWS ? n_rest - i : RANKED_ROWS, u, out, err);
    free(rest);
    return ok;
}

bool sample_tokens(Model *m, Tensor hidden, const Sampling *how, const RngKey *key, const int *position, Drawn *out,
                   Err *err)
{
    int n = hidden.rows, *row = mem_alloc((size_t)n, sizeof *row);
    double *u = mem_alloc((size_t)n, sizeof *u);
    for (int i = 0; i < n; i++) {
        row[i] = i;
        u[i] = how->greedy ? 0 : rng_uniform(key[i], (uint64_t)position[i]);
    }
    Draw d = {.model = m, .how = *how};
    if (how->top_k >= m->config.vocab)
        d.how.top_k = 0;
    bool ok = head_input(m, &d.in, hidden, row, n, err);
    if (ok && how->logp_tempered)
        head_temper(&d.in, how->temperature);
    ok = ok && draw_all(&d, u, out, err) && device_ok(m->device, err);
    draw_release(&d);
    free(row);
    free(u);
    return ok;
}
