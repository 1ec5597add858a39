/* Mixes that name stages of a recipe: written with what these made, or left as they are. */
#include "rlaif/recipe/named_mix.h"

#include "base/file.h"
#include "base/mem.h"
#include "support.h"

/* FOLDER/judges/mix.yaml in a run in FOLDER/run, whose stage rm made FOLDER/run/rm; its policy is FOLDER/start. */
typedef struct Place {
    char *folder, *run, *rm, *start, *mix;
} Place;

static void place_new(Place *p, const char *yaml)
{
    Err err = {0};
    p->folder = make_folder();
    p->run = path_join(p->folder, "run");
    p->rm = path_join(p->run, "rm");
    p->start = path_join(p->folder, "start");
    char *judges = path_join(p->folder, "judges"), *beside = path_join(judges, "beside"),
         *list = path_join(p->folder, "list.yaml");
    p->mix = path_join(judges, "mix.yaml");
    need_ok(dir_make(beside, &err) && dir_make(p->run, &err) && dir_make(p->start, &err) &&
                file_write(list, "x", 1, &err) && file_write(p->mix, yaml, strlen(yaml), &err),
            &err);
    free(judges);
    free(beside);
    free(list);
}

static void place_release(Place *p)
{
    remove_folder(p->folder); /* frees it */
    free(p->run);
    free(p->rm);
    free(p->start);
    free(p->mix);
}

static bool name_mix(const Place *p, Str *out, Err *err)
{
    const NamedModel models[] = {
        {"label", NULL, false}, {"rm", p->rm, false}, {"gold", NULL, true}, {"policy", p->start, false}};
    return named_mix(out, p->mix, p->run, models, COUNT(models), err);
}

/* What becomes of it; the caller's. */
static char *resolved(const char *yaml)
{
    Err err = {0};
    Place p;
    Str out = {0};
    place_new(&p, yaml);
    need_ok(name_mix(&p, &out, &err), &err);
    char *at = out.n > 0 ? strstr(str_text(&out), p.folder) : NULL, *text = out.n > 0 ? mem_str(str_text(&out)) : NULL;
    if (at) { /* the name, where the mix has none, is its path */
        free(text);
        text = mem_printf("%.*sFOLDER%s", (int)(at - str_text(&out)), str_text(&out), at + strlen(p.folder));
    }
    str_release(&out);
    place_release(&p);
    return text;
}

static void named(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *becomes;
    } mixes[] = {
        {"kind: mix\ntemperature: 2\nparts:\n  - {reward: rm, scale: 2, weight: -0.5}\n  - {prompt: ../list.yaml, scale: 1}\n"
         "  - {prompt: warmth-verdict, scale: 1}\n  - {log-length: true, scale: 1}\n  - {reward: /models/rm, scale: 1}\n",
         "name: FOLDER/judges/mix.yaml\nkind: mix\ntemperature: 2\nparts:\n  - reward: rm\n    scale: 2\n    weight: -0.5\n"
         "  - prompt: ../list.yaml\n    scale: 1\n  - prompt: warmth-verdict\n    scale: 1\n  - log-length: true\n"
         "    scale: 1\n  - reward: /models/rm\n    scale: 1\n"},
        {"name: \"so: both\"\nkind: mix\nparts: [{reward: rm}]\n",
         "name: \"so: both\"\nkind: mix\nparts:\n  - reward: rm\n"},
        {"name: m\nkind: mix\nparts: [{reward: policy}]\n", "name: m\nkind: mix\nparts:\n  - reward: ../start\n"},
        {"kind: mix\nparts: [{reward: beside, scale: 1}]\n", NULL},
        {"kind: mix\nparts: [{reward: ./later, scale: 1}, {reward: ../run/later, scale: 1}]\n",
         NULL}, /* a stage may make it */
        {"kind: mix\nparts: [{prompt: rm, scale: 1}]\n", NULL},
        {"kind: mix\nparts: [{reward: [rm], scale: 1}]\n", NULL}, /* whoever reads it says what is wrong */
        {"kind: mix\nparts: {reward: rm}\n", NULL},
        {"kind: score\nparts: [{reward: rm}]\n", NULL},
        {"kind: mix\n", NULL},
        {"- kind: mix\n", NULL},
        {"kind: [mix\n", NULL},
    };
    for (int i = 0; i < COUNT(mixes); i++) {
        char *text = resolved(mixes[i].yaml);
        if (mixes[i].becomes)
            assert_string_equal(text ? text : "nothing", mixes[i].becomes);
        else
            assert_null(text);
        free(text);
    }
}

/* A name that no model has, and no directory beside the mix, is refused with what could be meant. */
static void not_there(void **state)
{
    (void)state;
    static const struct {
        const char *part, *says, *remedy;
    } parts[] = {
        {"gold", "mix.yaml:4: the stage gold comes later", "put that stage before"},
        {"label", "mix.yaml:4: the stage label makes no reward model", "or rm, policy"},
        {"rn", "mix.yaml:4: there is no reward model \"rn\", and no stage is called so", "or rm, policy"},
    };
    for (int i = 0; i < COUNT(parts); i++) {
        Err err = {0};
        Place p;
        Str out = {0};
        char *yaml =
            mem_printf("kind: mix\nparts:\n  - {reward: rm, scale: 1}\n  - {reward: %s, scale: 1}\n", parts[i].part);
        place_new(&p, yaml);
        assert_false(name_mix(&p, &out, &err));
        assert_int_equal(out.n, 0);
        assert_non_null(strstr(err.msg, parts[i].says));
        assert_non_null(strstr(err.hint, parts[i].remedy));
        place_release(&p);
        free(yaml);
    }
}

/* A mix in the run's own directory names what lies beside it: nothing is to be written anew, whatever its stages are called. */
static void beside_it(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *rm = path_join(folder, "rm"), *mix = path_join(folder, "fitted.yaml");
    static const char yaml[] = "kind: mix\nparts: [{reward: rm, scale: 1}]\n";
    const char *const paths[] = {mix, "warmth-verdict", "not-there.yaml"};
    const NamedModel model = {"rm", rm, false};
    Str out = {0};
    need_ok(file_write(mix, yaml, strlen(yaml), &err), &err);
    for (int i = 0; i < COUNT(paths); i++) {
        need_ok(named_mix(&out, paths[i], folder, &model, 1, &err), &err);
        assert_int_equal(out.n, 0);
    }
    str_release(&out);
    free(mix);
    free(rm);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named),
        cmocka_unit_test(not_there),
        cmocka_unit_test(beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
