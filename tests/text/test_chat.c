/* Chat templates: what transformers makes of each construct, what is refused and how, limits, a real model's. */
#include "base/lines.h"
#include "model/gguf_config.h"
#include "text/chat.h"
#include "tokenizer_helpers.h"

/* --- helpers ----------------------------------------------------------------------------------------- */

static json_t *parsed(const char *text)
{
    Err err = {0};
    json_t *value;
    if (!json_parse(text, strlen(text), "test", &value, &err))
        fail_msg("%s", err.msg);
    return value;
}

/* Renders into *out; false with *err set where reading or rendering fails. */
static bool rendered(const char *source, const json_t *messages, bool prompt, Tainted *out, Err *err)
{
    ChatTemplate *t = chat_template_new(source, "<s>", "</s>", NULL);
    bool ok = chat_render(t, messages, prompt, 0, out, err);
    chat_template_free(t);
    return ok;
}

static void expect_text(const char *source, const json_t *messages, bool prompt, const char *wanted, size_t n)
{
    Err err = {0};
    Tainted out = {0};
    if (!rendered(source, messages, prompt, &out, &err))
        fail_msg("%s\nfails: %s\nshould give: %s", source, err.msg, wanted);
    if (out.text.n != n || memcmp(str_text(&out.text), wanted, n) != 0)
        fail_msg("%s\ngives: %s\nshould give: %s", source, str_text(&out.text), wanted);
    tainted_release(&out);
}

/* The template must fail with this message; *hint (if not NULL) must be in its hint. */
static void expect_failure(const char *source, const char *wanted, const char *hint)
{
    Err err = {0};
    Tainted out = {0};
    json_t *messages = parsed("[{\"role\": \"user\", \"content\": \"Hi\"}]");
    tainted_add(&out, "kept", 4, NULL);
    if (rendered(source, messages, false, &out, &err))
        fail_msg("%s\nrenders \"%s\", should say \"%s\"", source, str_text(&out.text), wanted);
    if (strcmp(err.msg, wanted) != 0)
        fail_msg("%s\nsays \"%s\"\nnot  \"%s\"", source, err.msg, wanted);
    if (hint && !strstr(err.hint, hint))
        fail_msg("%s\nhints \"%s\", not \"%s\"", source, err.hint, hint);
    assert_int_equal(err.code, ERR_INPUT);
    assert_string_equal(str_text(&out.text), "kept");
    tainted_release(&out);
    json_decref(messages);
}

/* --- what transformers makes of it ------------------------------------------------------------------- */

static void fixture(const json_t *row, json_t *none)
{
    const char *source = json_text_of(row, "template");
    const json_t *given = json_object_get(row, "messages"), *text = json_object_get(row, "text");
    const json_t *messages = given ? given : none;
    bool prompt = json_bool_of(row, "add_generation_prompt", false);
    if (text) {
        expect_text(source, messages, prompt, json_string_value(text), json_string_length(text));
        return;
    }
    Err err = {0};
    Tainted out = {0};
    if (rendered(source, messages, prompt, &out, &err))
        fail_msg("%s\nrenders \"%s\", Python says %s", source, str_text(&out.text), json_text_of(row, "error"));
    if (!str_starts(err.msg, "chat template line "))
        fail_msg("%s\nfails without its line: %s", source, err.msg);
    assert_int_equal(out.text.n, 0);
    tainted_release(&out);
}

static void test_fixtures(void **state)
{
    (void)state;
    Err err = {0};
    json_t *rows, *none = json_array();
    if (!json_read_file("tests/fixtures/chat.json", &rows, &err))
        fail_msg("%s", err.msg);
    assert_true(json_array_size(rows) >= 200);
    for (size_t i = 0; i < json_array_size(rows); i++)
        fixture(json_array_get(rows, i), none);
    json_decref(none);
    json_decref(rows);
}

/* --- what is refused, with its name and line --------------------------------------------------------- */

