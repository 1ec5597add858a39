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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(unsourced), cmocka_unit_test(next_turn),
                                       cmocka_unit_test(repetition), cmocka_unit_test(trimmed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
