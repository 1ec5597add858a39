/* The dashboard: what stages came to in words and units, and the curves of one that is at work, which grow. */
#include "serve_helpers.h"

typedef struct Open {
    Bench bench;
    Store *store;
} Open;

static void begin(Open *o)
{
    Err err = {0};
    bench_begin(&o->bench);
    char *path = path_join(o->bench.folder, "store.sqlite");
    need_ok(store_open(&o->store, path, &err), &err);
    free(path);
}

static void end(Open *o)
{
    store_close(o->store);
    bench_end(&o->bench);
}

/* Begins a stage; with a summary it is done. */
static int64_t put(Open *o, const char *name, const char *kind, const char *options, const char *summary)
{
    Err err = {0};
    json_t *about = json_pack("{s:o}", "options", json_loads(options, 0, NULL)),
           *said = summary ? json_loads(summary, 0, NULL) : NULL;
    int64_t id = begin_stage(o->store, name, kind, name, about);
    if (summary) {
        assert_non_null(said);
        need_ok(store_stage_end(o->store, id, NULL, said, 150, &err), &err);
    }
    json_decref(about);
    json_decref(said);
    return id;
}

static void page_says(Open *o, const char *path, const char *const *words, const char *const *never)
{
    char *page = get(o->bench.site, path);
    for (; *words; words++)
        if (!strstr(page, *words))
            fail_msg("%s: there is no %s in %s", path, *words, page);
    for (; *never; never++)
        if (strstr(page, *never))
            fail_msg("%s: there is %s", path, *never);
    free(page);
}

static void words_and_units(void **state)
{
    (void)state;
    static const char *const words[] = {"reinforcement learning",
                                        "<div class=\"soft\">2 min</div>",
                                        "<span>2.6 GB planned</span>",
                                        "<span>2.5 GB taken</span>",
                                        "<span>reward 0.125 at first</span>",
                                        "<span>reward \xe2\x88\x92"
                                        "0.250 at the end</span>",
                                        "<span>16 steps</span>",
                                        "<span>1 pair</span>",
                                        "<span>95.0 % of the probability on the answers</span>",
                                        "<span>which 62.5 % of pairs won (50.0 to 75.0 %)</span>",
                                        "<span>tone +0.250 (0.125 to 0.375)</span>",
                                        "unheard of",
                                        NULL},
                             *const never[] = {"planned_bytes", "_", "2555018768", "unknown", NULL};
    Open o;
    begin(&o);
    put(&o, "rl", "rl", "{}",
        "{\"planned_bytes\": 2555018768, \"bytes\": 2500000000, \"steps\": 16, \"reward_first\": 0.125, \"reward_last\": "
        "-0.25, \"unknown_number\": 7}");
    put(&o, "label", "label", "{}", "{\"pairs\": 1, \"mass\": 0.95, \"prompt\": \"tone\", \"planned_seconds\": null}");
    put(&o, "eval", "eval winrate", "{}",
        "{\"results\": [{\"prompt\": \"which\", \"win_rate\": 0.625, \"win_rate_bootstrap\": [0.5, 0.75]}, {\"prompt\": "
        "\"tone\", \"gain\": 0.25, \"gain_interval\": [0.125, 0.375]}]}");
    put(&o, "other", "unheard of", "{}", "{\"some_field\": 3}");
    page_says(&o, "/now", words, never);
    end(&o);
}

static int points(Open *o, const char *caption)
{
    char *page = get(o->bench.site, "/now"), *at = strstr(page, caption);
    at = at ? strstr(at, "points=\"") : NULL;
    int n = 0;
    for (at = at ? at + strlen("points=\"") : NULL; at && *at != '"'; at++)
        n += *at == ',';
    free(page);
    return n;
}

/* Every step of a stage at work is a point of its curves; when it is done they are the report's. */
static void curves_grow(void **state)
{
    (void)state;
    static const char *const begun[] = {"<h2>rl: 2 of 16 steps</h2>", "<h2>sft: 2 steps so far</h2>",
                                        "<td class=\"figures\">2 of 16 steps</td>",
                                        "<td class=\"figures\">2 steps so far</td>", NULL},
                             *const never[] = {"<script", "<h2>idle", NULL}, *const nothing[] = {NULL},
                             *const over[] = {"<h2>rl", NULL}, *const page[] = {"<script>", "<div id=\"now\">", NULL};
    Err err = {0};
    Open o;
    begin(&o);
    int64_t rl = put(&o, "rl", "rl", "{\"steps\": 16}", NULL), sft = put(&o, "sft", "sft", "{}", NULL);
    put(&o, "idle", "sft", "{}", NULL); /* has nothing to draw yet */
    for (int step = 0; step < 2; step++)
        need_ok(store_metric(o.store, rl, step, "reward", 0.5 * step, &err) &&
                    store_metric(o.store, rl, step, "kl", step, &err) &&
                    store_metric(o.store, sft, step + 1, "loss", 3 - step, &err),
                &err);
    page_says(&o, "/now", begun, never);
    page_says(&o, "/", page, nothing);
    assert_int_equal(points(&o, "<figcaption>Reward, mean"), 2);
    assert_int_equal(points(&o, "<figcaption>KL to"), 2);
    assert_int_equal(points(&o, "<figcaption>Loss"), 2);
    need_ok(store_metric(o.store, rl, 2, "reward", 0.25, &err), &err);
    assert_int_equal(points(&o, "<figcaption>Reward, mean"), 3);
    need_ok(store_stage_end(o.store, rl, NULL, NULL, 1, &err), &err);
    page_says(&o, "/now", nothing, over);
    end(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_and_units), cmocka_unit_test(curves_grow)};
    return cmocka_run_group_tests_name("dashboard", tests, NULL, NULL);
}
