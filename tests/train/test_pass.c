/* Passes: items spread over micro-batches give the same gradients in every bit, with any threads, at every CPU
 * level, on every machine. */
#include "tiny.h"

#include "base/mem.h"
#include "tensor/cpu.h"

enum { VOCAB = 2070, ITEMS = 5, SAMPLES = 2 };

/* An item: a prompt and its samples, of various lengths. */
typedef struct Item {
    int *prompt, prompt_n;
    int samples, *sample[SAMPLES], sample_n[SAMPLES];
} Item;

static void make_items(Item *item, int samples)
{
    for (int i = 0; i < ITEMS; i++) {
        item[i].samples = samples;
        item[i].prompt_n = 1 + (11 * i) % 29;
        item[i].prompt = random_ids(item[i].prompt_n, VOCAB, 30 + (uint64_t)i);
        for (int s = 0; s < samples; s++) {
            item[i].sample_n[s] = 1 + (7 * i + 13 * s) % 23;
            item[i].sample[s] = random_ids(item[i].sample_n[s], VOCAB, 100 + (uint64_t)(i * SAMPLES + s));
        }
    }
}

static void free_items(Item *item)
{
    for (int i = 0; i < ITEMS; i++) {
        free(item[i].prompt);
        for (int s = 0; s < item[i].samples; s++)
            free(item[i].sample[s]);
    }
}

/* A factor that depends on what it is for, not on the pass that it is in. */
static float factor(int item, int sample, int t)
{
    return (float)rng_normal((RngKey){.seed = 6, .purpose = RNG_TEST, .row = (uint64_t)item},
                             (uint64_t)(100 * sample + t));
}

enum { TARGETS = 1, VALUES = 2 }; /* what is wanted of a pass, or-ed; with a reference, the KL of targets too */

/* One pass over items first .. first+n-1, forward and backward; adds what it finds to *sum in item order. */
static void one_pass(Pass *p, Model *m, Model *reference, const Item *item, int first, int n, int wanted, Weights *dw,
                     double *sum)
{
    float coef[ITEMS * SAMPLES * 30], dscalar[COUNT(coef)];
    Err err = {0};
    pass_begin(p, m);
    if (reference)
        pass_compare(p, reference, 0.05f);
    for (int i = first; i < first + n; i++) {
        int prompt = pass_segment(p, -1, item[i].prompt, item[i].prompt_n);
        for (int s = 0; s < item[i].samples; s++) {
            const int *y = item[i].sample[s];
            int sample = pass_segment(p, prompt, y, item[i].sample_n[s]);
            for (int t = 0; t < item[i].sample_n[s]; t++) {
                int from = t ? sample : prompt, at = t ? t - 1 : item[i].prompt_n - 1;
                if (wanted & TARGETS)
                    coef[pass_target(p, from, at, y[t])] = factor(i, s, t);
                if (wanted & VALUES)
                    dscalar[pass_scalar(p, SCALAR_VALUE, from, at)] = factor(i, s, t + 50);
            }
        }
    }
    need_ok(pass_forward(p, &err) &&
                pass_backward(p, dw, wanted & TARGETS ? coef : NULL, wanted & VALUES ? dscalar : NULL, &err),
            &err);
    for (int i = 0; i < p->targets; i++)
        *sum += (double)p->logp[i] + (double)p->entropy[i] + (reference ? (double)p->kl[i] : 0);
    for (int i = 0; i < p->scalars; i++)
        *sum += (double)p->scalar[i];
}

/* Adds the gradients of all items, in passes of the given sizes, to dw. */
static void add_gradients(Model *m, Model *reference, const Item *item, const int *sizes, int wanted, Weights *dw,
                          double *sum)
{
    Pass p;
    pass_init(&p);
    *sum = 0;
    for (int first = 0, i = 0; first < ITEMS; first += sizes[i++])
        one_pass(&p, m, reference, item, first, sizes[i], wanted, dw, sum);
    pass_release(&p);
}

static void micro_batches_of(int what, bool kl)
{
    static const int whole[] = {ITEMS}, cut[][ITEMS] = {{2, 3}, {1, 1, 1, 1, 1}, {4, 1}, {1, 3, 1}};
    Item item[ITEMS];
    make_items(item, SAMPLES);
    CpuLevel level[3];
    int levels = cpu_levels(level);
    for (int kind = 0; kind < TINY_KINDS; kind++)
        for (int l = 0; l < levels; l++) {
            Device *d = open_device(level[l], 1);
            Model *m = tiny_model((TinyKind)kind, HEAD_LM | HEAD_VALUE, VOCAB, d);
            Model *reference = kl ? tiny_neighbour((TinyKind)kind, HEAD_LM, VOCAB, d) : NULL;
            double sum, again;
            Weights *wanted = grads_new(m);
            add_gradients(m, reference, item, whole, what, wanted, &sum);
            assert_true(largest(wanted->block, wanted->floats) > 0.1);
            for (int i = 0; i < (level[l] == CPU_PLAIN ? 1 : COUNT(cut)); i++) { /* plain is slow */
                Weights *got = grads_new(m);
                add_gradients(m, reference, item, cut[i], what, got, &again);
                assert_true(sum == again);
                same_bits("gradients over micro-batches", got->block, wanted->block, wanted->floats);
                grads_free(got);
            }
            grads_free(wanted);
            model_free(m);
            model_free(reference);
            device_free(d);
        }
    free_items(item);
}