/* Found when the template is read, also in a branch that no message takes. */
static void test_unsupported_names(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{{ 'x' |\n frobnicate }}", "chat template line 2: the filter \"frobnicate\" is not supported"},
        {"{% if false %}{% endif %}\n{{ x is odder }}", "chat template line 2: the test \"odder\" is not supported"},
        {"{{ (1 if true else 2) | frobnicate }}", "chat template line 1: the filter \"frobnicate\" is not supported"},
        {"a\n{% if false %}{% include 'x' %}{% endif %}", "chat template line 2: the tag \"include\" is not supported"},
        {"{% block b %}{% endblock %}", "chat template line 1: the tag \"block\" is not supported"},
        {"\n\n{{ 'x' | truncate(3) }}", "chat template line 3: the filter \"truncate\" is not supported"},
        {"{{ [1] | map.x }}", "chat template line 1: the filter \"map\" is not supported"},
        {"{% if false %}{{ frobnicate(1) }}{% endif %}",
         "chat template line 1: the function \"frobnicate\" is not supported"},
        {"{{ cycler(1, 2) }}", "chat template line 1: the function \"cycler\" is not supported"},
        {"{{ self }}", "chat template line 1: \"self\" is not supported"},
        {"{% set loop = 1 %}", "chat template line 1: assigning to \"loop\" is not supported"},
        {"{% for x in [1] recursive %}{% endfor %}", "chat template line 1: a recursive loop is not supported"},
        {"{{ x[1, 2] }}", "chat template line 1: a \",\" between brackets after a value is not supported"},
        {"{{ '\\N{BULLET}' }}", "chat template line 1: the escape \\N{...} in a text is not supported"},
        {"{{ 99999999999999999999 }}", "chat template line 1: the number is too large"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        ChatTemplate *t = chat_template_new(cases[i][0], NULL, NULL, NULL);
        assert_string_equal(chat_template_source(t), cases[i][0]);
        assert_false(chat_template_check(t, &err));
        assert_string_equal(err.msg, cases[i][1]);
        chat_template_free(t);
        expect_failure(cases[i][0], cases[i][1], "--chat false");
    }
}

/* Behind an `if`, as in Jinja, a filter or test that there is none of fails where it is reached. */
static void test_unknown_where_reached(void **state)
{
    (void)state;
    static const struct {
        const char *source, *text, *failure; /* one of the two */
    } row[] = {
        {"{% if false %}{{ 'x' | from_json }}{% endif %}ok", "ok", NULL},
        {"{% if true %}ok{% else %}{{ 'x' is odder }}{% endif %}", "ok", NULL},
        {"{% if false %}{% elif false %}{% for x in 'x' | from_json(1, a=2) %}{% endfor %}{% endif %}ok", "ok", NULL},
        {"{{ 'ok' if true else 'x' | from_json }}", "ok", NULL},
        {"{{ 'x' | from_json if false else 'ok' }}", "ok", NULL},
        {"{{ 'ok' if true or 'x' is odder }}", "ok", NULL},
        {"{% set a = {'k': ('x' | from_json) if false else 'ok'} %}{{ a.k }}", "ok", NULL},
        {"a\n{% if true %}{{ 'x' | from_json }}{% endif %}", NULL,
         "chat template line 2: the filter \"from_json\" is not supported"},
        {"{{ 'x' | from_json if true else '' }}", NULL,
         "chat template line 1: the filter \"from_json\" is not supported"},
        {"{% if 1 is odder %}{% endif %}", NULL, "chat template line 1: the test \"odder\" is not supported"},
    };
    json_t *none = json_array();
    for (int i = 0; i < COUNT(row); i++)
        if (row[i].text)
            expect_text(row[i].source, none, false, row[i].text, strlen(row[i].text));
        else
            expect_failure(row[i].source, row[i].failure, NULL);
    json_decref(none);
}

