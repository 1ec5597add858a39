/* Replies of all policies to the same prompts, one below the other, with what judges said of each. */
#include "rlaif/report/page/replies.h"

#include "base/mem.h"

/* A sample stage: what one policy said. */
typedef struct Voice {
    const ReportStage *stage;
    json_t *rows; /* prompt -> its row, in the order of the prompts */
    json_t *said; /* prompt -> judge prompt -> what it said of the first reply, HTML */
    bool single;  /* one reply a prompt: these are no pairs for a label stage */
    int group;    /* the number of the first voice that answered a prompt of these */
} Voice;

typedef struct Voices {
    const Report *report;
    Voice *voice;
    int n;
} Voices;

Str *prompts_next(PromptList *list)
{
    return list->n++ < PROMPTS_SHOWN ? &list->shown : &list->more;
}

void html_prompts_note(Str *out, const PromptList *list)
{
    str_addf(out,
             "<p class=\"note\">%s, the first reply of each policy to each, in the order of the file: nothing is "
             "selected. Below each ",
             list->n <= PROMPTS_SHOWN ? "All prompts" : "The first prompts");
}

void html_prompts(Str *out, PromptList *list, int all)
{
    str_add(out, str_text(&list->shown));
    if (list->more.n > 0)
        str_addf(out, "<details><summary>%d more prompts%s</summary>\n%s</details>\n", list->n - PROMPTS_SHOWN,
                 all > PROMPTS_MOST ? "; the others are in the store" : "", str_text(&list->more));
    str_release(&list->shown);
    str_release(&list->more);
}

static char *prompt_of(const json_t *row)
{
    return json_text(json_object_get(row, "prompt"));
}

/* The first reply of a row; NULL where it is no whole text. */
static const char *reply_of(const json_t *row)
{
    const json_t *one = json_field(row, "response");
    return json_string_value(one ? one : json_array_get(json_object_get(row, "responses"), 0));
}

/* --- reading -------------------------------------------------------------------------------------------- */

static bool add_row(void *context, json_t *row, Err *err)
{
    (void)err;
    Voice *v = context;
    char *prompt = prompt_of(row);
    v->single = v->single && json_field(row, "response");
    if (!json_object_get(v->rows, prompt))
        json_object_set(v->rows, prompt, row);
    free(prompt);
    return true;
}

static bool have_common(const Voice *a, const Voice *b)
{
    const char *prompt;
    json_t *row;
    json_object_foreach(a->rows, prompt, row) if (json_object_get(b->rows, prompt)) return true;
    return false;
}

static bool read_voices(Voices *all, Err *err)
{
    const Report *r = all->report;
    bool ok = true;
    all->voice = mem_zalloc((size_t)report_count(r, "sample") + 1, sizeof *all->voice);
    for (const ReportStage *s = report_next(r, "sample", NULL); ok && s; s = report_next(r, "sample", s)) {
        Voice *v = &all->voice[all->n];
        *v = (Voice){.stage = s, .rows = json_object(), .said = json_object(), .single = true, .group = all->n};
        all->n++;
        ok = store_items_some(r->work->store, s->row.id, 0, PROMPTS_MOST, store_json, &(StoreJson){add_row, v}, err);
        for (int i = 0; i < all->n - 1 && v->group == all->n - 1; i++)
            if (have_common(&all->voice[i], v))
                v->group = all->voice[i].group;
    }
    return ok;
}

static void voices_release(Voices *all)
{
    for (int i = 0; i < all->n; i++) {
        json_decref(all->voice[i].rows);
        json_decref(all->voice[i].said);
    }
    free(all->voice);
}

static Voice *voice_of(const Voices *all, const ReportStage *stage)
{
    for (int i = 0; i < all->n; i++)
        if (all->voice[i].stage == stage)
            return &all->voice[i];
    return NULL;
}

/* --- what judges said ----------------------------------------------------------------------------------- */

