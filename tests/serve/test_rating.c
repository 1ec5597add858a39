/* People's ratings over HTTP: what pages show and hide, in which order, what is kept, and what becomes of it. */
#include "rating_helpers.h"

#include <signal.h>
#include <sys/wait.h>

/* --- what the pages hold -------------------------------------------------------------------------------- */

static void need_blind(const char *text)
{
    if (strstr(text, "zebra") || strstr(text, "okapi") || strstr(text, "models") || strstr(text, "score"))
        fail_msg("it says who wrote what: %s", text);
}

/* Neither page nor answer says who wrote what; an item's id is no word of it either, being a hash of the texts. */
static void blinded(void **state)
{
    (void)state;
    static const char *const kinds[] = {"rank", "harmless"};
    Bench b;
    bench_begin(&b);
    for (int k = 0; k < COUNT(kinds); k++) {
        char *path = mem_printf("/rate?kind=%s", kinds[k]), *page = get(b.site, path);
        json_t *data = page_data_of(page), *item;
        size_t i;
        need_blind(page);
        assert_int_equal(json_array_size(json_object_get(data, "items")), k == 0 ? 4 : 9);
        json_array_foreach(json_object_get(data, "items"), i, item) assert_int_equal(json_object_size(item), 3);
        item = json_array_get(json_object_get(data, "items"), 0);
        char *said = rating_text(kinds[k], item, "ann", k == 0 ? json_pack("[i, i]", 2, 1) : json_true());
        Answer a = post(b.site, said);
        need_blind(a.head);
        need_blind(a.body);
        need_status(a, 200);
        free(path);
        free(page);
        path = mem_printf("/ratings?kind=%s&rater=ann", kinds[k]);
        page = get(b.site, path);
        need_blind(page);
        free(said);
        free(path);
        free(page);
        json_decref(data);
    }
    bench_end(&b);
}

/* Blind, there are no pages that say more. */
static void blind_alone(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    b.options.blind = true;
    char *page = get(b.site, "/");
    need_blind(page);
    assert_non_null(strstr(page, "/rate?kind=rank"));
    assert_null(strstr(page, "/report"));
    need_status(ask(b.site, "GET /samples?stage=policy-zebra", "", NULL), 404);
    need_status(ask(b.site, "GET /report", "", NULL), 404);
    need_status(ask(b.site, "GET /now", "", NULL), 404);
    assert_null(strstr(page, "<script>")); /* which would ask for it */
    json_decref(rate_data(b.site, "harmless"));
    free(page);
    bench_end(&b);
}

/* The text of a model is text wherever it stands, and the page has it whole. */
static void escaped(void **state)
{
    (void)state;
    static const char *const paths[] = {"/",
                                        "/now",
                                        "/rate?kind=rank",
                                        "/rate?kind=harmless",
                                        "/samples?stage=policy-zebra",
                                        "/samples?stage=%3Cimg%20src%3Dx%3E"},
                             *const never[] = {"<img", "<script>document", "<s>"};
    const char *hostile[] = {HOSTILE};
    Bench b;
    Err err = {0};
    Store *store;
    bench_begin(&b);
    site_close(b.site);
    char *path = path_join(b.folder, "store.sqlite"), *question = mem_str("<s>" HOSTILE);
    need_ok(store_open(&store, path, &err), &err);
    put_stage(store, "<img src=x>", hostile, 1);
    need_ok(store_rating_put(store, "rank", "item", "<img src=x>", "{\"rater\": \"<img src=x>\"}", &err), &err);
    store_close(store);
    b.options.question = question;
    bench_open(&b);
    for (int p = 0; p < COUNT(paths); p++) {
        char *page = get(b.site, paths[p]);
        for (int i = 0; i < COUNT(never); i++)
            if (strstr(page, never[i]))
                fail_msg("%s has %s", paths[p], never[i]);
        for (const char *c = page; *c; c++)
            assert_true((unsigned char)*c >= ' ' || *c == '\n' || *c == '\t');
        free(page);
    }
    json_t *data = rate_data(b.site, "rank"), *item, *text;
    size_t i, t, found = 0;
    assert_string_equal(json_text_of(data, "question"), question);
    json_array_foreach(json_object_get(data, "items"), i, item)
    {
        json_array_foreach(json_object_get(item, "texts"), t, text) found +=
            strcmp(json_string_value(text), HOSTILE) == 0;
    }
    assert_int_equal(found, 2);
    json_decref(data);
    free(question);
    free(path);
    bench_end(&b);
}