/* What Python writes for the same. */
static void test_percent(void **state)
{
    (void)state;
    static const char *const row[][2] = {
        {"{{ '%5s|%-5s|%.2s' | format('ab', 'cd', 'efg') }}", "   ab|cd   |ef"},
        {"{{ '%3s|%-3s|%.1s' | format('\xc3\xa9', '\xc3\xa9', '\xc3\xa9x') }}", "  \xc3\xa9|\xc3\xa9  |\xc3\xa9"},
        {"{{ '%05d|%+d|% d|%-4d|%.3d' | format(42, 7, 7, -3, 5) }}", "00042|+7| 7|-3  |005"},
        {"{{ '%05d|%+05d|%5d|%d' | format(-42, 7, true, 3.9) }}", "-0042|+0007|    1|3"},
        {"{{ '%x|%X|%o|%#x|%#o|%#06x' | format(255, 255, 8, 255, 8, 255) }}", "ff|FF|10|0xff|0o10|0x00ff"},
        {"{{ '%x|%d' | format(-255, -9223372036854775807) }}", "-ff|-9223372036854775807"},
        {"{{ '%f|%.2f|%8.3f|%-8.1f|' | format(1, 2.345, 3.14159, 2) }}", "1.000000|2.35|   3.142|2.0     |"},
        {"{{ '%+.1f|%08.2f|%.0f' | format(2.25, -3.14159, 2.5) }}", "+2.2|-0003.14|2"},
        {"{{ '%e|%.2E|%g|%g|%G' | format(12345.678, 0.00012, 1e-5, 100000, 1e20) }}",
         "1.234568e+04|1.20E-04|1e-05|100000|1E+20"},
        {"{{ '%(a)5.1f %(b)s %%' | format(a=1.25, b='x') }}", "  1.2 x %"},
        {"{{ '%(a)5.1f%%' % {'a': 99.5} }}", " 99.5%"},
    };
    json_t *none = json_array();
    for (int i = 0; i < COUNT(row); i++)
        expect_text(row[i][0], none, false, row[i][1], strlen(row[i][1]));
    json_decref(none);
}

