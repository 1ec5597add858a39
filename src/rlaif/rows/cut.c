/* Contexts cut to fit. */
#include "rlaif/rows/cut.h"

#include "base/log.h"
#include "base/mem.h"

enum { LONGEST_WORD = 32 }; /* characters: a longer one, as where a script has no blanks, may be cut inside */

/* --- texts --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where a text may be cut: before every word, and inside long ones. The last is its end. */
static size_t *cutting_places(const char *text, int *n)
{
    size_t *place = NULL;
    int cap = 0, in_word = 0;
    *n = 0;
    for (size_t i = 0; text[i]; i++) {
        if (((unsigned char)text[i] & 0xC0) == 0x80)
            continue; /* inside a character */
        bool begins = !is_blank(text[i]) && (i == 0 || is_blank(text[i - 1]));
        in_word = begins ? 0 : in_word + 1;
        if (begins || in_word == LONGEST_WORD) {
            place = MEM_GROW(place, *n, cap);
            place[(*n)++] = i;
            in_word = 0;
        }
    }
    place = MEM_GROW(place, *n, cap);
    place[(*n)++] = strlen(text);
    return place;
}

/* The text without what stands before place k, or with `right` from the k-th place before its end on. */
static char *without(const char *text, const size_t *place, int n, int k, bool right)
{
    size_t end = right ? place[n - 1 - k] : 0;
    if (!right)
        return mem_str(text + place[k]);
    while (end > 0 && k > 0 && is_blank(text[end - 1]))
        end--;
    return mem_strn(text, end);
}

bool cut_text(const char *text, CutRule rule, CutFits *fits, void *self, char **kept, Err *err)
{
    bool right = rule == CUT_CONTEXT_RIGHT, ok = true;
    int n, low = 0, high; /* taking off `low` places is too little, `high` enough */
    size_t *place = cutting_places(text, &n);
    for (high = n; ok && high - low > 1;) {
        int k = low + (high - low) / 2;
        char *left = without(text, place, n, k, right);
        bool enough = false;
        ok = fits(self, left, &enough, err);
        *(enough ? &high : &low) = k;
        free(left);
    }
    *kept = ok && high < n ? without(text, place, n, high, right) : NULL;
    free(place);
    return ok;
}

/* --- contexts of rows --- */

/* A row's context while it is cut, and what is measured with it. */
typedef struct Cutting {
    const Model *model;
    bool chat;
    Context *context;
    const RowView *whole; /* the longest of its responses counts, too; NULL: the prompt alone */
    int limit, after;     /* tokens that are left for it, and for what is generated behind it */
    json_t *turn;         /* whose text is cut, of the context's own copy; NULL: the context is a text */
} Cutting;

static bool measure(const Cutting *c, int *tokens, Err *err)
{
    *tokens = 0;
    for (int i = 0; i < (c->whole ? c->whole->n : 1); i++) {
        Ids ids = {0};
        int from;
        bool ok = c->whole ? render_whole(c->model, c->whole, i, c->chat, &ids, &from, err)
                           : render_context(c->model, c->context, c->chat, &ids, err);
        *tokens = ids.n > *tokens ? ids.n : *tokens;
        ids_release(&ids);
        if (!ok)
            return false;
    }
    return true;
}

static void put_text(Cutting *c, const char *text)
{
    if (c->turn) {
        json_object_set_new(c->turn, "content", json_string(text));
        return;
    }
    free(c->context->text);
    c->context->text = mem_str(text);
}

static bool fits_with(void *self, const char *text, bool *fits, Err *err)
{
    Cutting *c = self;
    int tokens;
    put_text(c, text);
    if (!measure(c, &tokens, err)) {
        err_clear(err); /* a prompt without any token is none */
        tokens = c->limit + 1;
    }
    *fits = tokens <= c->limit;
    return true;
}

/* Drops the oldest turns, a system message apart, until it fits or one of the user's is left; it begins with one then. */
static bool drop_turns(Cutting *c, int *tokens, Err *err)
{
    json_t *turns = c->context->turns;
    size_t first = strcmp(json_text_of(json_array_get(turns, 0), "role"), "system") == 0;
    while (*tokens > c->limit) {
        size_t next = first + 1, n = json_array_size(turns);
        while (next < n && strcmp(json_text_of(json_array_get(turns, next), "role"), "user") != 0)
            next++;
        if (next >= n)
            return true;
        for (; next > first; next--)
            json_array_remove(turns, first);
        if (!measure(c, tokens, err))
            return false;
    }
    return true;
}

