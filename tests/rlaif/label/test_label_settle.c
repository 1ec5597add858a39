/* Label sets settled anew as if they had been labelled so, filtered, and labelled by the prompt that agrees with people most. */
#include "label_helpers.h"
#include "program.h"

/* --- settled anew --------------------------------------------------------------------------------------- */

/* Labels made with some options of settling, and labels made without and settled with them, are the same file. */
static void settled_as_labelled(void **state)
{
    (void)state;
    Scene s = scene_new();
    static const SettleOptions how[] = {{.temperature = 1},
                                        {.temperature = 2.5},
                                        {.temperature = 0.5, .clamp = 0.4},
                                        {.temperature = 1, .flip = FLIP_TRUE},
                                        {.temperature = 2, .noise = 0.5},
                                        {.temperature = 1, .average = AVERAGE_LOG_ODDS},
                                        {.temperature = 3, .average = AVERAGE_LOG_ODDS, .flip = FLIP_TRUE}};
    LabelOptions *plain = thoughtful(&s);
    Err err = {0};
    need_ok(label(&s, plain, "plain.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    char *from = path_join(s.folder, "plain.jsonl");
    for (int i = 0; i < COUNT(how); i++) {
        LabelOptions *fresh = thoughtful(&s), *anew = options_new(&label_table);
        fresh->settle = anew->settle = how[i];
        anew->common.seed = fresh->common.seed; /* of the noise */
        options_put(&label_table, anew, "from", from);
        need_ok(label(&s, fresh, "fresh.jsonl", CPU_AUTO, 2, NULL, &err) &&
                    label(&s, anew, "anew.jsonl", CPU_AUTO, 2, NULL, &err),
                &err);
        same_files(&s, "fresh.jsonl", "anew.jsonl");
        if (i == 0)
            same_files(&s, "plain.jsonl", "anew.jsonl");
        else { /* and back */
            char *other = path_join(s.folder, "anew.jsonl");
            options_put(&label_table, anew, "from", other);
            anew->settle = (SettleOptions){.temperature = 1, .flip = FLIP_FALSE};
            need_ok(label(&s, anew, "back.jsonl", CPU_AUTO, 2, NULL, &err), &err);
            same_files(&s, "plain.jsonl", "back.jsonl");
            free(other);
        }
        options_free(&label_table, fresh);
        options_free(&label_table, anew);
    }
    free(from);
    options_free(&label_table, plain);
    scene_free(&s);
}

/* A prompt whose answers name the worse response labels as the same prompt with --flip true, of any kind: labels are turned,
 * what the positions do is not. */
static void prompts_that_flip(void **state)
{
    (void)state;
    static const struct {
        LabelMethod method;
        const char *prompt;
    } table[] = {
        {LABEL_PAIRWISE, "name: x\nkind: pairwise\nchat: false\nitem: \"{context} 1 {response_1} 2 {response_2}\"\n"
                         "ending: \" =\"\nanswers: [\"1\", \"2\"]\n"},
        {LABEL_POINTWISE, "name: x\nkind: verdict\nchat: false\nitem: \"{response}\"\nending: \" is\"\n"
                          "answers: [\" good\", \" bad\"]\n"},
        {LABEL_POINTWISE, "name: x\nkind: score\nchat: false\nitem: \"{response}\"\nending: \":\"\n"
                          "answers: [\"1\", \"2\", \"4\"]\n"},
    };
    Scene s = scene_new();
    Err err = {0};
    for (int i = 0; i < COUNT(table); i++) {
        json_t *labels[3], *summary[3]; /* plain, --flip true, a prompt that flips */
        for (int k = 0; k < 3; k++) {
            char *text = mem_printf("%s%s", table[i].prompt, k == 2 ? "flip: true\n" : ""),
                 *prompt = write_rows(s.folder, "flips.yaml", text);
            LabelOptions *o = options_new(&label_table);
            options_put(&label_table, o, "pairs", s.pairs);
            options_put(&label_table, o, "model", s.model);
            need_ok(options_set(&label_table, o, "prompt", prompt, "a test", &err), &err);
            o->method = table[i].method;
            o->settle.flip = k == 1 ? FLIP_TRUE : FLIP_AUTO;
            need_ok(label(&s, o, "flips.jsonl", CPU_AUTO, 1, &summary[k], &err), &err);
            labels[k] = labels_of(&s, "flips.jsonl");
            options_free(&label_table, o);
            free(prompt);
            free(text);
        }
        for (size_t row = 0; row < json_array_size(labels[0]); row++) {
            const json_t *plain = json_array_get(labels[0], row);
            for (int k = 1; k < 3; k++) {
                const json_t *turned = json_array_get(labels[k], row);
                close_to(json_number_of(turned, "p", -1), 1 - json_number_of(plain, "p", -1), 1e-12);
                assert_true(json_bool_of(turned, "flip", false));
            }
            for (size_t r = 0; r < json_array_size(json_object_get(plain, "scores")); r++)
                close_to(
                    json_number_of(json_array_get(json_object_get(plain, "scores"), r), "reward", -9) +
                        json_number_of(json_array_get(json_object_get(json_array_get(labels[2], row), "scores"), r),
                                       "reward", -9),
                    0, 1e-12);
        }
        for (int k = 0; k < 3; k++) {
            const json_t *position[2];
            for (int of = 0; of < 2; of++)
                position[of] = json_object_get(json_object_get(summary[of ? k : 0], "alignment"), "position");
            assert_true(json_equal(position[0], position[1]));
            assert_int_equal(json_is_object(position[0]), table[i].method == LABEL_PAIRWISE);
        }
        for (int k = 0; k < 3; k++) {
            json_decref(labels[k]);
            json_decref(summary[k]);
        }
    }
    scene_free(&s);
}

/* Of labels in both orders, one order is kept: the one that would have been asked alone. Of three samples, one. */
static void parts_of_labels(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    LabelOptions *both = thoughtful(&s), *one = thoughtful(&s), *anew = options_new(&label_table);
    need_ok(label(&s, both, "both.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    char *from = path_join(s.folder, "both.jsonl");
    one->both_orders = false;
    one->judge.samples = 1;
    options_put(&label_table, anew, "from", from);
    anew->both_orders = false;
    anew->settle.use_samples = 1;
    anew->common.seed = 4;
    need_ok(label(&s, one, "one.jsonl", CPU_AUTO, 2, NULL, &err) &&
                label(&s, anew, "anew.jsonl", CPU_AUTO, 2, NULL, &err),
            &err);
    json_t *fresh = labels_of(&s, "one.jsonl"), *settled = labels_of(&s, "anew.jsonl");
    int swapped = 0;
    for (size_t i = 0; i < 6; i++) {
        json_t *a = json_array_get(fresh, i), *b = json_array_get(settled, i);
        json_object_del(a, "tokens"); /* what was spent stays what it was */
        json_object_del(b, "tokens");
        char *x = json_text(a), *y = json_text(b);
        assert_string_equal(x, y);
        free(x);
        free(y);
        swapped += json_bool_of(json_array_get(json_object_get(a, "orders"), 0), "swapped", false);
    }
    assert_true(swapped > 0 && swapped < 6);
    json_decref(fresh);
    json_decref(settled);
    free(from);
    options_free(&label_table, both);
    options_free(&label_table, one);
    options_free(&label_table, anew);
    scene_free(&s);
}

#define SAID(l1, l2) "{\"logp\": [" l1 ", " l2 "], \"mass\": 0.5}"
#define LABELLED(name, first, second)                                                                                  \
    ROW(name, "a", "b", ", \"label\": {\"p\": 0.5, \"orders\": [" first ", " second "], \"method\": \"pairwise\"}")

/* By hand: ln 3 is odds of three to one. */
static void filters(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    static const char by_hand[] = LABELLED("sure", SAID("-1", "-2.0986122886681098"), SAID("-2.0986122886681098", "-1"))
        LABELLED("slot", SAID("-1", "-3"), SAID("-1", "-2")) LABELLED("near", SAID("-1", "-1.2"), SAID("-1.2", "-1"))
            LABELLED("tie", SAID("-1", "-1"), SAID("-1", "-1"));
    char *from = write_rows(s.folder, "by_hand.jsonl", by_hand);
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "from", from);
    json_t *summary;
    need_ok(label(&s, o, "all.jsonl", CPU_AUTO, 1, &summary, &err), &err);
    field(summary, "pairs", 4);
    field(summary, "same_slot_rate", 0.25);
    json_decref(summary);
    json_t *list = labels_of(&s, "all.jsonl");
    close_to(json_number_of(json_array_get(list, 0), "p", -1), 0.75, 1e-15);
    json_decref(list);
    o->drop_same_slot = true;
    o->drop_undecided = 0.1;
    need_ok(label(&s, o, "some.jsonl", CPU_AUTO, 1, &summary, &err), &err);
    field(summary, "pairs", 1);
    field(summary, "read", 4);
    field(json_object_get(summary, "dropped"), "same_slot", 1);
    field(json_object_get(summary, "dropped"), "undecided", 2);
    json_decref(summary);
    o->drop_undecided = 0.3;
    assert_false(label(&s, o, "none.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "no label is left"));
    options_free(&label_table, o);
    free(from);
    scene_free(&s);
}

/* Filters on fresh labels: those that are left, and other filters later without asking again. */
static void filters_on_the_way(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    LabelOptions *o = thoughtful(&s), *anew = options_new(&label_table);
    need_ok(label(&s, o, "plain.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    json_t *list = labels_of(&s, "plain.jsonl");
    double margin = fabs(json_number_of(json_array_get(list, 1), "p", 0) - 0.5) + 1e-9;
    json_decref(list);
    char *from = path_join(s.folder, "plain.jsonl");
    options_put(&label_table, anew, "from", from);
    o->drop_undecided = anew->drop_undecided = margin;
    need_ok(label(&s, o, "fresh.jsonl", CPU_AUTO, 2, NULL, &err) &&
                label(&s, anew, "anew.jsonl", CPU_AUTO, 2, NULL, &err),
            &err);
    same_files(&s, "fresh.jsonl", "anew.jsonl");
    options_put(&label_table, o, "model", s.model);
    free(from);
    options_free(&label_table, o);
    options_free(&label_table, anew);
    scene_free(&s);
}

/* --- noise --- */

/* How many labels of 400 are turned by a noise and a seed; turned[i] says which. Every label is p or, turned, 1 - p. */
static int turned_by(const Scene *s, double noise, int seed, bool turned[400])
{
    LabelOptions *o = options_new(&label_table);
    Err err = {0};
    json_t *summary;
    char *from = path_join(s->folder, "from.jsonl");
    int n = 0;
    options_put(&label_table, o, "from", from);
    o->settle.noise = noise;
    o->common.seed = seed;
    need_ok(label(s, o, "noisy.jsonl", CPU_AUTO, 1, &summary, &err), &err);
    json_t *labels = labels_of(s, "noisy.jsonl");
    assert_int_equal(json_array_size(labels), 400);
    for (int i = 0; i < 400; i++) {
        const json_t *one = json_array_get(labels, (size_t)i);
        turned[i] = json_bool_of(one, "noise", false);
        close_to(json_number_of(one, "p", -1), turned[i] ? 0.2 : 0.8, 1e-9);
        n += turned[i];
    }
    const json_t *said = json_object_get(summary, "noise"), *alignment = json_object_get(summary, "alignment");
    close_to(json_number_of(said, "turned", 0), n, 0);
    close_to(json_number_of(alignment, "turned", 0), n, 0);
    close_to(json_number_of(alignment, "accuracy", -1), 1 - n / 400.0, 1e-9); /* people's choices are never turned */
    json_decref(labels);
    json_decref(summary);
    free(from);
    options_free(&label_table, o);
    return n;
}

/* As many labels as asked for, within three deviations, others by another seed, the same by the same; what a smaller noise turns
 * a larger one does. Labels that are settled again without it are as they were. */
static void noise(void **state)
{
    (void)state;
    Scene s = {.folder = make_folder()};
    Str rows = {0};
    bool small[400], large[400], other[400], again[400];
    for (int i = 0; i < 400; i++)
        str_addf(
            &rows,
            "{\"prompt\": \"%d\", \"responses\": [\"a\", \"b\"], \"preferred\": 0, \"label\": {\"p\": 0.8, \"scores\": "
            "[{\"logp\": [-0.2231435513142097, -1.6094379124341003], \"mass\": 1}, "
            "{\"logp\": [-0.6931471805599453, -0.6931471805599453], \"mass\": 1}]}}\n",
            i);
    free(write_rows(s.folder, "from.jsonl", str_text(&rows)));
    int n = turned_by(&s, 0.15, 1, small);
    assert_true(n > 60 - 22 && n < 60 + 22);
    n = turned_by(&s, 0.3, 1, large);
    assert_true(n > 120 - 28 && n < 120 + 28);
    turned_by(&s, 0.3, 2, other);
    int common = 0;
    for (int i = 0; i < 400; i++) {
        assert_true(!small[i] || large[i]);
        common += large[i] && other[i];
    }
    assert_true(common < 120 - 28 && common > 0);
    char *text = contents(&s, "noisy.jsonl"); /* of what is turned already */
    free(write_rows(s.folder, "from.jsonl", text));
    free(text);
    turned_by(&s, 0.3, 2, again);
    assert_memory_equal(again, other, sizeof again);
    assert_int_equal(turned_by(&s, 1, 3, again), 400);
    str_release(&rows);
    remove_folder(s.folder);
}

static void refused(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    char *from = write_rows(s.folder, "p.jsonl", ROW("q", "a", "b", ", \"label\": {\"p\": 0.7}"));
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "from", from);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "p.jsonl:1: \"label\" has 0 orders"));
    err_clear(&err);
    options_put(&label_table, o, "from", s.pairs);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "pairs.jsonl:1: the row has no \"label\""));
    err_clear(&err);
    options_put(&label_table, o, "model", s.model);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_int_equal(err.code, ERR_USAGE);
    err_clear(&err);
    options_put(&label_table, o, "from", NULL);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "PAIRS is missing"));
    options_free(&label_table, o);
    free(from);
    scene_free(&s);
}

