/* Probes of responses. */
#include "rlaif/rows/probes.h"

#include "base/mem.h"
#include "text/script.h"
#include "text/words.h"

const char *probe_name(Probe p)
{
    static const char *const name[PROBES] = {
        [PROBE_CHARACTERS] = "characters", [PROBE_CUT_OFF] = "cut_off",   [PROBE_NEXT_TURN] = "next_turn",
        [PROBE_REPETITION] = "repetition", [PROBE_TRAILING] = "trailing", [PROBE_NAMES] = "names",
        [PROBE_NUMBERS] = "numbers",       [PROBE_EMOJI] = "emoji",       [PROBE_SCRIPTS] = "scripts"};
    return name[p];
}

const char *probe_title(Probe p)
{
    static const char *const title[PROBES] = {
        [PROBE_CHARACTERS] = "characters",
        [PROBE_CUT_OFF] = "cut off before their end",
        [PROBE_NEXT_TURN] = "an invented turn behind the reply",
        [PROBE_REPETITION] = "four words that stood before",
        [PROBE_TRAILING] = "symbols behind the end",
        [PROBE_NAMES] = "names not in the source",
        [PROBE_NUMBERS] = "numbers not in the source",
        [PROBE_EMOJI] = "emoji not in the source",
        [PROBE_SCRIPTS] = "a script not in the source",
    };
    return title[p];
}

bool probe_is_share(Probe p)
{
    return p == PROBE_CUT_OFF || p == PROBE_NEXT_TURN || p == PROBE_REPETITION || p == PROBE_TRAILING ||
           p == PROBE_SCRIPTS;
}

/* --- the source ----------------------------------------------------------------------------------------- */

struct SourceWords {
    json_t *words; /* object: folded word or emoji -> true */
    uint64_t scripts;
};

SourceWords *source_words(const char *context)
{
    SourceWords *s = mem_zalloc(1, sizeof *s);
    WordReader r = {context, false};
    Word w;
    Str folded = {0};
    s->words = json_object();
    while (words_next(&r, &w)) {
        str_clear(&folded);
        word_fold(&w, &folded);
        json_object_set_new(s->words, str_text(&folded), json_true());
    }
    for (const char *at, *rest = context; emoji_next(&rest, &at, &w.n);) {
        str_clear(&folded);
        str_addn(&folded, at, w.n);
        json_object_set_new(s->words, str_text(&folded), json_true());
    }
    s->scripts = text_scripts(context);
    str_release(&folded);
    return s;
}

void source_words_free(SourceWords *s)
{
    if (!s)
        return;
    json_decref(s->words);
    free(s);
}

/* --- one response --------------------------------------------------------------------------------------- */

static bool is_trailing(char c)
{
    return c && strchr(".,;-~ \t\r\n", c);
}

char *response_trimmed(const char *text)
{
    size_t end = strlen(text), run;
    while (end > 0 && strchr(" \t\r\n", text[end - 1]))
        end--;
    for (run = end; run > 0 && is_trailing(text[run - 1]);)
        run--;
    bool mark = memchr(text + run, '.', end - run) != NULL, alone = mark && end - run == 1;
    bool ended = run > 0 && strchr("!?", text[run - 1]);
    return alone ? mem_strn(text, end) : mem_printf("%.*s%s", (int)run, text, mark && !ended ? "." : "");
}

/* Does the line say that another begins to speak? In the first line a reply's own name stands for itself. */
static bool names_a_speaker(const char *line, bool first)
{
    static const char *const speaker[] = {"Human:", "User:", "SUBREDDIT:", "Assistant:"};
    line += strspn(line, " \t\r");
    for (int i = 0; i < COUNT(speaker) - first; i++)
        if (str_starts(line, speaker[i]))
            return true;
    return false;
}

/* Does a reply go on with what would be said next: a transcript's turn, the next post, a chat template's marks? */
static bool has_next_turn(const char *text)
{
    static const char *const mark[] = {"<|im_start|>", "<|im_end|>",    "<start_of_turn>",     "<end_of_turn>",
                                       "<|user|>",     "<|assistant|>", "<|start_header_id|>", "<|eot_id|>",
                                       "[INST]",       "[/INST]"};
    for (int i = 0; i < COUNT(mark); i++)
        if (strstr(text, mark[i]))
            return true;
    text += strspn(text, " \t\r\n");
    for (const char *line = text, *end; line; line = end ? end + 1 : NULL) {
        if (names_a_speaker(line, line == text))
            return true;
        end = strchr(line, '\n');
    }
    return false;
}

/* A list of folded words, for counting. */
typedef struct Folded {
    char **word;
    int n, cap;
} Folded;

static void folded_release(Folded *f)
{
    for (int i = 0; i < f->n; i++)
        free(f->word[i]);
    free(f->word);
}

/* Share of four-word sequences that are not the first of their kind. */
static double repetition(const Folded *f)
{
    enum { N = 4 };
    int all = f->n - N + 1;
    json_t *seen = json_object();
    for (int i = 0; i < all; i++) {
        char *const *w = f->word + i, *gram = mem_printf("%s %s %s %s", w[0], w[1], w[2], w[3]);
        json_object_set_new(seen, gram, json_true());
        free(gram);
    }
    double different = (double)json_object_size(seen);
    json_decref(seen);
    return all > 0 ? 1 - different / all : 0;
}

/* How many emoji of a text the source lacks. */
static int new_emoji(const char *text, const SourceWords *source)
{
    size_t n;
    int count = 0;
    for (const char *at; emoji_next(&text, &at, &n);) {
        char *one = mem_strn(at, n);
        count += json_object_get(source->words, one) == NULL;
        free(one);
    }
    return count;
}

void probe_response(const ResponseView *r, const SourceWords *source, double out[PROBES])
{
    Folded folded = {0};
    WordReader reader = {r->text, false};
    Word w;
    char *trimmed = response_trimmed(r->text);
    out[PROBE_CHARACTERS] = text_characters(r->text);
    out[PROBE_CUT_OFF] = !r->ended;
    out[PROBE_NEXT_TURN] = has_next_turn(r->text);
    out[PROBE_TRAILING] = strcmp(trimmed, r->text) != 0;
    out[PROBE_EMOJI] = new_emoji(r->text, source);
    out[PROBE_SCRIPTS] = source->scripts != 0 && (text_scripts(r->text) & ~source->scripts) != 0;
    out[PROBE_NAMES] = out[PROBE_NUMBERS] = 0;
    while (words_next(&reader, &w)) {
        Str s = {0};
        word_fold(&w, &s);
        folded.word = MEM_GROW(folded.word, folded.n, folded.cap);
        folded.word[folded.n] = str_take(&s);
        if ((w.number || (w.capital && !w.opens)) && !json_object_get(source->words, folded.word[folded.n]))
            out[w.number ? PROBE_NUMBERS : PROBE_NAMES]++;
        folded.n++;
    }
    out[PROBE_REPETITION] = repetition(&folded);
    folded_release(&folded);
    free(trimmed);
}
