/* bench: this machine's speed at real work, without stores and loading. The inputs of the peers' scripts serve. */
#include "base/mem.h"
#include "cli/command.h"
#include "rlaif/label/label.h"
#include "rlaif/learn/reward.h"
#include "rlaif/rl/rl.h"
#include "rlaif/rl/sample.h"
#include "rlaif/stage/option_rows.h"
#include "rlaif/stage/speed.h"
#include "tensor/cpu.h"

typedef enum Workload { BENCH_GEMM, BENCH_ATTENTION, BENCH_LABEL, BENCH_GENERATE, BENCH_REWARD, BENCH_RL } Workload;

typedef struct BenchOptions {
    CommonOptions common;
    int workload, batch, samples, baseline, optimizer, max_new_tokens, steps, repeat, chat;
    bool greedy, profile;
    char *model, *input, *prompt;
} BenchOptions;

static const Option option_rows[] = {
    {"workload", OPT_CHOICE, AT(BenchOptions, workload), .choices = "gemm|attention|label|generate|reward|rl",
     .otherwise = "gemm", .help = "what to do"},
    {"model", OPT_TEXT, AT(BenchOptions, model), .value = "MODEL",
     .help = "the model; gemm and attention take its shapes"},
    {"input", OPT_TEXT, AT(BenchOptions, input), .value = "ROWS", .help = "pairs or prompts"},
    {"prompt", OPT_TEXT, AT(BenchOptions, prompt), .value = "NAME|FILE", .otherwise = "summary-base",
     .help = "label: judge prompt"},
    {"batch", OPT_INT, AT(BenchOptions, batch), 1, 1e6, "4", .help = "reward: pairs an update; rl: prompts a step"},
    {"samples", OPT_INT, AT(BenchOptions, samples), 1, 10000, "4", .help = "rl: responses a prompt"},
    {"baseline", OPT_CHOICE, AT(BenchOptions, baseline), .choices = "value|group|none", .otherwise = "group",
     .help = "rl: group, or with an own value network"},
    {"optimizer", OPT_CHOICE, AT(BenchOptions, optimizer), .choices = OPTIMIZERS, .otherwise = "adamw",
     .help = "reward, rl: as theirs"},
    {"max-new-tokens", OPT_INT, AT(BenchOptions, max_new_tokens), 1, 1e6, "48",
     .help = "generate, rl: longest response"},
    {"steps", OPT_INT, AT(BenchOptions, steps), 1, 1e6, "3", .help = "rl: updates"},
    {"greedy", OPT_BOOL, AT(BenchOptions, greedy), .help = "generate: always the best token"},
    {"repeat", OPT_INT, AT(BenchOptions, repeat), 1, 1000, "3", .help = "measurements; the fastest counts"},
    CHAT_OPTION(BenchOptions, "how prompts and pairs are read"),
    {"profile", OPT_BOOL, AT(BenchOptions, profile), .help = "print where the time went, operation by operation"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options, RENDER_OPTIONS, AT(BenchOptions, common)},
};
const OptionTable bench_table = {groups, COUNT(groups), sizeof(BenchOptions)};

/* What one measurement did. */
typedef struct Measured {
    double seconds, items, tokens, flops;
    Profile profile;
} Measured;

typedef struct Bench {
    const BenchOptions *options;
    Device *device;
    Rows rows;
    Model *model;
    json_t *detail; /* more numbers of the summary */
} Bench;

/* Products of one token through the layers. */
static double body_flops(const ModelConfig *c)
{
    return transformer_flops(c, 1, 0);
}

static double head_flops(const ModelConfig *c)
{
    return 2.0 * c->width * c->vocab;
}

/* --- gemm, attention --- */

static bool block(Tensor *t, int rows, int cols, Err *err)
{
    *t = tensor(mem_big((size_t)rows * (size_t)cols, sizeof(float), "a measurement", err), rows, cols);
    for (size_t i = 0; t->at && i < tensor_count(*t); i++)
        t->at[i] = (float)(i % 17) * 0.01f;
    return t->at != NULL;
}

