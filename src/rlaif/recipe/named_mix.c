/* Mixes whose parts are reward models that a recipe makes. */
#include "rlaif/recipe/named_mix.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "rlaif/judge/prompt/builtin.h"

typedef struct Mix {
    const char *path, *dir;
    const NamedModel *model;
    int models;
} Mix;

/* Where a part's file is from the folder of the mix on. */
static char *own_path(const Mix *m, const char *source)
{
    char *folder = mem_strn(m->path, (size_t)(path_base(m->path) - m->path));
    char *path = source[0] == '/' ? mem_str(source) : path_join(folder, source);
    free(folder);
    return path;
}

static const NamedModel *find_model(const Mix *m, const char *name)
{
    for (int i = 0; i < m->models; i++)
        if (strcmp(m->model[i].name, name) == 0)
            return &m->model[i];
    return NULL;
}

/* The reward model that a part names; NULL where it has none that is a text. */
static const char *reward_of(const Yaml *part)
{
    const Yaml *reward = yaml_get(part, "reward");
    return reward && reward->kind == YAML_TEXT ? reward->text : NULL;
}

/* The model that a part means by a name, unless its file is that without it; else NULL. */
static const char *made_elsewhere(const Mix *m, const Yaml *part)
{
    const char *name = reward_of(part);
    const NamedModel *made = name ? find_model(m, name) : NULL;
    char *own = made && made->path ? own_path(m, name) : NULL;
    bool same = own && strcmp(own, made->path) == 0;
    free(own);
    return own && !same ? made->path : NULL;
}

static bool hint_names(const Mix *m, Err *err)
{
    Str names = {0};
    for (int i = 0; i < m->models; i++)
        if (m->model[i].path)
            str_addf(&names, "%s%s", names.n > 0 ? ", " : "", m->model[i].name);
    err_hint(err,
             names.n > 0 ? "name a directory from the mix's folder on, or %s"
                         : "name a directory from the mix's folder on%s",
             str_text(&names));
    str_release(&names);
    return false;
}

/* Names of stages have no '/'; whatever else is not there, the stages before may still make. */
static bool check_part(const Mix *m, const Yaml *part, Err *err)
{
    const char *name = reward_of(part);
    const NamedModel *made = name ? find_model(m, name) : NULL;
    if (!name || !name[0] || name[0] == '.' || strchr(name, '/') || (made && made->path))
        return true;
    char *own = own_path(m, name);
    bool there = file_exists(own);
    free(own);
    if (there)
        return true;
    if (made)
        err_set(err, ERR_INPUT, "%s:%d: the stage %s %s", m->path, part->line, name,
                made->later ? "comes later" : "makes no reward model");
    else
        err_set(err, ERR_INPUT, "%s:%d: there is no reward model \"%s\", and no stage is called so", m->path,
                part->line, name);
    return made && made->later ? err_hint(err, "put that stage before those that ask the mix") : hint_names(m, err);
}

static bool is_mix(const Yaml *file)
{
    const Yaml *kind = yaml_get(file, "kind"), *parts = yaml_get(file, "parts");
    return kind && kind->kind == YAML_TEXT && strcmp(kind->text, "mix") == 0 && parts && parts->kind == YAML_LIST;
}

static bool is_map_of_texts(const Yaml *y)
{
    bool texts = y->kind == YAML_MAP;
    for (int i = 0; texts && i < y->n; i++)
        texts = y->item[i]->kind == YAML_TEXT;
    return texts;
}

/* The parts of a mix that can be written anew and name a stage; else NULL. */
static const Yaml *parts_that_name(const Mix *m, const Yaml *file)
{
    const Yaml *parts = yaml_get(file, "parts");
    bool named = false, plain = true;
    for (int i = 0; plain && i < file->n; i++)
        plain = file->item[i] == parts || file->item[i]->kind == YAML_TEXT;
    for (int i = 0; plain && i < parts->n; i++) {
        plain = is_map_of_texts(parts->item[i]);
        named = named || (plain && made_elsewhere(m, parts->item[i]));
    }
    return plain && named ? parts : NULL;
}

/* The way to a model from m->dir on, in which stages leave theirs, some of them later. */
static char *way_to(const Mix *m, const char *made)
{
    size_t n = strlen(m->dir);
    while (n > 1 && m->dir[n - 1] == '/')
        n--;
    bool within = strncmp(made, m->dir, n) == 0 && made[n] == '/';
    return within ? mem_str(made + n + strspn(made + n, "/")) : path_from(m->dir, made);
}

/* The value of a part's key, for a file in m->dir. */
static char *moved(const Mix *m, const Yaml *part, const char *key, const char *value)
{
    bool reward = strcmp(key, "reward") == 0, prompt = strcmp(key, "prompt") == 0;
    const char *made = reward ? made_elsewhere(m, part) : NULL;
    if (made)
        return way_to(m, made);
    if ((!reward && !prompt) || value[0] == '/' || (prompt && builtin_prompt_find(value) >= 0))
        return mem_str(value);
    char *own = own_path(m, value), *way = path_from(m->dir, own);
    free(own);
    return way;
}

/* `plain`: as it stood, without quotes. */
static void append_pair(Str *out, const char *before, const char *key, const char *value, bool plain)
{
    str_addf(out, "%s%s: ", before, key);
    if (plain)
        str_add(out, value);
    else
        yaml_append_text(out, value);
    str_addc(out, '\n');
}

static void append_parts(Str *out, const Mix *m, const Yaml *parts)
{
    str_add(out, "parts:\n");
    for (int i = 0; i < parts->n; i++) {
        const Yaml *part = parts->item[i];
        for (int k = 0; k < part->n; k++) {
            const Yaml *said = part->item[k];
            char *value = moved(m, part, part->keys[k], said->text);
            append_pair(out, k ? "    " : "  - ", part->keys[k], value,
                        !said->quoted && strcmp(value, said->text) == 0);
            free(value);
        }
    }
}

static void append_mix(Str *out, const Mix *m, const Yaml *file, const Yaml *parts)
{
    if (!yaml_get(file, "name"))
        append_pair(out, "", "name", m->path, false);
    for (int i = 0; i < file->n; i++)
        if (file->item[i] == parts)
            append_parts(out, m, parts);
        else
            append_pair(out, "", file->keys[i], file->item[i]->text, !file->item[i]->quoted);
}

bool named_mix(Str *out, const char *path, const char *dir, const NamedModel *model, int n, Err *err)
{
    Mix m = {path, dir, model, n};
    Yaml *file;
    Err unread = {0};
    if (builtin_prompt_find(path) >= 0 || !file_exists(path) || !yaml_read_file(path, &file, &unread))
        return true;
    bool ok = true, mix = file->kind == YAML_MAP && is_mix(file);
    const Yaml *list = mix ? yaml_get(file, "parts") : NULL, *parts = mix ? parts_that_name(&m, file) : NULL;
    for (int i = 0; ok && list && i < list->n; i++)
        ok = check_part(&m, list->item[i], err);
    if (ok && parts)
        append_mix(out, &m, file, parts);
    yaml_free_tree(file);
    return ok;
}
