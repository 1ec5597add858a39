/* A planted judge end to end: behind an endpoint, it prefers the shorter of two replies with a known probability. Labels
 * recover that, a reward model learns it, reinforcement learning shortens replies, and controlling a win rate for length
 * shows that nothing but length was won. */
#include "endpoint_helpers.h"
#include "rlaif/eval/eval.h"
#include "rlaif/label/label.h"
#include "rlaif/label/score.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/rl/rl.h"
#include "training.h"

#include <math.h>

static const double PLANTED = 0.8;

enum { DEMOS = 120, PAIRS = 1000, HELD_PAIRS = 150, PROMPTS = 16, HELD = 40, MOST_WORDS = 8 };

static const char pairwise[] = "name: which\nkind: pairwise\nchat: false\n"
                               "item: \"{context}|{response_1}|{response_2}\\n\"\n"
                               "ending: \"Best=\"\nanswers: [\"1\", \"2\"]\n";

static const char *const words[] = {"the", "may", "and", "day", "was", "all", "few", "one"};

/* One to eight words. */
static void add_reply(Str *out, uint64_t row, int which)
{
    RngKey key = {.seed = 3, .purpose = RNG_TEST, .row = row, .sample = (uint32_t)which};
    int n = 1 + (int)rng_below(key, 0, MOST_WORDS);
    for (int w = 0; w < n; w++)
        str_addf(out, "%s%s", w ? " " : "", words[rng_below(key, (uint64_t)w + 1, COUNT(words))]);
}

static void put_pairs(const Bench *b, const char *name, int first, int n)
{
    Str s = {0};
    for (int i = first; i < first + n; i++) {
        Str reply[2] = {{0}};
        add_reply(&reply[0], (uint64_t)i, 0);
        add_reply(&reply[1], (uint64_t)i, 1);
        str_addf(&s, "{\"prompt\": \"Say %d\", \"responses\": [\"%s\", \"%s\"]", i, str_text(&reply[0]),
                 str_text(&reply[1]));
        if (reply[0].n != reply[1].n) /* what the judge would choose */
            str_addf(&s, ", \"preferred\": %d", reply[0].n > reply[1].n);
        str_addf(&s, "}\n");
        str_release(&reply[0]);
        str_release(&reply[1]);
    }
    bench_put(b, name, &s);
}

static void put_inputs(const Bench *b)
{
    Str demos = {0}, prompts = {0}, held = {0};
    for (int i = 0; i < DEMOS; i++) {
        str_addf(&demos, "{\"prompt\": \"Say %d\", \"completion\": \"", 5000 + i);
        add_reply(&demos, (uint64_t)i + 5000, 0);
        str_add(&demos, "\"}\n");
    }
    for (int i = 0; i < PROMPTS; i++)
        str_addf(&prompts, "{\"prompt\": \"Say %d\"}\n", 6000 + i);
    for (int i = 0; i < HELD; i++)
        str_addf(&held, "{\"prompt\": \"Say %d\"}\n", 7000 + i);
    bench_put(b, "demos.jsonl", &demos);
    bench_put(b, "prompts.jsonl", &prompts);
    bench_put(b, "held.jsonl", &held);
    bench_write(b, "which.yaml", pairwise);
    put_pairs(b, "pairs.jsonl", 0, PAIRS);
    put_pairs(b, "test.jsonl", PAIRS, HELD_PAIRS);
}

/* Every label is the planted probability, on the side of the shorter reply. */
static void check_labels(Bench *b)
{
    Err err = {0};
    Rows rows;
    need_ok(stage_read_rows(&b->work, "stage:label", 0, NEED_PAIR, false, &rows, &err), &err);
    assert_int_equal(rows.n, PAIRS);
    for (int i = 0; i < rows.n; i++) {
        const RowView *v = &rows.row[i].view;
        size_t x = strlen(v->response[0].text), y = strlen(v->response[1].text);
        double p = json_number_of(json_object_get(rows.row[i].json, "label"), "p", -1), wanted = x < y   ? PLANTED
                                                                                                 : x > y ? 1 - PLANTED
                                                                                                         : 0.5;
        if (fabs(p - wanted) > 1e-12)
            fail_msg("row %d: %.17g, not %.17g", i, p, wanted);
    }
    rows_release(&rows);
}

/* Mean sigmoid(r(shorter) - r(longer)) over the held-out pairs, by the reward model as it was saved. The judge's preference
 * is the same however much shorter a reply is; a difference of rewards cannot say that, but where the loss is least, the
 * mean weighted by the difference of lengths is the judge's. */
