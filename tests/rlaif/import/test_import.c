/* Import of whole files: random subsets and splits, filters, what is refused. */
#include "rlaif/import/import.h"

#include "base/file.h"
#include "base/mem.h"
#include "support.h"

typedef struct Run {
    char *folder, *in, *out, *rest;
    ImportOptions *o;
    json_t *summary;
    Err err;
} Run;

static Run run_new(const char *lines)
{
    Run r = {.folder = make_folder(), .o = options_new(&import_table)};
    r.in = path_join(r.folder, "in.jsonl");
    r.out = path_join(r.folder, "out.jsonl");
    r.rest = path_join(r.folder, "out.rest.jsonl");
    need_ok(file_write(r.in, lines, strlen(lines), &r.err), &r.err);
    options_put(&import_table, r.o, "input", r.in);
    options_put(&import_table, r.o, "output", r.out);
    return r;
}

static bool run(Run *r)
{
    Work work = {.common = &r->o->common};
    r->err = (Err){0};
    bool ok = import_rows(&work, r->o, &r->err);
    json_decref(r->summary);
    r->summary = work.summary;
    return ok;
}

static void run_free(Run *r)
{
    json_decref(r->summary);
    options_free(&import_table, r->o);
    remove_folder(r->folder);
    free(r->in);
    free(r->out);
    free(r->rest);
}

static char *read_text(const char *path)
{
    Err err = {0};
    char *text;
    size_t n;
    need_ok(file_read(path, 1 << 24, &text, &n, &err), &err);
    return text;
}

static int count_lines(const char *path)
{
    char *text = read_text(path);
    int n = 0;
    for (const char *s = text; *s; s++)
        n += *s == '\n';
    free(text);
    return n;
}

static void set(Run *r, const char *name, const char *value)
{
    need_ok(options_set(&import_table, r->o, name, value, "command line", &r->err), &r->err);
}

/* Rows {"prompt": "<i>"} in an order: from, from + step, ... modulo n. */
static char *numbered(int n, int step)
{
    Str s = {0};
    for (int i = 0; i < n; i++)
        str_addf(&s, "{\"prompt\": \"number %d\"}\n", i * step % n);
    return str_take(&s);
}

static int left_out(const Run *r, const char *reason)
{
    return (int)json_number_of(json_object_get(r->summary, "left_out"), reason, -1);
}

/* The same rows are drawn whatever their order, their order stays, a larger share holds a smaller, another seed draws
 * others. */
static void samples(void **state)
{
    (void)state;
    enum { N = 97 };
    char *in_order = numbered(N, 1), *shuffled = numbered(N, 11);
    Run a = run_new(in_order);
    set(&a, "sample", "15%");
    need_ok(run(&a), &a.err);
    char *first = read_text(a.out);
    assert_int_equal(count_lines(a.out), 15); /* 14.55 */
    assert_int_equal(left_out(&a, "sample"), N - 15);
    int last = -1;
    for (const char *s = first; (s = strstr(s, "number ")); s++) {
        int i = (int)strtol(s + 7, NULL, 10);
        assert_true(i > last);
        last = i;
    }
    need_ok(file_write(a.in, shuffled, strlen(shuffled), &a.err), &a.err);
    set(&a, "sample", "50");
    need_ok(run(&a), &a.err);
    char *larger = read_text(a.out);
    assert_int_equal(count_lines(a.out), 50);
    for (char *line = first, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        assert_non_null(strstr(larger, line));
    }
    set(&a, "seed", "1");
    need_ok(run(&a), &a.err);
    char *other = read_text(a.out);
    assert_string_not_equal(larger, other);
    free(first);
    free(larger);
    free(other);
    free(in_order);
    free(shuffled);
    run_free(&a);
}

