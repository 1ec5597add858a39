/* Provenance: every stage with its options, hashes, seed and how it is made again. */
#include "base/mem.h"
#include "rlaif/report/page/words.h"
#include "rlaif/report/sections.h"

static void begin(Str *out, const char *what)
{
    str_addf(out, "<dt>%s</dt><dd>", what);
}

static void end(Str *out)
{
    str_add(out, "</dd>\n");
}

/* --- options --- */

static void add_yaml(Str *out, const Report *r, const Yaml *v)
{
    if (v->kind == YAML_TEXT)
        html_text(out, report_path(r, v->text));
    for (int i = 0; v->kind != YAML_TEXT && i < v->n; i++) {
        str_add(out, i ? "," : "");
        add_yaml(out, r, v->item[i]);
    }
}

static void add_value(Str *out, const Report *r, const json_t *v)
{
    size_t i;
    json_t *item;
    if (json_is_string(v)) {
        html_text(out, report_path(r, json_string_value(v)));
        return;
    }
    if (!json_is_array(v)) {
        char *text = json_text(v);
        html_text(out, text);
        free(text);
        return;
    }
    json_array_foreach((json_t *)(uintptr_t)v, i, item)
    {
        str_add(out, i ? "," : "");
        add_value(out, r, item);
    }
}

/* Of a recipe all, with the files; else those that shape results. */
static void add_options(Str *out, const Report *r, const ReportStage *s)
{
    const char *key;
    json_t *v;
    int n = 0;
    for (int i = 0; s->recipe && i < s->recipe->n; i++) {
        const char *name = s->recipe->keys[i];
        if (strcmp(name, "kind") == 0 || strcmp(name, "as") == 0 || yaml_is_null(s->recipe->item[i]) ||
            (s->recipe->item[i]->kind == YAML_LIST && s->recipe->item[i]->n == 0))
            continue;
        str_add(out, n++ ? ", " : "");
        html_text(out, name);
        str_add(out, ": ");
        add_yaml(out, r, s->recipe->item[i]);
    }
    json_object_foreach(json_object_get(s->about, "options"), key, v)
    {
        if (s->recipe || json_is_null(v))
            continue;
        str_add(out, n++ ? ", " : "");
        html_text(out, key);
        str_add(out, ": ");
        add_value(out, r, v);
    }
}

/* As a shell reads one word. */
static void add_word(Str *out, const char *text)
{
    Str word = {0};
    bool plain = text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == 0;
    for (const char *at = text; !plain && *at; at++)
        if (*at == '\'')
            str_add(&word, "'\\''");
        else
            str_addc(&word, *at);
    if (!plain)
        str_addc(out, '\'');
    html_text(out, plain ? text : str_text(&word));
    if (!plain)
        str_addc(out, '\'');
    str_release(&word);
}

/* The command that makes a stage, or what it is a part of. */
static void add_command(Str *out, const Report *r, const ReportStage *s)
{
    str_add(out, "<code>rlaif run &quot;$RUN/recipe.yaml&quot; --run &quot;$RUN&quot; --only ");
    add_word(out, r->recipe.stage[s->place].name);
    str_add(out, " --json</code>");
}

/* --- one stage --- */

static void add_hash(Str *out, const char *what, const char *of, const char *hash)
{
    str_add(out, "<dt>");
    html_text(out, what);
    if (of) {
        str_add(out, " of ");
        html_text(out, of);
    }
    str_add(out, "</dt><dd><span class=\"mono\">");
    html_text(out, hash);
    str_add(out, "</span>");
    end(out);
}

/* Of all that the stage read, and of each part of its rewards. */
static void add_hashes(Str *out, const ReportStage *s)
{
    static const char *const of_part[] = {"reward", "judge", "prompt"};
    const json_t *hashes = json_object_get(s->about, "hashes"), *parts = json_object_get(hashes, "rewards");
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)hashes, key, v)
    {
        if (json_is_string(v) && json_string_length(v) > 0)
            add_hash(out, key, NULL, json_string_value(v));
    }
    for (size_t i = 0; i < json_array_size(parts); i++)
        for (int k = 0; k < COUNT(of_part); k++) {
            const json_t *part = json_array_get(parts, i);
            const char *hash = json_text_of(part, of_part[k]);
            if (hash)
                add_hash(out, of_part[k], json_text_of(part, "name"), hash);
        }
}

static void add_stage(Str *out, const Report *r, const ReportStage *s)
{
    const json_t *seed = json_object_get(s->about, "seed");
    str_addf(out, "<div class=\"stage\" id=\"stage-%d\"><h3>", s->number);
    html_text(out, s->row.name);
    str_addf(out, "%s</h3>\n<dl>", s->row.done ? "" : " <span class=\"note\">(not finished)</span>");
    begin(out, "stage");
    html_text(out, s->row.kind);
    end(out);
    begin(out, "options");
    add_options(out, r, s);
    end(out);
    if (r->has_recipe) {
        begin(out, s->place < r->recipe.n ? "again" : "recipe");
        if (s->place < r->recipe.n)
            add_command(out, r, s);
        else
            str_add(out, "it is not in the present recipe");
        end(out);
    }
    begin(out, "made");
    if (s->row.output) {
        html_text(out, report_path(r, s->row.output));
        str_add(out, s->items ? ", " : "");
    }
    if (s->items || !s->row.output)
        str_add(out, say_count(s->items, "row", "rows").text);
    end(out);
    begin(out, "seed, version");
    str_add(out, json_is_integer(seed) ? say_number(json_number_value(seed), 0).text : "no seed");
    str_add(out, ", rlaif ");
    html_text(out, json_text_of(s->about, "version"));
    end(out);
    begin(out, "identity");
    str_add(out, "<span class=\"mono\">");
    html_text(out, s->row.identity);
    str_add(out, "</span>");
    end(out);
    add_hashes(out, s);
    str_add(out, "</dl></div>\n");
}

bool report_provenance(Str *out, const Report *r, Err *err)
{
    (void)err;
    html_p(
        out,
        "What ran, in order. Hashes are SHA-256: <i>identity</i> is of all that a stage depends on, a model\xe2\x80\x99s is of "
        "its file or its directory\xe2\x80\x99s files, the others are of the rows or the prompt that were read. The same "
        "options, hashes and seed give the same bytes on any machine.");
    if (r->has_recipe) {
        str_add(out, "<p>The recipe <b>");
        html_text(out, r->recipe.name);
        str_addf(out,
                 "</b>, seed %d, stands with every option in <code>recipe.yaml</code> beside this page.</p>\n"
                 "<p><i>Again</i> is the command that made a stage: by a shell, in the folder where the run was begun, "
                 "with RUN set to the run\xe2\x80\x99s directory as it is called from there, <code>RUN=runs/",
                 r->recipe.seed);
        add_word(out, r->recipe.name);
        str_add(
            out,
            "</code> where <code>--run</code> did not say otherwise. It prints the stage\xe2\x80\x99s numbers; what is "
            "done it does not do again.</p>\n");
    }
    for (int i = 0; i < r->n; i++)
        add_stage(out, r, &r->stage[i]);
    return true;
}
