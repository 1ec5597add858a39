/* Probes of single responses, by hand. */
#include "eval_helpers.h"
#include "rlaif/rows/probes.h"

static void probe(const char *context, const char *text, bool ended, double out[PROBES])
{
    ResponseView r = {(char *)(uintptr_t)text, ended, NULL};
    SourceWords *source = source_words(context);
    probe_response(&r, source, out);
    source_words_free(source);
}

static void unsourced(void **state)
{
    (void)state;
    double p[PROBES];
    probe("SUBREDDIT: r/advice\n\nI (25 F) met bob in Paris; he owes 1,000 euros.",
          "Bob owes 1000 euros to Anna's friend in Paris. Rome? She is 25, he is 31, and Anna waits.", true, p);
    close_to(p[PROBE_NAMES], 2, 0);   /* Anna twice; Bob opens and is known, Rome and She open a sentence */
    close_to(p[PROBE_NUMBERS], 1, 0); /* 31; 1000 is 1,000 */
    close_to(p[PROBE_CHARACTERS], 89, 0);
    close_to(p[PROBE_CUT_OFF], 0, 0);
    probe("", "in \xc3\x84thiopien", false, p);
    close_to(p[PROBE_NAMES], 1, 0);
    close_to(p[PROBE_CHARACTERS], 12, 0);
    close_to(p[PROBE_CUT_OFF], 1, 0);
}

/* A reply that writes the next turn too, as a transcript, a chat or a post begins it; names within a line are none. */
static void next_turn(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double wanted;
    } cases[] = {
        {"Yes.\n\nHuman: And then?\n\nAssistant: No.", 1},
        {"Yes.\nUser: And then?", 1},
        {"Yes.\n  Human: And then?", 1},
        {"Yes.\n\nAssistant: Yes.", 1},
        {"Human: And then?", 1},
        {"Yes.<|im_end|>\n<|im_start|>user", 1},
        {"Yes.<end_of_turn>", 1},
        {"Yes. [INST] And then? [/INST]", 1},
        {"A summary.\n\nSUBREDDIT: r/pets", 1},
        {"Yes.", 0},
        {"", 0},
        {"\n\nHuman: And then?", 1},
        {"\n\nAssistant: Yes.\n\n", 0},
        {"Assistant: Yes.", 0}, /* its own name, before its own reply */
        {"I am no Human: I am a cat.\nHumans: many", 0},
        {"Say human: it is\nhumane.", 0},
        {"if (a <b> c) [x] |y|", 0},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        double p[PROBES];
        probe("", cases[i].text, true, p);
        if (p[PROBE_NEXT_TURN] != cases[i].wanted)
            fail_msg("\"%s\": %g", cases[i].text, p[PROBE_NEXT_TURN]);
    }
}

static void repetition(void **state)
{
    (void)state;
    double p[PROBES];
    probe("", "one two three", true, p);
    close_to(p[PROBE_REPETITION], 0, 0);
    probe("", "one two three four five", true, p);
    close_to(p[PROBE_REPETITION], 0, 0);
    probe("", "a b c d. A, b c d", true, p); /* abcd bcda cdab dabc abcd: 4 of 5 differ */
    close_to(p[PROBE_REPETITION], 0.2, 1e-15);
    probe("", "no no no no no no no", true, p); /* 1 of 4 */
    close_to(p[PROBE_REPETITION], 0.75, 1e-15);
}

static void trimmed(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"Done.", "Done."},
        {"Done!", "Done!"},
        {"Done", "Done"},
        {"Done. . .", "Done."},
        {"Done...", "Done."},
        {"Done .", "Done."},
        {"Done ;", "Done"},
        {"Done,", "Done"},
        {"Done -- \n", "Done"},
        {"Done?..", "Done?"},
        {"Done.\n\n", "Done."},
        {"A. B - c; d", "A. B - c; d"},
        {"", ""},
        {"...", "."},
        {"**Done**", "**Done**"},
        {"at 5 p.m.", "at 5 p.m."},
        {"caf\xc3\xa9 . ", "caf\xc3\xa9."},
        {"the list:", "the list:"},
    };
    for (int i = 0; i < COUNT(table); i++) {
        char *text = response_trimmed(table[i][0]), *again = response_trimmed(text);
        double p[PROBES];
        assert_string_equal(text, table[i][1]);
        assert_string_equal(again, text);
        probe("", table[i][0], true, p);
        close_to(p[PROBE_TRAILING], strcmp(table[i][0], table[i][1]) != 0, 0);
        free(text);
        free(again);
    }
}

