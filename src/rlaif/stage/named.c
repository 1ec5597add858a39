/* Models that options name. */
#include "rlaif/stage/named.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/adapter_file.h"
#include "rlaif/stage/stage.h"

#include <sys/stat.h>

/* What is looked for among the texts. */
typedef bool Sought(const char *path);

static bool is_model(const char *path)
{
    return model_is_there(path) || (str_ends(path, ".gguf") && file_exists(path));
}

static bool yaml_names(const Yaml *y, const char *folder, int files, Sought *sought);

/* Does a small file of YAML name it? So many files more may be followed: a recipe's stages name mixes, and these models. */
static bool file_names(const char *path, int files, Sought *sought)
{
    enum { MOST = 1 << 20 };
    struct stat st;
    Yaml *y;
    Err unread = {0};
    if (files == 0 || stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MOST ||
        !yaml_read_file(path, &y, &unread))
        return false;
    char *folder = mem_strn(path, (size_t)(path_base(path) - path));
    bool names = yaml_names(y, folder, files - 1, sought);
    free(folder);
    yaml_free_tree(y);
    return names;
}

/* The path itself, what a run or a training there was asked for, or the file. */
static bool path_names(const char *path, int files, Sought *sought)
{
    static const char *const asked[] = {"recipe.yaml", OPTIONS_FILE};
    bool names = sought(path) || file_names(path, files, sought);
    for (int i = 0; !names && i < COUNT(asked); i++) {
        char *inside = path_join(path, asked[i]);
        names = file_names(inside, files, sought);
        free(inside);
    }
    return names;
}

/* As it stands, as the value of a "KEY=VALUE", or from a file's folder on. */
static bool text_names(const char *text, const char *folder, int files, Sought *sought)
{
    const char *equals = strchr(text, '=');
    char *beside = folder[0] && text[0] != '/' ? path_join(folder, text) : NULL;
    bool names = path_names(text, files, sought) || (equals && path_names(equals + 1, files, sought)) ||
                 (beside && path_names(beside, files, sought));
    free(beside);
    return names;
}

static bool yaml_names(const Yaml *y, const char *folder, int files, Sought *sought)
{
    bool names = y->kind == YAML_TEXT && y->text[0] && text_names(y->text, folder, files, sought);
    for (int i = 0; !names && i < y->n; i++)
        names = yaml_names(y->item[i], folder, files, sought);
    return names;
}

static bool options_name(const OptionTable *table, const void *options, Sought *sought)
{
    enum { FILES = 2 };
    Str text = {0};
    Yaml *y;
    Err unread = {0};
    options_append_yaml(table, options, "", &text);
    bool read = yaml_parse(str_text(&text), text.n, "options", &y, &unread), names = !read;
    if (read) {
        names = yaml_names(y, "", FILES, sought);
        yaml_free_tree(y);
    }
    str_release(&text);
    return names;
}

/* Options that are models, or have them, whether these are there yet or not; appends their values. */
static bool has_models(const OptionTable *table, const void *options, Str *values)
{
    static const char *const names[] = {"model", "reward", "judge", "reference", "against", "policy", "recipe", "path"};
    json_t *all = options_json(table, options, true);
    for (int i = 0; i < COUNT(names); i++) {
        const char *value = json_text_of(all, names[i]);
        if (value)
            str_addf(values, "%s%s", values->n ? ", " : "", value);
    }
    json_decref(all);
    return values->n > 0;
}

bool named_models_check(const OptionTable *table, const void *options, Err *err)
{
    const CommonOptions *common = options;
    Str values = {0};
    bool any = has_models(table, options, &values), ok = true;
    if (common->weights && !any && !options_name(table, options, is_model)) {
        ok = err_set(err, ERR_USAGE, "command line: --weights has no effect: no model is loaded");
        err_hint(err, "leave it out");
    } else if (common->base && !options_name(table, options, adapter_takes_base)) {
        ok = err_set(err, ERR_INPUT, "--base %s has no effect: no adapter that lacks its base is %s%s", common->base,
                     any ? "among " : "named", str_text(&values));
        err_hint(err, "it is for adapters that name a model which is not here: leave it out");
    }
    str_release(&values);
    return ok;
}