static void splits(void **state)
{
    (void)state;
    static const struct {
        int n;
        const char *split;
        int kept;
    } table[] = {{100, "2/3", 67}, {99, "2/3", 66}, {98, "2/3", 65}, {50, "10%", 5},
                 {50, "12", 12},   {2, "1/2", 1},   {12, "1/3", 4}};
    for (int i = 0; i < COUNT(table); i++) {
        char *lines = numbered(table[i].n, 1);
        Run r = run_new(lines);
        set(&r, "split", table[i].split);
        need_ok(run(&r), &r.err);
        assert_int_equal(count_lines(r.out), table[i].kept);
        assert_int_equal(count_lines(r.rest), table[i].n - table[i].kept);
        char *both[2] = {read_text(r.out), read_text(r.rest)};
        for (int k = 0; k < table[i].n; k++) { /* every row is in one of the two, none in both */
            char *row = mem_printf("number %d\"", k);
            assert_int_equal((strstr(both[0], row) != NULL) + (strstr(both[1], row) != NULL), 1);
            free(row);
        }
        if (table[i].n == 12) /* the same numbers in every version */
            assert_string_equal(both[0], "{\"prompt\": \"number 0\"}\n{\"prompt\": \"number 1\"}\n"
                                         "{\"prompt\": \"number 5\"}\n{\"prompt\": \"number 7\"}\n");
        free(both[0]);
        free(both[1]);
        free(lines);
        run_free(&r);
    }
}

/* The draws of --sample and --split are not the same draw: half of a half is not the half with the smallest lots. */
static void split_of_a_sample(void **state)
{
    (void)state;
    char *lines = numbered(400, 1);
    Run r = run_new(lines);
    set(&r, "sample", "200");
    set(&r, "split", "1/2");
    need_ok(run(&r), &r.err);
    char *half = read_text(r.out);
    options_put(&import_table, r.o, "split", NULL);
    set(&r, "sample", "100");
    need_ok(run(&r), &r.err);
    char *smallest = read_text(r.out);
    assert_string_not_equal(half, smallest);
    free(half);
    free(smallest);
    free(lines);
    run_free(&r);
}

static void filters(void **state)
{
    (void)state;
    Run r = run_new("{\"prompt\": \"a\", \"responses\": [\"x\", \"yy\"], \"confidence\": 9}\n"
                    "{\"prompt\": \"b\", \"responses\": [\"x\", \"yy\"], \"confidence\": 5}\n"
                    "{\"prompt\": \"c\", \"responses\": [\"x\", \"\\u00e4\\u00e4\\u00e4\\u00e4\"], \"confidence\": 1}\n"
                    "{\"prompt\": \"a\", \"responses\": [\"x\", \"z\"], \"extra\": {\"confidence\": 2}}\n"
                    "{\"prompt\": \"e\", \"responses\": [\"x\", \"z\"]}\n");
    set(&r, "confidence", "1,2,8,9");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 3);
    assert_int_equal(left_out(&r, "confidence"), 2);
    set(&r, "max-chars", "4"); /* c: one and four characters, in nine bytes */
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 2);
    assert_int_equal(left_out(&r, "max_chars"), 1);
    set(&r, "max-chars", "5");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 3);
    set(&r, "prompts", "true");
    need_ok(run(&r), &r.err);
    char *text = read_text(r.out);
    assert_string_equal(text, "{\"prompt\": \"a\"}\n{\"prompt\": \"c\"}\n");
    assert_int_equal(left_out(&r, "duplicates"), 1);
    free(text);
    set(&r, "limit", "1");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 1);
    assert_int_equal(left_out(&r, "limit"), 1);
    assert_int_equal((int)json_number_of(r.summary, "read", 0), 5);
    run_free(&r);
}

static void least_length(void **state)
{
    (void)state;
    Run r = run_new(
        "{\"prompt\": \"a\", \"responses\": [\"x\", \"\\u00e4\\u00e4\"]}\n" /* three characters, in five bytes */
        "{\"prompt\": \"b\", \"responses\": [\"xxx\", \"y\"]}\n"
        "{\"prompt\": \"c\", \"responses\": [\"x\", \"yyyy\"]}\n");
    set(&r, "min-chars", "4");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 2);
    assert_int_equal(left_out(&r, "min_chars"), 1);
    assert_int_equal(left_out(&r, "max_chars"), 0);
    set(&r, "max-chars", "4");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 1);
    assert_int_equal(left_out(&r, "max_chars"), 1);
    set(&r, "max-chars", "3"); /* nothing is as long as this and no longer */
    assert_false(run(&r));
    assert_non_null(strstr(r.err.msg, "none is left"));
    run_free(&r);
}

