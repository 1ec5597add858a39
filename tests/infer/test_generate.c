/* Generation: every response is what its own prompt and key give alone, whatever runs beside it; and its log-probabilities
 * are those of scoring and of training, in every bit. */
#include "infer/generate.h"

#include "base/mem.h"
#include "golden.h"
#include "infer/scorer.h"

static const char *const fixture[] = {"tests/fixtures/tiny-llama", "tests/fixtures/tiny-gemma3"};

enum { PROMPTS = 9, MOST = 90, LONGEST = 40 };

/* Prompts, the first tokens of which are the same, and responses to them: `each` of every prompt. */
typedef struct Work {
    int ids[PROMPTS][LONGEST], length[PROMPTS];
    Response r[MOST];
    int n;
} Work;

static void fill(Work *w, int shared, int each)
{
    *w = (Work){.n = PROMPTS * each};
    for (int i = 0; i < PROMPTS; i++) {
        int *ids = random_ids(LONGEST, 200, 10 + (uint64_t)i), *first = random_ids(LONGEST, 200, 5);
        memcpy(w->ids[i], ids, sizeof w->ids[i]);
        memcpy(w->ids[i], first, (size_t)shared * sizeof(int));
        w->length[i] = shared + 1 + 5 * i % (LONGEST - shared);
        free(ids);
        free(first);
    }
    for (int i = 0; i < w->n; i++)
        w->r[i] = (Response){
            .prompt = w->ids[i / each],
            .n_prompt = w->length[i / each],
            .key = {.seed = 3, .purpose = RNG_TEST, .row = (uint64_t)(i / each), .sample = (uint32_t)(i % each)}};
}

static void release(Work *w)
{
    for (int i = 0; i < w->n; i++)
        response_release(&w->r[i]);
}

static Model *load(int kind, Device *d)
{
    return golden_model(&(Golden){fixture[kind], true}, HEAD_LM, d);
}

static void run(Model *m, Response *r, int n, const Sampling *how)
{
    Err err = {0};
    need_ok(generate(m, r, n, how, NULL, NULL, &err), &err);
}

static void same_response(const Response *got, const Response *wanted)
{
    assert_int_equal(got->ids.n, wanted->ids.n);
    assert_memory_equal(got->ids.id, wanted->ids.id, (size_t)wanted->ids.n * sizeof(int));
    assert_int_equal(got->ended, wanted->ended);
    same_bits("a sampled log-probability", got->logp, wanted->logp, (size_t)wanted->ids.n);
    same_bits("a sampled entropy", got->entropy, wanted->entropy, (size_t)wanted->ids.n);
}

/* One response in the plainest way: all tokens so far computed anew for every next one. */
static void respond_plainly(Model *m, Response *r, const Sampling *how)
{
    int whole[300];
    Err err = {0};
    memcpy(whole, r->prompt, (size_t)r->n_prompt * sizeof(int));
    for (int t = 0; t < how->max_new_tokens && !r->ended; t++) {
        int n = r->n_prompt + t;
        float *hidden = hidden_alone(m, whole, n);
        Tensor last = tensor_rows(tensor(hidden, n, m->config.width), n - 1, 1);
        Drawn d;
        need_ok(sample_tokens(m, last, how, &r->key, &t, &d, &err), &err);
        ids_add(&r->ids, whole[n] = d.id);
        r->logp = mem_resize(r->logp, (size_t)r->ids.n, sizeof *r->logp);
        r->entropy = mem_resize(r->entropy, (size_t)r->ids.n, sizeof *r->entropy);
        r->logp[t] = d.logp;
        r->entropy[t] = d.entropy;
        r->ended = tokenizer_ends(m->tokenizer, d.id);
        free(hidden);
    }
}

