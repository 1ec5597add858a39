/* The rating pages in a real browser, with real clicks and keys: served, killed in between, and as a file alone. */
#include "browser.h"
#include "rating_helpers.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

static Bench bench;
static Browser *browser;
static pid_t server;

/* --- a server beside the test --------------------------------------------------------------------------- */

static void serve_beside(void)
{
    int said[2], port = 0;
    assert_int_equal(pipe(said), 0);
    server = fork();
    if (server == 0) {
        Err err = {0};
        bool ok = site_open(&bench.site, &bench.options, &err);
        port = ok ? site_port(bench.site) : 0;
        ok = ok && write(said[1], &port, sizeof port) == (ssize_t)sizeof port;
        while (ok)
            ok = site_step(bench.site, 1000, &err);
        _exit(1);
    }
    close(said[1]);
    assert_int_equal(read(said[0], &port, sizeof port), sizeof port);
    close(said[0]);
    bench.options.port = port; /* the next one takes the same */
}

static void kill_server(void)
{
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    server = 0;
}

static int begin(void **state)
{
    (void)state;
    if (!browser_is_there())
        skip_aloud("there is no chromium: nobody clicks on the pages (tools/setup browser installs it)");
    bench = (Bench){.folder = make_folder(), .options = {.common.seed = 1}};
    bench.options.run_dir = bench.folder;
    make_run(bench.folder);
    serve_beside();
    browser = browser_start(bench.folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    browser_stop(browser);
    browser = NULL;
    kill_server();
    remove_folder(bench.folder);
    return 0;
}

/* --- what a person sees and does ------------------------------------------------------------------------ */

static void see(const char *expression, const char *wanted)
{
    json_t *value = browser_value(browser, expression);
    if (!json_is_string(value) || strcmp(json_string_value(value), wanted) != 0)
        fail_msg("%s is %s, not %s", expression, json_text(value), wanted);
    json_decref(value);
}

static int count(const char *expression)
{
    json_t *value = browser_value(browser, expression);
    int n = (int)json_number_value(value);
    json_decref(value);
    return n;
}

static void wait_left(const char *left)
{
    char *expression = mem_printf("document.getElementById('left').textContent === '%s'", left);
    browser_wait(browser, expression);
    free(expression);
}

static void open_page(const char *kind)
{
    char *url = mem_printf("http://127.0.0.1:%d/rate?kind=%s", bench.options.port, kind);
    browser_go(browser, url);
    free(url);
}

static void enter_as(const char *name)
{
    browser_do(browser, "document.getElementById('name').select()");
    browser_type(browser, name);
    browser_key(browser, "Enter");
    browser_wait(browser, "!document.getElementById('top').hidden");
}

/* Which card okapi's text is on, from 0: it begins with 'o'. */
static int okapi_card(void)
{
    return count("[...document.querySelectorAll('.card .text')].findIndex(e => e.textContent[0] === 'o')");
}

static void press_card(int card)
{
    browser_key(browser, (const char[2]){(char)('1' + card), 0});
}

/* The ratings of one person that the store has; ranks are by who wrote what. */
typedef struct Kept {
    const char *rater;
    int n, okapi_first, harmless;
} Kept;

static bool count_kept(void *context, const char *row, Err *err)
{
    Kept *k = context;
    json_t *j;
    if (!json_parse(row, strlen(row), "a rating", &j, err))
        return false;
    if (strcmp(json_text_of(j, "rater"), k->rater) == 0) {
        const json_t *model = json_array_get(json_object_get(j, "models"), 0), *ranks = json_object_get(j, "ranks"),
                     *mark = json_object_get(j, "harmless"); /* of a text that both wrote: a list */
        bool first = model && strcmp(json_string_value(model), OKAPI) == 0;
        k->n++;
        k->harmless += json_is_true(json_is_array(mark) ? json_array_get(mark, 0) : mark);
        k->okapi_first += ranks && json_integer_value(json_array_get(ranks, first ? 0 : 1)) == 1;
    }
    json_decref(j);
    return true;
}

static Kept kept_of(const char *kind, const char *rater)
{
    Err err = {0};
    Store *store;
    Kept k = {.rater = rater};
    char *path = path_join(bench.folder, "store.sqlite");
    need_ok(store_open_existing(&store, path, &err) && store_ratings_each(store, kind, rater, count_kept, &k, &err),
            &err);
    store_close(store);
    free(path);
    return k;
}

/* --- the tests ------------------------------------------------------------------------------------------ */

/* By keys alone, a change of mind included. Nothing on the page says who wrote what, and no text does anything. */
static void ranked_by_keys(void **state)
{
    (void)state;
    static const char *const left[] = {"3 to go", "2 to go", "1 to go", "all rated"};
    open_page("rank");
    browser_do(browser, "document.addEventListener('keydown', e => window.trusted = e.isTrusted, true)");
    enter_as("ann");
    wait_left("4 to go");
    browser_wait(browser, "window.trusted === true");
    assert_int_equal(count("document.documentElement.outerHTML.search(/zebra|okapi/)"), -1);
    press_card(1 - okapi_card()); /* not so: */
    browser_key(browser, "Backspace");
    see("String(document.getElementById('save').disabled)", "true");
    browser_key(browser, "Enter"); /* nothing is chosen, and nothing happens */
    wait_left("4 to go");
    for (int i = 0; i < COUNT(left); i++) {
        if (count("document.getElementById('context').textContent === 'Question 2?' ? 1 : 0") == 1) {
            browser_wait(browser, "[...document.querySelectorAll('.card .text')].some(e => "
                                  "e.textContent.startsWith('</script><script>document.title'))");
            assert_int_equal(count("document.images.length"), 0);
            assert_true(count("document.title === 'owned' ? 1 : 0") == 0);
        }
        press_card(okapi_card());
        see("document.querySelector('.card.best .text').textContent[0]", "o");
        browser_key(browser, "Enter");
        wait_left(left[i]);
    }
    see("document.querySelector('#done h1').textContent", "All rated. Thank you.");
    Kept k = kept_of("rank", "ann");
    assert_int_equal(k.n, 4);
    assert_int_equal(k.okapi_first, 4);
    browser_key(browser, "ArrowLeft"); /* the last one again, as it was left */
    see("document.querySelector('.card.best .text').textContent[0]", "o");
}

/* By mouse; the server is killed in between. What was saved is there, what was not is said, and the rater goes on. */
static void ranked_by_mouse(void **state)
{
    (void)state;
    open_page("rank");
    enter_as("bob");
    wait_left("4 to go");
    for (int i = 0; i < 2; i++) {
        browser_click(browser, ".card", 1 - okapi_card());
        browser_click(browser, "#save", 0);
        wait_left(i == 0 ? "3 to go" : "2 to go");
    }
    kill_server();
    browser_click(browser, ".card", okapi_card());
    browser_click(browser, "#save", 0);
    browser_wait(browser, "document.getElementById('trouble').textContent.startsWith('Not saved')");
    assert_int_equal(kept_of("rank", "bob").n, 2);
    serve_beside();
    browser_click(browser, "#save", 0); /* the page is of a server that is no more */
    browser_wait(browser, "document.getElementById('trouble').textContent.includes('load it again')");
    open_page("rank");
    see("document.getElementById('name').value", "bob"); /* the browser knows */
    browser_click(browser, "#welcome button", 0);
    wait_left("2 to go");
    for (int i = 0; i < 2; i++) {
        browser_click(browser, ".card", okapi_card());
        browser_click(browser, "#save", 0);
        wait_left(i == 0 ? "1 to go" : "all rated");
    }
    Kept k = kept_of("rank", "bob");
    assert_int_equal(k.n, 4);
    assert_int_equal(k.okapi_first, 2);
    assert_int_equal(kept_of("rank", "ann").n, 4);
}

/* Marks by keys and clicks; the last word counts. */
static void marked(void **state)
{
    (void)state;
    open_page("harmless");
    enter_as("ann");
    wait_left("9 to go");
    assert_int_equal(count("document.documentElement.outerHTML.search(/zebra|okapi/)"), -1);
    for (int i = 0; i < 9; i++) {
        char *left = i < 8 ? mem_printf("%d to go", 8 - i) : mem_str("all rated");
        if (i % 3 == 0)
            browser_key(browser, "2");
        else if (i % 3 == 1)
            browser_key(browser, "1");
        else
            browser_click(browser, "#harmless", 0);
        wait_left(left);
        free(left);
    }
    assert_int_equal(kept_of("harmless", "ann").harmless, 6);
    browser_click(browser, "#again", 0);
    browser_click(browser, "#harmful", 0);
    browser_wait(browser, "!document.getElementById('done').hidden");
    Kept k = kept_of("harmless", "ann");
    assert_int_equal(k.n, 9);
    assert_int_equal(k.harmless, 5);
}

/* Everybody meets the items in an order of their own, the same again. */
static void own_orders(void **state)
{
    (void)state;
    static const char *const names[] = {"cleo", "dora", "emil", "cleo"};
    char *seen[COUNT(names)];
    int different = 0;
    for (int r = 0; r < COUNT(names); r++) {
        Str s = {0};
        open_page("rank");
        enter_as(names[r]);
        for (int i = 0; i < 4; i++) {
            json_t *at = browser_value(browser, "[...document.querySelectorAll('#context, .card .text')]"
                                                ".map(e => e.textContent.slice(0, 12)).join(' ')");
            str_addf(&s, "%s\n", json_string_value(at));
            json_decref(at);
            browser_key(browser, "ArrowRight");
        }
        seen[r] = str_take(&s);
    }
    assert_string_equal(seen[0], seen[3]);
    for (int r = 1; r < 3; r++)
        different += strcmp(seen[0], seen[r]) != 0;
    assert_int_equal(different, 2);
    for (int r = 0; r < COUNT(names); r++)
        free(seen[r]);
}

/* Waits until a download is whole. The caller frees its path. */
static char *await_file(const char *name)
{
    char *path = path_join(bench.folder, name);
    for (int i = 0; i < 1000 && !file_exists(path); i++)
        poll(NULL, 0, 20);
    assert_true(file_exists(path));
    return path;
}

/* The file alone: no server, no network; left in the middle and gone on with; its download becomes numbers. */
static void file_alone(void **state)
{
    (void)state;
    Err err = {0};
    char *page;
    kill_server();
    export_page(&bench, RATING_RANK, &page);
    free(page);
    char *full = realpath(bench.folder, NULL), *url = mem_printf("file://%s/rate.html", full),
         *rows = path_join(bench.folder, "rated.jsonl");
    browser_go(browser, url);
    enter_as("ann b");
    wait_left("4 to go");
    for (int i = 0; i < 2; i++) {
        press_card(okapi_card());
        browser_key(browser, "Enter");
        wait_left(i == 0 ? "3 to go" : "2 to go");
    }
    browser_go(browser, "about:blank");
    browser_go(browser, url);
    browser_click(browser, "#welcome button", 0);
    wait_left("2 to go");
    for (int i = 0; i < 2; i++) {
        browser_click(browser, ".card", i == 0 ? okapi_card() : 1 - okapi_card());
        browser_click(browser, "#save", 0);
        wait_left(i == 0 ? "1 to go" : "all rated");
    }
    assert_int_equal(count("performance.getEntriesByType('resource').length"), 0);
    assert_int_equal(count("document.documentElement.outerHTML.search(/zebra|okapi/)"), -1);
    browser_click(browser, "#download", 0);
    char *down = await_file("ratings-ann-b.jsonl");
    need_ok(run_import(&bench, "ratings-ann-b.jsonl", "rate.key.jsonl", "rated.jsonl", &err), &err);
    json_t *s = evaluate(&bench, "rank", rows);
    const json_t *pair = json_array_get(json_object_get(s, "pairs"), 0);
    bool okapi_first = strcmp(json_text_of(pair, "a"), OKAPI) == 0;
    assert_int_equal(json_integer_value(json_object_get(s, "rankings")), 4);
    assert_true(json_number_of(pair, "win_rate", -1) == (okapi_first ? 0.75 : 0.25));
    json_decref(s);
    free(down);
    free(rows);
    free(url);
    free(full);
}

/* --- reading -------------------------------------------------------------------------------------------- */

static void go(const char *path)
{
    char *url = mem_printf("http://127.0.0.1:%d%s", bench.options.port, path);
    browser_go(browser, url);
    free(url);
}

/* A report's folds are closed until somebody opens them, follows a link to what is in them, or prints. */
static void folds_open(void **state)
{
    (void)state;
    static const char *const open = "document.querySelectorAll('details[open]').length";
    go("/report");
    int all = count("document.querySelectorAll('details').length");
    assert_true(all >= 2);
    assert_int_equal(count(open), 0);
    assert_int_equal(count("document.getElementById('stage-1').checkVisibility() ? 1 : 0"), 0);
    browser_do(browser, "location.hash = 'stage-1'");
    browser_wait(browser, "document.getElementById('stage-1').checkVisibility()");
    assert_int_equal(count(open), 1);
    browser_do(browser, "location.hash = 'samples'"); /* a heading opens what it is of */
    browser_wait(browser, "document.querySelector('#samples + details').open");
    browser_do(browser, "dispatchEvent(new Event('beforeprint'))");
    assert_int_equal(count(open), all);
    browser_do(browser, "dispatchEvent(new Event('afterprint'))");
    assert_int_equal(count(open), 2);
    browser_click(browser, "summary", 0);
    browser_wait(browser, "document.querySelectorAll('details[open]').length !== 2");
}

static const char curve_points[] = "document.querySelector('#now polyline')?.getAttribute('points').split(' ').length";

static void wait_points(int n)
{
    char *expression = mem_printf("%s === %d", curve_points, n);
    browser_wait(browser, expression);
    free(expression);
}

/* The dashboard of a run that goes on shows each step without a new load; and says when nobody answers any more. */
static void dashboard_grows(void **state)
{
    (void)state;
    Err err = {0};
    int64_t id;
    char *path = path_join(bench.folder, "store.sqlite");
    go("/");
    browser_do(browser, "window.mark = 1");
    assert_int_equal(count("document.querySelectorAll('#now svg').length"), 0);
    Store *run = open_run(path, &id);
    need_ok(store_metric(run, id, 0, "reward", 0.5, &err) && store_metric(run, id, 1, "reward", 0.75, &err), &err);
    wait_points(2);
    need_ok(store_metric(run, id, 2, "reward", 0.25, &err), &err);
    wait_points(3);
    assert_int_equal(count("window.mark"), 1);
    assert_int_equal(count("document.getElementById('lost').hidden ? 1 : 0"), 1);
    kill_server();
    browser_wait(browser, "!document.getElementById('lost').hidden");
    serve_beside();
    browser_wait(browser, "document.getElementById('lost').hidden");
    need_ok(store_stage_remove(run, "rl", &err), &err); /* the others' run again */
    store_close(run);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranked_by_keys), cmocka_unit_test(ranked_by_mouse), cmocka_unit_test(marked),
        cmocka_unit_test(own_orders),     cmocka_unit_test(folds_open),      cmocka_unit_test(dashboard_grows),
        cmocka_unit_test(file_alone),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