static void micro_batches_of_targets(void **state)
{
    (void)state;
    micro_batches_of(TARGETS, false);
}

static void micro_batches_of_values(void **state)
{
    (void)state;
    micro_batches_of(VALUES, false);
}

static void micro_batches_of_both(void **state)
{
    (void)state;
    micro_batches_of(TARGETS | VALUES, false);
}

static void micro_batches_of_kl(void **state)
{
    (void)state;
    micro_batches_of(TARGETS, true);
}

/* From itself every KL is exactly 0, and so is its gradient: that of the targets alone is left, in every bit. */
static void kl_from_itself(void **state)
{
    (void)state;
    static const int whole[] = {ITEMS};
    Item item[ITEMS];
    make_items(item, SAMPLES);
    Device *d = open_device(CPU_AUTO, 2);
    for (int kind = 0; kind < TINY_KINDS; kind++) {
        Model *m = tiny_model((TinyKind)kind, HEAD_LM, VOCAB, d);
        Weights *alone = grads_new(m), *beside = grads_new(m);
        double sum, again;
        add_gradients(m, NULL, item, whole, TARGETS, alone, &sum);
        add_gradients(m, m, item, whole, TARGETS, beside, &again);
        assert_true(sum == again);
        same_bits("gradients", beside->block, alone->block, alone->floats);
        grads_free(alone);
        grads_free(beside);
        model_free(m);
    }
    device_free(d);
    free_items(item);
}

/* At every level, with some threads, and on the machine where this was written. */
static void committed_hash(void **state)
{
    (void)state;
    static const char *const wanted[TINY_KINDS] = {"36dba3aba7e665dd7fcb641847846a04fdd5ec2bc263c3de7b74e105790f018d",
                                                   "233308c1909f5e97f19d246343ee449783d99a347bd6692e8d32d3f4dd9efe5f",
                                                   "899a3d7238c61eee76650a904886e09ff95717b87ffc05fd00902623a2878360",
                                                   "a9056c9f1f28e40335300af8c9d8e4c738c9e92259fb84fba80396a2fb080da9",
                                                   "60a482df07aa4b06e47a96c6158297cc2bf8187b05c0874bcd272d39a2c6c0fd",
                                                   "d36cc58cbb84f001eca13253b56c246b388adcbe8fa3221cbe1707cf63817df0",
                                                   "8029a0ef919c0ade4c80757c04739e2a7b1e5fe878ea89198fbc4e04f0fe3807",
                                                   "20fffd7dde19cff87ff23cf6c9dbd5f735af6953e6c8f0991f325e46e8759bb1",
                                                   "8d1d66b678c427c83581bbf15659472987538bb49e5814eed7b55f7503e531db"};
    static const int sizes[] = {ITEMS}, threads[] = {1, 2, 7};
    Item item[ITEMS];
    make_items(item, 1);
    CpuLevel level[3];
    int levels = cpu_levels(level);
    for (int kind = 0; kind < TINY_KINDS; kind++)
        for (int l = 0; l < levels; l++) {
            Device *d = open_device(level[l], threads[(l + kind) % 3]);
            Model *m = tiny_model((TinyKind)kind, HEAD_LM | HEAD_VALUE, VOCAB, d);
            double sum;
            Weights *dw = grads_new(m);
            add_gradients(m, NULL, item, sizes, TARGETS, dw, &sum);
            add_gradients(m, NULL, item, sizes, VALUES, dw, &sum);
            char digits[HASH_TEXT];
            hash_bytes(dw->block, dw->floats * sizeof(float), digits);
            if (strcmp(digits, wanted[kind]) != 0)
                fail_msg("%s, %s, %d threads: %s", tiny_name[kind], cpu_level_name(d->level), d->threads, digits);
            grads_free(dw);
            model_free(m);
            device_free(d);
        }
    free_items(item);
}