/* What lies in other files is left out before anything is drawn; a stage is done anew where they are others. */
static void without(void **state)
{
    (void)state;
    char *lines = numbered(20, 1);
    Run r = run_new(lines);
    char *known = path_join(r.folder, "known.jsonl");
    static const char pairs[] = "{\"prompt\": \"number 3\", \"responses\": [\"x\", \"y\"]}\n{\"prompt\": \"none\"}\n"
                                "{\"prompt\": [{\"role\": \"user\", \"content\": \"number 7\"}]}\n";
    need_ok(file_write(known, pairs, strlen(pairs), &r.err), &r.err);
    set(&r, "without", known);
    set(&r, "sample", "18");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 18);
    assert_int_equal(left_out(&r, "without"), 2);
    char *text = read_text(r.out);
    assert_null(strstr(text, "number 3\""));
    assert_null(strstr(text, "number 7\""));
    free(text);
    Work work = {.common = &r.o->common, .in_recipe = true};
    need_ok(store_open(&work.store, ":memory:", &r.err), &r.err);
    need_ok(import_stage(&work, "import", r.o, &r.err), &r.err);
    need_ok(file_write(known, "{\"prompt\": \"number 5\"}\n", 23, &r.err), &r.err);
    need_ok(import_stage(&work, "import", r.o, &r.err), &r.err);
    text = read_text(r.out);
    assert_null(strstr(text, "number 5\""));
    free(text);
    json_decref(work.summary);
    store_close(work.store);
    need_ok(file_write(known, "{\"prompt\": 5}\n", 14, &r.err), &r.err);
    assert_false(run(&r));
    assert_non_null(strstr(r.err.msg, "known.jsonl:1"));
    free(known);
    free(lines);
    run_free(&r);
}

/* A suffix counts, and two replies have the names that they are given. */
static void adapted(void **state)
{
    (void)state;
    Run r = run_new("{\"query\": \"Q\", \"new\": \"x\", \"old\": \"y\", \"preferred\": \"ours\"}\n"
                    "{\"query\": \"QQ\", \"new\": \"x\", \"old\": \"y\", \"preferred\": \"ours\"}\n");
    set(&r, "replies", "ours=new,old");
    set(&r, "suffix", "!!");
    set(&r, "max-chars", "4");
    need_ok(run(&r), &r.err);
    char *text = read_text(r.out);
    assert_string_equal(text, "{\"prompt\": \"Q!!\", \"responses\": [\"x\", \"y\"], \"preferred\": 0, "
                              "\"models\": [\"ours\", \"old\"]}\n");
    free(text);
    set(&r, "suffix", "");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 2);
    set(&r, "key", r.in);
    assert_false(run(&r));
    assert_int_equal(r.err.code, ERR_USAGE);
    run_free(&r);
}

static void score_ratio(void **state)
{
    (void)state;
    Run r = run_new(
        "{\"history\": \"a\", \"human_ref_A\": \"x\", \"human_ref_B\": \"y\", \"labels\": 1, \"score_ratio\": 2}\n"
        "{\"history\": \"b\", \"human_ref_A\": \"x\", \"human_ref_B\": \"y\", \"labels\": 0, \"score_ratio\": 1.9}\n"
        "{\"prompt\": \"c\", \"responses\": [\"x\", \"z\"]}\n");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 3);
    set(&r, "score-ratio", "2");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 1);
    assert_int_equal(left_out(&r, "score_ratio"), 2);
    run_free(&r);
}

/* Four comparisons of each of 25 posts, from a row on: a post's are all in one part, the same whatever the rows' order; the
 * part has as many rows as asked for, or what its last post has beyond. */
