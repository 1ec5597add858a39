/* One training pass over a few items. */
#include "train/pass.h"

#include <assert.h>

void pass_init(Pass *p)
{
    *p = (Pass){.keep = KEEP_ALL};
}

void pass_release(Pass *p)
{
    forest_release(&p->forest);
    batch_release(&p->batch);
    acts_release(&p->acts);
    forest_release(&p->reference_forest);
    batch_release(&p->reference_batch);
    acts_release(&p->reference_acts);
    free(p->segment);
    free(p->target_row);
    free(p->target_id);
    free(p->logp);
    free(p->scalar_row);
    free(p->scalar);
    *p = (Pass){0};
}

void pass_begin(Pass *p, Model *model)
{
    p->model = model;
    p->segments = p->targets = p->scalars = p->rows = 0;
    p->temperature = 0;
    forest_clear(&p->forest);
    p->forest.config = &model->config;
    batch_clear(&p->batch);
    forest_clear(&p->reference_forest);
    batch_clear(&p->reference_batch);
    p->reference = (Reference){0};
}

void pass_compare(Pass *p, Model *reference, float weight)
{
    assert(reference->config.vocab == p->model->config.vocab);
    p->reference = (Reference){.model = reference, .weight = weight};
    p->reference_forest.config = &reference->config;
}

int pass_segment(Pass *p, int parent, const int *ids, int n)
{
    assert(parent < p->segments && parent >= (parent < 0 ? -1 : p->item));
    p->segment = MEM_GROW(p->segment, p->segments, p->segments_cap);
    p->segment[p->segments] = (PassSegment){.parent = parent, .ids = ids, .n = n, .row = p->rows};
    p->item = parent < 0 ? p->segments : p->item;
    p->rows += n;
    return p->segments++;
}

int pass_target(Pass *p, int segment, int offset, int id)
{
    assert(offset >= 0 && offset < p->segment[segment].n);
    if (p->targets == p->targets_cap) {
        p->targets_cap = p->targets_cap ? 2 * p->targets_cap : 256;
        p->target_row = mem_resize(p->target_row, (size_t)p->targets_cap, sizeof *p->target_row);
        p->target_id = mem_resize(p->target_id, (size_t)p->targets_cap, sizeof *p->target_id);
    }
    p->target_row[p->targets] = p->segment[segment].row + offset;
    p->target_id[p->targets] = id;
    return p->targets++;
}

int pass_scalar(Pass *p, ScalarHead head, int segment, int offset)
{
    assert(offset >= 0 && offset < p->segment[segment].n);
    p->scalar_head = head;
    p->scalar_row = MEM_GROW(p->scalar_row, p->scalars, p->scalars_cap);
    p->scalar_row[p->scalars] = p->segment[segment].row + offset;
    return p->scalars++;
}

/* The pass's segments as a forest, their tokens as the batch's rows. */
static bool plant(const Pass *p, Forest *forest, Batch *batch, Err *err)
{
    int *number = mem_alloc((size_t)p->segments, sizeof *number);
    bool ok = true;
    for (int i = 0; i < p->segments && ok; i++) {
        const PassSegment *s = &p->segment[i];
        int parent = s->parent < 0 ? -1 : number[s->parent];
        ok = forest_add(forest, parent, s->n, &number[i], err);
        if (ok)
            batch_add(batch, forest, number[i], s->ids, s->n);
    }
    free(number);
    return ok;
}

static Targets targets_of(const Pass *p)
{
    return (Targets){p->targets, p->target_row, p->target_id, p->reference.model ? &p->reference : NULL,
                     p->temperature};
}

/* The same tokens through the reference, which nothing is trained of. */
static bool forward_reference(Pass *p, Err *err)
{
    Reference *r = &p->reference;
    if (!plant(p, &p->reference_forest, &p->reference_batch, err) ||
        !transformer_forward(r->model, &p->reference_forest, &p->reference_batch, KEEP_NOTHING, &p->reference_acts,
                             err))
        return false;
    r->hidden = p->reference_acts.hidden;
    return true;
}

bool pass_forward(Pass *p, Err *err)
{
    assert(p->batch.rows == 0 && "pass_begin comes before the next forward");
    if (!plant(p, &p->forest, &p->batch, err) ||
        !transformer_forward(p->model, &p->forest, &p->batch, p->keep, &p->acts, err) ||
        (p->reference.model && !forward_reference(p, err)))
        return false;
    size_t n = (size_t)p->targets;
    p->logp = mem_resize(p->logp, 5 * n, sizeof(float));
    p->entropy = p->logp + n;
    p->log_z = p->entropy + n;
    p->kl = p->reference.kl = p->log_z + n;
    p->reference.log_z = p->kl + n;
    p->scalar = mem_resize(p->scalar, (size_t)p->scalars, sizeof(float));
    LogProbs out = {p->logp, p->entropy, p->log_z};
    return head_logprobs(p->model, p->acts.hidden, targets_of(p), out, err) &&
           head_scalars(p->model, p->scalar_head, p->acts.hidden, p->scalar_row, p->scalars, p->scalar, err);
}

bool pass_backward(Pass *p, Weights *dw, const float *coef, const float *dscalar, Err *err)
{
    size_t floats = tensor_count(p->acts.hidden);
    float *block = mem_big(floats, sizeof(float), "the gradient of the hidden states", err);
    if (!block)
        return false;
    Tensor dhidden = tensor(block, p->acts.hidden.rows, p->acts.hidden.cols), hidden = p->acts.hidden;
    bool ok = (!coef || head_logprobs_back(p->model, dw, dhidden, hidden, targets_of(p), p->log_z, coef, err)) &&
              (!dscalar || head_scalars_back(p->model, dw, p->scalar_head, dhidden, hidden, p->scalar_row, p->scalars,
                                             dscalar, err)) &&
              head_norm_back(p->model, dw, dhidden, hidden, dhidden, err) &&
              transformer_backward(p->model, dw, &p->forest, &p->batch, &p->acts, dhidden, err);
    mem_big_free(block, floats, sizeof(float));
    return ok;
}

/* --- sizes -------------------------------------------------------------------------------------------- */

static int larger(int a, int b)
{
    return a > b ? a : b;
}

void pass_size_add(PassSize *now, PassSize *largest, PassSize item, int most)
{
    if (now->rows + item.rows > most)
        *now = (PassSize){0};
    now->rows += item.rows;
    now->segments += item.segments;
    now->targets += item.targets;
    *largest = (PassSize){larger(largest->rows, now->rows), larger(largest->segments, now->segments),
                          larger(largest->targets, now->targets)};
}

/* Keys and values, the segments being of like lengths. */
static size_t spread_bytes(const ModelConfig *c, PassSize s)
{
    return s.segments ? (size_t)s.segments * forest_bytes(c, (s.rows + s.segments - 1) / s.segments) : 0;
}

size_t pass_bytes(const ModelConfig *c, PassSize s, Keep keep)
{
    size_t head = s.targets ? head_back_floats(c, s.targets, false) + (size_t)s.targets * 2 * (size_t)c->width : 0;
    return acts_bytes(c, s.rows, keep) + spread_bytes(c, s) +
           sizeof(float) * (head + (size_t)s.rows * (2 * (size_t)c->width + 1));
}

size_t pass_compare_bytes(const ModelConfig *c, PassSize s)
{
    size_t head = (size_t)s.targets * (VOCAB_CHUNK + 2 * (size_t)c->width + 1);
    return acts_bytes(c, s.rows, KEEP_NOTHING) + spread_bytes(c, s) + sizeof(float) * head;
}