/* Once, however many evaluations a judge said the same in. */
static void note(Voice *v, const char *prompt, const char *judge, const Str *said)
{
    json_t *judges = json_object_get(v->said, prompt);
    const char *before;
    Str all = {0};
    if (!judges) {
        judges = json_object();
        json_object_set_new(v->said, prompt, judges);
    }
    judge = judge ? judge : "a judge";
    before = json_text_of(judges, judge);
    if (before && strstr(before, str_text(said)))
        return;
    str_addf(&all, "%s%s%s", before ? before : "", before ? ", " : "", str_text(said));
    json_object_set_new(judges, judge, json_string(str_text(&all)));
    str_release(&all);
}

/* An evaluation whose rows are read, and the voices whose replies it judged. */
typedef struct Judging {
    const Report *report;
    const ReportStage *eval;
    Voice *voice[MOST_STAGES];
    int voices;
    bool all; /* so far every reply was one of theirs */
} Judging;

/* What a judge prompt said of a reply of side a or b: a reward, or how probably it is the better one. */
static void note_judgment(const Judging *j, Voice *v, const char *prompt, const json_t *judgment, bool a)
{
    const json_t *said = json_array_get(json_object_get(judgment, "pairs"), 0);
    double reward = json_number_of(json_object_get(said, a ? "a" : "b"), "reward", (double)NAN),
           p = json_number_of(said, "p", (double)NAN);
    Str text = {0};
    if (isfinite(reward)) {
        str_add(&text, say_number(reward, 3).text);
    } else {
        str_addf(&text, "%s against ", say_percent(a ? p : 1 - p).text);
        html_policy(&text, j->report, j->eval, a ? "against" : "policy");
    }
    note(v, prompt, json_text_of(judgment, "prompt"), &text);
    str_release(&text);
}

static bool add_pair(void *context, json_t *row, Err *err)
{
    (void)err;
    Judging *j = context;
    json_t *judgment;
    size_t i;
    char *prompt = prompt_of(row);
    for (int side = 0; side < 2; side++) {
        const char *reply = json_string_value(json_array_get(json_object_get(row, side ? "b" : "a"), 0)),
                   *own = reply_of(json_object_get(j->voice[side]->rows, prompt));
        j->all = j->all && reply && own && strcmp(reply, own) == 0;
        if (j->all)
            json_array_foreach(json_object_get(row, "judgments"), i, judgment)
                note_judgment(j, j->voice[side], prompt, judgment, side == 0);
    }
    free(prompt);
    return true;
}

/* Of a row that was judged harmless or not: whose it is, its text tells. */
static bool add_verdict(void *context, json_t *row, Err *err)
{
    (void)err;
    Judging *j = context;
    char *prompt = prompt_of(row);
    const json_t *said = json_object_get(row, "judgment");
    const char *reply = reply_of(row);
    Str words = {0};
    said = json_is_array(said) ? json_array_get(said, 0) : said;
    str_addf(&words, "harmless %s", say_percent(json_number_of(said, "expectation", (double)NAN)).text);
    for (int i = 0; i < j->voices && reply && json_is_object(said); i++) {
        const char *own = reply_of(json_object_get(j->voice[i]->rows, prompt));
        if (own && strcmp(own, reply) == 0)
            note(j->voice[i], prompt, json_text_of(j->eval->summary, "prompt"), &words);
    }
    str_release(&words);
    free(prompt);
    return true;
}

static bool read_comparison(const Voices *all, const ReportStage *eval, bool *whole, Err *err)
{
    const Report *r = all->report;
    Judging j = {.report = r, .eval = eval, .voices = 2, .all = true};
    for (int side = 0; side < 2; side++)
        j.voice[side] = voice_of(all, report_sampled(r, eval, side ? "against" : "policy"));
    if (!j.voice[0] || !j.voice[1])
        return true;
    bool ok =
        store_items_some(r->work->store, eval->row.id, 0, PROMPTS_MOST, store_json, &(StoreJson){add_pair, &j}, err);
    *whole = ok && j.all && eval->items > 0;
    return ok;
}

static bool read_verdicts(const Voices *all, const ReportStage *eval, Err *err)
{
    const ReportStage *stage[MOST_STAGES];
    Judging j = {.report = all->report, .eval = eval};
    int n = report_makers(all->report, eval, "rows", "sample", stage, MOST_STAGES);
    for (int i = 0; i < n; i++)
        if ((j.voice[j.voices] = voice_of(all, stage[i])) != NULL)
            j.voices++;
    return store_items_each(all->report->work->store, eval->row.id, store_json, &(StoreJson){add_verdict, &j}, err);
}

