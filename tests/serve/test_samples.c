/* The sample browser: which rows a page has, and where its links lead. */
#include "serve_helpers.h"

/* A stage of many samples, and one of training with rollouts of steps 1 and 2; some text is longer than a page shows. */
static void add_stages(Bench *b)
{
    Err err = {0};
    Str row = {0};
    Store *store;
    int64_t id;
    bool done;
    StageFound found;
    char *path = path_join(b->folder, "store.sqlite"), said[45][20];
    const char *response[COUNT(said)];
    json_t *empty = json_object();
    for (int i = 0; i < COUNT(said); i++) {
        snprintf(said[i], sizeof said[i], "answer-%d.", i + 1);
        response[i] = said[i];
    }
    str_add(&row, "{\"prompt\": \"p\", \"response\": \"x"); /* the page's cut would fall within a character */
    for (int i = 0; i < 15000; i++)
        str_add(&row, "\xc3\xa4");
    str_add(&row, "\"}");
    need_ok(store_open(&store, path, &err), &err);
    put_stage(store, "a & b", response, COUNT(response));
    need_ok(store_stage_begin(store, "rl", "rl", "rl", empty, &id, &found, &done, &err) &&
                store_rollout(store, id, 1, 0, "{\"prompt\": \"p\", \"response\": \"said-early\", \"reward\": 0.5}",
                              &err) &&
                store_rollout(store, id, 2, 0, "{\"prompt\": \"p\", \"response\": \"said-late\", \"reward\": 0.75}",
                              &err) &&
                store_rollout(store, id, 2, 1, str_text(&row), &err),
            &err);
    store_close(store);
    json_decref(empty);
    str_release(&row);
    free(path);
}

/* What a page has, and what it has not. */
typedef struct PageCase {
    const char *path, *has[8], *has_not[4];
} PageCase;

static void need_pages(Site *site, const PageCase *c, int n)
{
    for (; n > 0; n--, c++) {
        char *page = get(site, c->path);
        for (int i = 0; c->has[i]; i++)
            if (!strstr(page, c->has[i]))
                fail_msg("%s: there is no %s", c->path, c->has[i]);
        for (int i = 0; c->has_not[i]; i++)
            if (strstr(page, c->has_not[i]))
                fail_msg("%s: there is %s", c->path, c->has_not[i]);
        free(page);
    }
}

static void rows_by_page(void **state)
{
    (void)state;
    static const PageCase cases[] = {
        {"/", {"/samples?stage=a%20%26%20b", "/samples?stage=rl"}, {NULL}},
        {"/samples?stage=a%20%26%20b",
         {"rows 1 to 20 of 45", "answer-1.", "answer-20.", "/samples?stage=a%20%26%20b&amp;from=20"},
         {"answer-21.", "from=0"}},
        {"/samples?stage=a%20%26%20b&from=20",
         {"rows 21 to 40 of 45", "answer-21.", "answer-40.", "from=0\"", "from=40\""},
         {"answer-20.", "answer-41."}},
        {"/samples?stage=a%20%26%20b&from=40", {"rows 41 to 45 of 45", "answer-45.", "from=20\""}, {"from=60"}},
    };
    Bench b;
    bench_begin(&b);
    add_stages(&b);
    need_pages(b.site, cases, COUNT(cases));
    bench_end(&b);
}

static void rollouts_by_step(void **state)
{
    (void)state;
    static const PageCase cases[] = {
        {"/samples?stage=rl",
         {"rollouts of step 2 of 2", "said-late", "reward 0.75", "step=1\"", "\xc3\xa4 &hellip; <i>("},
         {"said-early", "step=3", "\xc3 &hellip;"}},
        {"/samples?stage=rl&step=1", {"rollouts of step 1 of 2", "said-early", "step=0\"", "step=2\""}, {"said-late"}},
    };
    Bench b;
    bench_begin(&b);
    add_stages(&b);
    need_pages(b.site, cases, COUNT(cases));
    bench_end(&b);
}

/* A step of many rollouts, and rows of many responses: a page has some, and says where the others are. */
static void large_steps(void **state)
{
    (void)state;
    enum { ROLLOUTS = 45, RESPONSES = 30 };
    static const PageCase cases[] = {
        {"/samples?stage=big",
         {"rollouts of step 4 of 4", "rollouts 1 to 20 of 45", "said-1.", "said-20.", "step=4&amp;from=20\"",
          "step=3\""},
         {"said-21.", "from=0"}},
        {"/samples?stage=big&step=4&from=40",
         {"rollouts 41 to 45 of 45", "said-45.", "step=4&amp;from=20\""},
         {"said-40.", "from=60"}},
        {"/samples?stage=wide",
         {"of-a-16.", "of-b-16.", "one-16.", "14 more responses"},
         {"of-a-17.</div>", "of-b-17.</div>", "one-17.</div>"}},
    };
    Bench b;
    Err err = {0};
    Store *store;
    int64_t id;
    bool done;
    StageFound found;
    bench_begin(&b);
    char *path = path_join(b.folder, "store.sqlite");
    json_t *empty = json_object(), *one = json_array(), *of_a = json_array(), *of_b = json_array();
    for (int i = 1; i <= RESPONSES; i++) {
        json_array_append_new(one, json_sprintf("one-%d.", i));
        json_array_append_new(of_a, json_sprintf("of-a-%d.", i));
        json_array_append_new(of_b, json_sprintf("of-b-%d.", i));
    }
    need_ok(store_open(&store, path, &err) &&
                store_stage_begin(store, "big", "rl", "big", empty, &id, &found, &done, &err),
            &err);
    for (int i = 0; i < ROLLOUTS; i++) {
        char row[80];
        snprintf(row, sizeof row, "{\"prompt\": \"p\", \"response\": \"said-%d.\"}", i + 1);
        need_ok(store_rollout(store, id, 4, i, row, &err), &err);
    }
    json_t *wide = json_pack("{s:s, s:o, s:o, s:o}", "prompt", "p", "responses", one, "a", of_a, "b", of_b);
    char *text = json_text(wide);
    need_ok(store_stage_begin(store, "wide", "sample", "wide", empty, &id, &found, &done, &err) &&
                store_item_put(store, id, "key", 0, text, &err),
            &err);
    store_close(store);
    need_pages(b.site, cases, COUNT(cases));
    json_decref(wide);
    json_decref(empty);
    free(text);
    free(path);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_by_page), cmocka_unit_test(rollouts_by_step),
                                       cmocka_unit_test(large_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