static void as_plainly(void **state)
{
    (void)state;
    static const Sampling how[] = {{.temperature = 0.9, .top_p = 1, .max_new_tokens = 24},
                                   {.temperature = 1.4, .top_p = 0.8, .top_k = 50, .max_new_tokens = 9},
                                   {.greedy = true, .temperature = 1, .top_p = 1, .max_new_tokens = 12}};
    static const int threads[] = {1, 2, 7};
    Work *w = mem_alloc(1, sizeof *w), *plain = mem_alloc(1, sizeof *plain);
    for (int kind = 0; kind < COUNT(fixture); kind++)
        for (int i = 0; i < COUNT(how); i++) {
            Device *d = open_device(CPU_AUTO, threads[i]);
            Model *m = load(kind, d);
            fill(w, 4 * i, 2);
            fill(plain, 4 * i, 2);
            run(m, w->r, w->n, &how[i]);
            for (int r = 0; r < w->n; r++) {
                respond_plainly(m, &plain->r[r], &how[i]);
                same_response(&w->r[r], &plain->r[r]);
            }
            release(w);
            release(plain);
            model_free(m);
            device_free(d);
        }
    free(w);
    free(plain);
}

/* More responses than run at once, and longer than a segment's memory; then in another order and in pieces, with other
 * threads. Some end by themselves, some are cut. */
static void in_any_company(void **state)
{
    (void)state;
    Sampling how = {.temperature = 1.1, .top_p = 1, .max_new_tokens = 80};
    Work *w = mem_alloc(1, sizeof *w), *again = mem_alloc(1, sizeof *again);
    int ended = 0;
    for (int kind = 0; kind < COUNT(fixture); kind++) {
        Device *d = open_device(CPU_AUTO, 2);
        Model *m = load(kind, d);
        fill(w, 6, 10);
        run(m, w->r, w->n, &how);
        m->device = open_device(CPU_AUTO, 1);
        fill(again, 6, 10);
        Response turned[MOST];
        for (int i = 0; i < w->n; i++)
            turned[i] = again->r[w->n - 1 - i];
        for (int at = 0; at < w->n; at += 35)
            run(m, turned + at, w->n - at < 35 ? w->n - at : 35, &how);
        for (int i = 0; i < w->n; i++) {
            same_response(&turned[w->n - 1 - i], &w->r[i]);
            response_release(&turned[w->n - 1 - i]);
            ended += w->r[i].ended;
        }
        device_free(m->device);
        release(w);
        model_free(m);
        device_free(d);
    }
    assert_true(ended > 0 && ended < 2 * MOST);
    free(w);
    free(again);
}

/* Scored and trained on, the same tokens have the same log-probabilities, at temperature 1 and at that of the draw. */
static void recomputed(void **state)
{
    (void)state;
    Work *w = mem_alloc(1, sizeof *w);
    for (int way = 0; way < 2 * COUNT(fixture); way++) {
        int kind = way / 2;
        Sampling how = {.temperature = 0.8, .logp_tempered = way % 2, .top_p = 1, .max_new_tokens = 70};
        Device *d = open_device(CPU_AUTO, 2);
        Model *m = load(kind, d);
        Err err = {0};
        Pass p;
        Scorer *scorer;
        fill(w, 3, 4);
        run(m, w->r, w->n, &how);
        pass_init(&p);
        scorer_open(&scorer, m);
        pass_begin(&p, m);
        if (how.logp_tempered) {
            scorer_temper(scorer, how.temperature);
            p.temperature = how.temperature;
        }
        for (int i = 0, root = -1; i < w->n; i++) {
            Response *r = &w->r[i];
            root = i % 4 == 0 ? pass_segment(&p, -1, r->prompt, r->n_prompt) : root;
            int branch = pass_segment(&p, root, r->ids.id, r->ids.n);
            for (int t = 0; t < r->ids.n; t++)
                pass_target(&p, t ? branch : root, t ? t - 1 : r->n_prompt - 1, r->ids.id[t]);
        }
        need_ok(pass_forward(&p, &err), &err);
        for (int i = 0, at = 0; i < w->n; at += w->r[i].ids.n, i++) {
            Response *r = &w->r[i];
            Ids whole = {0};
            float *logp = mem_alloc((size_t)r->ids.n, sizeof *logp);
            ids_append(&whole, r->prompt, r->n_prompt);
            ids_append(&whole, r->ids.id, r->ids.n);
            need_ok(scorer_logprobs(scorer, &(Sequence){whole.id, whole.n}, &r->n_prompt, 1, &logp, &err), &err);
            same_bits("scored", logp, r->logp, (size_t)r->ids.n);
            same_bits("trained on", p.logp + at, r->logp, (size_t)r->ids.n);
            same_bits("entropy", p.entropy + at, r->entropy, (size_t)r->ids.n);
            free(logp);
            ids_release(&whole);
        }
        scorer_free(scorer);
        pass_release(&p);
        release(w);
        model_free(m);
        device_free(d);
    }
    free(w);
}