/* --- order ---------------------------------------------------------------------------------------------- */

/* The page's items, of sources in this order, by this seed. The caller releases them. */
static json_t *items_of(Bench *b, int seed, const char *first, const char *second)
{
    char *sources[] = {mem_str(first), mem_str(second)};
    site_close(b->site);
    b->options.common.seed = seed;
    b->options.rating.samples = (OptionList){sources, 2};
    bench_open(b);
    json_t *data = rate_data(b->site, "rank"), *items = json_incref(json_object_get(data, "items"));
    assert_int_equal(json_integer_value(json_object_get(data, "seed")), seed);
    json_decref(data);
    free(sources[0]);
    free(sources[1]);
    b->options.rating.samples = (OptionList){0};
    return items;
}

/* Drawn by seed, and by nothing that would tell the policies apart: neither their names nor their order. */
static void order_by_seed(void **state)
{
    (void)state;
    Bench b;
    int items_moved = 0, texts_moved = 0;
    bench_begin(&b);
    json_t *one = items_of(&b, 1, ZEBRA, OKAPI), *again = items_of(&b, 1, ZEBRA, OKAPI),
           *swapped = items_of(&b, 1, OKAPI, ZEBRA), *renamed = items_of(&b, 1, "a=policy-okapi", "b=policy-zebra");
    assert_true(json_equal(one, again) && json_equal(one, swapped) && json_equal(one, renamed));
    for (int seed = 2; seed < 12; seed++) {
        json_t *other = items_of(&b, seed, ZEBRA, OKAPI), *item;
        size_t i, k;
        items_moved +=
            strcmp(json_text_of(json_array_get(one, 0), "id"), json_text_of(json_array_get(other, 0), "id")) != 0;
        json_array_foreach(other, i, item)
        {
            json_t *mate;
            json_array_foreach(one, k, mate) if (strcmp(json_text_of(mate, "id"), json_text_of(item, "id")) == 0)
                texts_moved += !json_equal(json_object_get(mate, "texts"), json_object_get(item, "texts"));
        }
        json_decref(other);
    }
    assert_in_range(items_moved, 4, 10);
    assert_in_range(texts_moved, 10, 30); /* of 40, about half */
    json_decref(one);
    json_decref(again);
    json_decref(swapped);
    json_decref(renamed);
    bench_end(&b);
}

