/* rate export: the rating page as one file, and its key as another. */
#include "serve/export.h"

#include "base/lines.h"
#include "base/mem.h"
#include "serve/pages.h"

static const Option option_rows[] = {
    {"source", OPT_TEXT, AT(RateExportOptions, source), .value = "RUN|ROWS",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "a run's directory, or rows with responses and models"},
    {"kind", OPT_CHOICE, AT(RateExportOptions, kind), .choices = RATING_KINDS, .otherwise = "rank",
     .help = "responses are ranked, or marked as harmless or not"},
    {"output", OPT_TEXT, AT(RateExportOptions, output), .value = "FILE.html",
     .flags = OPT_SHORT_O | OPT_REQUIRED | OPT_WORKING, .help = "the page, which people get"},
    {"key", OPT_TEXT, AT(RateExportOptions, key), .value = "FILE.jsonl", .flags = OPT_WORKING,
     .help = "who wrote what, which people must not see [OUT.html: OUT.key.jsonl]"},
    {"question", OPT_TEXT, AT(RateExportOptions, question), .value = "TEXT", .flags = OPT_WORKING,
     .help = "what people are asked [which response is best; is it harmless]"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {rating_option_rows, RATING_OPTIONS, AT(RateExportOptions, rating)},
    {common_options, COMMON_OPTIONS, AT(RateExportOptions, common)},
};
const OptionTable rate_export_table = {groups, COUNT(groups), sizeof(RateExportOptions)};

static char *key_path(const RateExportOptions *o)
{
    size_t n = strlen(o->output);
    if (o->key)
        return mem_str(o->key);
    return mem_printf("%.*s.key.jsonl", (int)(str_ends(o->output, ".html") ? n - strlen(".html") : n), o->output);
}

static bool write_key(const RatingItems *items, TextWriter *out, Err *err)
{
    Str lines = {0};
    for (int i = 0; i < items->n; i++) {
        json_append(&lines, items->key[i]);
        str_addc(&lines, '\n');
    }
    bool ok = text_write(out, str_text(&lines), lines.n, err);
    str_release(&lines);
    return ok;
}

static bool write_page(const RatingItems *items, const char *question, TextWriter *out, Err *err)
{
    Str page = {0};
    rating_page(&page, items, question, NULL);
    bool ok = text_write(out, str_text(&page), page.n, err);
    str_release(&page);
    return ok;
}

/* Both or none. The key is there first: a page without it is worth nothing. */
static bool write_both(const RatingItems *items, const RateExportOptions *o, const char *key_path, Err *err)
{
    TextWriter *key = NULL, *page = NULL;
    bool ok = text_open(&page, o->output, err) && text_open(&key, key_path, err) && write_key(items, key, err) &&
              write_page(items, o->question, page, err);
    if (!ok) {
        text_discard(key);
        text_discard(page);
        return false;
    }
    if (text_close(key, err))
        return text_close(page, err);
    text_discard(page);
    return false;
}

bool rate_export(Work *work, const RateExportOptions *o, Err *err)
{
    RatingItems items = {0};
    RatingOptions rating = o->rating;
    char *key = key_path(o), *rows = o->source;
    if (!work->store && rating.samples.n == 0)
        rating.samples = (OptionList){&rows, 1};
    bool ok = strcmp(key, o->output) != 0 ||
              (err_set(err, ERR_USAGE, "--key %s is the page", key), err_hint(err, "the key needs a file of its own"));
    ok = ok && rating_items_read(work, &rating, (RatingKind)o->kind, o->common.seed, &items, err) &&
         write_both(&items, o, key, err);
    if (ok) {
        log_note("%d items: %s for people; %s says who wrote what: keep it, and from them", items.n, o->output, key);
        json_decref(work->summary);
        work->summary = json_pack("{s:s, s:i, s:i, s:s, s:s}", "kind", rating_kind(items.kind), "items", items.n,
                                  "equal", items.equal, "output", o->output, "key", key);
    }
    rating_items_release(&items);
    free(key);
    return ok;
}
