/* serve: the table of pages, and what becomes of their failures. */
#include "serve/serve.h"

#include "base/file.h"
#include "base/html.h"
#include "base/mem.h"
#include "rlaif/report/report.h"
#include "serve/pages.h"
#include "serve/site.h"

static const Option option_rows[] = {
    {"run-dir", OPT_TEXT, AT(ServeOptions, run_dir), .value = "RUN",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "a run's directory"},
    {"port", OPT_INT, AT(ServeOptions, port), 0, 65535, "8077", .flags = OPT_WORKING,
     .help = "of 127.0.0.1; 0: any that is free"},
    {"blind", OPT_BOOL, AT(ServeOptions, blind), .flags = OPT_WORKING,
     .help = "for raters: without stages, samples and report, which say who wrote what"},
    {"question", OPT_TEXT, AT(ServeOptions, question), .value = "TEXT", .flags = OPT_WORKING,
     .help = "what people are asked [which response is best; is it harmless]"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {rating_option_rows, RATING_OPTIONS, AT(ServeOptions, rating)},
    {common_options, COMMON_OPTIONS, AT(ServeOptions, common)},
};
const OptionTable serve_table = {groups, COUNT(groups), sizeof(ServeOptions)};

/* --- pages ---------------------------------------------------------------------------------------------- */

/* The report of what there is by now, in a box: its own scripts run, but are nobody on this server. */
static bool report_page(Site *s, Work *work, const Request *request, Reply *out, Err *err)
{
    (void)request;
    snprintf(out->policy, sizeof out->policy,
             "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
             "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    return report_write(&out->body, work, s->options->run_dir, err);
}

typedef struct Route {
    const char *method, *path;
    RouteAnswer *answer;
    bool blind; /* raters may see it */
} Route;

static const Route routes[] = {
    {"GET", "/", dashboard_page, true},     {"GET", "/now", now_page, false},  {"GET", "/samples", samples_page, false},
    {"GET", "/report", report_page, false}, {"GET", "/rate", rate_page, true}, {"GET", "/ratings", get_ratings, true},
    {"POST", "/rating", post_rating, true},
};

static const Route *find_route(const Site *s, const Request *r, bool *path_known)
{
    *path_known = false;
    for (int i = 0; i < COUNT(routes); i++)
        if (strcmp(routes[i].path, r->path) == 0 && (routes[i].blind || !s->options->blind)) {
            *path_known = true;
            if (strcmp(routes[i].method, r->method) == 0)
                return &routes[i];
        }
    return NULL;
}

/* --- failures ------------------------------------------------------------------------------------------- */

static void fail_as_json(Reply *out, const Err *err)
{
    json_t *said = json_pack("{s:s, s:s}", "error", err->msg, "hint", err->hint);
    out->type = "application/json";
    json_append(&out->body, said);
    json_decref(said);
}

static void fail_as_page(Reply *out, const Err *err, bool home)
{
    plain_policy(out->policy);
    out->type = NULL;
    plain_page_begin(&out->body, "This cannot be shown", home);
    str_add(&out->body, "<p>");
    html_text(&out->body, err->msg);
    str_add(&out->body, "</p>\n<p class=\"soft\">");
    html_text(&out->body, err->hint);
    str_add(&out->body, "</p>\n");
    plain_page_end(&out->body);
}

static void fail(Reply *out, const Request *r, int status, const Err *err)
{
    bool data = strcmp(r->method, "POST") == 0 || strcmp(r->path, "/ratings") == 0;
    str_release(&out->body);
    out->status = status;
    if (data)
        fail_as_json(out, err);
    else
        fail_as_page(out, err, strcmp(r->path, "/") != 0);
}

/* --- the server ----------------------------------------------------------------------------------------- */

static void answer(void *context, const Request *request, Reply *out)
{
    Site *s = context;
    Err err = {0};
    bool known;
    const Route *route = find_route(s, request, &known);
    if (!route) {
        err_set(&err, ERR_INPUT, known ? "this address is not asked in this way" : "there is no such page");
        fail(out, request, known ? 405 : 404, &err);
        return;
    }
    Work work = {.common = &s->options->common, .in_recipe = true};
    if (!store_open_existing(&work.store, s->store_path, &err) || !route->answer(s, &work, request, out, &err))
        fail(out, request, err.code == ERR_INPUT ? 400 : err.code == ERR_BUSY ? 503 : 500, &err);
    store_close(work.store);
}

/* Every page opens the store for itself; that it cannot be opened is said before there is one. */
static bool store_can_be_opened(const char *path, Err *err)
{
    Store *store;
    bool ok = store_open_existing(&store, path, err);
    store_close(store);
    return ok;
}

bool site_open(Site **out, const ServeOptions *o, Err *err)
{
    Site *s = mem_zalloc(1, sizeof *s);
    char *real = realpath(o->run_dir, NULL); /* the name of "." too */
    s->options = o;
    s->store_path = path_join(o->run_dir, "store.sqlite");
    s->title = mem_str(path_base(real ? real : o->run_dir));
    free(real);
    *out = NULL;
    if (!file_exists(s->store_path)) {
        err_set(err, ERR_INPUT, "%s: there is no run", o->run_dir);
        err_hint(err, "a run's directory holds store.sqlite; rlaif run RECIPE makes one");
    } else if (store_can_be_opened(s->store_path, err) && listener_open(&s->listener, o->port, answer, s, err)) {
        *out = s;
        return true;
    }
    site_close(s);
    return false;
}

int site_port(const Site *s)
{
    return listener_port(s->listener);
}

bool site_step(Site *s, int milliseconds, Err *err)
{
    return listener_step(s->listener, milliseconds, err);
}

void site_close(Site *s)
{
    if (!s)
        return;
    listener_close(s->listener);
    for (int k = 0; k < RATING_KINDS_N; k++)
        rating_items_release(&s->items[k]);
    free(s->store_path);
    free(s->title);
    free(s);
}

bool serve_run(const ServeOptions *o, Err *err)
{
    Site *s;
    if (!site_open(&s, o, err))
        return false;
    printf("http://127.0.0.1:%d/\n", site_port(s));
    fflush(stdout);
    bool ok = true;
    while (ok)
        ok = not_interrupted(err) && site_step(s, 500, err);
    site_close(s);
    return ok;
}