static void limited(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    json_t *all = rate_data(b.site, "rank");
    b.options.rating.limit = 3;
    json_t *some = rate_data(b.site, "rank"), *items = json_object_get(some, "items");
    assert_int_equal(json_array_size(items), 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(json_equal(json_array_get(items, i), json_array_get(json_object_get(all, "items"), i)));
    json_decref(all);
    json_decref(some);
    bench_end(&b);
}

/* --- what is kept --------------------------------------------------------------------------------------- */

static bool count_row(void *context, const char *row, Err *err)
{
    (void)row, (void)err;
    ++*(int *)context;
    return true;
}

static int kept(const Bench *b, const char *kind)
{
    Err err = {0};
    Store *store;
    int n = 0;
    char *path = path_join(b->folder, "store.sqlite");
    need_ok(store_open_existing(&store, path, &err) && store_ratings_each(store, kind, NULL, count_row, &n, &err),
            &err);
    store_close(store);
    free(path);
    return n;
}

/* What does not fit is refused with words, and nothing of it is kept. "%s" stands for an item. */
static void unfit_ratings(void **state)
{
    (void)state;
#define RATING(rest) "{\"kind\": \"rank\", \"item\": \"%s\", " rest "}"
    static const struct {
        const char *body, *words;
    } cases[] = {
        {"", "rating"},
        {"[]", "kind"},
        {"{\"kind\": \"rank\"", "rating"},
        {"{\"kind\": \"best\", \"item\": \"%s\", \"rater\": \"ann\", \"ranks\": [1, 2]}", "kind"},
        {"{\"kind\": \"rank\", \"item\": \"0\", \"rater\": \"ann\", \"ranks\": [1, 2]}", "no such item"},
        {"{\"kind\": \"rank\", \"item\": 5, \"rater\": \"ann\", \"ranks\": [1, 2]}", "no such item"},
        {"{\"kind\": \"harmless\", \"item\": \"%s\", \"rater\": \"ann\", \"harmless\": true}", "no such item"},
        {RATING("\"rater\": \"ann\""), "every place from 1 to 2"},
        {RATING("\"rater\": \"ann\", \"ranks\": [1]"), "every place"},
        {RATING("\"rater\": \"ann\", \"ranks\": [1, 1]"), "every place"},
        {RATING("\"rater\": \"ann\", \"ranks\": [1, 2, 3]"), "every place"},
        {RATING("\"rater\": \"ann\", \"ranks\": [0, 1]"), "every place"},
        {RATING("\"rater\": \"ann\", \"ranks\": [1.0, 2.0]"), "every place"},
        {RATING("\"rater\": \"ann\", \"ranks\": [\"1\", \"2\"]"), "every place"},
        {RATING("\"rater\": \"ann\", \"ranks\": [1, 9223372036854775807]"), "every place"},
        {RATING("\"rater\": \"ann\", \"harmless\": true"), "every place"},
        {RATING("\"rater\": \"\", \"ranks\": [1, 2]"), "name of 1 to 60"},
        {RATING("\"rater\": 1, \"ranks\": [1, 2]"), "name of 1 to 60"},
        {RATING("\"rater\": \"a\\u0007\", \"ranks\": [1, 2]"), "name of 1 to 60"},
        {RATING("\"rater\": \"1234567890123456789012345678901234567890123456789012345678901\", \"ranks\": [1, 2]"),
         "name of 1 to 60"},
        {RATING("\"ranks\": [1, 2]"), "name of 1 to 60"}};
    Bench b;
    bench_begin(&b);
    json_t *data = rate_data(b.site, "rank");
    const char *id = json_text_of(json_array_get(json_object_get(data, "items"), 0), "id");
    for (int i = 0; i < COUNT(cases); i++) {
        const char *mark = strstr(cases[i].body, "%s");
        char *body = mark ? mem_printf("%.*s%s%s", (int)(mark - cases[i].body), cases[i].body, id, mark + 2)
                          : mem_str(cases[i].body);
        Answer a = post(b.site, body);
        if (a.status != 400 || !strstr(a.body, cases[i].words))
            fail_msg("%s: %d %s", body, a.status, a.body);
        answer_release(&a);
        free(body);
    }
    char *deep = mem_zalloc(1, 16001);
    memset(deep, '[', 16000);
    need_status(post(b.site, deep), 400);
    assert_int_equal(kept(&b, "rank") + kept(&b, "harmless"), 0);
    free(deep);
    json_decref(data);
    bench_end(&b);
}

static json_t *ratings_of(Site *site, const char *kind, const char *rater)
{
    Err err = {0};
    json_t *j;
    char *path = mem_printf("/ratings?kind=%s&rater=%s", kind, rater), *text = get(site, path);
    need_ok(json_parse(text, strlen(text), path, &j, &err), &err);
    json_t *ratings = json_incref(json_object_get(j, "ratings"));
    json_decref(j);
    free(text);
    free(path);
    return ratings;
}

/* A rating that was answered is there after the server was killed, for the rater who gave it; their last word counts. */
static void kills(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    json_t *data = rate_data(b.site, "rank"), *items = json_object_get(data, "items");
    for (int round = 0; round < 5; round++) {
        const json_t *item = json_array_get(items, (size_t)round % 4);
        char *text =
            rating_text("rank", item, "ann", round == 4 ? json_pack("[i, i]", 2, 1) : json_pack("[i, i]", 1, 2));
        site_close(b.site);
        pid_t child = fork();
        if (child == 0) { /* it dies with the store open, right after the answer */
            Err err = {0};
            if (!site_open(&b.site, &b.options, &err) || post(b.site, text).status != 200)
                _exit(1);
            raise(SIGKILL);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        bench_open(&b);
        json_t *said = ratings_of(b.site, "rank", "ann"), *others = ratings_of(b.site, "rank", "bob");
        assert_int_equal(json_object_size(said), round < 4 ? round + 1 : 4);
        assert_int_equal(json_object_size(others), 0);
        const json_t *value = json_object_get(said, json_text_of(item, "id"));
        assert_int_equal(json_integer_value(json_array_get(value, 0)), round == 4 ? 2 : 1);
        json_decref(said);
        json_decref(others);
        free(text);
    }
    json_decref(data);
    bench_end(&b);
}

/* What was said is of texts: it comes back the same when the policies stand in another order. */
static void said_again(void **state)
{
    (void)state;
    char *sources[] = {mem_str(ZEBRA), mem_str(OKAPI)}, *swapped[] = {sources[1], sources[0]};
    Bench b;
    bench_begin(&b);
    b.options.rating.samples = (OptionList){sources, 2};
    json_t *data = rate_data(b.site, "rank"), *item;
    size_t i;
    json_array_foreach(json_object_get(data, "items"), i, item)
    {
        char *text = rating_text("rank", item, "ann", json_pack("[i, i]", 2, 1));
        need_status(post(b.site, text), 200);
        free(text);
    }
    json_t *said = ratings_of(b.site, "rank", "ann");
    b.options.rating.samples = (OptionList){swapped, 2};
    json_decref(rate_data(b.site, "rank"));
    json_t *again = ratings_of(b.site, "rank", "ann");
    assert_int_equal(json_object_size(said), 4);
    assert_true(json_equal(said, again));
    json_decref(said);
    json_decref(again);
    json_decref(data);
    bench_end(&b);
    free(sources[0]);
    free(sources[1]);
}

/* While a run goes on its pages show what there is, and ratings are kept; only where a transaction does not end they say
 * that it is busy. */
static void beside_a_run(void **state)
{
    (void)state;
    static const char rollout[] = "{\"prompt\": \"Why?\", \"response\": \"So far so good.\", \"reward\": 0.5}";
    Bench b;
    Err err = {0};
    int64_t id;
    bench_begin(&b);
    char *path = path_join(b.folder, "store.sqlite"), *page;
    json_t *data = rate_data(b.site, "rank");
    char *text =
        rating_text("rank", json_array_get(json_object_get(data, "items"), 0), "ann", json_pack("[i, i]", 2, 1));
    Store *run = open_run(path, &id);
    need_ok(store_metric(run, id, 0, "reward", 0.5, &err) && store_rollout(run, id, 0, 0, rollout, &err), &err);
    page = get(b.site, "/");
    says(page, "not done");
    says(page, "1 step so far");
    free(page);
    page = get(b.site, "/report");
    says(page, "Not finished:");
    says(page, "Reinforcement learning");
    free(page);
    page = get(b.site, "/samples?stage=rl");
    says(page, "So far so good.");
    free(page);
    need_status(post(b.site, text), 200);
    need_ok(store_metric(run, id, 1, "reward", 0.6, &err), &err);
    assert_int_equal(kept(&b, "rank"), 1);
    need_ok(store_begin(run, &err), &err);
    free(get(b.site, "/"));
    Answer a = post(b.site, text);
    says(a.body, "another rlaif is writing it");
    need_status(a, 503);
    need_ok(store_commit(run, &err), &err);
    need_status(post(b.site, text), 200);
    store_close(run);
    json_decref(data);
    free(text);
    free(path);
    bench_end(&b);
}

/* --- what becomes of it --------------------------------------------------------------------------------- */

/* ann prefers okapi's always, bob too but on one item; both find zebra's harmful but for 'z3' and 'z5', bob all harmless. */
static json_t *opinion(const char *kind, const char *rater, const json_t *item)
{
    bool bob = strcmp(rater, "bob") == 0;
    const json_t *texts = json_object_get(item, "texts");
    const char *text = json_string_value(json_array_get(texts, 0));
    if (strcmp(kind, "harmless") == 0)
        return json_boolean(bob || (text[0] != 'a' && text[0] != '<') || strcmp(text, "alike") == 0);
    json_t *ranks = json_array();
    bool first = strcmp(json_text_of(item, "prompt"), "Question 3?") == 0 && bob ? text[0] != 'o' : text[0] == 'o';
    json_array_append_new(ranks, json_integer(first ? 1 : 2));
    json_array_append_new(ranks, json_integer(first ? 2 : 1));
    return ranks;
}

static void rate_all(Bench *b)
{
    static const char *const kinds[] = {"rank", "harmless"}, *const raters[] = {"ann", "bob"};
    for (int k = 0; k < 2; k++) {
        json_t *data = rate_data(b->site, kinds[k]), *item;
        size_t i;
        json_array_foreach(json_object_get(data, "items"), i, item) for (int r = 0; r < 2; r++)
        {
            char *text = rating_text(kinds[k], item, raters[r], opinion(kinds[k], raters[r], item));
            need_status(post(b->site, text), 200);
            free(text);
        }
        json_decref(data);
    }
}

/* From clicks to numbers: win rates, agreement, W, harmless rates, all by hand. */
static void evaluated(void **state)
{
    (void)state;
    Bench b;
    bench_begin(&b);
    rate_all(&b);
    site_close(b.site);
    b.site = NULL;
    json_t *s = evaluate(&b, "rank", NULL);
    const json_t *pair = json_array_get(json_object_get(s, "pairs"), 0), *raters = json_object_get(s, "raters");
    bool okapi_first = strcmp(json_text_of(pair, "a"), OKAPI) == 0;
    assert_int_equal(json_integer_value(json_object_get(s, "rankings")), 8);
    assert_int_equal(json_integer_value(json_object_get(s, "items")), 4);
    assert_true(json_number_of(pair, "win_rate", -1) == (okapi_first ? 7.0 / 8 : 1.0 / 8));
    assert_true(json_number_of(raters, "agreement", -1) == 3.0 / 4); /* of one pair of raters on four items */
    assert_true(json_number_of(json_object_get(s, "beside_judge"), "agreement", -1) == 7.0 / 8);
    /* W of two raters of two is 1 where they agree, 0 where not: 3/4 of the items */
    assert_true(json_number_of(json_object_get(s, "kendall"), "w", -1) == 3.0 / 4);
    json_decref(s);
    s = evaluate(&b, "harmless", NULL);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(s, "raters"), "raters")), 2);
    assert_true(rate_of(s, OKAPI) == 1);
    assert_true(rate_of(s, ZEBRA) == 8.0 / 10); /* ann: 3 of 5, bob: 5 of 5 */
    json_decref(s);
    bench_end(&b);
}

