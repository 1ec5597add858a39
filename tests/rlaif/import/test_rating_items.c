/* What people are to rate: whose responses, which of them are one item, what is refused. */
#include "eval_helpers.h"
#include "rlaif/import/rating_items.h"
#include "rlaif/rows/rows.h"

/* A stage of samples: one response to one prompt. */
static int64_t put_sample(Store *store, const char *name, const char *identity, const char *prompt, bool done)
{
    Err err = {0};
    int64_t id = begin_stage(store, name, "sample", identity, NULL);
    json_t *empty = json_object();
    char *row = mem_printf("{\"prompt\": \"%s\", \"response\": \"by %s\"}", prompt, identity);
    need_ok(store_item_put(store, id, prompt, 0, row, &err) &&
                (!done || store_stage_end(store, id, NULL, empty, 0, &err)),
            &err);
    free(row);
    json_decref(empty);
    return id;
}

/* Without --samples: finished stages none of whose prompts was used, each once under whatever names. */
static void held_out(void **state)
{
    (void)state;
    Err err = {0};
    CommonOptions common = {0};
    RatingOptions o = {0};
    RatingItems items;
    Work w = work_new(&common);
    char hash[HASH_TEXT];
    Context used = {.text = (char *)(uintptr_t) "used"};
    const char *const hashes[] = {hash};
    context_hash(&used, hash);
    put_sample(w.store, "sft", "sft", "new", true);
    put_sample(w.store, "sft-again", "sft", "new", true);
    put_sample(w.store, "open", "open", "new", false);
    put_sample(w.store, "rl", "rl", "new", true);
    int64_t id = put_sample(w.store, "trained", "trained", "used", true),
            mixed = put_sample(w.store, "mixed", "mixed", "new", true);
    need_ok(store_contexts_put(w.store, id, TRAINED_ON, hashes, 1, &err) &&
                store_item_put(w.store, mixed, "used", 1, "{\"prompt\": \"used\", \"response\": \"by mixed\"}", &err),
            &err);
    need_ok(rating_items_read(&w, &o, RATING_RANK, 0, &items, &err), &err);
    assert_int_equal(items.n, 1);
    json_t *models = json_object_get(items.key[0], "models"), *wanted = json_pack("[s, s]", "sft", "rl");
    assert_true(json_equal(models, wanted));
    rating_items_release(&items);
    need_ok(rating_items_read(&w, &o, RATING_HARMLESS, 0, &items, &err), &err);
    assert_int_equal(items.n, 2);
    rating_items_release(&items);
    json_decref(wanted);
    work_free(&w);
}

/* Items of a file. */
static bool read_lines(const char *lines, RatingKind kind, RatingItems *out, Err *err)
{
    char *folder = make_folder(), *path = write_rows(folder, "rows.jsonl", lines);
    CommonOptions common = {0};
    RatingOptions o = {.samples = {&path, 1}};
    Work w = work_new(&common);
    *err = (Err){0};
    bool ok = rating_items_read(&w, &o, kind, 0, out, err);
    work_free(&w);
    free(path);
    remove_folder(folder);
    return ok;
}

/* What is the same to read is rated once; what is all equal is not ranked, and counted. */
static void rated_once(void **state)
{
    (void)state;
    static const char lines[] =
        "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\", \"a\"], \"models\": [\"x\", \"y\", \"z\"]}\n"
        "{\"prompt\": \"p\", \"responses\": [\"b\", \"a\"], \"models\": [\"x\", \"y\"]}\n"
        "{\"prompt\": \"q\", \"responses\": [\"c\", \"c\"], \"models\": [\"x\", \"y\"]}\n"
        "{\"prompt\": \"r\", \"responses\": [\"d\"], \"models\": [\"x\"]}\n";
    Err err;
    RatingItems items;
    need_ok(read_lines(lines, RATING_RANK, &items, &err), &err);
    assert_int_equal(items.n, 1);
    assert_int_equal(items.equal, 1);
    assert_int_equal(json_array_size(json_object_get(items.key[0], "texts")), 2);
    assert_int_equal(json_array_size(json_object_get(items.key[0], "models")), 3);
    rating_items_release(&items);
    need_ok(read_lines(lines, RATING_HARMLESS, &items, &err), &err);
    assert_int_equal(items.n, 4); /* a, b, c, d */
    rating_items_release(&items);
}

/* A judge's scores stay where each response has one, each with its own. */
static void scores(void **state)
{
    (void)state;
    static const struct {
        const char *score, *kept; /* of the rating */
    } cases[] = {{"[0.25, 0.75]", "[0.25, 0.75]"}, {"[0.25, null]", NULL}, {"0.5", "[0.5, 0.5]"}};
    json_t *said = json_pack("{s:s, s:[i, i]}", "rater", "ann", "ranks", 2, 1);
    for (int i = 0; i < COUNT(cases); i++) {
        Err err;
        RatingItems items;
        json_t *row;
        char *line = mem_printf(
            "{\"prompt\": \"p\", \"responses\": [\"a\", \"b\"], \"models\": [\"x\", \"y\"], \"score\": %s}\n",
            cases[i].score);
        need_ok(read_lines(line, RATING_RANK, &items, &err), &err);
        need_ok(rating_row(items.key[0], said, &row, &err), &err);
        const json_t *score = json_object_get(row, "score");
        char *text = score ? json_text(score) : NULL;
        assert_true(!text == !cases[i].kept);
        if (text)
            assert_string_equal(text, cases[i].kept);
        free(text);
        free(line);
        json_decref(row);
        rating_items_release(&items);
    }
    json_decref(said);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *words;
    } cases[] = {
        {"{\"prompt\": \"p\", \"responses\": [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\", \"10\"], "
         "\"models\": [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\", \"j\"]}\n",
         "more than 9 responses"},
        {"{\"prompt\": \"p\", \"responses\": [\"a\"]}\n", "no two policies' responses"},
    };
    Err err;
    RatingItems items;
    for (int i = 0; i < COUNT(cases); i++) {
        assert_false(read_lines(cases[i].lines, RATING_RANK, &items, &err));
        if (err.code != ERR_INPUT || !strstr(err.msg, cases[i].words))
            fail_msg("\"%s\" does not say \"%s\"", err.msg, cases[i].words);
    }
}

/* Two files of one name are two policies, which need names. */
static void one_name(void **state)
{
    (void)state;
    Err err = {0};
    CommonOptions common = {0};
    RatingItems items;
    Work w = work_new(&common);
    char *folder = make_folder(),
         *paths[] = {write_rows(folder, "a.jsonl", "{\"prompt\": \"p\", \"response\": \"1\"}\n"),
                     write_rows(folder, "a.json", "{\"prompt\": \"p\", \"response\": \"2\"}\n")},
         *named[] = {paths[0], mem_printf("b=%s", paths[1])};
    RatingOptions o = {.samples = {paths, 2}};
    assert_false(rating_items_read(&w, &o, RATING_RANK, 0, &items, &err));
    assert_non_null(strstr(err.msg, "two policies are called \"a\""));
    err = (Err){0};
    o.samples.item = named;
    need_ok(rating_items_read(&w, &o, RATING_RANK, 0, &items, &err), &err);
    assert_int_equal(items.n, 1);
    rating_items_release(&items);
    work_free(&w);
    remove_folder(folder);
    for (int i = 0; i < 2; i++)
        free(paths[i]);
    free(named[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(held_out), cmocka_unit_test(rated_once),
                                       cmocka_unit_test(scores), cmocka_unit_test(refused), cmocka_unit_test(one_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
