/* Judge prompts: reading and filling in. */
#include "rlaif/judge/prompt/prompt.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "rlaif/judge/prompt/builtin.h"

/* --- reading -------------------------------------------------------------------------------------------- */

enum {
    CHECKED = 1U << JUDGE_CHECKLIST,
    ANSWERED = 1U << JUDGE_PAIRWISE | 1U << JUDGE_SCORE | 1U << JUDGE_VERDICT,
    CONTRASTED = 1U << JUDGE_CONTRAST,
    ASKED = ANSWERED | CHECKED,
    READ = ASKED | CONTRASTED,
    MIXED = 1U << JUDGE_MIX,
    ANY_KIND = READ | MIXED
};

/* Which of the prompt's answers a text is, or -1. */
static int which_answer(const JudgePrompt *p, const Yaml *y)
{
    for (int a = 0; a < p->answers && y && y->kind == YAML_TEXT; a++)
        if (strcmp(p->answer[a], y->text) == 0)
            return a;
    return -1;
}

/* An exemplar's answers to a checklist, a line a question. */
static bool read_answered(const FieldReader *r, const Yaml *y, const JudgePrompt *p, Exemplar *e)
{
    const Yaml *list = yaml_get(y, "answers");
    bool ok = list && list->kind == YAML_LIST && list->n == p->checks;
    Str s = {0};
    for (int c = 0; ok && c < p->checks; c++) {
        ok = which_answer(p, list->item[c]) >= 0;
        if (ok)
            str_addf(&s, "%s%s%s", c ? "\n" : "", p->check[c].question, list->item[c]->text);
    }
    e->answer = str_take(&s);
    return ok || field_bad(r, list ? list : y, "answers", "a list of one of the prompt's answers to every item");
}

static bool read_exemplar(const FieldReader *r, const Yaml *y, const JudgePrompt *p, Exemplar *e)
{
    static const char *const keys[] = {"context", "responses", "response", "rationale", "answer"},
                             *const of_checks[] = {"context", "response", "answers"};
    JudgeKind kind = p->kind;
    if (y->kind != YAML_MAP)
        return field_bad(r, y, "exemplars", "a list of mappings");
    if (kind == JUDGE_CHECKLIST)
        return yaml_check_keys(y, of_checks, COUNT(of_checks), r->where, r->err) &&
               field_text(r, y, "context", "", &e->context) && field_text(r, y, "response", NULL, &e->response[0]) &&
               read_answered(r, y, p, e);
    const Yaml *two = yaml_get(y, "responses");
    if (!yaml_check_keys(y, keys, COUNT(keys), r->where, r->err) || !field_text(r, y, "context", "", &e->context) ||
        !field_text(r, y, "rationale", "", &e->rationale) || !field_text(r, y, "answer", NULL, &e->answer))
        return false;
    if (kind != JUDGE_PAIRWISE)
        return field_text(r, y, "response", NULL, &e->response[0]);
    if (!two || two->kind != YAML_LIST || two->n != 2 || two->item[0]->kind != YAML_TEXT ||
        two->item[1]->kind != YAML_TEXT)
        return field_bad(r, two ? two : y, "responses", "a list of two texts");
    e->response[0] = mem_str(two->item[0]->text);
    e->response[1] = mem_str(two->item[1]->text);
    return true;
}

static bool read_exemplars(const FieldReader *r, const Yaml *map, JudgePrompt *p)
{
    const Yaml *list = yaml_get(map, "exemplars");
    if (yaml_is_null(list))
        return true;
    if (list->kind != YAML_LIST)
        return field_bad(r, list, "exemplars", "a list");
    if (list->n > MOST_SHOTS)
        return field_bad(r, list, "exemplars", "a list of at most 64");
    p->exemplar = mem_zalloc((size_t)list->n, sizeof *p->exemplar);
    p->exemplars = list->n;
    for (int i = 0; i < list->n; i++)
        if (!read_exemplar(r, list->item[i], p, &p->exemplar[i]))
            return false;
    return true;
}