/* The products of one layer and of a piece of the head at 512 rows; single shapes go to the detail. */
static bool bench_gemm(Bench *b, Measured *out, Err *err)
{
    enum { ROWS = 512 };
    static const ModelConfig small = {.width = 576, .heads = 9, .kv_heads = 3, .head_dim = 64, .ffn = 1536};
    Product p[PRODUCTS];
    speed_products(p, b->model ? &b->model->config : &small);
    json_t *list = json_array();
    *out = (Measured){.items = 1, .tokens = ROWS};
    for (int i = 0; i < PRODUCTS; i++) {
        double flops = 2.0 * ROWS * p[i].n * p[i].k;
        if (!speed_measure(&p[i], b->device, ROWS, false, err))
            return false;
        out->seconds += p[i].seconds * p[i].times;
        out->flops += flops * p[i].times;
        json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:f}", "rows", ROWS, "columns", p[i].n, "inner", p[i].k,
                                              "gflops", flops / p[i].seconds * 1e-9));
    }
    json_object_set_new(b->detail, "shapes", list);
    return true;
}

/* Attention of one layer over one sequence of 512 tokens. */
static bool bench_attention(Bench *b, Measured *out, Err *err)
{
    enum { N = 512, TIMES = 20 };
    ModelConfig c = {.layers = 1, .heads = 9, .kv_heads = 3, .head_dim = 64};
    if (b->model)
        c.heads = b->model->config.heads, c.kv_heads = b->model->config.kv_heads,
        c.head_dim = b->model->config.head_dim;
    int Q = c.heads * c.head_dim, K = c.kv_heads * c.head_dim, path = 0;
    Tensor q, k, v, o, stats;
    size_t floats = kv_layer_floats(c.kv_heads, c.head_dim, N);
    KvSpan span = {.at = mem_big(floats, sizeof(float), "a measurement", err), .n = N, .cap = N};
    QueryRun run = {.n = N, .path = &path, .path_n = 1};
    Attention a = {.heads = c.heads,
                   .kv_heads = c.kv_heads,
                   .dim = c.head_dim,
                   .scale = 0.125f,
                   .spans = &span,
                   .runs = &run,
                   .n_runs = 1};
    bool ok = span.at && block(&q, N, Q, err) && block(&k, N, K, err) && block(&v, N, K, err) && block(&o, N, Q, err) &&
              block(&stats, N, 2 * c.heads, err);
    double start = clock_seconds();
    for (int i = 0; ok && i < TIMES; i++) {
        op_kv_store(b->device, &a, k, v);
        op_attention(b->device, o, stats, q, &a);
    }
    *out = (Measured){
        .seconds = (clock_seconds() - start) / TIMES, .items = 1, .tokens = N, .flops = 2.0 * Q * N * (N + 1)};
    if (ok) {
        Tensor *all[] = {&q, &k, &v, &o, &stats};
        for (int i = 0; i < COUNT(all); i++)
            mem_big_free(all[i]->at, tensor_count(*all[i]), sizeof(float));
    }
    mem_big_free(span.at, floats, sizeof(float));
    return ok;
}

/* --- label --- */

static bool bench_label(Bench *b, Measured *out, Err *err)
{
    Judge *j;
    int n = b->rows.n;
    if (!judge_open(&j, b->model, b->options->prompt, judge_defaults(CHAT_AUTO), err))
        return false;
    if (j->prompt->kind != JUDGE_PAIRWISE) {
        judge_free(j);
        err_set(err, ERR_INPUT, "the prompt %s judges one response at a time", b->options->prompt);
        return err_hint(err, "bench --workload label measures a prompt that compares two");
    }
    Question *q = mem_zalloc((size_t)n, sizeof *q);
    PairVerdict *verdict = mem_zalloc((size_t)n, sizeof *verdict);
    for (int i = 0; i < n; i++) {
        const RowView *v = &b->rows.row[i].view;
        q[i] = (Question){.where = "a row",
                          .context = context_lines(&v->context),
                          .first = v->response[0].text,
                          .second = v->response[1].text};
    }
    double start = clock_seconds();
    bool ok = judge_pairs(j, q, n, true, verdict, err);
    ScorerCost cost = judge_cost(j);
    *out = (Measured){.seconds = clock_seconds() - start,
                      .items = n,
                      .tokens = cost.tokens,
                      .flops = cost.computed * body_flops(&b->model->config) + 4.0 * n * head_flops(&b->model->config)};
    json_object_set_new(b->detail, "computed_tokens", json_real(cost.computed));
    json_object_set_new(b->detail, "first",
                        json_pack("[f, f]", verdict[0].order[0].verdict.logp[0], verdict[0].order[0].verdict.logp[1]));
    for (int i = 0; i < n; i++)
        free((char *)(uintptr_t)q[i].context);
    free(verdict);
    free(q);
    judge_free(j);
    return ok;
}