static double preference_of_shorter(Bench *b)
{
    Err err = {0};
    RewardModel *r;
    Rows rows;
    double sum = 0, weights = 0, reward[2];
    char *path = bench_path(b, "test.jsonl"), *model = bench_path(b, "reward");
    need_ok(rows_read(&rows, path, 0, false, &err) && rows_view(&rows, NEED_PAIR, false, &err) &&
                reward_model_open(&r, model, b->work.device, CHAT_DATE, CHAT_AUTO, &err),
            &err);
    for (int i = 0; i < rows.n; i++) {
        const RowView *v = &rows.row[i].view;
        Ids ids[2] = {{0}};
        int from;
        for (int k = 0; k < 2; k++)
            need_ok(render_whole(r->model, v, k, r->chat, &ids[k], &from, &err), &err);
        Sequence seq[2] = {{ids[0].id, ids[0].n}, {ids[1].id, ids[1].n}};
        need_ok(reward_model_score(r, seq, 2, reward, &err), &err);
        if (v->preferred >= 0) {
            double w = fabs((double)strlen(v->response[0].text) - (double)strlen(v->response[1].text));
            sum += w * real_sigmoid(r->scale * (reward[v->preferred] - reward[1 - v->preferred]));
            weights += w;
        }
        ids_release(&ids[0]);
        ids_release(&ids[1]);
    }
    rows_release(&rows);
    reward_model_free(r);
    free(path);
    free(model);
    return sum / weights;
}

/* A bench with an endpoint. */
typedef struct Elsewhere {
    Bench bench;
    Endpointed planted;
    Server *server;
    char *endpoint; /* "endpoint=URL" */
} Elsewhere;

static Elsewhere *elsewhere_new(void)
{
    Elsewhere *e = mem_zalloc(1, sizeof *e);
    Err err = {0};
    e->planted = (Endpointed){.shorter = PLANTED};
    e->server = server_start(planted_endpoint, &e->planted);
    e->endpoint = mem_printf("endpoint=%s", server_address(e->server));
    bench_open(&e->bench, CPU_AUTO, 1);
    put_inputs(&e->bench);
    need_ok(bench_run(&e->bench, &sft_table, sft_stage, "sft", &err, "data=@demos.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@sft", "epochs=4", "batch=8", "lr=5e-3", "optimizer=adamw", NULL),
            &err);
    return e;
}

static void elsewhere_free(Elsewhere *e)
{
    bench_end(&e->bench);
    server_stop(e->server);
    endpointed_release(&e->planted);
    free(e->endpoint);
    free(e);
}

/* Replies of both policies to the held-out prompts, and the planted judge's choice between them. */
static json_t *compare(Elsewhere *e)
{
    Err err = {0};
    static const char *const sides[][2] = {{"before", "model=@sft"}, {"after", "model=@policy"}};
    for (int i = 0; i < 2; i++)
        need_ok(bench_run(&e->bench, &sample_table, sample_stage, sides[i][0], &err, "prompts=@held.jsonl", sides[i][1],
                          "n=4", "max-new-tokens=24", NULL),
                &err);
    need_ok(bench_run(&e->bench, &winrate_table, winrate_stage, "winrate", &err, "a=stage:after", "b=stage:before",
                      "prompt=@which.yaml", e->endpoint, "api-model=planted", NULL),
            &err);
    return json_array_get(json_object_get(e->bench.work.summary, "results"), 0);
}

static void planted_preference(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Bench *b = &e->bench;
    Err err = {0};
    need_ok(bench_run(b, &label_table, label_stage, "label", &err, "pairs=@pairs.jsonl", "prompt=@which.yaml",
                      e->endpoint, "api-model=planted", NULL),
            &err);
    check_labels(b);
    need_ok(bench_run(b, &reward_table, reward_stage, "reward", &err, "pairs=stage:label", "model=@sft",
                      "output=@reward", "labels=ai", "eval=@test.jsonl", "epochs=4", "batch=16", "lr=3e-3",
                      "schedule=cosine", "optimizer=adamw", NULL),
            &err);
    double accuracy = bench_summary(b, "eval_accuracy"), learnt = preference_of_shorter(b);
    need_ok(bench_run(b, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=@sft", "reward=@reward",
                      "output=@policy", "baseline=group", "batch=8", "samples=4", "steps=16", "max-new-tokens=24",
                      "temperature=1", "lr=2e-4", "optimizer=adamw", NULL),
            &err);
    double before = bench_summary(b, "tokens_first"), after = bench_summary(b, "tokens_last");
    const json_t *won = compare(e);
    double rate = json_number_of(won, "win_rate", 0), controlled = json_number_of(won, "length_controlled", 0);
    print_message(
        "accuracy %.3f, mean preference of the shorter %.3f, tokens %.2f -> %.2f, win rate %.3f, controlled for "
        "length %.3f\n",
        accuracy, learnt, before, after, rate, controlled);
    assert_true(accuracy > 0.85);
    assert_true(fabs(learnt - PLANTED) < 0.05);
    assert_true(after < 0.8 * before);
    assert_true(json_number_value(json_array_get(json_object_get(won, "interval"), 0)) > 0.55);
    assert_true(fabs(controlled - 0.5) < 0.02);
    elsewhere_free(e);
}