static void shared_prompts(void **state)
{
    (void)state;
    enum { POSTS = 25, EACH = 4, N = POSTS * EACH };
    static const struct {
        const char *split;
        int kept;
    } table[] = {{"1/2", 52}, {"10", 12}, {"12", 12}, {"2/3", 68}, {"99%", N}};
    for (int i = 0; i < COUNT(table); i++) {
        bool in[2][POSTS] = {{false}};
        for (int order = 0; order < 2; order++) {
            Str lines = {0};
            for (int k = 0; k < N; k++) {
                int row = order ? k * 37 % N : k;
                str_addf(&lines, "{\"prompt\": \"post %d!\", \"x\": %d}\n", row / EACH, row);
            }
            Run r = run_new(str_text(&lines));
            set(&r, "split", table[i].split);
            if (table[i].kept == N) {
                assert_false(run(&r));
                assert_non_null(strstr(r.err.msg, "none is left for one of the two parts"));
            } else {
                need_ok(run(&r), &r.err);
                assert_int_equal(count_lines(r.out), table[i].kept);
                assert_int_equal(count_lines(r.rest), N - table[i].kept);
                char *kept = read_text(r.out), *rest = read_text(r.rest);
                for (int p = 0; p < POSTS; p++) {
                    char *post = mem_printf("post %d!", p);
                    in[order][p] = strstr(kept, post) != NULL;
                    assert_true(in[order][p] != (strstr(rest, post) != NULL));
                    free(post);
                }
                free(kept);
                free(rest);
            }
            run_free(&r);
            str_release(&lines);
        }
        assert_memory_equal(in[0], in[1], sizeof in[0]);
    }
}

/* Numbers come out as they went in, unknown fields too. */
static void numbers(void **state)
{
    (void)state;
    static const char row[] = "{\"prompt\": \"a\", \"x\": 0.1, \"y\": 1e-300, \"z\": [1.0, 3, 0.30000000000000004]}\n";
    Run r = run_new(row);
    need_ok(run(&r), &r.err);
    char *text = read_text(r.out);
    assert_string_equal(text, row);
    free(text);
    run_free(&r);
}

static void bad_rows(void **state)
{
    (void)state;
    Run r = run_new("{\"prompt\": \"a\"}\n{\"text\": \"b\"}\nnot JSON\n{\"prompt\": \"c\"}\n");
    assert_false(run(&r));
    assert_non_null(strstr(r.err.msg, "in.jsonl:3"));
    assert_false(file_exists(r.out));
    static const char unknown[] = "{\"prompt\": \"a\"}\n{\"text\": \"b\"}\n";
    need_ok(file_write(r.in, unknown, strlen(unknown), &r.err), &r.err);
    assert_false(run(&r));
    assert_non_null(strstr(r.err.msg, "in.jsonl:2"));
    assert_false(file_exists(r.out));
    set(&r, "skip-bad", "true");
    need_ok(run(&r), &r.err);
    assert_int_equal(count_lines(r.out), 1);
    assert_int_equal(left_out(&r, "bad"), 1);
    run_free(&r);
}

static void refused_options(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"sample", "0%"},    {"sample", "101%"},    {"sample", "3/2"},  {"sample", "1.5"},    {"sample", "many"},
        {"sample", "2/3x"},  {"split", "1/0"},      {"rest", "x"},      {"split", ""},        {"confidence", "high"},
        {"split", "-1"},     {"replies", "a"},      {"replies", "a,a"}, {"replies", "a,b,c"}, {"replies", "a=,b"},
        {"replies", "=a,b"}, {"replies", "a=x,a=y"}};
    for (int i = 0; i < COUNT(table); i++) {
        Run r = run_new("{\"prompt\": \"a\"}\n");
        set(&r, table[i][0], table[i][1]);
        if (run(&r) || r.err.code != ERR_USAGE || !r.err.hint[0])
            fail_msg("--%s %s is not refused as usage: %s", table[i][0], table[i][1], r.err.msg);
        assert_false(file_exists(r.out));
        run_free(&r);
    }
    Run r = run_new("{\"prompt\": \"a\"}\n");
    set(&r, "split", "2/3"); /* one row cannot be two parts */
    assert_false(run(&r));
    assert_int_equal(r.err.code, ERR_INPUT);
    set(&r, "split", "1");
    options_put(&import_table, r.o, "rest", r.out);
    assert_false(run(&r));
    assert_int_equal(r.err.code, ERR_USAGE);
    options_put(&import_table, r.o, "rest", NULL);
    options_put(&import_table, r.o, "output", NULL);
    assert_false(run(&r));
    assert_int_equal(r.err.code, ERR_USAGE);
    run_free(&r);
}

