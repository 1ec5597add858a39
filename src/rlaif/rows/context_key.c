/* When two prompts are one: where a model reads the same, or what a person would call the same. A text is one turn of the user;
 * a text that is a transcript is its turns. Turns are compared by their words: in Unicode's composed form, blanks of any
 * kind and number as one, without those at their ends. A system turn without words, and the opening of a reply, are nothing. */
#include "rlaif/rows/context_key.h"

#include "base/mem.h"
#include "rlaif/rows/turns.h"
#include "text/prepare/normalize.h"

/* --- words ---------------------------------------------------------------------------------------------- */

/* Bytes of the blank that a text begins with, in UTF-8; 0: it begins with none. */
static size_t blank_length(const char *s)
{
    static const char *const wide[] = {"\xc2\x85",     "\xc2\xa0",     "\xe2\x80\xa8", "\xe2\x80\xa9",
                                       "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "\xef\xbb\xbf"};
    if (isspace((unsigned char)*s))
        return 1;
    if (str_starts(s, "\xe2\x80") && (unsigned char)s[2] >= 0x80 && (unsigned char)s[2] <= 0x8b) /* U+2000 to U+200B */
        return 3;
    for (int i = 0; i < COUNT(wide); i++)
        if (str_starts(s, wide[i]))
            return strlen(wide[i]);
    return 0;
}

static void add_words(Str *out, const char *s, size_t n)
{
    Steps nfc = {0};
    Tainted composed = {0};
    Err never = {0};
    bool blank = false, begun = false;
    steps_add(&nfc, STEP_NFC, NULL, NULL);
    if (!steps_run(&nfc, s, n, NULL, PLACE_BARE, &composed, &never))
        tainted_add(&composed, s, n, NULL);
    for (const char *p = str_text(&composed.text); *p;) {
        size_t length = blank_length(p);
        if (length > 0) {
            blank = begun;
            p += length;
            continue;
        }
        if (blank)
            str_addc(out, ' ');
        str_addc(out, *p++);
        blank = false;
        begun = true;
    }
    steps_release(&nfc);
    tainted_release(&composed);
}

/* --- turns ---------------------------------------------------------------------------------------------- */

/* Turns as lines "Speaker: words"; what is needed to say where the first of the user ends. */
typedef struct Lines {
    Str text;
    char *first;  /* the words of the user's first turn, owned; NULL: there is none */
    int n;        /* turns */
    bool goes_on; /* behind that one */
} Lines;

static void add_turn(Lines *l, const char *speaker, const char *s, size_t n)
{
    Str words = {0};
    add_words(&words, s, n);
    bool human = strcmp(speaker, "Human") == 0;
    if (words.n > 0 || human) {
        str_addf(&l->text, "%s%s: %s", l->n++ ? "\n" : "", speaker, str_text(&words));
        l->goes_on = l->first != NULL;
        if (human && !l->first)
            l->first = mem_str(str_text(&words));
    }
    str_release(&words);
}

static const char *const speakers[] = {"Human", "Assistant"};

/* The speaker whose turn begins here, as HH's transcripts and judges' lines have it; NULL: none. */
static const char *speaker_at(const char *s)
{
    for (int i = 0; i < COUNT(speakers); i++)
        if (str_starts(s, speakers[i]) && s[strlen(speakers[i])] == ':')
            return speakers[i];
    return NULL;
}

/* A text as turns: one of the user, unless it is a transcript. */
static void add_text(Lines *l, const char *s)
{
    const char *begin = s;
    for (size_t blank; (blank = blank_length(begin)) > 0;)
        begin += blank;
    const char *speaker = speaker_at(begin);
    if (!speaker) {
        add_turn(l, "Human", s, strlen(s));
        return;
    }
    while (speaker) {
        const char *end = begin += strlen(speaker) + 1, *next = NULL;
        while (*end && !next)
            next = *end++ == '\n' ? speaker_at(end) : NULL;
        add_turn(l, speaker, begin, (size_t)(end - begin));
        begin = end;
        speaker = next;
    }
}

static Lines lines_of(const Context *c)
{
    Lines l = {0};
    size_t i, n = json_array_size(c->turns);
    json_t *t;
    if (c->text)
        add_text(&l, c->text);
    json_array_foreach(c->turns, i, t)
    {
        const char *speaker = turn_speaker(t), *content = json_text_of(t, "content");
        if (n == 1 && strcmp(speaker, "Human") == 0)
            add_text(&l, content);
        else
            add_turn(&l, speaker, content, strlen(content));
    }
    return l;
}

static void lines_release(Lines *l)
{
    str_release(&l->text);
    free(l->first);
}

char *context_key(const Context *c)
{
    Lines l = lines_of(c);
    char *key = mem_str(l.n == 1 && l.first ? l.first : str_text(&l.text));
    lines_release(&l);
    return key;
}

void context_hash(const Context *c, char out[HASH_TEXT])
{
    char *key = context_key(c);
    hash_bytes(key, strlen(key), out);
    free(key);
}

int context_number(json_t *prompts, const Context *c)
{
    char hash[HASH_TEXT];
    context_hash(c, hash);
    return json_index_of(prompts, hash);
}

bool context_first(const Context *c, char alone[HASH_TEXT], char longer[HASH_TEXT])
{
    Lines l = lines_of(c);
    const char *first = l.first ? l.first : "";
    char *begins = mem_printf("%s\n...", first); /* no key ends so: its lines are "Speaker: words" */
    bool goes_on = l.goes_on;
    hash_bytes(first, strlen(first), alone);
    hash_bytes(begins, strlen(begins), longer);
    free(begins);
    lines_release(&l);
    return goes_on;
}
