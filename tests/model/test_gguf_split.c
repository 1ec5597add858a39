/* Models of several GGUF files: whole whichever is named, and refused by name where a part is missing or lies. */
#include "gguf_build.h"
#include "group.h"
#include "model/model.h"

#include "base/file.h"

#include <unistd.h>

enum { PARTS = 3 };

/* A model in three files of a folder, and what may be wrong with one of them. */
typedef struct Wrong {
    int part;                 /* which is wrong, from 0 */
    int number, count;        /* what it says of itself, not 0 */
    bool silent;              /* it says nothing of itself */
    const char *more;         /* a tensor that it has beside its own */
    const char *architecture; /* it says that it is of this one */
    int total;                /* what is added to how many tensors are promised */
    size_t cut;               /* bytes that it is shorter by */
    bool two_bytes;           /* it holds no more */
} Wrong;

typedef struct Folder {
    char *dir;
    unsigned char *whole; /* the same model as one file */
    size_t n;
    Gguf *model;
} Folder;

static void add_u16(Build *b, const char *key, int v)
{
    if (begin_value(b, key, GGUF_U16))
        put_int(&b->values, (uint64_t)v, 2);
}

static void add_stored(Build *b, const StoredTensor *t)
{
    uint64_t shape[4];
    while (b->data.n % build_alignment(b))
        str_addc(&b->data, 0);
    for (int i = 0; i < 4; i++)
        shape[i] = t->shape[i];
    add_info(b, t->name, 0, shape, t->dims, b->data.n);
    str_addn(&b->data, (const char *)t->bytes, t->n_bytes);
}

static char *part_path(const char *dir, int i)
{
    return mem_printf("%s/small-%05d-of-%05d.gguf", dir, i + 1, PARTS);
}

/* Part i: the first has the metadata; each has its numbers and a third of the tensors. */
static void write_part(const Folder *f, int i, const Str *values, uint64_t n_values, const Wrong *wrong)
{
    static const Wrong right = {.part = -1};
    const Wrong *w = wrong && wrong->part == i ? wrong : &right;
    Err err = {0};
    Build b = {0};
    int all = gguf_tensors(f->model), first = all * i / PARTS, end = all * (i + 1) / PARTS;
    if (i == 0) {
        str_addn(&b.values, values->text, values->n);
        b.n_values = n_values;
        add_u32(&b, "split.tensors.count", (uint32_t)(all + (wrong ? wrong->total : 0)));
    }
    if (!w->silent) {
        add_u16(&b, "split.no", w->number ? w->number : i);
        add_u16(&b, "split.count", w->count ? w->count : PARTS);
    }
    if (w->architecture)
        add_text(&b, "general.architecture", w->architecture);
    for (int t = first; t < end; t++)
        add_stored(&b, gguf_tensor(f->model, t));
    if (w->more)
        add_stored(&b, gguf_find(f->model, w->more));
    size_t n;
    unsigned char *bytes = build_end(&b, &n);
    char *path = part_path(f->dir, i);
    if (!file_write(path, bytes, w->two_bytes ? 2 : n - w->cut, &err))
        fail_msg("%s", err.msg);
    free(path);
    free(bytes);
}

static Folder make_folder(const Wrong *wrong)
{
    Err err = {0};
    Build b = {0};
    Folder f = {.dir = mem_printf("build/test_gguf_split.%d", (int)getpid())};
    if (!dir_remove(f.dir, &err) || !dir_make(f.dir, &err))
        fail_msg("%s", err.msg);
    build_model(&b, "llama");
    Str values = {0};
    uint64_t n_values = b.n_values;
    str_addn(&values, b.values.text, b.values.n);
    f.whole = build_end(&b, &f.n);
    if (!gguf_open_bytes(&f.model, "whole", f.whole, f.n, &err))
        fail_msg("%s", err.msg);
    for (int i = 0; i < PARTS; i++)
        write_part(&f, i, &values, n_values, wrong);
    str_release(&values);
    return f;
}

static void remove_folder(Folder *f)
{
    Err err = {0};
    assert_true(dir_remove(f->dir, &err));
    gguf_free(f->model);
    free(f->whole);
    free(f->dir);
}

