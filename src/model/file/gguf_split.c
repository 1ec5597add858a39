/* Models of several GGUF files. The first has the metadata of the model; each has its own number and how many there are, and
 * some of the tensors. */
#include "model/file/gguf.h"

#include "base/mem.h"
#include "base/str.h"

enum { MOST_PARTS = 1000 };

static const char SUFFIX[] = "-00001-of-00001.gguf";
static const char OTHERS[] = "the files are damaged, or of different models: download them again";

static bool read_digits(const char *s, int *v)
{
    *v = 0;
    for (int i = 0; i < 5; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        *v = 10 * *v + s[i] - '0';
    }
    return true;
}

/* Is it NAME-00002-of-00003.gguf? Then *stem is the length of NAME with its folder. */
static bool is_part(const char *path, size_t *stem, int *number, int *count)
{
    size_t n = strlen(path), suffix = strlen(SUFFIX);
    if (n <= suffix)
        return false;
    const char *s = path + n - suffix;
    *stem = n - suffix;
    return s[0] == '-' && read_digits(s + 1, number) && strncmp(s + 6, "-of-", 4) == 0 && read_digits(s + 10, count) &&
           strcmp(s + 15, ".gguf") == 0;
}

bool gguf_files(char ***paths, int *n, const char *path, Err *err)
{
    size_t stem;
    int number, count;
    *paths = NULL;
    *n = 0;
    if (!is_part(path, &stem, &number, &count)) {
        *paths = mem_alloc(1, sizeof **paths);
        (*paths)[(*n)++] = mem_str(path);
        return true;
    }
    if (number < 1 || number > count || count > MOST_PARTS)
        return err_set(err, ERR_INPUT, "%s: by its name part %d of %d", path, number, count),
               err_hint(err, "parts are numbered from 00001 to at most %05d", MOST_PARTS);
    *paths = mem_alloc((size_t)count, sizeof **paths);
    for (int i = 0; i < count; i++) {
        char *part = mem_printf("%.*s-%05d-of-%05d.gguf", (int)stem, path, i + 1, count);
        (*paths)[(*n)++] = part;
        if (file_exists(part))
            continue;
        err_set(err, ERR_INPUT, "%s: there is no such file, part %d of %d of the model", part, i + 1, count);
        err_hint(err, "all parts must be in one folder: download those that are missing");
        names_free(*paths, *n);
        *paths = NULL;
        return false;
    }
    return true;
}

/* What one part says of itself must be what its place says. */
static bool check_part(const Gguf *first, const Gguf *g, int i, int n, Err *err)
{
    double number = -1, count = -1;
    const char *mine = NULL, *its = NULL;
    gguf_number(g, "split.no", &number);
    gguf_number(g, "split.count", &count);
    if (count < 0 || number < 0)
        err_set(err, ERR_INPUT, "%s: by its place part %d of %d of a model, its metadata says nothing of it", g->path,
                i + 1, n);
    else if (number != i || count != n)
        err_set(err, ERR_INPUT, "%s: by its place part %d of %d of a model, by its metadata part %.10g of %.10g",
                g->path, i + 1, n, number + 1, count);
    else if (gguf_text(first, "general.architecture", &mine) && gguf_text(g, "general.architecture", &its) &&
             strcmp(mine, its) != 0)
        err_set(err, ERR_INPUT, "%s: of the architecture \"%.60s\", but %s is of \"%.60s\"", g->path, its, first->path,
                mine);
    else
        return true;
    return err_hint(err, "%s", OTHERS);
}

/* No tensor of part i is in one before it. */
static bool check_apart(Gguf *const *part, int i, Err *err)
{
    for (int t = 0; t < part[i]->n_tensors; t++)
        for (int j = 0; j < i; j++)
            if (gguf_find_any(part[j], part[i]->names[t]))
                return err_set(err, ERR_INPUT, "the tensor \"%s\" is in %s and in %s", part[i]->names[t], part[j]->path,
                               part[i]->path),
                       err_hint(err, "%s", OTHERS);
    return true;
}