/* In a recipe it is done once: until its options, its input or its output are others. */
static void stage(void **state)
{
    (void)state;
    Run r = run_new("{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n");
    Work work = {.common = &r.o->common, .in_recipe = true};
    static const char mark[] = "{\"prompt\": \"mark\"}\n";
    need_ok(store_open(&work.store, ":memory:", &r.err), &r.err);
    need_ok(import_stage(&work, "import", r.o, &r.err), &r.err);
    assert_int_equal(count_lines(r.out), 2);
    need_ok(file_write(r.out, mark, strlen(mark), &r.err), &r.err);
    need_ok(import_stage(&work, "import", r.o, &r.err), &r.err);
    assert_int_equal(count_lines(r.out), 1);
    set(&r, "limit", "2");
    need_ok(import_stage(&work, "import", r.o, &r.err), &r.err);
    assert_int_equal(count_lines(r.out), 2);
    need_ok(file_write(r.in, mark, strlen(mark), &r.err), &r.err);
    need_ok(import_stage(&work, "import", r.o, &r.err), &r.err);
    assert_int_equal(count_lines(r.out), 1);
    assert_int_equal((int)json_number_of(work.summary, "read", 0), 1);
    set(&r, "sample", "none");
    assert_false(import_stage(&work, "import", r.o, &r.err));
    assert_int_equal(r.err.code, ERR_INPUT); /* a recipe's value, not a command line's */
    json_decref(work.summary);
    store_close(work.store);
    run_free(&r);
}

/* The public data that lies beside the project: every file of a known format, whole. */
static void real_data(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        ImportFormat format;
        int rows;
    } table[] = {{"hh_helpful-base_test_part", IMPORT_HH, 1596},
                 {"hh_harmless-base_test_part", IMPORT_HH, 1572},
                 {"reddit_tldr_valid", IMPORT_TLDR, 553},
                 {"tldr_queries_part", IMPORT_TLDR, 1297},
                 {"raschka_instruction_1100", IMPORT_INSTRUCTION, 1100},
                 {"ifeval_541", IMPORT_ROWS, 541}};
    if (!file_is_dir("../shared/data"))
        skip_aloud("../shared/data is not there");
    for (int i = 0; i < COUNT(table); i++) {
        Run r = run_new("");
        char *in = mem_printf("../shared/data/%s.jsonl.gz", table[i].file), name[64];
        options_put(&import_table, r.o, "input", in);
        need_ok(run(&r), &r.err);
        const json_t *formats = json_object_get(r.summary, "formats");
        options_choice(IMPORT_FORMAT_NAMES, (int)table[i].format, name);
        assert_int_equal((int)json_number_of(formats, name, 0), table[i].rows);
        assert_int_equal(count_lines(r.out), table[i].rows);
        free(in);
        run_free(&r);
    }
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_length),
        cmocka_unit_test(without),
        cmocka_unit_test(adapted),
        cmocka_unit_test(score_ratio),
        cmocka_unit_test(samples),
        cmocka_unit_test(splits),
        cmocka_unit_test(split_of_a_sample),
        cmocka_unit_test(filters),
        cmocka_unit_test(shared_prompts),
        cmocka_unit_test(numbers),
        cmocka_unit_test(bad_rows),
        cmocka_unit_test(refused_options),
        cmocka_unit_test(stage),
        cmocka_unit_test(real_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
