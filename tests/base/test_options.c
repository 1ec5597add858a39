/* Options as tables: the command line, recipes, defaults, help, and every message of a failure. */
#include "support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"

typedef struct Common {
    int threads;
    bool quiet;
} Common;

typedef struct Sample {
    Common common;
    char *prompts, *model, *output, *note;
    int n, kind;
    double temperature;
    bool greedy;
    OptionList judges;
    OptionTree parts;
    double rate, room;
    int shots;
} Sample;

static const Option common_options[] = {
    {"threads", OPT_INT, AT(Common, threads), 0, 1024, "0", .flags = OPT_WORKING | OPT_MACHINE,
     .help = "threads; 0: one a core"},
    {"quiet", OPT_BOOL, AT(Common, quiet), .flags = OPT_WORKING | OPT_CLI, .help = "no progress"},
};

static const Option sample_options[] = {
    {"prompts", OPT_TEXT, AT(Sample, prompts), .value = "FILE", .flags = OPT_POSITIONAL | OPT_REQUIRED,
     .help = "rows with a prompt"},
    {"model", OPT_TEXT, AT(Sample, model), .flags = OPT_REQUIRED, .help = "the policy"},
    {"output", OPT_TEXT, AT(Sample, output), .value = "FILE", .flags = OPT_SHORT_O | OPT_WORKING, .help = "where to"},
    {"note", OPT_TEXT, AT(Sample, note), .flags = OPT_RECIPE, .help = "a remark"},
    {"n", OPT_INT, AT(Sample, n), -5, 1000, "1", .help = "responses a prompt"},
    {"kind", OPT_CHOICE, AT(Sample, kind), .choices = "auto|plain|avx2", .otherwise = "plain", .help = "which one"},
    {"temperature", OPT_REAL, AT(Sample, temperature), 0, 2, "0.7", .help = "of the distribution"},
    {"greedy", OPT_BOOL, AT(Sample, greedy), .otherwise = "true", .help = "the likeliest token"},
    {"judges", OPT_LIST, AT(Sample, judges), .help = "who judges, and a help text that is long"},
    {"parts", OPT_TREE, AT(Sample, parts), .flags = OPT_WORKING, .help = "a list of more than texts"},
    {"rate", OPT_REAL, AT(Sample, rate), 0, 1, "0.5", .flags = OPT_WORKING, .with = "kind=avx2",
     .help = "of the second kind"},
    {"shots", OPT_INT, AT(Sample, shots), -1, 9, "-1", .flags = OPT_WORKING, .with = "judges|elsewhere|parts",
     .help = "of who judges"},
    {"room", OPT_SIZE, AT(Sample, room), .flags = OPT_WORKING | OPT_CLI, .with = "shots", .help = "for these"},
};

static const OptionGroup groups[] = {
    {common_options, COUNT(common_options), AT(Sample, common)},
    {sample_options, COUNT(sample_options), 0},
};
static const OptionTable table = {groups, COUNT(groups), sizeof(Sample)};

/* --- what is understood ------------------------------------------------------------------------------------------- */

/* A command line in words; fails the test where it is refused. Free with options_free. */
static Sample *parse(const char *words, Err *err)
{
    char *copy = mem_str(words), *argv[40];
    int argc = 0;
    for (char *w = copy; *w;) {
        argv[argc++] = w;
        w += strcspn(w, " ");
        if (*w)
            *w++ = 0;
    }
    Sample *s = options_new(&table);
    bool ok = options_parse(&table, s, argc, argv, err);
    assert_int_equal(ok, err->code == ERR_NONE);
    free(copy);
    return s;
}

static Sample *parsed(const char *words)
{
    Err err = {0};
    Sample *s = parse(words, &err);
    need_ok(err.code == ERR_NONE, &err);
    return s;
}