static int characters(const Context *c)
{
    char *lines = context_lines(c);
    int n = text_characters(lines);
    free(lines);
    return n;
}

/* The context becomes its own copy, which a transcript's own text is not beside. */
static void own(Context *x)
{
    free(x->plain);
    x->plain = NULL;
    if (!x->turns)
        return;
    json_t *copy = json_deep_copy(x->turns);
    json_decref(x->turns);
    x->turns = copy;
}

static bool too_long(const Cutting *c, int tokens, const char *option, Err *err)
{
    const char *what = option ? option : "the model's context";
    int context = c->model->config.context;
    if (!option && c->limit <= 0) {
        err_set(err, ERR_INPUT, "%d new tokens leave a prompt no room in the model's context of %d", context - c->limit,
                context);
        return err_hint(err, "give a smaller --max-new-tokens");
    }
    err_set(err, ERR_INPUT, "%d tokens, %s %s %d", tokens, what, option || c->limit == context ? "is" : "has room for",
            c->limit);
    return err_hint(err,
                    "shorten or leave out the row, or cut its context by a rule: --truncate context-left or "
                    "context-right%s%s",
                    option         ? "; or raise "
                    : c->after > 0 ? "; or lower "
                                   : "",
                    option         ? option
                    : c->after > 0 ? "--max-new-tokens"
                                   : "");
}

static bool fit(Cutting *c, CutRule rule, const char *option, int *cut, Err *err)
{
    int tokens, before = 0;
    char *kept = NULL;
    *cut = 0;
    if (!measure(c, &tokens, err))
        return false;
    if (tokens <= c->limit)
        return true;
    if (rule == CUT_NOTHING)
        return too_long(c, tokens, option, err);
    before = characters(c->context);
    own(c->context);
    if (c->context->turns && rule == CUT_CONTEXT_LEFT && !drop_turns(c, &tokens, err))
        return false;
    size_t turns = json_array_size(c->context->turns);
    c->turn = turns ? json_array_get(c->context->turns, turns - 1) : NULL;
    if (tokens > c->limit) {
        char *text = mem_str(c->turn ? json_text_of(c->turn, "content") : c->context->text);
        bool ok = cut_text(text, rule, fits_with, c, &kept, err);
        free(text);
        if (!ok)
            return false;
        if (!kept)
            return err_set(err, ERR_INPUT, "more than %d tokens, even without its context", c->limit),
                   err_hint(err, "leave out the row");
        put_text(c, kept);
        free(kept);
    }
    *cut = before - characters(c->context);
    return true;
}

bool cut_prompt(const Model *m, Context *context, bool chat, Room room, int *cut, Err *err)
{
    Cutting c = {.model = m, .chat = chat, .context = context, .after = room.after};
    int left = m->config.context - room.after;
    bool own_limit = room.most > 0 && room.most <= left;
    c.limit = own_limit ? room.most : left;
    return fit(&c, room.rule, own_limit ? room.option : NULL, cut, err);
}

bool cut_whole(const Model *m, RowView *v, bool chat, Room room, int *cut, Err *err)
{
    Cutting c = {.model = m, .chat = chat, .context = &v->context, .whole = v};
    bool own_limit = room.most > 0 && room.most <= m->config.context;
    c.limit = own_limit ? room.most : m->config.context;
    return fit(&c, room.rule, own_limit ? room.option : NULL, cut, err);
}

bool cut_render(const Model *m, RowView *v, bool chat, Room room, Ids *ids, int *cut, Err *err)
{
    int from;
    bool ok = cut_whole(m, v, chat, room, cut, err);
    for (int i = 0; ok && i < v->n; i++)
        ok = render_whole(m, v, i, chat, &ids[i], &from, err);
    return ok;
}

void cut_count(CutCount *count, int cut)
{
    count->rows += cut > 0;
    count->characters += cut;
}

void cut_report(const CutCount *count, const char *stage, json_t *summary)
{
    if (count->rows == 0)
        return;
    log_note("%s: the contexts of %d rows are cut, by %.0f characters in all", stage, count->rows, count->characters);
    json_object_set_new(summary, "cut", json_integer(count->rows));
    json_object_set_new(summary, "cut_characters", json_real(count->characters));
}
