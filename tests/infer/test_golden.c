/* Greedy text against PyTorch: of the tiny models, and of real ones, all prompts at once over one forest. */
#include "golden.h"

#include "base/mem.h"
#include "infer/generate.h"

/* A prompt, what has been chosen after it, and what is left to choose. */
typedef struct Greedy {
    Ids ids; /* prompt and text so far */
    int prompt_n, wanted_n;
    int *wanted;
    double *logp; /* of the wanted tokens; NULL: not given */
} Greedy;

static void greedy_init(Greedy *g, const json_t *prompt, const json_t *ids, const json_t *logps)
{
    int n;
    int *prompt_ids = golden_ids(prompt, &n);
    *g = (Greedy){.prompt_n = n};
    ids_append(&g->ids, prompt_ids, n);
    g->wanted = golden_ids(ids, &g->wanted_n);
    g->logp = logps ? golden_numbers(logps, &n) : NULL;
    assert_true(!logps || n == g->wanted_n);
    free(prompt_ids);
}

static void greedy_release(Greedy *g)
{
    ids_release(&g->ids);
    free(g->wanted);
    free(g->logp);
}

static void compare(const Greedy *g, const Response *r, double tolerance)
{
    int done = g->ids.n - g->prompt_n;
    for (int t = 0; t < r->ids.n; t++) {
        if (r->ids.id[t] != g->wanted[done + t])
            fail_msg("token %d is %d, not %d", done + t, r->ids.id[t], g->wanted[done + t]);
        if (g->logp)
            golden_close("its log-probability", (double)r->logp[t], g->logp[done + t], tolerance);
    }
}

/* At most `max_new` more tokens of n texts at once. */
static void go_on(Model *m, Greedy *g, int n, int max_new, double tolerance)
{
    Err err = {0};
    Sampling how = {.greedy = true, .temperature = 1, .top_p = 1, .max_new_tokens = max_new};
    Response *r = mem_zalloc((size_t)n, sizeof *r);
    for (int i = 0; i < n; i++)
        r[i] = (Response){.prompt = g[i].ids.id, .n_prompt = g[i].ids.n};
    need_ok(generate(m, r, n, &how, NULL, NULL, &err), &err);
    for (int i = 0; i < n; i++) {
        compare(&g[i], &r[i], tolerance);
        ids_append(&g[i].ids, r[i].ids.id, r[i].ids.n);
        response_release(&r[i]);
    }
    free(r);
}

static int left_of(const Greedy *g)
{
    return g->prompt_n + g->wanted_n - g->ids.n;
}

/* All together; then those that met their end of turn go on behind it, as the numbers do. */
static void check_greedy(Model *m, Greedy *g, int n, double tolerance)
{
    go_on(m, g, n, g[0].wanted_n, tolerance);
    for (int i = 0; i < n; i++)
        while (left_of(&g[i]) > 0)
            go_on(m, &g[i], 1, left_of(&g[i]), tolerance);
}

static void tiny(void **state)
{
    const Golden *g = *state;
    json_t *golden = golden_read(g, "golden.json");
    static const char *const variant[] = {NULL, "rope_llama3", "rope_linear"};
    Device *d = open_device(CPU_AUTO, 2);
    for (int i = 0; i < COUNT(variant); i++) {
        const json_t *part = variant[i] ? json_object_get(golden, variant[i]) : golden;
        const json_t *text = json_object_get(part, "greedy");
        if (!text)
            continue;
        Model *m = golden_model(g, 0, d);
        if (variant[i])
            golden_rope(m, json_object_get(part, "rope_parameters"));
        Greedy one;
        greedy_init(&one, json_object_get(text, "prompt"), json_object_get(text, "ids"), NULL);
        check_greedy(m, &one, 1, 0);
        greedy_release(&one);
        model_free(m);
    }
    assert_non_null(json_object_get(golden, "greedy"));
    device_free(d);
    json_decref(golden);
}

static void real(void **state)
{
    const RealGolden *r = *state;
    json_t *golden = golden_of_real(r->golden, "greedy", r->model), *item;
    Device *d = open_device(CPU_AUTO, 0);
    Model *m = open_real_model(r->model, HEAD_LM, d);
    Greedy g[8];
    size_t n;
    json_array_foreach(json_object_get(golden, "items"), n, item)
    {
        assert_true(n < COUNT(g));
        greedy_init(&g[n], json_object_get(item, "prompt_ids"), json_object_get(item, "ids"),
                    json_object_get(item, "logprobs_f64"));
        assert_int_equal(g[n].wanted_n, 48);
    }
    assert_true(n > 0);
    check_greedy(m, g, (int)n, r->model->tolerance);
    for (size_t i = 0; i < n; i++)
        greedy_release(&g[i]);
    model_free(m);
    device_free(d);
    json_decref(golden);
}

int main(void)
{
    static const Golden tinies[] = {
        {"tests/fixtures/tiny-llama", true},
        {"tests/fixtures/tiny-gemma3", true},
        {"../shared/golden/tiny-llama", false},
        {"../shared/golden/tiny-gemma3", false},
    };
    static struct CMUnitTest tests[COUNT(tinies) + REAL_GOLDENS];
    static char name[COUNT(tests)][100];
    int n = 0;
    for (int i = 0; i < COUNT(tinies); i++, n++) {
        snprintf(name[n], sizeof name[n], "%s, greedy", tinies[i].dir);
        tests[n].test_func = tiny;
        tests[n].initial_state = (void *)(uintptr_t)&tinies[i];
    }
    for (int i = 0; i < REAL_GOLDENS; i++, n++) {
        snprintf(name[n], sizeof name[n], "%s/greedy_%s", real_golden[i].golden->dir, real_golden[i].model->name);
        tests[n].test_func = real;
        tests[n].initial_state = (void *)(uintptr_t)&real_golden[i];
    }
    for (int i = 0; i < n; i++)
        tests[i].name = name[i];
    return cmocka_run_group_tests_name("golden text", tests, NULL, NULL);
}