/* Pointwise labels by numbers: the softened label is that of the softened distributions. */
static void scores_anew(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    LabelOptions *o = options_new(&label_table), *warm, *anew = options_new(&label_table);
    options_put(&label_table, o, "pairs", s.pairs);
    options_put(&label_table, o, "model", s.model);
    o->method = LABEL_POINTWISE;
    need_ok(label(&s, o, "cool.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    warm = o;
    warm->settle.temperature = 3;
    need_ok(label(&s, warm, "warm.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    char *from = path_join(s.folder, "cool.jsonl");
    options_put(&label_table, anew, "from", from);
    anew->settle.temperature = 3;
    need_ok(label(&s, anew, "anew.jsonl", CPU_AUTO, 2, NULL, &err), &err);
    same_files(&s, "warm.jsonl", "anew.jsonl");
    json_t *list = labels_of(&s, "anew.jsonl");
    assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "numbers")), 10);
    json_decref(list);
    free(from);
    options_free(&label_table, o);
    options_free(&label_table, anew);
    scene_free(&s);
}

/* --- chosen ---------------------------------------------------------------------------------------------- */

static void give(LabelOptions *o, const char *option, const char *value)
{
    Err err = {0};
    need_ok(options_set(&label_table, o, option, value, "a test", &err), &err);
}

/* What each candidate's labels have in common with people is what labels by it have; the best is used. */
static void best_prompt_is_used(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    char *candidate[3] = {mem_str(s.prompt), mem_printf("%s --cot --samples 2", s.prompt),
                          mem_printf("%s --shots 2", s.prompt)};
    static const int samples[] = {1, 2, 1}, shots[] = {-1, -1, 2};
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "pairs", s.pairs);
    options_put(&label_table, o, "model", s.model);
    options_put(&label_table, o, "choose-on", s.pairs);
    for (int i = 0; i < 3; i++)
        give(o, "prompt", candidate[i]);
    json_t *summary, *again;
    need_ok(label(&s, o, "chosen.jsonl", CPU_AUTO, 2, &summary, &err), &err);
    const json_t *choice = json_object_get(summary, "choice"), *list = json_object_get(choice, "candidates");
    double best = 0;
    int chosen = -1;
    assert_int_equal(json_array_size(list), 3);
    for (int i = 0; i < 3; i++) {
        LabelOptions *alone = thoughtful(&s);
        json_t *said;
        char name[20];
        snprintf(name, sizeof name, "alone-%d.jsonl", i);
        alone->common.seed = 0;
        alone->judge = o->judge;
        alone->judge.cot = samples[i] > 1;
        alone->judge.samples = samples[i];
        alone->judge.shots = shots[i];
        need_ok(label(&s, alone, name, CPU_AUTO, 2, &said, &err), &err);
        double accuracy = json_number_of(json_object_get(said, "alignment"), "accuracy", -1);
        const json_t *one = json_array_get(list, (size_t)i);
        assert_string_equal(json_text_of(one, "prompt"), candidate[i]);
        field(one, "accuracy", accuracy);
        field(one, "n", 4);
        chosen = accuracy > best ? i : chosen;
        best = accuracy > best ? accuracy : best;
        json_decref(said);
        options_free(&label_table, alone);
    }
    char name[20];
    snprintf(name, sizeof name, "alone-%d.jsonl", chosen);
    assert_string_equal(json_text_of(choice, "chosen"), candidate[chosen]);
    same_files(&s, "chosen.jsonl", name);
    need_ok(label(&s, o, "chosen.jsonl", CPU_AUTO, 2, &again, &err), &err);
    assert_true(json_equal(choice, json_object_get(again, "choice")));
    assert_null(json_object_get(again, "plan"));           /* nothing was asked again */
    assert_true(json_bool_of(choice, "same_rows", false)); /* a copy of the rows are the same rows */
    char *copy = write_rows(s.folder, "copy.jsonl", pairs),
         *rest = write_rows(s.folder, "rest.jsonl", ROW("r", "a", "b", ""));
    for (int same = 0; same < 2; same++) {
        json_decref(again);
        options_put(&label_table, o, "pairs", same ? copy : rest);
        need_ok(label(&s, o, "other.jsonl", CPU_AUTO, 2, &again, &err), &err);
        assert_int_equal(json_bool_of(json_object_get(again, "choice"), "same_rows", true), same);
    }
    free(copy);
    free(rest);
    json_decref(summary);
    json_decref(again);
    for (int i = 0; i < 3; i++)
        free(candidate[i]);
    options_free(&label_table, o);
    scene_free(&s);
}

