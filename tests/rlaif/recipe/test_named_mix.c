/* Mixes that name stages of a recipe: written with what these made, or left as they are. */
#include "rlaif/recipe/named_mix.h"

#include "base/file.h"
#include "base/mem.h"
#include "support.h"

/* The stage "rm" of a run in a folder; its directory is said there. */
static const char *only_rm(const void *context, const char *name)
{
    return strcmp(name, "rm") == 0 ? context : NULL;
}

/* What becomes of a mix in FOLDER/judges for a run in FOLDER/run, whose stage rm made FOLDER/run/rm; the caller's. */
static char *resolved(const char *folder, const char *yaml)
{
    Err err = {0};
    char *judges = path_join(folder, "judges"), *run = path_join(folder, "run"), *rm = path_join(run, "rm"),
         *list = path_join(folder, "list.yaml"), *mix = path_join(judges, "mix.yaml");
    Str out = {0};
    need_ok(dir_make(judges, &err) && dir_make(run, &err) && file_write(list, "x", 1, &err) &&
                file_write(mix, yaml, strlen(yaml), &err),
            &err);
    named_mix(&out, mix, run, only_rm, rm);
    char *at = out.n > 0 ? strstr(str_text(&out), folder) : NULL, *text = out.n > 0 ? mem_str(str_text(&out)) : NULL;
    if (at) { /* the name, where the mix has none, is its path */
        free(text);
        text = mem_printf("%.*sFOLDER%s", (int)(at - str_text(&out)), str_text(&out), at + strlen(folder));
    }
    str_release(&out);
    free(judges);
    free(run);
    free(rm);
    free(list);
    free(mix);
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
        {"kind: mix\nparts: [{reward: other, scale: 1}]\n", NULL}, /* a directory beside it */
        {"kind: mix\nparts: [{prompt: rm, scale: 1}]\n", NULL},
        {"kind: mix\nparts: [{reward: [rm], scale: 1}]\n", NULL}, /* whoever reads it says what is wrong */
        {"kind: mix\nparts: {reward: rm}\n", NULL},
        {"kind: score\nparts: [{reward: rm}]\n", NULL},
        {"kind: mix\n", NULL},
        {"- kind: mix\n", NULL},
        {"kind: [mix\n", NULL},
    };
    for (int i = 0; i < COUNT(mixes); i++) {
        char *folder = make_folder(), *text = resolved(folder, mixes[i].yaml);
        if (mixes[i].becomes)
            assert_string_equal(text ? text : "nothing", mixes[i].becomes);
        else
            assert_null(text);
        free(text);
        remove_folder(folder);
    }
}

/* A mix in the run's own directory names what lies beside it: nothing is to be written anew, whatever its stages are called. */
static void beside_it(void **state)
{
    (void)state;
    Err err = {0};
    char *folder = make_folder(), *rm = path_join(folder, "rm"), *mix = path_join(folder, "fitted.yaml");
    static const char yaml[] = "kind: mix\nparts: [{reward: rm, scale: 1}]\n";
    Str out = {0};
    need_ok(file_write(mix, yaml, strlen(yaml), &err), &err);
    named_mix(&out, mix, folder, only_rm, rm);
    assert_int_equal(out.n, 0);
    named_mix(&out, "warmth-verdict", folder, only_rm, rm);
    named_mix(&out, "not-there.yaml", folder, only_rm, rm);
    assert_int_equal(out.n, 0);
    str_release(&out);
    free(mix);
    free(rm);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named),
        cmocka_unit_test(beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