/* Sizes as people write them. */
static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double bytes; /* 0: it is none */
    } cases[] = {{"8G", 8e9},  {"8.5GB", 8.5e9}, {"800 M", 8e8},     {"8GiB", 8589934592.0},
                 {"2t", 2e12}, {"1k", 1000},     {"123456", 123456}, {"1KiB", 1024},
                 {"12b", 12},  {"0", 0},         {"-8G", 0},         {"", 0},
                 {"G", 0},     {"8X", 0},        {"8GG", 0},         {"8G5", 0},
                 {"nan", 0},   {"inf", 0},       {"1e30", 0},        {"0.5", 0},
                 {"8iB", 0}};
    for (int i = 0; i < COUNT(cases); i++) {
        double bytes = -1;
        bool ok = options_size(&bytes, cases[i].text);
        if (ok != (cases[i].bytes > 0) || (ok && bytes != cases[i].bytes))
            fail_msg("%s: %g", cases[i].text, bytes);
    }
}

static void defaults(void **state)
{
    (void)state;
    Sample *s = options_new(&table);
    assert_true(s->n == 1 && s->kind == 1 && s->temperature == 0.7 && s->greedy && !s->common.quiet);
    assert_true(!s->prompts && !s->model && !s->output && s->judges.n == 0 && s->common.threads == 0);
    options_free(&table, s);
    options_free(&table, NULL);
}

static void command_line(void **state)
{
    (void)state;
    Sample *s = parsed("rows.jsonl --model dir --n=-5 --kind avx2 --temperature 1e-1 --greedy false --quiet "
                       "--threads 3 -o out.jsonl --judges a,b --judges c,,d");
    assert_string_equal(s->prompts, "rows.jsonl");
    assert_string_equal(s->model, "dir");
    assert_string_equal(s->output, "out.jsonl");
    assert_true(s->n == -5 && s->kind == 2 && s->temperature == 0.1 && !s->greedy);
    assert_true(s->common.quiet && s->common.threads == 3);
    assert_int_equal(s->judges.n, 4);
    assert_string_equal(s->judges.item[2], "c");
    assert_string_equal(s->judges.item[3], "d");
    options_free(&table, s);

    s = parsed("--quiet rows --model=a=b --greedy --model dir"); /* the last one counts */
    assert_true(s->common.quiet && s->greedy);
    assert_string_equal(s->prompts, "rows");
    assert_string_equal(s->model, "dir");
    options_free(&table, s);

    s = parsed("--model m -- --odd-name");
    assert_string_equal(s->prompts, "--odd-name");
    options_free(&table, s);

    s = parsed("r --model m --rate 0.5 --shots -1"); /* as they are by default: nothing is asked for */
    options_free(&table, s);
    s = parsed("r --model m --rate 0.4 --kind avx2 --shots 0 --judges a --room 1k");
    assert_true(s->rate == 0.4 && s->shots == 0 && s->room == 1000);
    options_free(&table, s);

    s = parsed("- --model m --output=");
    assert_string_equal(s->prompts, "-");
    assert_string_equal(s->output, "");
    options_free(&table, s);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

typedef struct Refused {
    const char *words, *msg, *hint; /* parts that the sentence has to have */
} Refused;

static const Refused refused[] = {
    {"r --model m --temprature 1", "there is no option \"--temprature\"", "did you mean \"--temperature\"?"},
    {"r --model m --thr 1", "there is no option \"--thr\"", "did you mean \"--threads\"?"},
    {"r --model m --zzzzzzzz 1", "there is no option \"--zzzzzzzz\"", "rlaif help"},
    {"r --model m --note x", "there is no option \"--note\"", ""}, /* only in recipes */
    {"r --model m --nota x", "there is no option \"--nota\"", ""}, /* and not proposed */
    {"r --model m -n 4", "there is no option \"-n\"", "long names"},
    {"r --model m --n 1001", "--n \"1001\" cannot be used", "from -5 to 1000"},
    {"r --model m --n -6", "--n \"-6\" cannot be used", "from -5 to 1000"},
    {"r --model m --n 4.5", "--n \"4.5\" cannot be used", "a whole number"},
    {"r --model m --n 99999999999999999999", "cannot be used", "a whole number"},
    {"r --model m --n=", "--n \"\" cannot be used", "a whole number"},
    {"r --model m --temperature 2.01", "--temperature \"2.01\" cannot be used", "a number from 0 to 2"},
    {"r --model m --temperature nan", "--temperature \"nan\" cannot be used", "a number from 0 to 2"},
    {"r --model m --temperature warm", "--temperature \"warm\" cannot be used", "a number from 0 to 2"},
    {"r --model m --kind avx", "--kind \"avx\" cannot be used", "one of auto|plain|avx2"},
    {"r --model m --kind=", "--kind \"\" cannot be used", "one of auto|plain|avx2"},
    {"r --model m --greedy=yes", "--greedy \"yes\" cannot be used", "true or false"},
    {"r --model m --n", "--n needs a value", ""},
    {"r --model m -o", "-o needs a value", ""},
    {"r --model", "--model needs a value", ""},
    {"r s --model m", "\"s\" is one argument too many", "--name value"},
    {"r --model m --judges=", "--judges \"\" cannot be used", "separated by commas"},
    {"r --model m --judges ,", "--judges \",\" cannot be used", "separated by commas"},
    {"r --model m --rate 0.4", "--rate needs --kind avx2", "no effect"},
    {"r --model m --kind auto --rate 0.4", "--rate needs --kind avx2", "no effect"},
    {"r --model m --shots 0", "--shots needs --judges or --parts", "no effect"},
    {"r --model m --judges a --shots=-1 --room 1k", "--room needs --shots", "no effect"},
    {"r", "--model is missing", "the policy"},
    {"--model m", "FILE is missing", "rows with a prompt"},
};

static void refusals(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(refused); i++) {
        Err err = {0};
        Sample *s = parse(refused[i].words, &err);
        if (err.code != ERR_USAGE || !strstr(err.msg, refused[i].msg) || !strstr(err.hint, refused[i].hint) ||
            !str_starts(err.msg, "command line: "))
            fail_msg("\"%s\": %d \"%s\" (%s)", refused[i].words, (int)err.code, err.msg, err.hint);
        options_free(&table, s);
    }
    Err err = {0};
    Sample *s = parse("r --model m --nota x", &err);
    assert_null(strstr(err.hint, "--note"));
    options_free(&table, s);
}