/* The command says mean and spread of a prompt whose exemplars were drawn five times. */
static void said_on_the_terminal(const Scene *s, const json_t *drawn)
{
    char *wanted =
        mem_printf("agrees with people in %.1f %% of 4, the mean over 5 draws of exemplars, %.0f different: sd "
                   "%.1f %%, least %.1f %%, most %.1f %%\n",
                   100 * json_number_of(drawn, "accuracy", -1), json_number_of(drawn, "different", -1),
                   100 * json_number_of(drawn, "sd", -1), 100 * json_number_of(drawn, "least", -1),
                   100 * json_number_of(drawn, "most", -1));
    Ran ran = run_in(s->folder, "rlaif label pairs.jsonl --model roomy --choose-on pairs.jsonl --prompt "
                                "'prompt.yaml --shots 1' --prompt prompt.yaml --trials 5 --seed 7 -o again.jsonl");
    need_status(&ran, 0);
    if (!strstr(ran.err, wanted) || !strstr(ran.err, "prompt.yaml agrees with people in "))
        fail_msg("not \"%s\" but\n%s", wanted, ran.err);
    ran_free(&ran);
    free(wanted);
}

/* Several draws of exemplars: the mean of their accuracies and the spread. */
static void trials_of_exemplars(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    char *one_shot = mem_printf("%s --shots 1", s.prompt);
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "pairs", s.pairs);
    options_put(&label_table, o, "model", s.model);
    options_put(&label_table, o, "choose-on", s.pairs);
    give(o, "prompt", one_shot);
    give(o, "prompt", s.prompt);
    o->trials = 5;
    o->common.seed = 7;
    json_t *summary;
    need_ok(label(&s, o, "chosen.jsonl", CPU_AUTO, 2, &summary, &err), &err);
    const json_t *list = json_object_get(json_object_get(summary, "choice"), "candidates"),
                 *drawn = json_array_get(list, 0), *trials = json_object_get(drawn, "trials");
    double accuracy[5], sum = 0;
    assert_int_equal(json_array_size(trials), 5);
    for (size_t i = 0; i < 5; i++) {
        accuracy[i] = json_number_of(json_array_get(trials, i), "accuracy", -1);
        sum += accuracy[i];
        field(json_array_get(trials, i), "exemplar_seed", 7 + (double)i);
    }
    Moments m = stats_moments(accuracy, 5);
    field(drawn, "accuracy", sum / 5);
    field(drawn, "sd", m.sd);
    assert_true(json_number_of(drawn, "least", 2) <= json_number_of(drawn, "most", -1));
    assert_int_equal(json_array_size(json_object_get(json_array_get(list, 1), "trials")), 1); /* nothing to draw */
    assert_null(json_object_get(json_array_get(list, 1), "different"));
    /* Which exemplars: the prompt has three, so that two of five draws are the same at least. */
    bool drew[4] = {false};
    for (size_t i = 0; i < 5; i++) {
        const json_t *shown = json_object_get(json_array_get(trials, i), "exemplars");
        assert_int_equal(json_array_size(shown), 1);
        long number = json_integer_value(json_array_get(shown, 0));
        assert_true(number >= 1 && number <= 3);
        drew[number] = true;
        for (size_t k = 0; k < i; k++) /* the same exemplar is the same prompt */
            if (json_equal(shown, json_object_get(json_array_get(trials, k), "exemplars")))
                close_to(accuracy[i], accuracy[k], 0);
    }
    int different = drew[1] + drew[2] + drew[3];
    assert_true(different > 1);
    field(drawn, "different", different);
    said_on_the_terminal(&s, drawn);
    json_decref(summary);
    free(one_shot);
    options_free(&label_table, o);
    scene_free(&s);
}