/* The rest of transformers' special_tokens_map. */
static void test_special_tokens(void **state)
{
    (void)state;
    Err err = {0};
    json_t *more = json_pack("{s:s, s:[s, s], s:s}", "pad_token", "<pad>", "additional_special_tokens", "<a>", "<b>",
                             "messages", "not these");
    ChatTemplate *t =
        chat_template_new("{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ additional_special_tokens[1] }}"
                          "{{ additional_special_tokens | length }}{{ unk_token is defined }}{{ unk_token }}"
                          "{{ messages | length }}",
                          "<s>", "</s>", more);
    json_decref(more);
    json_t *none = json_array();
    Tainted out = {0};
    if (!chat_render(t, none, false, 0, &out, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(str_text(&out.text), "<s></s><pad><b>2False0");
    assert_false(taint_any(tainted_taint(&out), out.text.n));
    tainted_release(&out);
    chat_template_free(t);
    json_decref(none);
}

/* Python has an answer and we have none: never another answer. */
static void test_unsupported_values(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\n{{ 'a'.swapcase() }}", "chat template line 2: the method \"swapcase\" of a text is not supported"},
        {"{{ [1].index(1) }}", "chat template line 1: the method \"index\" of a list is not supported"},
        {"{{ {}.copy() }}", "chat template line 1: the method \"copy\" of a dict is not supported"},
        {"{{ (5).real }}", "chat template line 1: the method \"real\" of an integer is not supported"},
        {"{{ [1] | map('truncate') | list }}", "chat template line 1: the filter \"truncate\" is not supported"},
        {"{{ '%c' % 1 }}", "chat template line 1: \"%\" on a text writes texts and numbers: \"%c\" is not supported"},
        {"{{ '%*d' % 1 }}", "chat template line 1: \"%\" on a text writes texts and numbers: \"%*d\" is not supported"},
        {"{{ '%101d' % 1 }}",
         "chat template line 1: \"%\" on a text writes texts and numbers: \"%101d\" is not supported"},
        {"{{ '%x' % 1.5 }}", "chat template line 1: \"%x\" and \"%o\" write an integer, not a float"},
        {"{{ '%f' % 'a' }}", "chat template line 1: \"%f\" writes a number, not a text"},
        {"{{ '%r' % 1 }}", "chat template line 1: \"%\" on a text writes texts and numbers: \"%r\" is not supported"},
        {"{{ '%' % 1 }}", "chat template line 1: \"%\" on a text writes texts and numbers: \"%\" is not supported"},
        {"{{ '%(a' % {} }}",
         "chat template line 1: \"%\" on a text writes texts and numbers: \"%(a\" is not supported"},
        {"{{ 2.0 ** 0.5 }}", "chat template line 1: \"**\" on floats is not supported"},
        {"{{ 2 ** -1 }}", "chat template line 1: \"**\" with a negative exponent is not supported"},
        {"{{ 2 ** 63 }}", "chat template line 1: an integer of more than 64 bits"},
        {"{{ 9223372036854775807 + 1 }}", "chat template line 1: an integer of more than 64 bits"},
        {"{{ '99999999999999999999' | int }}", "chat template line 1: an integer of more than 64 bits"},
        {"{{ '10' | int(base=16) }}", "chat template line 1: int with another base than 10 is not supported"},
        {"{{ '\xd9\xa3' | int }}", "chat template line 1: a number in other than ASCII digits is not supported"},
        {"{{ '{:>3}'.format(1) }}",
         "chat template line 1: format() has no value for \"{:>3}\", or it is more than a name or number"},
        {"{{ ('a' | safe).split('a') }}", "chat template line 1: this method of text marked as safe is not supported"},
        {"{{ '\xce\xa3' | lower }}",
         "chat template line 1: the lower case of U+03A3 depends on its word: not supported"},
        {"{{ '\xc5\x89'.title() }}", "chat template line 1: the title case of the character U+0149 is not supported"},
        {"{{ range(3) }}", "chat template line 1: the template writes a range"},
        {"{{ [1] | map('string') }}", "chat template line 1: the template writes a generator"},
        {"{{ raise_exception }}", "chat template line 1: the template writes a function"},
        {"{% macro m() %}{% endmacro %}{{ m.name }}",
         "chat template line 1: the attribute \"name\" of a macro is not supported"},
        {"{{ 'a' is sameas 'a' }}", "chat template line 1: sameas is not supported for a text"},
        {"{{ -1 | round(-1) }}", "chat template line 1: round to -1 decimals is not supported"},
    };
    for (int i = 0; i < COUNT(cases); i++)
        expect_failure(cases[i][0], cases[i][1], NULL);
}

/* A template is told the day that the caller gives, and one fixed day where it gives none. */
static void test_date(void **state)
{
    (void)state;
    static const struct {
        int date;
        const char *text;
    } row[] = {{0, "Friday, 26 July 2024, 2024-07-26 Jul 26 208 5"},
               {20240229, "Thursday, 29 February 2024, 2024-02-29 Feb 29 060 4"},
               {20001231, "Sunday, 31 December 2000, 2000-12-31 Dec 31 366 0"},
               {19000301, "Thursday, 1 March 1900, 1900-03-01 Mar  1 060 4"},
               {99991231, "Friday, 31 December 9999, 9999-12-31 Dec 31 365 5"}};
    json_t *none = json_array();
    ChatTemplate *t = chat_template_new("{{ strftime_now('%A, %-d %B %Y, %Y-%m-%d %b %e %j %w') if strftime_now is "
                                        "defined }}",
                                        NULL, NULL, NULL);
    for (int i = 0; i < COUNT(row); i++) {
        Err err = {0};
        Tainted out = {0};
        assert_true(chat_render(t, none, false, row[i].date, &out, &err));
        assert_string_equal(str_text(&out.text), row[i].text);
        tainted_release(&out);
    }
    chat_template_free(t);
    json_decref(none);
    expect_failure("\n{{ strftime_now('%U') }}", "chat template line 2: the format \"%U\" of a date is not supported",
                   NULL);
    expect_failure("{{ strftime_now('%') }}", "chat template line 1: the format \"%\" of a date is not supported",
                   NULL);
    expect_failure("{{ strftime_now(5) }}", "chat template line 1: strftime_now() needs a format, not an integer",
                   NULL);
}