/* --- recipes ------------------------------------------------------------------------------------------------------- */

/* Sets one key of a YAML text. */
static bool set_yaml(Sample *s, const char *text, Err *err)
{
    Yaml *y;
    need_ok(yaml_parse(text, strlen(text), "recipe.yaml", &y, err), err);
    bool ok = options_set_yaml(&table, s, y->keys[0], y->item[0], "recipe.yaml", err);
    yaml_free_tree(y);
    return ok;
}

static void recipes(void **state)
{
    (void)state;
    Err err = {0};
    Sample *s = options_new(&table);
    static const char *const good[] = {"n: 7",        "kind: auto",           "temperature: 1.5", "greedy: false",
                                       "judges: [x]", "judges: [a, \"b,c\"]", "note: two words",  "threads: 9"};
    for (int i = 0; i < COUNT(good); i++)
        need_ok(set_yaml(s, good[i], &err), &err);
    assert_true(s->n == 7 && s->kind == 0 && s->temperature == 1.5 && !s->greedy && s->common.threads == 9);
    assert_int_equal(s->judges.n, 2); /* a list replaces the one before */
    assert_string_equal(s->judges.item[1], "b,c");
    assert_string_equal(s->note, "two words");
    need_ok(set_yaml(s, "judges: p,q,r", &err), &err);
    assert_int_equal(s->judges.n, 3);

    static const Refused bad[] = {
        {"m: 1\n", "recipe.yaml:1: there is no key \"m\"", ""},
        {"\n\ntemprature: 1\n", "recipe.yaml:3: there is no key \"temprature\"", "did you mean \"temperature\"?"},
        {"quiet: true", "there is no key \"quiet\"", ""}, /* only on the command line */
        {"n: [1, 2]", "\"n\" takes a single value", "n: ..."},
        {"n: {a: 1}", "\"n\" takes a single value", "n: ..."},
        {"judges: {a: 1}", "\"judges\" takes a list of texts", ""},
        {"judges: [a, [b]]", "\"judges\" takes a list of texts", ""},
        {"parts: {a: 1}", "\"parts\" takes a list, or a file that holds one", ""},
        {"parts: /no/such.yaml", "/no/such.yaml: No such file", "check the name"},
        {"n: many", "recipe.yaml:1: n = \"many\" cannot be used", "from -5 to 1000"},
    };
    for (int i = 0; i < COUNT(bad); i++) {
        err_clear(&err);
        if (set_yaml(s, bad[i].words, &err) || err.code != ERR_INPUT || !strstr(err.msg, bad[i].msg) ||
            !strstr(err.hint, bad[i].hint))
            fail_msg("\"%s\": %d \"%s\" (%s)", bad[i].words, (int)err.code, err.msg, err.hint);
    }
    err_clear(&err);
    assert_false(options_complete(&table, s, "recipe.yaml", &err));
    assert_true(err.code == ERR_INPUT && strstr(err.msg, "recipe.yaml: prompts is missing"));
    options_put(&table, s, "prompts", "p");
    options_put(&table, s, "model", "m");
    options_put(&table, s, "judges", "a");
    options_put(&table, s, "judges", "b, c"); /* a list becomes this one text */
    assert_int_equal(s->judges.n, 1);
    assert_string_equal(s->judges.item[0], "b, c");
    options_put(&table, s, "judges", NULL);
    assert_int_equal(s->judges.n, 0);
    err_clear(&err);
    need_ok(options_complete(&table, s, "recipe.yaml", &err), &err);
    s->room = 1; /* the command line's own, for all of a recipe's stages: this one has no use for it */
    need_ok(options_complete(&table, s, "recipe.yaml", &err), &err);
    s->rate = 0.4;
    assert_false(options_complete(&table, s, "recipe.yaml", &err));
    assert_true(err.code == ERR_INPUT && strstr(err.msg, "recipe.yaml: --rate needs --kind avx2"));
    s->rate = 0.5;
    err_clear(&err);
    need_ok(options_set(&table, s, "n", "3", "recipe.yaml:9", &err), &err);
    assert_true(s->n == 3);
    options_free(&table, s);
}

