/* Command lines that have to be refused. */
#include "refusals.h"

#include "base/file.h"
#include "base/mem.h"

/* Every name in the folder, with what is in those below, but for links. */
static char *all_names(const char *path)
{
    Err err = {0};
    Str s = {0};
    char **names;
    int n;
    need_ok(dir_list(path, &names, &n, &err), &err);
    for (int i = 0; i < n; i++) {
        char *inner = path_join(path, names[i]);
        bool linked = strcmp(names[i], "llama") == 0 || strcmp(names[i], "gemma") == 0;
        char *below = !linked && file_is_dir(inner) ? all_names(inner) : NULL;
        str_addf(&s, "%s%s%s%s\n", names[i], below ? " (" : "", below ? below : "", below ? ")" : "");
        free(below);
        free(inner);
    }
    names_free(names, n);
    return str_take(&s);
}

bool is_refused(const char *bench, const Refusal *c)
{
    if (c->file)
        put_text(bench, c->file, c->text);
    char *before = all_names(bench);
    Ran r = run_in(bench, "rlaif %s --threads 1 --quiet", c->line);
    char *after = all_names(bench);
    bool ok = is_message(&r, c->status, c->message, c->remedy);
    if (strcmp(before, after) != 0) {
        ok = false;
        print_error("it left behind:\n%snot\n%s", after, before);
    }
    if (!ok)
        print_error("that was rlaif %s\n\n", c->line);
    ran_free(&r);
    free(before);
    free(after);
    return ok;
}

void need_refusals(const char *bench, const Refusal *c, int n)
{
    int wrong = 0;
    for (int i = 0; i < n; i++)
        wrong += !is_refused(bench, &c[i]);
    if (wrong)
        fail_msg("%d of %d are not refused as they should be", wrong, n);
}