static bool is_number(const char *text)
{
    char *end;
    strtod(text, &end);
    return text[0] && end != text && !*end;
}

static bool read_answers(const FieldReader *r, const Yaml *map, JudgePrompt *p)
{
    const Yaml *list = yaml_get(map, "answers");
    if (!list)
        return err_set(r->err, ERR_INPUT, "%s: the key \"answers\" is missing", r->where);
    bool two = p->kind != JUDGE_SCORE;
    if (list->kind != YAML_LIST || list->n < 2 || (two && list->n != 2))
        return field_bad(r, list, "answers", two ? "a list of two texts" : "a list of numbers");
    p->answer = mem_zalloc((size_t)list->n, sizeof *p->answer);
    p->answers = list->n;
    for (int i = 0; i < list->n; i++) {
        const Yaml *a = list->item[i];
        if (a->kind != YAML_TEXT || !a->text[0])
            return field_bad(r, a, "answers", "a list of texts that are not empty");
        if (!two && !is_number(a->text))
            return field_bad(r, a, "answers", "a list of numbers, for the kind score");
        p->answer[i] = mem_str(a->text);
        for (int j = 0; j < i; j++)
            if (strcmp(p->answer[j], p->answer[i]) == 0)
                return field_bad(r, a, "answers", "a list of different texts");
    }
    return true;
}

/* The questions of a checklist, and the endings by which they are asked. */
static bool read_checks(const FieldReader *r, const Yaml *map, JudgePrompt *p)
{
    static const char *const keys[] = {"question", "ideal"};
    const Yaml *list = yaml_get(map, "items");
    if (!list)
        return err_set(r->err, ERR_INPUT, "%s: the key \"items\" is missing", r->where);
    if (list->kind != YAML_LIST || list->n < 1 || list->n > MOST_CHECKS)
        return field_bad(r, list, "items", "a list of 1 to 16 mappings");
    p->check = mem_zalloc((size_t)list->n, sizeof *p->check);
    p->checks = list->n;
    Str before = {0};
    bool ok = true;
    for (int i = 0; ok && i < list->n; i++) {
        const Yaml *y = list->item[i], *ideal = yaml_get(y, "ideal");
        Check *c = &p->check[i];
        ok = y->kind == YAML_MAP || field_bad(r, y, "items", "a list of mappings");
        ok = ok && yaml_check_keys(y, keys, COUNT(keys), r->where, r->err) &&
             field_text(r, y, "question", NULL, &c->question) &&
             (c->question[0] || field_bad(r, yaml_get(y, "question"), "question", "a text that is not empty"));
        c->ideal = which_answer(p, ideal);
        ok = ok && (c->ideal >= 0 || field_bad(r, ideal ? ideal : y, "ideal", "one of the answers"));
        if (ok) {
            str_addf(&before, "%s%s", i ? "\n" : "", c->question);
            c->upto = mem_str(str_text(&before));
            str_add(&before, ideal->text);
        }
    }
    str_release(&before);
    if (ok)
        p->ending = mem_str(p->check[p->checks - 1].upto);
    return ok;
}

static bool check_item(const FieldReader *r, const Yaml *map, const JudgePrompt *p)
{
    bool pairwise = p->kind == JUDGE_PAIRWISE;
    bool ok = pairwise ? strstr(p->item, "{response_1}") && strstr(p->item, "{response_2}")
                       : strstr(p->item, "{response}") != NULL;
    return ok || field_bad(r, yaml_get(map, "item"), "item",
                           pairwise ? "a text with {response_1} and {response_2}" : "a text with {response}");
}

