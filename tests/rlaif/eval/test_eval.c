/* Evaluations of labels: agreement, length and position bias on labels written by hand. */
#include "eval_helpers.h"

/* --- alignment ------------------------------------------------------------------------------------------ */

/* The summary of labels; the caller releases it. NULL: it failed, and err says why. */
static json_t *align_with(AlignmentOptions o, const char *lines, Err *err)
{
    char *folder = make_folder(), *path = write_rows(folder, "labels.jsonl", lines);
    o.labels = path;
    Work w = work_new(&o.common);
    bool ok = alignment_stage(&w, "alignment", &o, err);
    json_t *summary = ok ? json_incref(w.summary) : NULL;
    work_free(&w);
    free(path);
    remove_folder(folder);
    return summary;
}

static json_t *align(const char *lines, bool skip_bad, Err *err)
{
    return align_with((AlignmentOptions){.skip_bad = skip_bad}, lines, err);
}

/* The same of labels that can be read. */
static json_t *aligned(const char *lines)
{
    Err err = {0};
    json_t *s = align(lines, false, &err);
    need_ok(s != NULL, &err);
    return s;
}

#define PAIR(a, b) "{\"prompt\": \"" a " or " b "?\", \"responses\": [\"" a "\", \"" b "\"]"
#define LABEL(p, first, second)                                                                                        \
    ", \"label\": {\"p\": " p ", \"orders\": [{\"p\": " first ", \"mass\": 0.8}, {\"p\": " second ", \"mass\": 0.6}]}"
#define FLIPPED(p, first, second)                                                                                      \
    ", \"label\": {\"p\": " p ", \"flip\": true, \"orders\": [{\"p\": " first "}, {\"p\": " second "}]}"

/* Rows 2, 3, 4, 6 prefer the first position in both orders, row 5 the second. */
/* clang-format off */
static const char by_hand[] =
    PAIR("aaaa", "bb") LABEL("0.9", "0.9", "0.9") ", \"preferred\": 0, \"confidence\": 9}\n"
    PAIR("aaaa", "bbb") LABEL("0.6", "0.9", "0.3") ", \"preferred\": 1, \"extra\": {\"confidence\": 9}}\n"
    PAIR("aa", "bb") LABEL("0.3", "0.6", "0.0") ", \"preferred\": 1, \"confidence\": 2}\n"
    PAIR("bbbb", "a") LABEL("0.5", "0.7", "0.3") ", \"preferred\": 1}\n"
    PAIR("a", "bbbbb") LABEL("0.45", "0.3", "0.6") ", \"preferred\": 1}\n"
    PAIR("", "bb") LABEL("0.55", "0.8", "0.3") "}\n";
/* clang-format on */

static void agreement(void **state)
{
    (void)state;
    json_t *s = aligned(by_hand);
    field(s, "rows", 6);
    field(s, "with_choice", 5);
    field(s, "accuracy", 3.5 / 5);
    field(s, "ties", 1);
    field(s, "single_order_accuracy", 3.0 / 5);
    field(s, "longer_accuracy", (1 + 0 + 0.5 + 0 + 1) / 5);
    field(s, "kappa", 0.5);
    field(s, "kappa_both_orders", 0.5);
    field(s, "mean_distance_from_half", (0.4 + 0.1 + 0.2 + 0 + 0.05 + 0.05) / 6);
    field(s, "mass", 0.7);
    field(s, "certainty_auc", 2.0 / 3);
    Interval w = stats_wilson(3.5, 5);
    close_to(json_number_value(json_array_get(json_object_get(s, "interval"), 0)), w.low, 1e-15);
    json_decref(s);
}

/* Wilson's of k in n under this key; n is 0: null. */
static void wilson_field(const json_t *object, const char *key, double k, double n)
{
    const json_t *i = json_object_get(object, key);
    Interval w = stats_wilson(k, n);
    assert_int_equal(json_array_size(i), n > 0 ? 2 : 0);
    if (n > 0)
        close_to(json_number_value(json_array_get(i, 0)), w.low, 1e-12);
    if (n > 0)
        close_to(json_number_value(json_array_get(i, 1)), w.high, 1e-12);
}

static void same_range(const json_t *a, const json_t *b)
{
    assert_int_equal(json_array_size(a), json_array_size(b));
    for (size_t i = 0; i < json_array_size(a); i++)
        close_to(json_number_value(json_array_get(a, i)), json_number_value(json_array_get(b, i)), 1e-12);
}

/* What length knows: of six pairs label and length disagree in the first three, the fifth has replies of one length, the last
 * a label that is a tie. */