/* A policy learns from a judge of one reply alone: the mean reward at first and in the end. */
static void learn_directly(Elsewhere *e, const char *prompt, const char *steps, const char *temperature, const char *lr,
                           double *before, double *after)
{
    Err err = {0};
    need_ok(bench_run(&e->bench, &rl_table, rl_stage, "rl", &err, "prompts=@prompts.jsonl", "model=@sft",
                      "output=@policy", e->endpoint, "api-model=planted", prompt, "baseline=group", "batch=8",
                      "samples=4", steps, "max-new-tokens=24", temperature, lr, "optimizer=adamw", "allow-length=true",
                      NULL),
            &err);
    *before = bench_summary(&e->bench, "reward_first");
    *after = bench_summary(&e->bench, "reward_last");
    print_message("%s: reward %.3f -> %.3f, %d requests\n", prompt, *before, *after, e->planted.asked);
}

/* The judge of one reply, against a text of twelve letters, is the reward itself; it scores, and gives verdicts. */
static void direct_reward(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Bench *b = &e->bench;
    Err err = {0};
    bench_write(b, "short.yaml",
                "name: short\nkind: verdict\nchat: false\nitem: \"{context}|{response}|twelve words\\n\"\n"
                "ending: \"Short?\"\nanswers: [\"1\", \"2\"]\n");
    double before, after;
    learn_directly(e, "prompt=@short.yaml", "steps=20", "temperature=1", "lr=5e-4", &before, &after);
    assert_true(after > before + 0.2 && after <= 0.6 + 1e-9); /* (0.8 - 0.2) / (0.8 + 0.2) at most */
    compare(e);
    need_ok(bench_run(b, &score_table, score_stage, "score", &err, "rows=stage:after", e->endpoint, "api-model=planted",
                      "prompt=@short.yaml", NULL),
            &err);
    double mean = bench_summary(b, "mean");
    need_ok(bench_run(b, &harmless_table, harmless_stage, "harmless", &err, "rows=stage:after", e->endpoint,
                      "api-model=planted", "prompt=@short.yaml", NULL),
            &err);
    const json_t *policy = json_array_get(json_object_get(b->work.summary, "policies"), 0);
    close_to(2 * json_number_of(policy, "mean_p", -1) - 1, mean, 1e-9);
    int asked = e->planted.asked;
    need_ok(bench_run(b, &winrate_table, winrate_stage, "alone", &err, "a=stage:after", "b=stage:before",
                      "prompt=@short.yaml", e->endpoint, "api-model=planted", NULL),
            &err);
    policy = json_object_get(b->work.summary, "endpoint");
    assert_true(json_number_of(policy, "kept", 0) >= 4 * HELD); /* those of the policy after were asked before */
    assert_int_equal(json_number_of(policy, "requests", -1), e->planted.asked - asked);
    elsewhere_free(e);
}

/* Of a reply against a text of twelve letters, what this judge would say of "is it shorter?" as log-odds. */
static double log_odds_of_shorter(const char *reply)
{
    size_t n = strlen(reply), against = strlen("twelve words");
    return n < against ? log(PLANTED / (1 - PLANTED)) : n > against ? -log(PLANTED / (1 - PLANTED)) : 0;
}

/* A checklist whose two items are both that question: K is twice its log-odds. */
static void write_brief(const Bench *b)
{
    bench_write(b, "brief.yaml",
                "name: brief\nkind: checklist\nchat: false\nitem: \"{context}|{response}|twelve words\\n\"\n"
                "answers: [\"1\", \"2\"]\nitems:\n  - {question: \"Short?\", ideal: \"1\"}\n"
                "  - {question: \"Brief?\", ideal: \"1\"}\n");
}