static bool read_cot(const FieldReader *r, const Yaml *map, JudgePrompt *p)
{
    static const char *const keys[] = {"preamble", "ending", "few-shot-ending", "join", "max-new-tokens"};
    const Yaml *cot = yaml_get(map, "cot");
    Cot *c = &p->cot;
    if (yaml_is_null(cot))
        return true;
    if (cot->kind != YAML_MAP)
        return field_bad(r, cot, "cot", "a mapping");
    return yaml_check_keys(cot, keys, COUNT(keys), r->where, r->err) &&
           field_text(r, cot, "preamble", p->preamble, &c->preamble) &&
           field_text(r, cot, "ending", NULL, &c->ending) &&
           field_text(r, cot, "few-shot-ending", c->ending, &c->few_shot_ending) &&
           field_text(r, cot, "join", "\n\n", &c->join) &&
           field_count(r, cot, "max-new-tokens", 100000, 512, &c->max_new_tokens) &&
           (c->max_new_tokens > 0 || field_bad(r, cot, "max-new-tokens", "at least 1"));
}

/* The keys that there are, and the kinds that have them. */
static const struct {
    const char *name;
    unsigned kinds;
} prompt_key[] = {
    {"name", ANY_KIND},  {"kind", ANY_KIND},   {"chat", READ},       {"flip", READ},         {"item", READ},
    {"system", ASKED},   {"preamble", ASKED},  {"answers", ASKED},   {"exemplars", ASKED},   {"shots", ASKED},
    {"exemplar", ASKED}, {"items", CHECKED},   {"ending", ANSWERED}, {"cot", ANSWERED},      {"good", CONTRASTED},
    {"bad", CONTRASTED}, {"clip", CONTRASTED}, {"parts", MIXED},     {"temperature", MIXED},
};

static bool check_keys(const FieldReader *r, const Yaml *map, JudgeKind kind)
{
    char name[64];
    for (int i = 0; i < COUNT(prompt_key); i++) {
        const Yaml *y = yaml_get(map, prompt_key[i].name);
        if (!y || prompt_key[i].kinds & 1U << kind)
            continue;
        return err_set(r->err, ERR_INPUT, "%s:%d: a prompt of kind %s has no key \"%s\"", r->where, y->line,
                       options_choice(JUDGE_KINDS, (int)kind, name), prompt_key[i].name);
    }
    return true;
}

/* The item of a contrast is cut off where the response begins. */
static bool read_contrast(const FieldReader *r, const Yaml *map, JudgePrompt *p)
{
    static const char ending[] = "{response}";
    if (!field_text(r, map, "good", NULL, &p->good) || !field_text(r, map, "bad", NULL, &p->bad) ||
        !field_text(r, map, "item", NULL, &p->item) || !field_number(r, map, "clip", true, NULL, &p->clip))
        return false;
    if (!p->good[0] || !p->bad[0])
        return field_bad(r, yaml_get(map, p->good[0] ? "bad" : "good"), p->good[0] ? "bad" : "good",
                         "a text that is not empty");
    if (strcmp(p->good, p->bad) == 0)
        return field_bad(r, yaml_get(map, "bad"), "bad", "another text than \"good\"");
    if (!str_ends(p->item, ending))
        return field_bad(r, yaml_get(map, "item"), "item", "a text that ends in {response}");
    if (p->chat != CHAT_FALSE)
        return field_bad(r, yaml_get(map, "chat"), "chat", "false: a contrast reads texts");
    size_t n = strlen(p->item) - strlen(ending);
    bool blank = n > 0 && p->item[n - 1] == ' ';
    p->item[blank ? n - 1 : n] = 0;
    p->blank = mem_str(blank ? " " : "");
    p->system = mem_str("");
    p->ending = mem_str("");
    return true;
}