/* --- what tables give besides --------------------------------------------------------------------------------------- */

static void as_json(void **state)
{
    (void)state;
    Sample *s = parsed("rows --model m --judges a,b -o o --n 2 --threads 5");
    json_t *all = options_json(&table, s, true), *identity = options_json(&table, s, false);
    char *text = json_text(identity), *whole = json_text(all);
    assert_string_equal(text,
                        "{\"prompts\": \"rows\", \"model\": \"m\", \"note\": null, \"n\": 2, \"kind\": \"plain\", "
                        "\"temperature\": 0.7, \"greedy\": true, \"judges\": [\"a\", \"b\"]}");
    assert_non_null(strstr(whole, "\"threads\": 5"));
    assert_non_null(strstr(whole, "\"output\": \"o\""));
    free(text);
    free(whole);
    json_decref(all);
    json_decref(identity);
    assert_true(options_given(&table, s, "output") && options_given(&table, s, "n"));
    assert_false(options_given(&table, s, "note"));
    assert_false(options_given(&table, s, "nonsense"));
    options_free(&table, s);
}

static void help(void **state)
{
    (void)state;
    Str out = {0};
    options_help(&table, &out);
    const char *t = str_text(&out);
    assert_true(str_starts(t, "  FILE ")); /* what has no name comes first */
    static const char *const parts[] = {"rows with a prompt (required)\n",
                                        "  --n N ",
                                        "responses a prompt [1]\n",
                                        "  --kind auto|plain|avx2 ",
                                        "[plain]\n",
                                        "  -o, --output FILE ",
                                        "  --greedy ",
                                        "  --judges A,B ",
                                        "  --temperature X "};
    for (int i = 0; i < COUNT(parts); i++)
        if (!strstr(t, parts[i]))
            fail_msg("the help lacks \"%s\":\n%s", parts[i], t);
    assert_null(strstr(t, "--note"));
    for (const char *line = t; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") < 100);
    str_release(&out);
}

/* Kept with a run and read back: all that was asked for, whatever its text, but nothing of the machine. */
static void kept_as_yaml(void **state)
{
    (void)state;
    Err err = {0};
    Sample *s =
               parse("p.jsonl --model m:~#\"'x --n -3 --threads 7 --kind avx2 --temperature 0.1 --judges a,b:c --quiet",
                     &err),
           *t = options_new(&table);
    char *folder = make_folder(), *path = path_join(folder, "options.yaml");
    Str text = {0}, again = {0};
    options_append_yaml(&table, s, "", &text);
    assert_null(strstr(str_text(&text), "threads"));
    assert_null(strstr(str_text(&text), "quiet"));
    assert_null(strstr(str_text(&text), "note"));
    need_ok(file_write(path, str_text(&text), text.n, &err) && options_read_yaml(&table, t, path, &err), &err);
    options_append_yaml(&table, t, "", &again);
    assert_string_equal(str_text(&again), str_text(&text));
    assert_string_equal(t->model, s->model);
    assert_true(t->n == -3 && t->kind == 2 && t->temperature == 0.1 && t->judges.n == 2 && t->common.threads == 0);
    need_ok(file_write(path, "n: [1]\n", 7, &err), &err);
    assert_false(options_read_yaml(&table, t, path, &err));
    str_release(&text), str_release(&again);
    free(path);
    remove_folder(folder);
    options_free(&table, s);
    options_free(&table, t);
}

/* A list of more than texts: where it stands, in a file or in a recipe, its lines are known; it is kept as it is meant. */
static void trees(void **state)
{
    (void)state;
    static const char list[] = "# two\n- {a: x, b: -1}\n- c: [\"null\", ~, {}]\n";
    static const char kept[] = "parts: [{a: x, b: \"-1\"}, {c: [\"null\", null, {}]}]\n";
    Err err = {0};
    char *folder = make_folder(), *path = path_join(folder, "list.yaml");
    need_ok(file_write(path, list, strlen(list), &err), &err);
    Sample *s = options_new(&table), *t = options_new(&table);
    assert_false(options_given(&table, s, "parts"));
    need_ok(options_set(&table, s, "parts", path, "command line", &err), &err);
    assert_true(options_given(&table, s, "parts") && s->parts.yaml->kind == YAML_LIST);
    assert_string_equal(s->parts.where, path);
    assert_int_equal(s->parts.yaml->item[1]->line, 3);
    Str text = {0}, again = {0};
    options_append_yaml(&table, s, "", &text);
    assert_non_null(strstr(str_text(&text), kept));
    need_ok(set_yaml(t, "\nparts:\n- d", &err) && set_yaml(t, kept, &err), &err); /* the last one counts */
    assert_string_equal(t->parts.where, "recipe.yaml");
    options_append_yaml(&table, t, "", &again);
    assert_non_null(strstr(str_text(&again), kept));
    need_ok(set_yaml(t, "parts:", &err), &err); /* nothing leaves it as it is */
    assert_true(options_given(&table, t, "parts"));
    assert_false(options_set(&table, t, "parts", folder, "command line", &err));
    assert_string_equal(t->parts.where, "recipe.yaml");
    str_release(&text), str_release(&again);
    options_free(&table, s);
    options_free(&table, t);
    free(path);
    remove_folder(folder);
}

static void choices(void **state)
{
    (void)state;
    char name[64];
    assert_string_equal(options_choice("auto|plain|avx2", 0, name), "auto");
    assert_string_equal(options_choice("auto|plain|avx2", 2, name), "avx2");
    assert_string_equal(options_choice("auto|plain|avx2", 3, name), "");
    size_t base = 9;
    assert_ptr_equal(options_find(&table, "quiet", &base), &common_options[1]);
    assert_int_equal(base, AT(Sample, common));
    assert_null(options_find(&table, "qui", &base));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),    cmocka_unit_test(defaults), cmocka_unit_test(command_line),
        cmocka_unit_test(refusals), cmocka_unit_test(recipes),  cmocka_unit_test(as_json),
        cmocka_unit_test(help),     cmocka_unit_test(choices),  cmocka_unit_test(kept_as_yaml),
        cmocka_unit_test(trees),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
