/* Training learns what it is given: a reward model a planted preference, a policy a known reward. */
#include "rlaif/learn/reward.h"
#include "rlaif/rl/rl.h"
#include "training.h"

#include "base/mem.h"
#include "base/real.h"

/* --- a planted preference ----------------------------------------------------------------------------------------- */

/* A response is words, each with a worth; a pair's label is the logistic function of the difference of their sums. */
static const struct {
    const char *text;
    double worth;
} words[] = {{"the", 0.9}, {"k", -0.7}, {"s", 0.4}, {"i", -0.2}, {"b", 0}, {"a", 0}};

enum { TRAINED = 1600, HELD = 1000, WORDS = 12 };

typedef struct Planted {
    double p[HELD]; /* of the held-out pairs */
} Planted;

static double add_response(Str *out, uint64_t pair, int which)
{
    double sum = 0;
    for (int w = 0; w < WORDS; w++) {
        RngKey key = {.seed = 1, .purpose = RNG_TEST, .row = pair, .sample = (uint32_t)which};
        int at = (int)rng_below(key, (uint64_t)w, COUNT(words));
        str_addf(out, "%s%s", w ? " " : "", words[at].text);
        sum += words[at].worth;
    }
    return sum;
}

/* Pairs first .. first + n - 1 into a file; their labels into p where it is not NULL. */
static void plant(const Bench *b, const char *name, int first, int n, double *p)
{
    Str rows = {0};
    for (int i = 0; i < n; i++) {
        str_addf(&rows, "{\"id\": \"%d\", \"prompt\": \"%s\", \"responses\": [\"", first + i,
                 first < TRAINED ? "x" : "y");
        double one = add_response(&rows, (uint64_t)(first + i), 0);
        str_addf(&rows, "\", \"");
        double margin = one - add_response(&rows, (uint64_t)(first + i), 1), label = real_sigmoid(margin);
        str_addf(&rows, "\"], \"label\": {\"p\": %.17g}", label);
        if (fabs(margin) > 1e-9) /* equal ones have no better one */
            str_addf(&rows, ", \"preferred\": %d", margin < 0);
        str_addf(&rows, "}\n");
        if (p)
            p[i] = label;
    }
    bench_put(b, name, &rows);
}

/* Mean |sigmoid(r(first) - r(second)) - p| over the held-out pairs, by the model as it was saved. */
static double distance_from_labels(Bench *b, const char *dir, const char *file, const double *p)
{
    Err err = {0};
    RewardModel *r;
    Rows rows;
    double sum = 0, reward[2];
    char *path = bench_path(b, file), *model = bench_path(b, dir);
    need_ok(rows_read(&rows, path, 0, false, &err) && rows_view(&rows, NEED_PAIR, false, &err) &&
                reward_model_open(&r, model, b->work.device, CHAT_DATE, CHAT_AUTO, &err),
            &err);
    for (int i = 0; i < rows.n; i++) {
        Ids ids[2] = {{0}};
        int from;
        for (int k = 0; k < 2; k++)
            need_ok(render_whole(r->model, &rows.row[i].view, k, r->chat, &ids[k], &from, &err), &err);
        Sequence seq[2] = {{ids[0].id, ids[0].n}, {ids[1].id, ids[1].n}};
        need_ok(reward_model_score(r, seq, 2, reward, &err), &err);
        sum += fabs(real_sigmoid(r->scale * (reward[0] - reward[1])) - p[i]);
        ids_release(&ids[0]);
        ids_release(&ids[1]);
    }
    sum /= rows.n;
    rows_release(&rows);
    reward_model_free(r);
    free(path);
    free(model);
    return sum;
}

/* By all of the model, and by an adapter alone, whose rate is as much higher as is usual. */
static const struct Trained {
    const char *name, *lora, *lr;
} trained[] = {{"preference", "lora=0", "lr=3e-3"}, {"preference, an adapter", "lora=8", "lr=1e-2"}};

static void planted_preference(void **state)
{
    const struct Trained *way = *state;
    Bench b;
    Err err = {0};
    Planted *held = mem_alloc(1, sizeof *held);
    bench_open(&b, CPU_AUTO, 1);
    plant(&b, "train.jsonl", 0, TRAINED, NULL);
    plant(&b, "test.jsonl", TRAINED, HELD, held->p);
    need_ok(bench_run(&b, &reward_table, reward_stage, "learnt", &err, "pairs=@train.jsonl", "model=" TINY_LLAMA_DIR,
                      "output=@learnt", "labels=ai", "eval=@test.jsonl", "epochs=3", "batch=32", "schedule=cosine",
                      "optimizer=adamw", way->lora, way->lr, NULL),
            &err);
    double accuracy = bench_summary(&b, "eval_accuracy");
    double distance = distance_from_labels(&b, "learnt", "test.jsonl", held->p);
    print_message("%s: accuracy %.4f of %.0f pairs, mean distance from the labels %.4f\n", way->name, accuracy,
                  bench_summary(&b, "eval_pairs"), distance);
    assert_true(accuracy > 0.95);
    assert_true(distance <= 0.03);
    free(held);
    bench_end(&b);
}

/* --- a known reward -------------------------------------------------------------------------------------------------- */

