/* Any bytes as a recipe: everything but running it. What is written for a recipe is one of the same stages. */
#include "base/mem.h"
#include "rlaif/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool resolve(Recipe *r, const char *text, size_t n, Str *out)
{
    Err err = {0};
    RunOptions *o = options_new(&run_table);
    bool ok = recipe_parse(r, "fuzz", text, n, &err) && recipe_resolve(r, o, "runs/fuzz", out, &err);
    if (ok == (err.code != ERR_NONE))
        __builtin_trap();
    options_free(&run_table, o);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Recipe r, back;
    Str first = {0}, second = {0};
    if (resolve(&r, (const char *)data, n, &first)) {
        if (!resolve(&back, str_text(&first), first.n, &second) || back.n != r.n || back.seed != r.seed ||
            strcmp(back.name, r.name) != 0)
            __builtin_trap();
        for (int i = 0; i < r.n; i++)
            if (strcmp(back.stage[i].name, r.stage[i].name) != 0 || strcmp(back.stage[i].kind, r.stage[i].kind) != 0)
                __builtin_trap();
        recipe_release(&back);
    }
    recipe_release(&r);
    str_release(&first);
    str_release(&second);
    return 0;
}