static void choices_refused(void **state)
{
    (void)state;
    Scene s = scene_new();
    Err err = {0};
    char *without = write_rows(s.folder, "without.jsonl", ROW("q", "a", "b", ""));
    LabelOptions *o = options_new(&label_table);
    options_put(&label_table, o, "pairs", s.pairs);
    options_put(&label_table, o, "model", s.model);
    give(o, "prompt", "summary-base --cott");
    give(o, "prompt", "helpful-base");
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "2 prompts, but no rows to choose one by"));
    err_clear(&err);
    options_put(&label_table, o, "choose-on", without);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "\"summary-base --cott\""));
    err_clear(&err);
    free(o->prompt.item[0]);
    o->prompt.item[0] = mem_str(s.prompt);
    assert_false(label(&s, o, "x.jsonl", CPU_AUTO, 1, NULL, &err));
    assert_non_null(strstr(err.msg, "no row says what people chose"));
    free(without);
    options_free(&label_table, o);
    scene_free(&s);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settled_as_labelled),
        cmocka_unit_test(prompts_that_flip),
        cmocka_unit_test(parts_of_labels),
        cmocka_unit_test(filters),
        cmocka_unit_test(noise),
        cmocka_unit_test(filters_on_the_way),
        cmocka_unit_test(refused),
        cmocka_unit_test(scores_anew),
        cmocka_unit_test(best_prompt_is_used),
        cmocka_unit_test(trials_of_exemplars),
        cmocka_unit_test(choices_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