/* Emoji as people count them, and scripts, that the prompt does not have. */
static void emoji_and_scripts(void **state)
{
    (void)state;
#define HEART  "\xe2\x9d\xa4"     /* shown as text or emoji, counted in either case */
#define AS_IT  "\xef\xb8\x8f"     /* "as emoji" */
#define SMILE  "\xf0\x9f\x98\x80" /* U+1F600 */
#define WAVE   "\xf0\x9f\x91\x8b" /* U+1F44B */
#define DARK   "\xf0\x9f\x8f\xbf" /* a skin's colour */
#define JOIN   "\xe2\x80\x8d"
#define MAN    "\xf0\x9f\x91\xa8"
#define GIRL   "\xf0\x9f\x91\xa7"
#define FLAG_D "\xf0\x9f\x87\xa9"
#define FLAG_E "\xf0\x9f\x87\xaa"
    static const struct {
        const char *context, *text;
        double emoji, script;
    } cases[] = {
        {"hi", "Hello!", 0, 0},
        {"hi", "", 0, 0},
        {"hi", SMILE SMILE " ok " WAVE, 3, 0},
        {"hi " SMILE, SMILE SMILE " ok " WAVE, 1, 0},
        {"hi " WAVE, WAVE DARK, 1, 0}, /* of another colour, another one */
        {"hi", WAVE DARK, 1, 0},
        {"hi", MAN JOIN GIRL, 1, 0},
        {"hi", MAN GIRL, 2, 0},
        {"hi", FLAG_D FLAG_E FLAG_D FLAG_E, 2, 0},
        {"hi", FLAG_D " x", 0, 0}, /* half a flag */
        {"hi", HEART AS_IT " and " HEART, 2, 0},
        {"hi", "1" AS_IT "\xe2\x83\xa3 first, 2 second, #3", 1, 0}, /* a keycap; digits are none */
        {"hi", "\xc2\xa9 2020, \xe2\x84\xa2, \xe2\x86\x94 \xe2\x96\xaa \xe2\x80\xa2 \xe2\x9c\x93", 0,
         0}, /* (c) tm <-> . . v */
        {"hi", "\xc2\xa9" AS_IT, 1, 0},
        {"hi",
         "caf\xc3\xa9 na\xc3\xafve \xc5\x81\xc3\xb3"
         "d\xc5\xba",
         0, 0},
        {"hi", "\xd0\xb4\xd0\xb0", 0, 1},                               /* Cyrillic */
        {"hi \xd0\xbd\xd0\xb5\xd1\x82", "\xd0\xb4\xd0\xb0, yes", 0, 0}, /* of both */
        {"\xd0\xbd\xd0\xb5\xd1\x82", "yes", 0, 1},                      /* Latin is a script, too */
        {"hi", "\xe4\xbd\xa0\xe5\xa5\xbd", 0, 1},                       /* Han */
        {"\xe4\xbd\xa0", "\xe3\x81\x82\xe3\x82\xa2", 0, 0},             /* kana after Han */
        {"hi", "\xea\xb0\x80", 0, 1},                                   /* Hangul */
        {"\xe4\xbd\xa0", "\xea\xb0\x80", 0, 1},
        {"hi", "\xd7\xa9", 0, 1},                                                     /* Hebrew */
        {"hi", "\xd9\x85", 0, 1},                                                     /* Arabic */
        {"hi", "\xe0\xa4\x95", 0, 1},                                                 /* Devanagari */
        {"hi", "\xe0\xb8\x81", 0, 1},                                                 /* Thai */
        {"hi", "\xce\xb1 + 2\xce\xb2", 0, 1},                                         /* Greek */
        {"hi", "5 \xc2\xb5m, \xf0\x9d\x94\xb8, \xe2\x84\x9d, 50 \xe2\x82\xac", 0, 0}, /* of formulas and units */
        {"2 + 2 = ?", "four", 0, 0},                                                  /* no letters to go by */
        {"hi", "bad \xff byte", 0, 0},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        double p[PROBES];
        probe(cases[i].context, cases[i].text, true, p);
        if (p[PROBE_EMOJI] != cases[i].emoji || p[PROBE_SCRIPTS] != cases[i].script)
            fail_msg("\"%s\" after \"%s\": %g emoji, scripts %g", cases[i].text, cases[i].context, p[PROBE_EMOJI],
                     p[PROBE_SCRIPTS]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(unsourced), cmocka_unit_test(next_turn),
                                       cmocka_unit_test(repetition), cmocka_unit_test(trimmed),
                                       cmocka_unit_test(emoji_and_scripts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