static bool read_asked(const FieldReader *r, const Yaml *map, JudgePrompt *p)
{
    bool checked = p->kind == JUDGE_CHECKLIST;
    return field_text(r, map, "system", "", &p->system) && field_text(r, map, "preamble", "", &p->preamble) &&
           field_text(r, map, "item", NULL, &p->item) && read_answers(r, map, p) &&
           (checked ? read_checks(r, map, p) : field_text(r, map, "ending", NULL, &p->ending)) &&
           field_text(r, map, "exemplar", checked ? "{item}{answer}\n\n" : "{item}{rationale}{ending}{answer}\n\n",
                      &p->layout) &&
           read_exemplars(r, map, p) && check_item(r, map, p) && read_cot(r, map, p) &&
           field_count(r, map, "shots", p->exemplars, p->exemplars, &p->shots);
}

static bool read_mix(const FieldReader *r, const Yaml *map, bool draft, JudgePrompt *p)
{
    const double one = 1;
    return field_number(r, map, "temperature", true, &one, &p->temperature) &&
           (p->temperature >= 1e-6 || field_bad(r, yaml_get(map, "temperature"), "temperature", "at least 1e-6")) &&
           parts_read(r, map, draft, &p->part, &p->parts);
}

static bool read_prompt(const FieldReader *r, const Yaml *map, bool draft, JudgePrompt *p)
{
    const char *keys[COUNT(prompt_key)];
    int kind = 0, chat = 0, flip = 0;
    for (int i = 0; i < COUNT(keys); i++)
        keys[i] = prompt_key[i].name;
    if (map->kind != YAML_MAP)
        return err_set(r->err, ERR_INPUT, "%s: is no mapping of keys to values", r->where);
    bool ok = yaml_check_keys(map, keys, COUNT(keys), r->where, r->err) &&
              field_choice(r, map, "kind", JUDGE_KINDS, NULL, &kind) &&
              field_text(r, map, "name", kind == JUDGE_MIX ? r->where : NULL, &p->name) &&
              check_keys(r, map, (JudgeKind)kind) &&
              field_choice(r, map, "chat", CHAT_MODES, kind == JUDGE_CONTRAST ? "false" : "auto", &chat) &&
              field_choice(r, map, "flip", "false|true", "false", &flip);
    p->kind = (JudgeKind)kind;
    p->chat = (ChatMode)chat;
    p->flip = flip == 1;
    return ok && (p->kind == JUDGE_CONTRAST ? read_contrast(r, map, p)
                  : p->kind == JUDGE_MIX    ? read_mix(r, map, draft, p)
                                            : read_asked(r, map, p));
}

static bool parse(JudgePrompt **out, const char *where, const char *text, size_t n, bool draft, Err *err)
{
    Yaml *map;
    *out = NULL;
    if (!yaml_parse(text, n, where, &map, err))
        return false;
    JudgePrompt *p = mem_zalloc(1, sizeof *p);
    FieldReader r = {where, err};
    bool ok = read_prompt(&r, map, draft, p);
    hash_bytes(text, n, p->hash);
    yaml_free_tree(map);
    if (!ok) {
        judge_prompt_free(p);
        return err_hint(err, "rlaif help prompts summary-base prints one to begin with");
    }
    *out = p;
    return true;
}

bool judge_prompt_parse(JudgePrompt **out, const char *where, const char *text, size_t n, Err *err)
{
    return parse(out, where, text, n, false, err);
}

/* As judge_prompt_load, but for a mix's parts. */
static bool load_alone(JudgePrompt **out, const char *name_or_file, bool draft, Err *err)
{
    int named = builtin_prompt_find(name_or_file);
    if (named >= 0)
        return judge_prompt_parse(out, name_or_file, builtin_prompt_yaml(named), strlen(builtin_prompt_yaml(named)),
                                  err);
    *out = NULL;
    char *text;
    size_t n;
    if (!file_exists(name_or_file)) {
        const char *near = builtin_prompt_near(name_or_file);
        err_set(err, ERR_INPUT, "there is no judge prompt \"%s\", and no such file", name_or_file);
        return near ? err_hint(err, "did you mean \"%s\"?", near) : err_hint(err, "rlaif help prompts lists them");
    }
    if (!file_read(name_or_file, 1 << 20, &text, &n, err))
        return false;
    bool ok = parse(out, name_or_file, text, n, draft, err);
    free(text);
    return ok;
}