static void beside_length(void **state)
{
    (void)state;
    /* clang-format off */
    static const char rows[] =
        PAIR("aaaa", "bb") LABEL("0.25", "0.25", "0.25") ", \"preferred\": 1}\n"
        PAIR("aa", "bbbb") LABEL("0.75", "0.75", "0.75") ", \"preferred\": 1}\n"
        PAIR("aaa", "b") LABEL("0.125", "0.125", "0.125") ", \"preferred\": 1}\n"
        PAIR("aaaaa", "b") LABEL("0.875", "0.875", "0.875") ", \"preferred\": 0}\n"
        PAIR("ab", "ba") LABEL("0.75", "0.75", "0.75") ", \"preferred\": 0}\n"
        PAIR("abc", "ab") LABEL("0.5", "0.5", "0.5") ", \"preferred\": 0}\n"
        PAIR("nobody", "chose") LABEL("0.9", "0.9", "0.9") "}\n";
    /* clang-format on */
    json_t *s = aligned(rows);
    field(s, "accuracy", 4.5 / 6);
    field(s, "longer_accuracy", (0 + 1 + 0 + 1 + 0.5 + 1) / 6);
    field(s, "base_rate", 0.5);
    field(s, "against_length_pairs", 3);
    field(s, "against_length", 2.0 / 3);
    wilson_field(s, "against_length_interval", 2, 3);
    field(s, "auc", 30.5 / 36); /* of 36 pairs of margins, each towards the preferred, 26 + 4.5 add up to more than 0 */
    field(s, "upper_half_pairs", 3); /* the two of 0.375, and one of those of 0.25, which are right in 2 of 3 */
    field(s, "upper_half", (1 + 1 + 2.0 / 3) / 3);
    field(s, "upper_half_longer", (0 + 1 + 0.5) / 3);
    json_decref(s);
    s = aligned(by_hand);
    field(s, "base_rate", 4.0 / 5);
    field(s, "auc", 19.5 / 25);
    field(s, "against_length_pairs", 0);
    null_field(s, "against_length");
    json_decref(s);
}

/* A labeler that names the longer one is right as often as length and knows nothing beside it, one that names the other is wrong
 * where length is right. */
static void length_as_a_labeler(void **state)
{
    (void)state;
    Str with = {0}, against = {0};
    for (int i = 0; i < 20; i++)
        for (int k = 0; k < 2; k++)
            str_addf(
                k ? &against : &with,
                "{\"prompt\": \"%d\", \"responses\": [\"%s\", \"bbb\"], \"preferred\": %d, \"label\": {\"p\": %g}}\n",
                i, i % 2 ? "a" : "aaaaa", i % 5 == 0 ? i % 2 == 0 : i % 2, (i % 2 == 0) != k ? 0.8 : 0.2);
    json_t *s = aligned(str_text(&with));
    field(s, "accuracy", 0.8);
    field(s, "longer_accuracy", 0.8);
    field(s, "auc", 0.8);
    field(s, "against_length_pairs", 0);
    json_decref(s);
    s = aligned(str_text(&against));
    field(s, "longer_accuracy", 0.8);
    field(s, "against_length_pairs", 20);
    field(s, "against_length", 0.2);
    json_decref(s);
    str_release(&with);
    str_release(&against);
}

static void bins(void **state)
{
    (void)state;
    json_t *s = aligned(by_hand);
    const json_t *calibration = json_object_get(s, "calibration"), *margin = json_object_get(s, "by_margin"),
                 *confidence = json_object_get(s, "by_confidence");
    field(json_array_get(calibration, 0), "n", 2); /* 0.5 and 0.55 */
    field(json_array_get(calibration, 0), "accuracy", 0.75);
    wilson_field(json_array_get(calibration, 0), "interval", 1.5, 2);
    wilson_field(json_array_get(calibration, 3), "interval", 0, 0);
    wilson_field(s, "longer_interval", json_number_of(s, "longer_accuracy", -1) * 5, 5);
    field(json_array_get(calibration, 1), "n", 1); /* 0.6 */
    field(json_array_get(calibration, 4), "mean_p", 0.9);
    null_field(json_array_get(calibration, 3), "accuracy");
    static const double margins[] = {0.5, 1, 0, 1}, sizes[] = {1, 1, 1, 2};
    assert_int_equal(json_array_size(margin), 4);
    for (int i = 0; i < 4; i++) {
        field(json_array_get(margin, (size_t)i), "accuracy", margins[i]);
        field(json_array_get(margin, (size_t)i), "n", sizes[i]);
    }
    assert_int_equal(json_array_size(confidence), 2);
    field(json_array_get(confidence, 0), "confidence", 2);
    field(json_array_get(confidence, 0), "accuracy", 1);
    field(json_array_get(confidence, 1), "confidence", 9);
    field(json_array_get(confidence, 1), "n", 2);
    field(json_array_get(confidence, 1), "accuracy", 0.5);
    json_decref(s);
}