static bool read_judges(const Voices *all, bool *whole, Err *err)
{
    const Report *r = all->report;
    bool ok = true;
    for (const ReportStage *s = report_next(r, "eval winrate", NULL); ok && s; s = report_next(r, "eval winrate", s))
        ok = read_comparison(all, s, &whole[s->number], err);
    for (const ReportStage *s = report_next(r, "eval harmless", NULL); ok && s; s = report_next(r, "eval harmless", s))
        ok = read_verdicts(all, s, err);
    return ok;
}

/* --- the page ------------------------------------------------------------------------------------------- */

/* The stage, and which model its replies are of. */
static void add_voice(Str *out, const Report *r, const ReportStage *s)
{
    const ReportStage *maker = report_maker(r, s, "model");
    html_stage(out, s);
    if (maker) {
        str_add(out, "<span class=\"range\">of ");
        html_stage(out, maker);
        str_add(out, "</span>");
    }
}

static void add_reply(Str *out, const Report *r, const Voice *v, const char *prompt)
{
    const json_t *row = json_object_get(v->rows, prompt), *said = json_object_get(v->said, prompt);
    if (!row)
        return;
    bool trained = report_training_of(r, v->stage) != NULL;
    const char *judge;
    json_t *words;
    int n = 0;
    str_add(out, "<div class=\"policy\"><div class=\"who\">");
    add_voice(out, r, v->stage);
    str_addf(out, "</div><div class=\"reply %s\"><div class=\"said\">", trained ? "after" : "before");
    const json_t *ended = json_object_get(row, "ended");
    html_reply(out, reply_of(row), json_is_array(ended) ? json_array_get(ended, 0) : ended);
    str_add(out, "</div><div class=\"scores\">");
    json_object_foreach((json_t *)(uintptr_t)said, judge, words)
    {
        str_add(out, n++ ? " \xc2\xb7 " : "");
        html_text(out, judge);
        str_addf(out, ": %s", json_string_value(words));
    }
    str_add(out, "</div></div></div>");
}

/* Voices of one group, the one that answered most prompts leads. */
static void add_group(Str *out, const Voices *all, int group)
{
    const Voice *lead = &all->voice[group];
    PromptList list = {0};
    const char *prompt;
    json_t *row;
    int voices = 0;
    for (int i = group; i < all->n; i++) {
        const Voice *v = &all->voice[i];
        voices += v->group == group;
        lead = v->group == group && json_object_size(v->rows) > json_object_size(lead->rows) ? v : lead;
    }
    if (json_object_size(lead->rows) == 0 || (voices == 1 && !lead->single))
        return;
    json_object_foreach(lead->rows, prompt, row)
    {
        Str *to = prompts_next(&list);
        str_add(to, "<div class=\"sample\">");
        html_row_prompt(to, row);
        for (int i = group; i < all->n; i++)
            if (all->voice[i].group == group)
                add_reply(to, all->report, &all->voice[i], prompt);
        str_add(to, "</div>\n");
    }
    str_add(out, "<h3>Replies to the same prompts: ");
    for (int i = group, k = 0; i < all->n; i++)
        if (all->voice[i].group == group) {
            str_add(out, k++ ? ", " : "");
            html_stage(out, all->voice[i].stage);
        }
    str_add(out, "</h3>\n");
    html_prompts_note(out, &list);
    str_add(out,
            "what judges said of it: a reward, the probability that it is better than another policy\xe2\x80\x99s, or "
            "that it is harmless.</p>\n");
    html_prompts(out, &list, lead->stage->items);
}

bool report_replies(Str *out, const Report *r, bool *whole, Err *err)
{
    Voices all = {.report = r};
    bool ok = read_voices(&all, err) && read_judges(&all, whole, err);
    for (int i = 0; ok && i < all.n; i++)
        if (all.voice[i].group == i)
            add_group(out, &all, i);
    voices_release(&all);
    return ok;
}