/* Labels recover it, and a policy learns to be
 * brief. */
static void planted_checklist(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Bench *b = &e->bench;
    Err err = {0};
    Rows rows;
    write_brief(b);
    need_ok(bench_run(b, &label_table, label_stage, "label", &err, "pairs=@test.jsonl", "prompt=@brief.yaml",
                      "method=pointwise", "label-temperature=2", e->endpoint, "api-model=planted", NULL),
            &err);
    need_ok(stage_read_rows(&b->work, "stage:label", 0, NEED_PAIR, false, &rows, &err), &err);
    for (int i = 0; i < rows.n; i++) {
        const RowView *v = &rows.row[i].view;
        double k[2] = {2 * log_odds_of_shorter(v->response[0].text), 2 * log_odds_of_shorter(v->response[1].text)};
        close_to(json_number_of(json_object_get(rows.row[i].json, "label"), "p", -1), real_sigmoid((k[0] - k[1]) / 2),
                 1e-9);
    }
    rows_release(&rows);
    double before, after;
    learn_directly(e, "prompt=@brief.yaml", "steps=16", "temperature=1", "lr=5e-4", &before, &after);
    assert_true(after > before + 0.5 && after <= 2 * log(PLANTED / (1 - PLANTED)) + 1e-9);
    elsewhere_free(e);
}

static const char terse[] = "name: terse\nkind: contrast\nitem: \"{context} {response}\"\nclip: 0.4\ngood: \"Good. \"\n"
                            "bad: \"Bad. \"\n";

/* The mean over a reply's words of what echoed_words gives them. */
static double contrast_of_words(const char *reply)
{
    double sum = 0;
    int n = 0;
    for (const char *c = reply; *c; n++) {
        size_t length = strcspn(c, " ");
        sum += length <= 3 ? 0.5 : -0.5;
        c += length;
        c += *c == ' ';
    }
    return n > 0 ? sum / n : 0;
}

/* Short words are what a good assistant writes: labels recover F. The policy writes few others: by the prompt turned it learns to. */
static void planted_contrast(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Bench *b = &e->bench;
    Err err = {0};
    Str turned = {0}, pairs = {0};
    Rows rows;
    str_addf(&turned, "%sflip: true\n", terse);
    bench_write(b, "terse.yaml", terse);
    bench_put(b, "wordy.yaml", &turned);
    for (int i = 0; i < 12; i++)
        str_addf(&pairs, "{\"prompt\": \"Say %d\", \"responses\": [\"%s\", \"%s\"]}\n", i,
                 i % 2 ? "the sea" : "nothing but words \xc3\xa9 to say", i % 3 ? "perhaps now" : "longer words");
    bench_put(b, "words.jsonl", &pairs);
    need_ok(bench_run(b, &label_table, label_stage, "label", &err, "pairs=@words.jsonl", "prompt=@terse.yaml",
                      "method=pointwise", "label-temperature=0.1", e->endpoint, "api-model=planted", NULL),
            &err);
    need_ok(stage_read_rows(&b->work, "stage:label", 0, NEED_PAIR, false, &rows, &err), &err);
    for (int i = 0; i < rows.n; i++) {
        const RowView *v = &rows.row[i].view;
        double f[2] = {0.8 * contrast_of_words(v->response[0].text), 0.8 * contrast_of_words(v->response[1].text)};
        const json_t *label = json_object_get(rows.row[i].json, "label");
        close_to(json_number_of(json_array_get(json_object_get(label, "scores"), 0), "reward", -9), f[0], 1e-9);
        close_to(json_number_of(label, "p", -1), real_sigmoid((f[0] - f[1]) / 0.1), 1e-9);
    }
    rows_release(&rows);
    double before, after;
    learn_directly(e, "prompt=@wordy.yaml", "steps=32", "temperature=1.5", "lr=1e-3", &before, &after);
    assert_true(after > before + 0.1 && after <= 0.4 + 1e-9);
    elsewhere_free(e);
}

/* --- a mix ---------------------------------------------------------------------------------------------- */

enum { MIXED = 3, MIXED_PAIRS = 600 };
static const double planted_weight[MIXED] = {1.0, -0.8, -0.6};

/* What the parts of mix.yaml say: brief.yaml, terse.yaml, log length. */
static void planted_numbers(const char *reply, double x[MIXED])
{
    x[0] = 2 * log_odds_of_shorter(reply);
    x[1] = 0.8 * contrast_of_words(reply);
    x[2] = log((double)strlen(reply));
}