/* Items do not see each other: one alone has the results that it has among others. */
static void items_are_apart(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 2);
    Item item[ITEMS];
    make_items(item, SAMPLES);
    Model *m = tiny_model(TINY_GEMMA, HEAD_LM | HEAD_VALUE, VOCAB, d);
    Weights *dw = grads_new(m);
    Pass all, one;
    double sum = 0;
    pass_init(&all);
    pass_init(&one);
    one_pass(&all, m, NULL, item, 0, ITEMS, TARGETS | VALUES, dw, &sum);
    for (int i = 0, at = 0; i < ITEMS; i++) {
        one_pass(&one, m, NULL, item, i, 1, TARGETS | VALUES, dw, &sum);
        same_bits("log-probabilities", one.logp, all.logp + at, (size_t)one.targets);
        same_bits("entropies", one.entropy, all.entropy + at, (size_t)one.targets);
        same_bits("values", one.scalar, all.scalar + at, (size_t)one.scalars);
        at += one.targets;
    }
    pass_release(&all);
    pass_release(&one);
    grads_free(dw);
    model_free(m);
    device_free(d);
    free_items(item);
}

/* A segment without tokens changes nothing; a pass may be emptied and used for another model. */
static void empty_segments_and_reuse(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 1);
    static const int ids[] = {3, 1, 4, 1, 5, 9};
    Err err = {0};
    Pass p;
    pass_init(&p);
    float first = 0;
    for (int round = 0; round < 4; round++) {
        Model *m = tiny_model(round % 2 ? TINY_GEMMA : TINY_LLAMA, HEAD_REWARD, 50, d);
        pass_begin(&p, m);
        int root = pass_segment(&p, -1, ids, 4);
        int empty = round < 2 ? root : pass_segment(&p, root, ids, 0);
        int leaf = pass_segment(&p, empty, ids + 4, 2);
        assert_int_equal(pass_scalar(&p, SCALAR_REWARD, leaf, 1), 0);
        need_ok(pass_forward(&p, &err), &err);
        assert_int_equal(p.rows, 6);
        if (round == 0)
            first = p.scalar[0];
        if (round == 2)
            same_bits("a reward under an empty segment", p.scalar, &first, 1);
        Weights *dw = grads_new(m);
        need_ok(pass_backward(&p, dw, NULL, &(float){1}, &err), &err);
        grads_free(dw);
        forest_clear(&p.forest); /* before its model goes */
        model_free(m);
    }
    pass_release(&p);
    device_free(d);
}

/* What a pass is said to take is what it takes, but for the K/V that segments are rounded up to. */
static void bytes(void **state)
{
    (void)state;
    Model *m = tiny_on(CPU_AUTO, 1, TINY_GEMMA, HEAD_LM, VOCAB);
    int *ids = random_ids(64, VOCAB, 1);
    Err err = {0};
    Pass p;
    pass_init(&p);
    pass_begin(&p, m);
    int root = pass_segment(&p, -1, ids, 64);
    for (int t = 0; t < 63; t++)
        pass_target(&p, root, t, ids[t + 1]);
    need_ok(pass_forward(&p, &err), &err);
    size_t head = 63 * (VOCAB_CHUNK + 2 * 21 + 1 + 21) * sizeof(float);
    size_t taken = p.acts.arena.used + p.forest.bytes + head + 64 * 21 * sizeof(float);
    size_t said = pass_bytes(&m->config, (PassSize){64, 1, 63}, KEEP_ALL);
    assert_true(said <= taken + taken / 50 && taken <= said + said / 50);
    free(ids);
    pass_release(&p);
    tiny_free(m);
}

/* Items fill a pass until the next one would make it too large; one that is larger has a pass of its own. */
static void sizes(void **state)
{
    (void)state;
    static const PassSize item[] = {{60, 3, 10}, {30, 3, 5}, {20, 3, 2}, {130, 2, 1}, {50, 9, 40}, {50, 3, 2}};
    static const PassSize after[] = {{60, 3, 10}, {90, 6, 15}, {20, 3, 2}, {130, 2, 1}, {50, 9, 40}, {100, 12, 42}};
    PassSize now = {0}, largest = {0};
    for (int i = 0; i < COUNT(item); i++) {
        pass_size_add(&now, &largest, item[i], 100);
        assert_memory_equal(&now, &after[i], sizeof now);
    }
    assert_true(largest.rows == 130 && largest.segments == 12 && largest.targets == 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(micro_batches_of_targets),
        cmocka_unit_test(micro_batches_of_values),
        cmocka_unit_test(micro_batches_of_both),
        cmocka_unit_test(micro_batches_of_kl),
        cmocka_unit_test(kl_from_itself),
        cmocka_unit_test(committed_hash),
        cmocka_unit_test(items_are_apart),
        cmocka_unit_test(empty_segments_and_reuse),
        cmocka_unit_test(bytes),
        cmocka_unit_test(sizes),
    };
    return cmocka_run_group_tests_name("pass", tests, NULL, NULL);
}