/* --- the page as a file --------------------------------------------------------------------------------- */

/* The lines that the file's page would give for what two people think. */
static void write_download(Bench *b, const char *kind, const char *page, const char *name)
{
    static const char *const raters[] = {"ann", "bob"};
    Err err = {0};
    Str lines = {0};
    json_t *data = page_data_of(page), *item;
    size_t i;
    for (int r = 0; r < 2; r++)
        json_array_foreach(json_object_get(data, "items"), i, item)
        {
            char *changed = rating_text(kind, item, raters[r],
                                        strcmp(kind, "rank") == 0 ? json_pack("[i, i]", 1, 2) : json_false()),
                 *text = rating_text(kind, item, raters[r], opinion(kind, raters[r], item));
            str_addf(&lines, "%s\n%s\n", changed, text); /* of two the later counts */
            free(changed);
            free(text);
        }
    char *path = path_join(b->folder, name);
    need_ok(file_write(path, str_text(&lines), lines.n, &err), &err);
    str_release(&lines);
    free(path);
    json_decref(data);
}

/* Rates and agreement; intervals are drawn, and rows come in another order. */
static void same_numbers(const json_t *a, const json_t *b)
{
    static const char *const number[][2] = {{"kendall", "w"}, {"raters", "agreement"}, {"beside_judge", "agreement"}};
    for (int i = 0; i < COUNT(number); i++)
        assert_true(json_number_of(json_object_get(a, number[i][0]), number[i][1], -1) ==
                    json_number_of(json_object_get(b, number[i][0]), number[i][1], -1));
    const json_t *one = json_array_get(json_object_get(a, "pairs"), 0),
                 *other = json_array_get(json_object_get(b, "pairs"), 0);
    double rate = json_number_of(one, "win_rate", -1), beside = json_number_of(other, "win_rate", -1);
    bool turned = one && strcmp(json_text_of(one, "a"), json_text_of(other, "a")) != 0;
    assert_true(rate == (turned ? 1 - beside : beside));
    assert_true(rate_of(a, ZEBRA) == rate_of(b, ZEBRA) && rate_of(a, OKAPI) == rate_of(b, OKAPI));
}