/* Replies of short and long words, and a choice between each two with probability sigma(w . z), z the differences over the root
 * of their mean square. */
static void put_mixed_choices(const Bench *b)
{
    static const char *const mixed[] = {"the", "letters", "may", "garden", "day", "was", "weather", "one"};
    static char reply[MIXED_PAIRS][2][200];
    static double d[MIXED_PAIRS][MIXED];
    double scale[MIXED] = {0};
    Str out = {0};
    for (int i = 0; i < MIXED_PAIRS; i++) {
        double x[2][MIXED];
        for (int r = 0; r < 2; r++) {
            RngKey key = {.seed = 8, .purpose = RNG_TEST, .row = (uint64_t)i, .sample = (uint32_t)r};
            int n = 1 + (int)rng_below(key, 0, 5), at = 0;
            for (int w = 0; w < n; w++)
                at += snprintf(reply[i][r] + at, sizeof reply[i][r] - (size_t)at, "%s%s", w ? " " : "",
                               mixed[rng_below(key, (uint64_t)w + 1, COUNT(mixed))]);
            planted_numbers(reply[i][r], x[r]);
        }
        for (int c = 0; c < MIXED; c++) {
            d[i][c] = x[0][c] - x[1][c];
            scale[c] += d[i][c] * d[i][c] / MIXED_PAIRS;
        }
    }
    for (int i = 0; i < MIXED_PAIRS; i++) {
        double margin = 0;
        for (int c = 0; c < MIXED; c++)
            margin += planted_weight[c] * d[i][c] / sqrt(scale[c]);
        RngKey key = {.seed = 9, .purpose = RNG_TEST, .row = (uint64_t)i};
        str_addf(&out, "{\"prompt\": \"Say %d\", \"responses\": [\"%s\", \"%s\"], \"preferred\": %d}\n", i, reply[i][0],
                 reply[i][1], rng_uniform(key, 0) >= real_sigmoid(margin));
    }
    bench_put(b, "chosen.jsonl", &out);
}

/* Weights are recovered within their standard errors, and a policy learns from what was fitted. */
static void planted_mix(void **state)
{
    (void)state;
    Elsewhere *e = elsewhere_new();
    Bench *b = &e->bench;
    Err err = {0};
    write_brief(b);
    bench_write(b, "terse.yaml", terse);
    bench_write(b, "draft.yaml",
                "kind: mix\nparts:\n  - {prompt: brief.yaml}\n  - {prompt: terse.yaml}\n  - {log-length: true}\n");
    put_mixed_choices(b);
    need_ok(bench_run(b, &label_table, label_stage, "fit", &err, "fit=@chosen.jsonl", "prompt=@draft.yaml",
                      "output=@mix.yaml", e->endpoint, "api-model=planted", NULL),
            &err);
    const json_t *parts = json_object_get(b->work.summary, "parts");
    assert_int_equal(json_array_size(parts), MIXED);
    for (size_t c = 0; c < MIXED; c++) {
        const json_t *part = json_array_get(parts, c);
        double weight = json_number_of(part, "weight", NAN), error = json_number_of(part, "error", NAN);
        print_message("%s: %.3f +- %.3f, planted %.1f\n", json_text_of(part, "part"), weight, error, planted_weight[c]);
        assert_true(error > 0.02 && error < 0.3 && fabs(weight - planted_weight[c]) < 2.5 * error);
    }
    JudgePrompt *mix;
    char *path = bench_path(b, "mix.yaml");
    need_ok(judge_prompt_load(&mix, path, &err), &err);
    for (int c = 0; c < MIXED; c++) { /* six digits of them are in the file */
        close_to(mix->part[c].weight, json_number_of(json_array_get(parts, (size_t)c), "weight", NAN), 1e-5);
        close_to(mix->part[c].error, json_number_of(json_array_get(parts, (size_t)c), "error", NAN), 1e-5);
    }
    judge_prompt_free(mix);
    free(path);
    double before, after;
    learn_directly(e, "prompt=@mix.yaml", "steps=16", "temperature=1", "lr=5e-4", &before, &after);
    assert_true(after > before + 0.5);
    elsewhere_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(planted_preference), cmocka_unit_test(direct_reward),
                                       cmocka_unit_test(planted_checklist), cmocka_unit_test(planted_contrast),
                                       cmocka_unit_test(planted_mix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
