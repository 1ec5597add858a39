/* Mixes whose parts are reward models that a recipe makes. */
#include "rlaif/recipe/named_mix.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "rlaif/judge/prompt/builtin.h"

typedef struct Mix {
    const char *path, *dir;
    StageMade *made;
    const void *context;
} Mix;

/* Where a part's file is from the folder of the mix on. */
static char *own_path(const Mix *m, const char *source)
{
    char *folder = mem_strn(m->path, (size_t)(path_base(m->path) - m->path));
    char *path = source[0] == '/' ? mem_str(source) : path_join(folder, source);
    free(folder);
    return path;
}

/* What the stage made that a part names, unless its file is that without it; else NULL. */
static const char *made_elsewhere(const Mix *m, const Yaml *part)
{
    const Yaml *reward = yaml_get(part, "reward");
    const char *made = reward && reward->kind == YAML_TEXT ? m->made(m->context, reward->text) : NULL;
    char *own = made ? own_path(m, reward->text) : NULL;
    bool same = made && strcmp(own, made) == 0;
    free(own);
    return same ? NULL : made;
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
    const Yaml *kind = yaml_get(file, "kind"), *parts = yaml_get(file, "parts");
    bool named = false,
         plain = kind && kind->kind == YAML_TEXT && strcmp(kind->text, "mix") == 0 && parts && parts->kind == YAML_LIST;
    for (int i = 0; plain && i < file->n; i++)
        plain = file->item[i] == parts || file->item[i]->kind == YAML_TEXT;
    for (int i = 0; plain && i < parts->n; i++) {
        plain = is_map_of_texts(parts->item[i]);
        named = named || (plain && made_elsewhere(m, parts->item[i]));
    }
    return plain && named ? parts : NULL;
}

/* "run/x" from "run" on; the stages of a recipe leave what they make in its directory. */
static const char *within(const char *dir, const char *path)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    return strncmp(path, dir, n) == 0 && path[n] == '/' ? path + n + strspn(path + n, "/") : path;
}

/* The value of a part's key, for a file in m->dir. */
static char *moved(const Mix *m, const Yaml *part, const char *key, const char *value)
{
    bool reward = strcmp(key, "reward") == 0, prompt = strcmp(key, "prompt") == 0;
    const char *made = reward ? made_elsewhere(m, part) : NULL;
    if (made)
        return mem_str(within(m->dir, made));
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

void named_mix(Str *out, const char *path, const char *dir, StageMade *made, const void *context)
{
    Mix m = {path, dir, made, context};
    Yaml *file;
    Err unread = {0};
    if (builtin_prompt_find(path) >= 0 || !file_exists(path) || !yaml_read_file(path, &file, &unread))
        return;
    const Yaml *parts = file->kind == YAML_MAP ? parts_that_name(&m, file) : NULL;
    if (parts && !yaml_get(file, "name"))
        append_pair(out, "", "name", path, false);
    for (int i = 0; parts && i < file->n; i++)
        if (file->item[i] == parts)
            append_parts(out, &m, parts);
        else
            append_pair(out, "", file->keys[i], file->item[i]->text, !file->item[i]->quoted);
    yaml_free_tree(file);
}