/* Where a part lies: from the mix's folder on, unless it is built in. */
static void find_part(const char *mix, MixPart *part)
{
    if (!part->source || (part->kind == PART_PROMPT && builtin_prompt_find(part->source) >= 0))
        return;
    char *folder = mem_strn(mix, (size_t)(path_base(mix) - mix));
    part->path = part->source[0] == '/' ? mem_str(part->source) : path_join(folder, part->source);
    free(folder);
}

static bool load_part(const char *mix, MixPart *part, Err *err)
{
    find_part(mix, part);
    if (part->kind != PART_PROMPT)
        return true;
    if (!load_alone(&part->prompt, part->path ? part->path : part->source, false, err))
        return err_context(err, "%s:%d", mix, part->line);
    if (part->prompt->kind != JUDGE_PAIRWISE && part->prompt->kind != JUDGE_MIX)
        return true;
    bool two = part->prompt->kind == JUDGE_PAIRWISE;
    err_set(err, ERR_INPUT, "%s:%d: the part %s %s", mix, part->line, part->source,
            two ? "compares two responses" : "is a mix itself");
    return err_hint(err, two ? "a mix adds up numbers of one response: name a prompt of another kind than pairwise"
                             : "put its parts here");
}

static bool load(JudgePrompt **out, const char *name_or_file, bool draft, Err *err)
{
    bool ok = load_alone(out, name_or_file, draft, err);
    for (int i = 0; ok && i < (*out)->parts; i++)
        ok = load_part(name_or_file, &(*out)->part[i], err);
    if (!ok) {
        judge_prompt_free(*out);
        *out = NULL;
    }
    return ok;
}

bool judge_prompt_load(JudgePrompt **out, const char *name_or_file, Err *err)
{
    return load(out, name_or_file, false, err);
}

bool judge_prompt_load_draft(JudgePrompt **out, const char *name_or_file, Err *err)
{
    return load(out, name_or_file, true, err);
}

bool judge_prompt_hash(const JudgePrompt *p, Store *kept, char out[HASH_TEXT], Err *err)
{
    bool ok = true;
    memcpy(out, p->hash, HASH_TEXT);
    if (p->kind != JUDGE_MIX)
        return true;
    Hash *h = hash_new();
    hash_add_text(h, p->hash);
    for (int i = 0; ok && i < p->parts; i++) {
        const MixPart *part = &p->part[i];
        char model[HASH_TEXT] = "";
        ok = part->kind != PART_REWARD || model_hash(part->path, kept, model, err) ||
             err_context(err, "the mix %s, line %d, the part %s", p->name, part->line, part->source);
        hash_add_text(h, part->prompt ? part->prompt->hash : model);
    }
    hash_end(h, out);
    return ok;
}

bool judge_prompt_identify(const char *name_or_file, Store *kept, char hash[HASH_TEXT], JudgeKind *kind, Err *err)
{
    JudgePrompt *p;
    if (!judge_prompt_load(&p, name_or_file, err))
        return false;
    bool ok = judge_prompt_hash(p, kept, hash, err);
    *kind = p->kind;
    judge_prompt_free(p);
    return ok;
}

double judge_prompt_length_weight(const JudgePrompt *p)
{
    double weight = 0;
    for (int i = 0; i < p->parts; i++)
        weight += p->part[i].kind == PART_LOG_LENGTH ? p->part[i].weight : 0;
    return weight;
}

JudgePrompt *judge_prompt_of_reward(const char *path)
{
    JudgePrompt *p = mem_zalloc(1, sizeof *p);
    p->name = mem_str("reward model");
    p->kind = JUDGE_MIX;
    p->temperature = 1;
    p->part = mem_zalloc(1, sizeof *p->part);
    p->parts = 1;
    p->part[0] =
        (MixPart){.kind = PART_REWARD, .source = mem_str(path), .path = mem_str(path), .scale = 1, .weight = 1};
    return p;
}