/* The part of a response that is small letters. */
static double small_letters(const char *response)
{
    int letters = 0, n = 0;
    for (const char *c = response; *c; c++) {
        n += ((unsigned char)*c & 0xc0) != 0x80; /* characters, not bytes */
        letters += *c >= 'a' && *c <= 'z';
    }
    return n ? (double)letters / n : 0;
}

/* A way to learn, its options beside the common ones, and by how much the reward rises at least. */
typedef struct Way {
    const char *name, *model, *set[7];
    double rise;
} Way;

static const Way ways[] = {
    {"reward, baseline of the group", TINY_LLAMA_DIR, {"baseline=group", "samples=4", "batch=16"}, 0.2},
    {"reward, value network", TINY_LLAMA_DIR, {"value=own", "batch=64"}, 0.2},
    {"reward, value head", TINY_LLAMA_DIR, {"value=head", "batch=64"}, 0.2},
    {"reward, KL as a loss", TINY_LLAMA_DIR, {"kl=loss", "value=own", "batch=64"}, 0.2},
    {"reward, another architecture", "tests/fixtures/tiny-gemma3", {"baseline=group", "samples=4", "batch=16"}, 0.2},
    /* Adapters cannot change the head, whose numbers are random here: they get less far. */
    {"reward, an adapter",
     TINY_LLAMA_DIR,
     {"baseline=group", "samples=4", "batch=16", "lora=8", "lr=6e-3", "steps=160", "schedule=cosine"},
     0.1},
    {"reward, an adapter and its value's",
     TINY_LLAMA_DIR,
     {"value=own", "batch=64", "lora=8", "lr=6e-3", "steps=160", "schedule=cosine"},
     0.1},
};

static RlOptions *options_of(const Way *w)
{
    static const char *const common[] = {"max-new-tokens=8", "beta=0.05",       "temperature=1",
                                         "steps=80",         "optimizer=adamw", "lr=2e-3"};
    Err err = {0};
    RlOptions *o = options_new(&rl_table);
    options_put(&rl_table, o, "model", w->model);
    for (int i = 0; i < COUNT(common) + COUNT(w->set); i++) {
        const char *set = i < COUNT(common) ? common[i] : w->set[i - COUNT(common)];
        if (!set)
            break;
        char *key = mem_strn(set, (size_t)(strchr(set, '=') - set));
        need_ok(options_set(&rl_table, o, key, strchr(set, '=') + 1, "test", &err), &err);
        free(key);
    }
    return o;
}

/* Means over some steps. */
typedef struct Level {
    double reward, kl, explained;
} Level;

static void add_step(Level *l, const StepStats *s, int of)
{
    l->reward += s->reward / of;
    l->kl += s->kl / of;
    l->explained += s->gradients.explained_variance / of;
}

/* What is maximised: (1 - beta) R - beta KL. */
static double objective(const Level *l, double beta)
{
    return (1 - beta) * l->reward - beta * l->kl;
}

/* Every step's KL stays below 10 nats. The first and the last steps: */
static void learn(const Way *w, RlOptions *o, Level *before, Level *after)
{
    enum { ENDS = 6 };
    Bench b;
    Err err = {0};
    Rl *rl;
    Rows rows;
    bench_open(&b, CPU_AUTO, 1);
    char *prompts = bench_path(&b, "prompts.jsonl");
    *before = *after = (Level){0};
    need_ok(rows_read(&rows, prompts, 0, false, &err) && rows_view(&rows, NEED_PROMPT, false, &err) &&
                rl_open(&rl, o, &b.work, &rows, small_letters, &err),
            &err);
    for (int i = 0; i < o->steps; i++) {
        StepStats s;
        need_ok(rl_step(rl, NULL, &s, &err), &err);
        if (!(s.kl <= 10))
            fail_msg("%s: a KL of %g in step %d", w->name, s.kl, i);
        if (i < ENDS)
            add_step(before, &s, ENDS);
        if (i >= o->steps - ENDS)
            add_step(after, &s, ENDS);
    }
    rl_free(rl);
    rows_release(&rows);
    free(prompts);
    bench_end(&b);
}

static void known_reward(void **state)
{
    const Way *w = *state;
    RlOptions *o = options_of(w);
    Level before, after;
    learn(w, o, &before, &after);
    double gain = objective(&after, o->beta) - objective(&before, o->beta);
    print_message("%s: %.3f to %.3f, KL %.2f, objective up by %.3f\n", w->name, before.reward, after.reward, after.kl,
                  gain);
    assert_true(after.reward > before.reward + w->rise);
    assert_true(after.kl >= 0.1 && after.kl <= 10);
    assert_true(gain > 0.05);
    assert_true(o->baseline != BASELINE_VALUE || after.explained > 0);
    options_free(&rl_table, o);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT(trained) + COUNT(ways)];
    for (int i = 0; i < COUNT(trained); i++)
        tests[i] = (struct CMUnitTest){
            .name = trained[i].name, .test_func = planted_preference, .initial_state = (void *)(uintptr_t)&trained[i]};
    for (int i = 0; i < COUNT(ways); i++)
        tests[COUNT(trained) + i] = (struct CMUnitTest){
            .name = ways[i].name, .test_func = known_reward, .initial_state = (void *)(uintptr_t)&ways[i]};
    return cmocka_run_group_tests_name("learns", tests, NULL, NULL);
}