static void position_bias(void **state)
{
    (void)state;
    json_t *s = aligned(by_hand);
    const json_t *p = json_object_get(s, "position"), *gap = json_object_get(p, "by_length_gap");
    field(p, "pairs", 6);
    field(p, "same_slot", 5);
    field(p, "same_slot_rate", 5.0 / 6);
    field(p, "first_share", 4.0 / 5);
    wilson_field(p, "first_share_interval", 4, 5);
    field(p, "p", 0.375);
    field(json_array_get(gap, 0), "pairs", 1); /* 2 : 2 */
    field(json_array_get(gap, 1), "pairs", 1); /* 4 : 3; 4 : 2 is the next */
    field(json_array_get(gap, 2), "pairs", 4);
    field(json_array_get(gap, 2), "same_slot_rate", 3.0 / 4);
    wilson_field(json_array_get(gap, 2), "interval", 3, 4);
    null_field(json_array_get(gap, 2), "to");
    json_decref(s);
}

/* The answers of a prompt that flips name the worse response: the position that they named is the other one. */
static void position_of_flipped(void **state)
{
    (void)state;
    /* clang-format off */
    static const char rows[] =
        PAIR("a", "b") FLIPPED("0.6", "0.9", "0.3") "}\n"  /* "2", then "2" */
        PAIR("a", "c") FLIPPED("0.4", "0.1", "0.7") "}\n"  /* "1", "1" */
        PAIR("a", "d") FLIPPED("0.5", "0.8", "0.2") "}\n"  /* "2", "2" */
        PAIR("a", "e") LABEL("0.5", "0.2", "0.8") "}\n"    /* no flip: "2", "2" */
        PAIR("a", "f") FLIPPED("0.8", "0.7", "0.9") "}\n"; /* "2", then "1" */
    /* clang-format on */
    json_t *s = aligned(rows);
    const json_t *p = json_object_get(s, "position");
    field(p, "pairs", 5);
    field(p, "same_slot", 4);
    field(p, "first_share", 0.25);
    json_decref(s);
}

/* Pairs that are there twice are of the same prompt, and alike: intervals and tests are those of half as many. */
static void pairs_of_one_prompt(void **state)
{
    (void)state;
    /* clang-format off */
    static const char once[] =
        PAIR("a", "bbbb") LABEL("0.8", "0.9", "0.4") ", \"preferred\": 0, \"confidence\": 9}\n"
        PAIR("aaa", "b") LABEL("0.6", "0.9", "0.3") ", \"preferred\": 0, \"confidence\": 9}\n"
        PAIR("aaaa", "b") LABEL("0.3", "0.2", "0.7") ", \"preferred\": 0, \"confidence\": 9}\n"
        PAIR("aa", "bbbbb") LABEL("0.7", "0.8", "0.6") ", \"preferred\": 1, \"confidence\": 9}\n"
        PAIR("aaaaa", "bb") LABEL("0.9", "0.8", "0.9") ", \"preferred\": 0, \"confidence\": 9}\n";
    /* clang-format on */
    char *twice = mem_printf("%s%s", once, once);
    json_t *one = aligned(once), *two = aligned(twice);
    free(twice);
    const json_t *p = json_object_get(two, "position"), *q = json_object_get(one, "position");
    field(two, "rows", 10);
    field(two, "prompts", 5);
    wilson_field(two, "interval", 3, 5);
    wilson_field(two, "longer_interval", 4, 5);
    wilson_field(json_array_get(json_object_get(two, "by_confidence"), 0), "interval", 3, 5);
    wilson_field(p, "interval", 3, 5);
    wilson_field(p, "first_share_interval", 2, 3);
    field(p, "p", 1);
    static const char *const lists[] = {"calibration", "by_length_gap"};
    for (int k = 0; k < COUNT(lists); k++) {
        const json_t *a = json_object_get(k ? q : one, lists[k]), *b = json_object_get(k ? p : two, lists[k]);
        for (size_t i = 0; i < json_array_size(a); i++)
            same_range(json_object_get(json_array_get(a, i), "interval"),
                       json_object_get(json_array_get(b, i), "interval"));
    }
    json_decref(one);
    json_decref(two);
}