static bool check_parts(Gguf *const *part, int n, Err *err)
{
    double promised = 0;
    long long found = 0;
    for (int i = 0; i < n; i++) {
        if (!check_part(part[0], part[i], i, n, err) || !check_apart(part, i, err))
            return false;
        found += part[i]->n_tensors;
    }
    if (gguf_number(part[0], "split.tensors.count", &promised) && promised != (double)found)
        return err_set(err, ERR_INPUT, "%s: the %d parts hold %lld tensors, the metadata promises %.10g", part[0]->path,
                       n, found, promised),
               err_hint(err, "%s", OTHERS);
    return found <= INT32_MAX / 2 || err_set(err, ERR_INPUT, "%s: %lld tensors are too many", part[0]->path, found);
}

/* Moves the tensors of a part behind those of g. */
static void take_tensors(Gguf *g, Gguf *from)
{
    size_t n = (size_t)g->n_tensors + (size_t)from->n_tensors;
    g->tensors = mem_resize(g->tensors, n, sizeof *g->tensors);
    g->names = mem_resize(g->names, n, sizeof *g->names);
    g->unread = mem_resize(g->unread, n, sizeof *g->unread);
    for (int i = 0; i < from->n_tensors; i++) {
        int to = g->n_tensors++;
        g->tensors[to] = from->tensors[i];
        g->names[to] = from->names[i];
        g->unread[to] = from->unread[i];
    }
    from->n_tensors = 0;
}

bool gguf_join(Gguf **out, Gguf **part, int n, Err *err)
{
    *out = NULL;
    bool ok = check_parts(part, n, err);
    if (!ok) {
        for (int i = 0; i < n; i++)
            gguf_free(part[i]);
        return false;
    }
    Gguf *g = part[0];
    g->others = mem_alloc((size_t)n, sizeof *g->others);
    for (int i = 1; i < n; i++) {
        take_tensors(g, part[i]);
        g->others[g->n_others++] = part[i];
    }
    if (!gguf_index(g, err)) {
        gguf_free(g);
        return false;
    }
    *out = g;
    return true;
}

/* A part of a model has no meaning by itself. */
static bool check_whole(const Gguf *g, Err *err)
{
    double parts;
    if (!gguf_number(g, "split.count", &parts) || parts <= 1)
        return true;
    err_set(err, ERR_INPUT, "%s: one of %.0f files that the model is split into", g->path, parts);
    return err_hint(err,
                    "name the files as they were, NAME-00001-of-%05.0f.gguf and so on, in one folder; or join them: "
                    "llama-gguf-split --merge",
                    parts);
}

bool gguf_open_bytes(Gguf **out, const char *where, const void *bytes, size_t n, Err *err)
{
    if (!gguf_open_part(out, where, bytes, n, err))
        return false;
    if (check_whole(*out, err))
        return true;
    gguf_free(*out);
    *out = NULL;
    return false;
}

static bool open_file(Gguf **out, const char *path, bool whole, Err *err)
{
    FileMap map;
    *out = NULL;
    if (!file_map(path, &map, err))
        return false;
    if (!(whole ? gguf_open_bytes : gguf_open_part)(out, path, map.bytes, map.n, err)) {
        file_unmap(&map);
        return false;
    }
    (*out)->mapped = true;
    return true;
}

bool gguf_open(Gguf **out, const char *path, Err *err)
{
    char **paths;
    int n, opened = 0;
    *out = NULL;
    if (!gguf_files(&paths, &n, path, err))
        return false;
    Gguf **part = mem_zalloc((size_t)n, sizeof *part);
    bool ok = true;
    while (ok && opened < n) {
        ok = open_file(&part[opened], paths[opened], n == 1, err);
        opened += ok;
    }
    if (ok && n == 1)
        *out = part[0];
    else if (ok)
        ok = gguf_join(out, part, n, err);
    else
        while (opened > 0)
            gguf_free(part[--opened]);
    free(part);
    names_free(paths, n);
    return ok;
}