/* --- generate --- */

static bool bench_generate(Bench *b, Measured *out, Err *err)
{
    bool chat;
    int n = b->rows.n;
    if (!render_chat(b->model, (ChatMode)b->options->chat, &chat, err))
        return false;
    Ids *prompt = mem_zalloc((size_t)n, sizeof *prompt);
    Response *r = mem_zalloc((size_t)n, sizeof *r);
    Sampling how = {
        .temperature = 0.9, .top_p = 1, .greedy = b->options->greedy, .max_new_tokens = b->options->max_new_tokens};
    double prompts = 0, made = 0;
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        ok = render_context(b->model, &b->rows.row[i].view.context, chat, &prompt[i], err);
        r[i] = (Response){.prompt = prompt[i].id,
                          .n_prompt = prompt[i].n,
                          .key = {.purpose = RNG_SAMPLE, .row = b->rows.row[i].identity}};
        prompts += prompt[i].n;
    }
    double start = clock_seconds();
    ok = ok && generate(b->model, r, n, &how, NULL, NULL, err);
    double seconds = clock_seconds() - start;
    for (int i = 0; i < n; i++) {
        made += r[i].ids.n;
        ids_release(&prompt[i]);
        response_release(&r[i]);
    }
    const ModelConfig *c = &b->model->config;
    *out = (Measured){.seconds = seconds,
                      .items = n,
                      .tokens = made,
                      .flops = (prompts + made) * body_flops(c) + made * head_flops(c)};
    json_object_set_new(b->detail, "prompt_tokens", json_real(prompts));
    free(prompt);
    free(r);
    return ok;
}

/* --- reward --- */

static TrainOptions training_of(const BenchOptions *o)
{
    return (TrainOptions){.optimizer = o->optimizer, .lr = 1e-5, .clip = 1};
}

static bool bench_reward(Bench *b, Measured *out, Err *err)
{
    RewardOptions o = {.train = training_of(b->options),
                       .model = b->options->model,
                       .batch = b->options->batch,
                       .epochs = 1,
                       .chat = b->options->chat};
    RewardTraining *t;
    if (!reward_training_open(&t, &o, b->device, &b->rows, err))
        return false;
    int n = reward_training_items(t), pairs = 0, *order = mem_alloc((size_t)n, sizeof *order);
    double tokens = 0, computed = 0, loss = 0;
    for (int i = 0; i < n; i++) {
        int all, some;
        pairs += reward_training_tokens(t, i, &all, &some);
        tokens += all;
        computed += some;
        order[i] = i;
    }
    bool ok = true;
    double start = clock_seconds();
    for (int i = 0, end = 0; ok && i < n; i = end) {
        int all, some;
        for (int held = 0; end < n && held < o.batch; end++) /* pairs, as the stage counts them */
            held += reward_training_tokens(t, end, &all, &some);
        ok = reward_training_step(t, order + i, end - i, &loss, err);
    }
    *out = (Measured){.seconds = clock_seconds() - start,
                      .items = pairs,
                      .tokens = tokens,
                      .flops = 3 * computed * body_flops(&b->model->config)};
    json_object_set_new(b->detail, "computed_tokens", json_real(computed));
    free(order);
    reward_training_free(t);
    return ok;
}