/* The template's own words, and where. */
static void test_exception(void **state)
{
    (void)state;
    expect_failure("{% for m in messages %}\n{{ raise_exception('No ' ~ m.role ~ 's here') }}{% endfor %}",
                   "chat template line 2: the template refuses the messages: No users here", NULL);
    expect_failure("{% macro deep() %}\n\n{{ x.y }}{% endmacro %}\n{{ 1 ~ deep() }}",
                   "chat template line 3: \"x\" is not defined", NULL);
}

/* --- limits ------------------------------------------------------------------------------------------ */

static void test_limits(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{% set r = range(999) %}{% for i in r %}{% for j in r %}{% for k in r %}{% endfor %}{% endfor %}{% endfor %}",
         "chat template line 1: more than 10000000 steps: the template does not end, or the messages are too long"},
        {"{% macro m() %}{{ m() }}{% endmacro %}\n{{ m() }}", "chat template line 1: more than 800 levels of nesting"},
        {"{% set s = 'x' * 1000000 %}\n{% for i in range(99) %}{{ s }}{% endfor %}",
         "chat template line 2: more than 64 MB of text"},
        {"{{ 'x' * 1000000000000 }}", "chat template line 1: the values take more than 256 MB"},
        {"{{ [1] * 100000000 }}", "chat template line 1: the values take more than 256 MB"},
        {"{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}\n{{ n.x }}",
         "chat template line 2: more than 800 levels of nesting"},
        {"{{ range(100001) }}", "chat template line 1: range() of more than 100000 items"},
    };
    for (int i = 0; i < COUNT(cases); i++)
        expect_failure(cases[i][0], cases[i][1], NULL);
}

/* What a long conversation or a template that recurses may need is within them. */
static void test_within_limits(void **state)
{
    (void)state;
    json_t *none = json_array();
    expect_text("{% for i in range(2000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}done", none, false, "done",
                4);
    expect_text("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% else %}end{% endif %}{% endmacro %}{{ m(150) }}", none,
                false, "end", 3);
    expect_text("{{ ('x' * 60000000) | length }}", none, false, "60000000", 8);
    json_decref(none);
}

/* So many copies of a piece of source must not be read. */
static void expect_too_deep(const char *piece, int copies)
{
    Str source = {0};
    Err err = {0};
    str_add(&source, "{{ ");
    for (int i = 0; i < copies; i++)
        str_add(&source, piece);
    ChatTemplate *t = chat_template_new(str_text(&source), NULL, NULL, NULL);
    assert_false(chat_template_check(t, &err));
    chat_template_free(t);
    if (!strstr(err.msg, "more than 150"))
        fail_msg("%d times %s: %s", copies, piece, err.msg);
    str_release(&source);
}

static void test_source_depth(void **state)
{
    (void)state;
    expect_too_deep("[", 100000);
    expect_too_deep("-", 100000);
    expect_too_deep("1 if 1 else ", 100000);
    expect_too_deep("1 }}{% if 1 %}{{ ", 100000);
}

/* --- the interface ----------------------------------------------------------------------------------- */

static void test_interface(void **state)
{
    (void)state;
    static const char source[] = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}{{ eos_token }}";
    Err err = {0};
    Tainted out = {0};
    ChatTemplate *t = chat_template_new(source, NULL, "E", NULL);
    json_t *messages = parsed("[{\"role\": \"user\", \"content\": \"{{ 1 }} <|im_end|>\"}]");
    assert_true(chat_template_check(t, &err));
    assert_string_equal(chat_template_source(t), source);
    for (int i = 0; i < 2; i++)
        assert_true(chat_render(t, messages, false, 0, &out, &err));
    assert_string_equal(str_text(&out.text), "{{ 1 }} <|im_end|>E{{ 1 }} <|im_end|>E");
    tainted_release(&out);
    json_decref(messages);
    chat_template_free(t);
    chat_template_free(NULL);
}

