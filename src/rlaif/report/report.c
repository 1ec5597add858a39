/* The report: a list of sections over the run as it was read, and the page around them. */
#include "rlaif/report/report.h"

#include "base/embed.h"
#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"
#include "rlaif/report/page/words.h"
#include "rlaif/report/sections.h"

EMBED(report_css, "src/rlaif/report/report.css");
EMBED(report_js, "src/rlaif/report/report.js");
EMBED(dygraph_css, "dygraph.css"); /* of the library dygraphs: the Makefile finds it */
EMBED(dygraph_js, "dygraph.js");
EMBED(notice, "NOTICE");

static const Option option_rows[] = {
    {"run-dir", OPT_TEXT, AT(ReportOptions, run_dir), .value = "RUN",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "a run's directory; or what a command made, whose store lies beside it"},
    {"output", OPT_TEXT, AT(ReportOptions, output), .value = "FILE.html", .flags = OPT_SHORT_O | OPT_WORKING | OPT_CLI,
     .help = "the page [RUN/report.html; RUN.html, where the store lies beside RUN]"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options, COMMON_OPTIONS, AT(ReportOptions, common)},
};
const OptionTable report_table = {groups, COUNT(groups), sizeof(ReportOptions)};

void report_libraries(Str *out)
{
    static const char mark[] = "VERSION=\"";
    const char *at = strstr(dygraph_js, mark);
    if (at)
        str_addf(out, "dygraphs %.*s", (int)strcspn(at + strlen(mark), "\""), at + strlen(mark));
}

/* --- the page ------------------------------------------------------------------------------------------- */

/* A section's anchor, its link at the top, its heading; and where it folds away the line that opens it, which says what it
 * holds. The first has none of these: it is what a person came for. */
static const struct {
    const char *id, *link, *heading, *fold;
    ReportSection *write;
} sections[] = {
    {NULL, NULL, NULL, NULL, report_front},
    {"arms", "Arms", "The arms side by side", NULL, report_arms},
    {"results", "Results", "Results", "Every comparison of policies, with its interval", report_results},
    {"people", "People", "What people said", NULL, report_people},
    {"harmless", "Harmless", "Harmless replies", NULL, report_harmless},
    {"paper", "Beside the paper", "Beside the paper", "The paper\xe2\x80\x99s figures, and this run\xe2\x80\x99s",
     report_paper},
    {"named", "Named before", "Figures named before the run",
     "What the recipe said that it would look at, and its values", report_named},
    {"meaning", "What it means", "What it means",
     "What was optimised, whose taste it is, what confirms it and what does not", report_meaning},
    {"probes", "Probes", "Probes", "Length, repetition, emoji and the like, counted without a model", report_probes},
    {"labels", "Labels", "Labels", "How sure they are, position bias, agreement with people, what they cost",
     report_labels},
    {"training", "Training", "Training", "Every curve and number of the stages that trained, and of their data",
     report_training},
    {"samples", "Samples", "Samples", "Replies to the same prompts, and what training rewarded most and least",
     report_samples},
    {"provenance", "Provenance", "Provenance",
     "Every stage with its options and hashes, and the command that makes it "
     "again",
     report_provenance},
};

static void open_page(Str *out, const Report *r)
{
    const char *name = r->has_recipe ? r->recipe.name : "A run";
    str_add(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta http-equiv="
                 "\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src "
                 "'unsafe-inline'\">\n<title>");
    html_text(out, name);
    str_addf(out, "</title>\n<style>\n%s\n%s</style>\n</head>\n<body>\n<h1>", dygraph_css, report_css);
    html_text(out, name);
    str_add(out, "</h1>\n");
}

static void close_page(Str *out)
{
    html_fold(out, "Notices of what this page is made with");
    str_add(out, "<pre>");
    html_text(out, notice);
    str_add(out, "</pre>\n");
    html_fold_end(out);
    str_addf(out, "<script>\n%s\n</script>\n<script>\n%s</script>\n</body>\n</html>\n", dygraph_js, report_js);
}

/* Sections that have something to say, and links to them. */
static bool add_sections(Str *out, const Report *r, Err *err)
{
    Str front = {0}, links = {0}, body = {0};
    bool ok = sections[0].write(&front, r, err);
    for (int i = 1; ok && i < COUNT(sections); i++) {
        Str section = {0};
        ok = sections[i].write(&section, r, err);
        if (section.n > 0) {
            str_addf(&links, "<a href=\"#%s\">%s</a>", sections[i].id, sections[i].link);
            str_addf(&body, "<h2 id=\"%s\">%s</h2>\n", sections[i].id, sections[i].heading);
            if (sections[i].fold)
                html_fold(&body, sections[i].fold);
            str_add(&body, str_text(&section));
            if (sections[i].fold)
                html_fold_end(&body);
        }
        str_release(&section);
    }
    str_add(out, str_text(&front));
    if (links.n > 0)
        str_addf(out, "<nav aria-label=\"The rest of the report\"><b>The rest:</b> %s</nav>\n", str_text(&links));
    str_add(out, str_text(&body));
    str_release(&front);
    str_release(&links);
    str_release(&body);
    return ok;
}

static bool write_file(const char *path, const Str *page, Err *err)
{
    TextWriter *out;
    if (!text_open(&out, path, err))
        return false;
    if (text_write(out, str_text(page), page->n, err))
        return text_close(out, err);
    text_discard(out);
    return false;
}

bool report_write(Str *out, Work *work, const char *run_dir, Err *err)
{
    Report r;
    bool ok = report_read(&r, work, run_dir, err);
    if (ok) {
        open_page(out, &r);
        ok = add_sections(out, &r, err);
        close_page(out);
    }
    report_release(&r);
    return ok;
}

bool report_stage(Work *work, const char *name, const void *options, Err *err)
{
    const ReportOptions *o = options;
    char *path = o->output ? mem_str(o->output) : path_join(o->run_dir, "report.html");
    Str page = {0};
    (void)name;
    bool ok = report_write(&page, work, o->run_dir, err) && write_file(path, &page, err);
    if (ok && strcmp(path, "-") != 0)
        log_note("the report: %s", path);
    str_release(&page);
    free(path);
    return ok;
}