/* --- rl --- */

/* Free to compute: the number of letters e. */
static double letters_e(const char *text)
{
    double n = 0;
    for (; *text; text++)
        n += *text == 'e';
    return n;
}

static bool bench_rl(Bench *b, Measured *out, Err *err)
{
    const BenchOptions *w = b->options;
    RlOptions o = {.common = w->common,
                   .train = training_of(w),
                   .model = w->model,
                   .baseline = w->baseline,
                   .value = VALUE_OWN,
                   .chat = w->chat,
                   .steps = w->steps,
                   .batch = w->batch,
                   .samples = w->samples,
                   .max_new_tokens = w->max_new_tokens,
                   .beta = 0.05,
                   .temperature = 0.9,
                   .top_p = 1,
                   .epochs = 1};
    Rl *rl;
    Work work = {.device = b->device, .common = &o.common};
    if (!rl_open(&rl, &o, &work, &b->rows, letters_e, err))
        return false;
    Needs needs = {0};
    bool ok = rl_needs(rl, &needs, err);
    double tokens = 0, planned = needs_bytes(&needs), start = clock_seconds();
    for (int i = 0; ok && i < w->steps; i++) {
        StepStats s;
        ok = rl_step(rl, NULL, &s, err);
        tokens += s.tokens * w->batch * w->samples;
    }
    *out = (Measured){.seconds = clock_seconds() - start, .items = w->steps, .tokens = tokens};
    json_object_set_new(b->detail, "seconds_per_step", json_real(out->seconds / w->steps));
    json_object_set_new(b->detail, "planned_bytes", json_integer((json_int_t)planned));
    rl_free(rl);
    return ok;
}

/* --- where the time went --- */

/* A line of the table, and its object. */
static json_t *profile_row(const char *name, long long calls, double seconds, double share, double flops)
{
    double rate = flops > 0 ? flops / seconds * 1e-9 : 0;
    printf("%-16s %9lld %9.3f %6.1f %%", name, calls, seconds, 100 * share);
    if (flops > 0)
        printf(" %9.0f", rate);
    printf("\n");
    return json_pack("{s:s, s:I, s:f, s:f, s:o}", "op", name, "calls", (json_int_t)calls, "seconds", seconds, "share",
                     share, "gflops", flops > 0 ? json_real(rate) : json_null());
}

/* Operations by their time, and what was spent outside of them. */
static json_t *print_profile(const Profile *p, double seconds)
{
    json_t *list = json_array();
    bool listed[PROFILED_OPS] = {false};
    double within = 0;
    for (int i = 0; i < PROFILED_OPS; i++)
        within += p->op[i].seconds;
    double all = within > seconds ? within : seconds; /* gemm and attention count one of many rounds */
    printf("%-16s %9s %9s %8s %9s\n", "operation", "calls", "seconds", "share", "GFLOP/s");
    for (;;) {
        int most = -1;
        for (int i = 0; i < PROFILED_OPS; i++)
            if (!listed[i] && p->op[i].calls && (most < 0 || p->op[i].seconds > p->op[most].seconds))
                most = i;
        if (most < 0)
            break;
        listed[most] = true;
        json_array_append_new(list, profile_row(profiled_name[most], p->op[most].calls, p->op[most].seconds,
                                                p->op[most].seconds / all, p->op[most].flops));
    }
    json_array_append_new(list, profile_row("(the rest)", 0, all - within, 1 - within / all, 0));
    return list;
}

/* --- the command --- */

static const struct {
    bool (*run)(Bench *b, Measured *out, Err *err);
    const char *items;
    RowNeed need;
    bool rows, weights; /* reads rows; uses the bench's own model, not only its shapes */
} workloads[] = {
    [BENCH_GEMM] = {bench_gemm, "layers", NEED_PROMPT, false, false},
    [BENCH_ATTENTION] = {bench_attention, "sequences", NEED_PROMPT, false, false},
    [BENCH_LABEL] = {bench_label, "pairs", NEED_PAIR, true, true},
    [BENCH_GENERATE] = {bench_generate, "responses", NEED_PROMPT, true, true},
    [BENCH_REWARD] = {bench_reward, "pairs", NEED_PAIR, true, false},
    [BENCH_RL] = {bench_rl, "steps", NEED_PROMPT, true, false},
};