void judge_prompt_free(JudgePrompt *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->answers; i++)
        free(p->answer[i]);
    for (int i = 0; i < p->exemplars; i++) {
        free(p->exemplar[i].context);
        free(p->exemplar[i].response[0]);
        free(p->exemplar[i].response[1]);
        free(p->exemplar[i].rationale);
        free(p->exemplar[i].answer);
    }
    for (int i = 0; i < p->checks; i++) {
        free(p->check[i].question);
        free(p->check[i].upto);
    }
    for (int i = 0; i < p->parts; i++)
        judge_prompt_free(p->part[i].prompt);
    parts_free(p->part, p->parts);
    free(p->check);
    free(p->answer);
    free(p->exemplar);
    free(p->name);
    free(p->system);
    free(p->preamble);
    free(p->item);
    free(p->ending);
    free(p->layout);
    free(p->good);
    free(p->bad);
    free(p->blank);
    free(p->cot.preamble);
    free(p->cot.ending);
    free(p->cot.few_shot_ending);
    free(p->cot.join);
    free(p);
}

/* --- filling in ----------------------------------------------------------------------------------------- */

typedef struct Filling {
    const char *name, *value;
} Filling;

/* Copies a layout with every {name} replaced, in one pass: values are not searched. */
static void fill(Str *out, const char *layout, const Filling *f, int n)
{
    while (*layout) {
        int i = 0;
        size_t length = 0;
        for (; i < n; i++) {
            length = strlen(f[i].name);
            if (layout[0] == '{' && strncmp(layout + 1, f[i].name, length) == 0 && layout[1 + length] == '}')
                break;
        }
        if (i == n) {
            str_addc(out, *layout++);
            continue;
        }
        str_add(out, f[i].value);
        layout += length + 2;
    }
}

static char *fill_item(const JudgePrompt *p, const char *context, const char *first, const char *second)
{
    Filling f[] = {{"context", context}, {"response_1", first}, {"response_2", second}, {"response", first}};
    Str s = {0};
    if (p->kind == JUDGE_PAIRWISE)
        fill(&s, p->item, f, 3);
    else {
        Filling one[] = {f[0], f[3]};
        fill(&s, p->item, one, 2);
    }
    return str_take(&s);
}

char *judge_prompt_side(const JudgePrompt *p, bool bad, const char *context)
{
    const Filling f = {"context", context};
    Str s = {0};
    str_add(&s, bad ? p->bad : p->good);
    fill(&s, p->item, &f, 1);
    return str_take(&s);
}

char *judge_prompt_body(const JudgePrompt *p, const Shown *shown, const char *context, const char *first,
                        const char *second)
{
    Str s = {0};
    str_add(&s, shown->cot ? p->cot.preamble : p->preamble);
    for (int i = 0; i < shown->n; i++) {
        const Exemplar *e = &p->exemplar[shown->exemplar[i]];
        char *item = fill_item(p, e->context, e->response[0], e->response[1]);
        Filling f[] = {{"item", item},
                       {"rationale", shown->cot ? e->rationale : ""},
                       {"ending", p->checks ? "" : p->ending},
                       {"answer", e->answer}};
        fill(&s, p->layout, f, COUNT(f));
        free(item);
    }
    char *item = fill_item(p, context, first, second);
    str_add(&s, item);
    free(item);
    return str_take(&s);
}

const char *judge_prompt_cot_ending(const JudgePrompt *p, const Shown *shown)
{
    return shown->n > 0 ? p->cot.few_shot_ending : p->cot.ending;
}

char *judge_prompt_stop(const JudgePrompt *p)
{
    static const char blanks[] = " \t\r\n";
    const char *from = p->ending + strspn(p->ending, blanks);
    size_t n = strlen(from);
    while (n > 0 && strchr(blanks, from[n - 1]))
        n--;
    return mem_strn(from, n);
}
