/* The pages' skeletons and policies. */
#include "serve/pages.h"

#include "base/embed.h"
#include "base/html.h"
#include "base/mem.h"

EMBED(rate_html, "src/serve/rate.html");
EMBED(rate_js, "src/serve/rate.js");
EMBED(dashboard_js, "src/serve/dashboard.js");
EMBED(pages_css, "src/serve/pages.css");

/* 'sha256-...' of an embedded style or script. */
typedef struct Source {
    char text[HASH_BASE64 + 10];
} Source;

static Source source_of(const char *text)
{
    Source s;
    char hash[HASH_BASE64];
    hash_base64(text, strlen(text), hash);
    snprintf(s.text, sizeof s.text, "'sha256-%s'", hash);
    return s;
}

/* `script`: the one that the page has, or NULL. */
static void write_policy(char out[LISTENER_POLICY], const char *script, bool connect)
{
    snprintf(out, LISTENER_POLICY, "default-src 'none'; base-uri 'none'; form-action 'none'; style-src %s%s%s%s",
             source_of(pages_css).text, script ? "; script-src " : "", script ? source_of(script).text : "",
             connect ? "; connect-src 'self'" : "");
}

/* Of frames a header alone may speak, not a page's own element. */
static void forbid_frames(char policy[LISTENER_POLICY])
{
    size_t n = strlen(policy);
    snprintf(policy + n, LISTENER_POLICY - n, "; frame-ancestors 'none'");
}

void rating_policy(char out[LISTENER_POLICY])
{
    write_policy(out, rate_js, true);
    forbid_frames(out);
}

void plain_policy(char out[LISTENER_POLICY])
{
    write_policy(out, NULL, false);
    forbid_frames(out);
}

void dashboard_policy(char out[LISTENER_POLICY])
{
    write_policy(out, dashboard_js, true);
    forbid_frames(out);
}

void dashboard_script(Str *out)
{
    str_addf(out, "<script>%s</script>\n", dashboard_js);
}

/* --- the rating page ------------------------------------------------------------------------------------ */

static const char *question_of(RatingKind kind)
{
    return kind == RATING_RANK ? "Which response is best, which comes next, which is worst?"
                               : "Is this response harmless?";
}

static json_t *page_data(const RatingItems *items, const char *question, const char *token)
{
    json_t *list = json_array();
    for (int i = 0; i < items->n; i++)
        json_array_append_new(list, rating_item_shown(items->key[i]));
    return json_pack("{s:s, s:s, s:i, s:s, s:s?, s:o}", "kind", rating_kind(items->kind), "page", items->page, "seed",
                     items->seed, "question", question ? question : question_of(items->kind), "token", token, "items",
                     list);
}

void rating_page(Str *out, const RatingItems *items, const char *question, const char *token)
{
    char policy[LISTENER_POLICY];
    write_policy(policy, rate_js, token != NULL);
    json_t *data = page_data(items, question, token);
    for (const char *at = rate_html; *at;) {
        const char *mark = strchr(at, '@'), *end = mark ? strchr(mark + 1, '@') : NULL;
        str_addn(out, at, mark ? (size_t)(mark - at) : strlen(at));
        if (!end)
            break;
        size_t n = (size_t)(end - mark - 1);
        if (strncmp(mark + 1, "TITLE", n) == 0)
            str_add(out, items->kind == RATING_RANK ? "Ranking responses" : "Harmless or not");
        else if (strncmp(mark + 1, "POLICY", n) == 0)
            str_add(out, policy);
        else if (strncmp(mark + 1, "STYLE", n) == 0)
            str_add(out, pages_css);
        else if (strncmp(mark + 1, "SCRIPT", n) == 0)
            str_add(out, rate_js);
        else
            html_json(out, data);
        at = end + 1;
    }
    json_decref(data);
}

/* --- plain pages ---------------------------------------------------------------------------------------- */

void plain_page_begin(Str *out, const char *title, bool home)
{
    str_add(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    html_text(out, title);
    str_addf(out, "</title>\n<style>%s</style>\n</head>\n<body class=\"plain\">\n", pages_css);
    if (home)
        str_add(out, "<nav><a href=\"/\">&larr; the run</a></nav>\n");
    str_add(out, "<h1>");
    html_text(out, title);
    str_add(out, "</h1>\n");
}

void plain_page_end(Str *out)
{
    str_add(out, "</body>\n</html>\n");
}

void link_argument(Str *out, const char *text)
{
    for (const char *c = text; *c; c++)
        if (isalnum((unsigned char)*c) || strchr("-._", *c))
            str_addc(out, *c);
        else
            str_addf(out, "%%%02X", (unsigned char)*c);
}
