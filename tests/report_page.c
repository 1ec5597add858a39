/* A store filled by hand, its report's page, and what holds of every page. */
#include "report_page.h"

#include "base/mem.h"

Run run_new(void)
{
    Err err = {0};
    Run r = {.folder = make_folder()};
    char *path = path_join(r.folder, "store.sqlite");
    need_ok(store_open(&r.work.store, path, &err), &err);
    free(path);
    log_set_quiet(true);
    return r;
}

void run_free(Run *r)
{
    store_close(r->work.store);
    remove_folder(r->folder);
}

json_t *parsed(const char *text)
{
    Err err = {0};
    json_t *j;
    need_ok(json_parse(text, strlen(text), "the test", &j, &err), &err);
    return j;
}

/* A stage with what its `about` and summary say; not finished where summary is NULL. */
int64_t add_stage(Run *r, const char *name, const char *kind, const char *about, const char *summary)
{
    Err err = {0};
    json_t *a = parsed(about), *s = summary ? parsed(summary) : NULL;
    int64_t id = begin_stage(r->work.store, name, kind, "0123abcd", a);
    need_ok(!s || store_stage_end(r->work.store, id, NULL, s, 7777.25, &err), &err);
    json_decref(a);
    json_decref(s);
    return id;
}

/* A finished stage whose product is a file or a directory. */
void add_made(Run *r, const char *name, const char *kind, const char *about, const char *summary, const char *output)
{
    Err err = {0};
    int64_t id = add_stage(r, name, kind, about, NULL);
    json_t *s = parsed(summary);
    need_ok(store_stage_end(r->work.store, id, output, s, 7777.25, &err), &err);
    json_decref(s);
}

void add_item(Run *r, int64_t stage, int position, const char *row)
{
    Err err = {0};
    char key[40];
    snprintf(key, sizeof key, "key%d", position);
    need_ok(store_item_put(r->work.store, stage, key, position, row, &err), &err);
}

/* The page, whole; the caller frees it. */
char *page_of(Run *r)
{
    Err err = {0};
    ReportOptions o = {.run_dir = r->folder};
    char *path = path_join(r->folder, "report.html"), *page = NULL;
    size_t n = 0;
    need_ok(report_stage(&r->work, "report", &o, &err), &err);
    need_ok(file_read(path, 1 << 26, &page, &n, &err), &err);
    assert_int_equal(strlen(page), n);
    free(path);
    return page;
}

void has(const char *page, const char *text)
{
    if (!strstr(page, text))
        fail_msg("the page does not say \"%s\"", text);
}

/* The text between two others, the second behind the first. The caller frees it. */
char *part_of(const char *page, const char *from, const char *to)
{
    const char *begin = strstr(page, from), *end = begin ? strstr(begin + strlen(from), to) : NULL;
    if (!end)
        fail_msg("the page has no \"%s\" with \"%s\" behind it", from, to);
    return mem_strn(begin, (size_t)(end - begin));
}

void has_not(const char *page, const char *text)
{
    if (strstr(page, text))
        fail_msg("the page says \"%s\"", text);
}

/* --- what holds of every page --------------------------------------------------------------------------- */

static bool is_void(const char *tag)
{
    return strcmp(tag, "meta") == 0 || strcmp(tag, "br") == 0 || strcmp(tag, "!doctype") == 0;
}

/* Checks one tag, which begins after '<': attributes load nothing, quotes end; returns where it ends. */
static const char *check_tag(const char *at, char open[][20], int *depth)
{
    bool closes = *at == '/', alone = false;
    size_t n = strcspn(at += closes, " >/\n");
    char tag[20] = "";
    assert_true(n > 0 && n < sizeof tag);
    memcpy(tag, at, n);
    for (at += n; *at != '>'; at++) {
        assert_true(*at != 0 && *at != '<');
        alone = *at == '/';
        if (*at != '"')
            continue;
        const char *end = strchr(at + 1, '"');
        assert_non_null(end);
        if ((strncmp(at - 5, "href=", 5) == 0 && at[1] != '#') || strncmp(at - 4, "src=", 4) == 0)
            fail_msg("%.*s would be loaded", (int)(end - at), at);
        at = end;
    }
    if (closes && (*depth == 0 || strcmp(open[--*depth], tag) != 0))
        fail_msg("</%s> closes another", tag);
    if (!closes && !alone && !is_void(tag)) {
        assert_true(*depth < 40);
        memcpy(open[(*depth)++], tag, sizeof tag);
    }
    return at + 1;
}

/* Nothing in scripts and styles names what would be loaded either. */
static void loads_nothing(const char *page)
{
    static const char *const loads[] = {"src=", "src =", "href=", "href =", "url(", "@import"};
    for (int i = 0; i < COUNT(loads); i++)
        for (const char *at = page; (at = strstr(at, loads[i])); at++) {
            const char *value = at + strlen(loads[i]) + strspn(at + strlen(loads[i]), " \"'");
            if (strncmp(value, "http", 4) == 0 || strncmp(value, "//", 2) == 0)
                fail_msg("the page would load %.80s", at);
        }
}

/* Every tag is closed, nothing is loaded, no script or style but ours. */
void check_page(const char *page)
{
    loads_nothing(page);
    char open[40][20];
    int depth = 0;
    for (const char *at = page; (at = strchr(at, '<'));) {
        at = check_tag(at + 1, open, &depth);
        for (int i = 0; depth > 0 && i < 2; i++)
            if (strcmp(open[depth - 1], i ? "style" : "script") == 0) {
                at = strstr(at, i ? "</style>" : "</script>");
                assert_non_null(at);
            }
    }
    assert_int_equal(depth, 0);
    has_not(page, "sourceMappingURL");
    has_not(page, "7777"); /* measured seconds */
}