static void parts_are_one_model(void **state)
{
    (void)state;
    Folder f = make_folder(NULL);
    for (int named = 0; named < PARTS; named++) {
        Err err = {0};
        Gguf *g;
        ModelConfig c;
        char *path = part_path(f.dir, named);
        if (!gguf_open(&g, path, &err) || !gguf_config(g, &c, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(gguf_tensors(g), gguf_tensors(f.model));
        for (int i = 0; i < gguf_tensors(g); i++) {
            const StoredTensor *t = gguf_tensor(g, i), *wanted = gguf_tensor(f.model, i);
            assert_string_equal(t->name, wanted->name);
            assert_ptr_equal(gguf_find(g, t->name), t);
            gguf_forget(g, t);
            assert_int_equal(t->n_bytes, wanted->n_bytes);
            assert_memory_equal(t->bytes, wanted->bytes, t->n_bytes);
        }
        gguf_free(g);
        free(path);
    }
    remove_folder(&f);
}

static void wrong_parts(void **state)
{
    (void)state;
    static const struct {
        Wrong wrong;
        const char *words;
    } row[] = {
        {{.part = 1, .number = 2},
         "small-00002-of-00003.gguf: by its place part 2 of 3 of a model, by its metadata part 3 of 3"},
        {{.part = 2, .count = 2},
         "small-00003-of-00003.gguf: by its place part 3 of 3 of a model, by its metadata part 3 of 2"},
        {{.part = 1, .silent = true},
         "small-00002-of-00003.gguf: by its place part 2 of 3 of a model, its metadata says nothing"},
        {{.part = 0, .silent = true}, "small-00001-of-00003.gguf: by its place part 1"},
        {{.part = 2, .more = "token_embd.weight"}, "the tensor \"token_embd.weight\" is in"},
        {{.part = 1, .architecture = "gemma3"}, "small-00002-of-00003.gguf: of the architecture \"gemma3\", but"},
        {{.part = 0, .total = 1}, "the 3 parts hold 20 tensors, the metadata promises 21"},
        {{.part = 1, .cut = 40}, "small-00002-of-00003.gguf: the tensor"},
        {{.part = 2, .two_bytes = true}, "small-00003-of-00003.gguf: "},
    };
    for (int i = 0; i < COUNT(row); i++) {
        Err err = {0};
        Gguf *g;
        Folder f = make_folder(&row[i].wrong);
        char *path = part_path(f.dir, 0);
        if (gguf_open(&g, path, &err))
            fail_msg("accepted, should say \"%s\"", row[i].words);
        assert_null(g);
        if (!strstr(err.msg, row[i].words) || !err.hint[0])
            fail_msg("says \"%s\" (%s), should say \"%s\"", err.msg, err.hint, row[i].words);
        free(path);
        remove_folder(&f);
    }
}

static void expect_refused(const char *path, const char *words)
{
    Err err = {0};
    Gguf *g;
    if (gguf_open(&g, path, &err) || !strstr(err.msg, words) || !err.hint[0])
        fail_msg("%s: says \"%s\" (%s), should say \"%s\"", path, err.msg, err.hint, words);
}

static void names_of_parts(void **state)
{
    (void)state;
    Err err = {0};
    Folder f = make_folder(NULL);
    char *first = part_path(f.dir, 0), *second = part_path(f.dir, 1), *path;
    char *other = path_join(f.dir, "other.gguf"), hash[HASH_TEXT];
    assert_int_equal(rename(second, other), 0);
    expect_refused(first, "small-00002-of-00003.gguf: there is no such file, part 2 of 3");
    assert_false(model_hash(first, NULL, hash, &err));
    assert_non_null(strstr(err.msg, "part 2 of 3"));
    err_clear(&err);
    expect_refused(other, "other.gguf: one of 3 files");
    assert_int_equal(rename(other, second), 0);
    assert_int_equal(rename(first, other), 0);
    expect_refused(second, "small-00001-of-00003.gguf: there is no such file, part 1 of 3");
    static const char *const names[] = {"a-00004-of-00003.gguf", "a-00000-of-00003.gguf", "a-00001-of-01001.gguf"};
    for (int i = 0; i < COUNT(names); i++) {
        path = path_join(f.dir, names[i]);
        assert_true(file_write(path, f.whole, f.n, &err));
        expect_refused(path, "by its name part");
        free(path);
    }
    /* a name of the kind for a model of one file */
    Gguf *g;
    path = path_join(f.dir, "one-00001-of-00001.gguf");
    assert_true(file_write(path, f.whole, f.n, &err) && gguf_open(&g, path, &err));
    gguf_free(g);
    free(path), free(first), free(second), free(other);
    remove_folder(&f);
}

/* What a stage is made from is all of the files. */
static void hashes_know_all_parts(void **state)
{
    (void)state;
    Err err = {0};
    Folder f = make_folder(NULL);
    char hash[PARTS + 1][HASH_TEXT], *path = NULL;
    for (int i = 0; i < PARTS; i++) {
        free(path);
        path = part_path(f.dir, i);
        assert_true(model_hash(path, NULL, hash[i], &err));
        assert_string_equal(hash[i], hash[0]);
    }
    assert_true(file_write(path, f.whole, f.n, &err) && model_hash(path, NULL, hash[PARTS], &err));
    assert_string_not_equal(hash[PARTS], hash[0]);
    free(path);
    remove_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_one_model),
        cmocka_unit_test(wrong_parts),
        cmocka_unit_test(names_of_parts),
        cmocka_unit_test(hashes_know_all_parts),
    };
    return cmocka_run_group_tests_name("gguf_split", tests, NULL, NULL);
}