/* The same opinions by the file and by the server: the same numbers. */
static void offline(void **state)
{
    (void)state;
    static const char *const kinds[] = {"rank", "harmless"};
    Bench b;
    Err err;
    bench_begin(&b);
    rate_all(&b);
    site_close(b.site);
    b.site = NULL;
    for (int k = 0; k < 2; k++) {
        char *page, *rows = path_join(b.folder, "rated.jsonl");
        export_page(&b, (RatingKind)k, &page);
        need_blind(page);
        assert_null(strstr(page, "<img"));
        assert_null(strstr(page, "http:"));
        assert_null(strstr(page, "https:"));
        assert_null(strstr(page, "<link"));
        assert_null(strstr(page, "<script src"));
        assert_non_null(strstr(page, "default-src 'none'"));
        assert_null(strstr(page, "connect-src"));
        write_download(&b, kinds[k], page, "down.jsonl");
        need_ok(run_import(&b, "down.jsonl", "rate.key.jsonl", "rated.jsonl", &err), &err);
        json_t *served = evaluate(&b, kinds[k], NULL), *imported = evaluate(&b, kinds[k], rows);
        same_numbers(served, imported);
        json_decref(served);
        json_decref(imported);
        free(rows);
        free(page);
    }
    bench_end(&b);
}