static bool open_inputs(Bench *b, Err *err)
{
    const BenchOptions *o = b->options;
    if (workloads[o->workload].rows && (!o->input || !o->model))
        return err_set(err, ERR_USAGE, "command line: this workload needs --model and --input");
    if (o->model && !(workloads[o->workload].weights ? model_load(&b->model, o->model, b->device, HEAD_LM, err)
                                                     : model_load_text(&b->model, o->model, 0, err)))
        return false;
    if (b->model)
        b->model->date = o->common.date;
    return !o->input || !workloads[o->workload].rows ||
           (rows_read(&b->rows, o->input, 0, false, err) &&
            rows_view(&b->rows, workloads[o->workload].need, false, err));
}

static bool repeat(Bench *b, Measured *best, json_t *seconds, Err *err)
{
    for (int i = 0; i < b->options->repeat; i++) {
        Measured m = {0};
        Profile profile = {0};
        b->device->profile = b->options->profile ? &profile : NULL;
        bool ok = not_interrupted(err) && workloads[b->options->workload].run(b, &m, err) && device_ok(b->device, err);
        b->device->profile = NULL;
        if (!ok)
            return false;
        m.profile = profile;
        json_array_append_new(seconds, json_real(m.seconds));
        if (i == 0 || m.seconds < best->seconds)
            *best = m;
    }
    return true;
}

static void summarise(const Bench *b, const Measured *m, double peak, json_t *seconds, json_t *s)
{
    char name[64];
    const BenchOptions *o = b->options;
    json_object_set_new(s, "workload", json_string(options_choice(option_rows[0].choices, o->workload, name)));
    json_object_set_new(s, "items_per_s", json_real(m->items / m->seconds));
    json_object_set_new(s, "tokens_per_s", json_real(m->tokens / m->seconds));
    json_object_set_new(s, "gflops", m->flops > 0 ? json_real(m->flops / m->seconds * 1e-9) : json_null());
    json_object_set_new(s, "peak_gflops", json_real(peak));
    json_object_set_new(s, "share", m->flops > 0 ? json_real(m->flops / m->seconds * 1e-9 / peak) : json_null());
    json_object_set_new(s, "peak_rss_bytes", json_integer((json_int_t)mem_peak()));
    json_object_set_new(s, "seconds", seconds);
    json_object_set_new(s, "cpu", json_string(cpu_level_name(b->device->level)));
    json_object_set_new(s, "threads", json_integer(b->device->threads));
    json_object_update(s, b->detail);
    printf("%s: %.4g %s/s, %.4g tokens/s", name, m->items / m->seconds, workloads[o->workload].items,
           m->tokens / m->seconds);
    if (m->flops > 0)
        printf(", %.0f GFLOP/s = %.0f %% of %.0f", m->flops / m->seconds * 1e-9,
               100 * m->flops / m->seconds * 1e-9 / peak, peak);
    printf(" (%s, %d threads; the fastest of %d)\n", cpu_level_name(b->device->level), b->device->threads, o->repeat);
    if (o->profile)
        json_object_set_new(s, "profile", print_profile(&m->profile, m->seconds));
}

bool cmd_bench(Work *work, void *options, Err *err)
{
    Bench b = {.options = options, .device = work->device, .detail = json_object()};
    Measured best = {0};
    json_t *seconds = json_array();
    work->summary = json_object();
    bool ok = open_inputs(&b, err) && repeat(&b, &best, seconds, err);
    if (ok)
        summarise(&b, &best, device_peak_gflops(b.device), seconds, work->summary);
    else
        json_decref(seconds);
    json_decref(b.detail);
    model_free(b.model);
    rows_release(&b.rows);
    return ok;
}