/* Without people's choices, without orders, with a choice that never varies. */
static void partial_rows(void **state)
{
    (void)state;
    /* clang-format off */
    static const char by_scores[] =
        PAIR("a", "b") ", \"label\": {\"p\": 0.7, \"scores\": [{\"mass\": 0.5}, {\"mass\": 0.7}]}, \"preferred\": 0}\n"
        PAIR("a", "c") ", \"label\": {\"p\": 0.8}, \"preferred\": 0}\n"
        PAIR("a", "d") ", \"label\": {\"p\": 0.2}, \"preferred\": 0}\n";
    static const char unlabelled[] =
        PAIR("a", "b") "}\n"
        PAIR("a", "b") LABEL("0.6", "0.9", "0.3") ", \"preferred\": 0}\n";
    /* clang-format on */
    Err err = {0};
    json_t *s = aligned(PAIR("a", "b") LABEL("0.6", "0.9", "0.3") "}\n");
    field(s, "with_choice", 0);
    assert_null(json_object_get(s, "accuracy"));
    field(json_object_get(s, "position"), "same_slot_rate", 1);
    json_decref(s);
    s = aligned(by_scores);
    null_field(s, "position");
    null_field(s, "single_order_accuracy");
    null_field(s, "kappa");
    field(s, "kappa_both_orders", 2 * (2.0 / 3) - 1);
    field(s, "mass", 0.6);
    json_decref(s);
    assert_null(align(unlabelled, false, &err));
    assert_non_null(strstr(err.msg, "labels.jsonl:1: the row has no \"label\""));
    err_clear(&err);
    s = align(unlabelled, true, &err);
    need_ok(s != NULL, &err);
    field(s, "rows", 1);
    json_decref(s);
}

/* --- people ---------------------------------------------------------------------------------------------- */

#define CHOSE(a, b, more)                                                                                              \
    "{\"prompt\": \"q\", \"responses\": [\"" a "\", \"" b "\"]" more ", \"label\": {\"p\": 0.9}}\n"

/* Three people on a pair, once with the responses the other way round: two of them alike. Two on another: alike. One on
 * a third does not count. Labels say the first: right on rows 1, 2, 4 and 5. */
static void people_among_themselves(void **state)
{
    (void)state;
    /* clang-format off */
    static const char rows[] =
        CHOSE("x", "y", ", \"preferred\": 0, \"worker\": 1")
        CHOSE("y", "x", ", \"preferred\": 0, \"worker\": 2")
        CHOSE("x", "y", ", \"preferred\": 1, \"worker\": 3")
        CHOSE("x", "z", ", \"preferred\": 0, \"worker\": 1")
        CHOSE("x", "z", ", \"preferred\": 0, \"worker\": 2")
        CHOSE("x", "w", ", \"preferred\": 0");
    /* clang-format on */
    json_t *s = aligned(rows);
    const json_t *people = json_object_get(s, "people");
    field(people, "pairs", 2);
    field(people, "choices", 5);
    field(people, "agreement", (1.0 + 1) / (3 + 1));
    field(people, "labels", 4.0 / 5);
    null_field(s, "cost");
    json_decref(s);
    s = aligned(by_hand);
    null_field(s, "people");
    json_decref(s);
}

/* The paper's figures (10): two orders of 830 tokens read and 61 written; 304 words. */
static void costs_of_the_paper(void **state)
{
    (void)state;
    AlignmentOptions *o = options_new(&alignment_table);
    close_to(cost_judge(&o->prices, 2 * 830, 2 * 61), 0.05712, 1e-12);
    close_to(cost_people(&o->prices, 304), 0.66576, 1e-12);
    options_free(&alignment_table, o);
}

static void costs_of_rows(void **state)
{
    (void)state;
    static const char rows[] =
        "{\"prompt\": \" one  two\\n\", \"responses\": [\"three\", \"four five.\"], \"label\": {\"p\": 0.5, "
        "\"tokens\": {\"input\": 1000, \"output\": 500}}}\n"
        "{\"prompt\": \"one\", \"responses\": [\"\", \"four\"], \"label\": {\"p\": 0.5, "
        "\"tokens\": {\"input\": 3000, \"output\": 0}}}\n"
        "{\"prompt\": \"not counted\", \"responses\": [\"\", \"four\"], \"label\": {\"p\": 0.5}}\n";
    Err err = {0};
    json_t *s = align_with((AlignmentOptions){.prices = {.input = 1, .output = 2, .people = 100}}, rows, &err);
    need_ok(s != NULL, &err);
    const json_t *cost = json_object_get(s, "cost");
    field(cost, "pairs", 2);
    field(cost, "input", 4000);
    field(cost, "words", 7);
    field(cost, "judge", 5);
    field(cost, "judge_per_pair", 2.5);
    field(cost, "people", 14);
    field(cost, "ratio", 14.0 / 5);
    json_decref(s);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreement),
        cmocka_unit_test(bins),
        cmocka_unit_test(beside_length),
        cmocka_unit_test(length_as_a_labeler),
        cmocka_unit_test(position_bias),
        cmocka_unit_test(position_of_flipped),
        cmocka_unit_test(pairs_of_one_prompt),
        cmocka_unit_test(partial_rows),
        cmocka_unit_test(people_among_themselves),
        cmocka_unit_test(costs_of_the_paper),
        cmocka_unit_test(costs_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