static void test_bad_input(void **state)
{
    (void)state;
    static const char *const bad[][2] = {{"{}", "a chat is a list of messages"},
                                         {"[{\"role\": \"user\"}, 5]", "message 2 of a chat is no object"}};
    for (int i = 0; i < COUNT(bad); i++) {
        Tainted out = {0};
        json_t *messages = parsed(bad[i][0]);
        Err why = {0};
        assert_false(rendered("x", messages, false, &out, &why));
        assert_string_equal(why.msg, bad[i][1]);
        json_decref(messages);
    }
    static const char *const no_utf8[][2] = {{"\xff", NULL}, {"x", "\xc0\x80"}};
    for (int i = 0; i < COUNT(no_utf8); i++) {
        Err err = {0};
        ChatTemplate *t = chat_template_new(no_utf8[i][0], no_utf8[i][1], NULL, NULL);
        assert_false(chat_template_check(t, &err));
        assert_string_equal(err.msg, "the chat template, or its BOS or EOS token, is not UTF-8");
        chat_template_free(t);
    }
}

/* --- a real model's template ------------------------------------------------------------------------- */

static const char real_model[] = "models/smollm2-135m-instruct.gguf";

/* Text and, control tokens parsed, ids. */
static void golden_line(const char *source, const Tokenizer *t, const char *line, size_t n)
{
    Err err = {0};
    json_t *row, *id;
    if (!json_parse(line, n, "a rendered chat", &row, &err))
        fail_msg("%s", err.msg);
    const json_t *text = json_object_get(row, "text");
    expect_text(source, json_object_get(row, "messages"), json_bool_of(row, "add_generation_prompt", false),
                json_string_value(text), json_string_length(text));
    Ids ids = encode(t, json_string_value(text), json_string_length(text), true);
    size_t i;
    assert_int_equal(ids.n, json_array_size(json_object_get(row, "ids")));
    json_array_foreach(json_object_get(row, "ids"), i, id) assert_int_equal(ids.id[i], json_integer_value(id));
    ids_release(&ids);
    json_decref(row);
}

static void check_lines(const char *path, int wanted)
{
    Err err = {0};
    Gguf *g;
    TokenizerSpec spec;
    LineReader *reader;
    const char *line;
    size_t n;
    bool more;
    if (!gguf_open(&g, real_model, &err) || !gguf_tokenizer(g, &spec, &err) || !lines_open(&reader, path, &err))
        fail_msg("%s", err.msg);
    const char *source = gguf_chat_template(g);
    Tokenizer *t = make(&spec);
    assert_non_null(source);
    while (lines_next(reader, &line, &n, &more, &err) && more)
        golden_line(source, t, line, n);
    assert_int_equal(err.code, ERR_NONE);
    assert_int_equal(lines_number(reader), wanted);
    lines_close(reader);
    tokenizer_free(t);
    gguf_free(g);
}

static void test_real_fixture(void **state)
{
    (void)state;
    need_model(real_model);
    check_lines("tests/fixtures/real/chat_smollm2.jsonl", 18);
}

static void test_golden(void **state)
{
    (void)state;
    need_model(real_model);
    check_lines(need_file("../shared/golden/chat_smollm2.jsonl"), 44);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_unsupported_names),
        cmocka_unit_test(test_unsupported_values),
        cmocka_unit_test(test_unknown_where_reached),
        cmocka_unit_test(test_percent),
        cmocka_unit_test(test_special_tokens),
        cmocka_unit_test(test_date),
        cmocka_unit_test(test_exception),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_within_limits),
        cmocka_unit_test(test_source_depth),
        cmocka_unit_test(test_interface),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_real_fixture),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests_name("text/chat", tests, NULL, NULL);
}