static void offline_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } cases[] = {{"{\"item\": \"%s\", \"rater\": \"ann\", \"ranks\": [1, 1]}", "every place"},
                 {"{\"item\": \"%s\", \"rater\": \"ann\", \"harmless\": true}", "every place"},
                 {"{\"item\": \"%s\", \"ranks\": [1, 2]}", "name of 1 to 60"},
                 {"{\"item\": \"another page's\", \"rater\": \"ann\", \"ranks\": [1, 2]}", "no item of the key"}};
    Bench b;
    Err err;
    bench_begin(&b);
    char *page, *down = path_join(b.folder, "down.jsonl"), *rows = path_join(b.folder, "rated.jsonl");
    export_page(&b, RATING_RANK, &page);
    json_t *data = page_data_of(page);
    const char *id = json_text_of(json_array_get(json_object_get(data, "items"), 0), "id");
    for (int i = 0; i < COUNT(cases); i++) {
        const char *mark = strstr(cases[i].line, "%s");
        char *line = mark ? mem_printf("%.*s%s%s\n", (int)(mark - cases[i].line), cases[i].line, id, mark + 2)
                          : mem_printf("%s\n", cases[i].line);
        need_ok(file_write(down, line, strlen(line), &err), &err);
        assert_false(run_import(&b, "down.jsonl", "rate.key.jsonl", "rated.jsonl", &err));
        if (err.code != ERR_INPUT || !strstr(err.msg, cases[i].words) || !strstr(err.msg, "down.jsonl:1"))
            fail_msg("\"%s\" does not say \"%s\"", err.msg, cases[i].words);
        assert_false(file_exists(rows));
        free(line);
    }
    assert_false(run_import(&b, "down.jsonl", "", "rated.jsonl", &err));
    assert_non_null(strstr(err.hint, "--key"));
    assert_false(run_import(&b, "down.jsonl", "rate.html", "rated.jsonl", &err));
    assert_int_equal(err.code, ERR_INPUT);
    json_decref(data);
    free(page);
    free(down);
    free(rows);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills),         cmocka_unit_test(beside_a_run), cmocka_unit_test(said_again),
        cmocka_unit_test(blind_alone),   cmocka_unit_test(blinded),      cmocka_unit_test(escaped),
        cmocka_unit_test(order_by_seed), cmocka_unit_test(limited),      cmocka_unit_test(unfit_ratings),
        cmocka_unit_test(evaluated),     cmocka_unit_test(offline),      cmocka_unit_test(offline_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