/* --- what is told while it runs, and what is refused --------------------------------------------------------- */

/* Hears every token; response 5 shall end with its fourth. */
static bool hear(void *context, int index, int id)
{
    Ids *heard = context;
    ids_add(&heard[index], id);
    return index != 5 || heard[index].n < 4;
}

static void tokens_as_they_come(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 1);
    Model *m = load(0, d);
    Work *w = mem_alloc(1, sizeof *w), *whole = mem_alloc(1, sizeof *whole);
    Ids heard[MOST] = {{0}};
    Sampling how = {.temperature = 1, .top_p = 1, .max_new_tokens = 20};
    Err err = {0};
    fill(w, 2, 3);
    fill(whole, 2, 3);
    need_ok(generate(m, w->r, w->n, &how, hear, heard, &err), &err);
    run(m, whole->r, whole->n, &how);
    for (int i = 0; i < w->n; i++) {
        Response *r = &w->r[i];
        assert_int_equal(heard[i].n, r->ids.n);
        assert_memory_equal(heard[i].id, r->ids.id, (size_t)heard[i].n * sizeof(int));
        if (i == 5) {
            assert_true(r->ids.n == 4 && !r->ended && whole->r[i].ids.n > 4);
            same_bits("what was drawn before the caller's end", r->logp, whole->r[i].logp, 4);
        } else {
            assert_true(r->ended ? tokenizer_ends(m->tokenizer, r->ids.id[r->ids.n - 1]) : r->ids.n == 20);
            same_response(r, &whole->r[i]);
        }
        ids_release(&heard[i]);
    }
    need_ok(generate(m, NULL, 0, &how, NULL, NULL, &err), &err);
    assert_true(generate_bytes(&m->config, 8, 1, 100, 50) > generate_bytes(&m->config, 2, 1, 100, 50));
    assert_true(generate_bytes(&m->config, 8, 1, 100, 50) > generate_bytes(&m->config, 2, 4, 100, 50)); /* they share */
    release(w);
    release(whole);
    free(w);
    free(whole);
    model_free(m);
    device_free(d);
}

static void too_long(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 1);
    Model *m = load(0, d);
    Work *w = mem_alloc(1, sizeof *w);
    fill(w, 2, 1);
    int longest = 0;
    for (int i = 0; i < w->n; i++)
        longest = w->length[i] > longest ? w->length[i] : longest;
    Sampling how = {.greedy = true, .temperature = 1, .top_p = 1, .max_new_tokens = m->config.context - longest};
    run(m, w->r, w->n, &how);
    release(w);
    how.max_new_tokens++;
    Err err = {0};
    assert_false(generate(m, w->r, w->n, &how, NULL, NULL, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.msg, "prompt 8: 38 tokens"));
    assert_non_null(strstr(err.msg, "256"));
    release(w);
    free(w);
    model_free(m);
    device_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_plainly),          cmocka_unit_test(in_any_company), cmocka_unit_test(recomputed),
        cmocka_unit_test(tokens_as_they_come), cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests_name("generate", tests, NULL, NULL);
}
