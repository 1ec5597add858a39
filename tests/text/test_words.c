/* Words and numbers of texts. */
#include "base/mem.h"
#include "support.h"
#include "text/words.h"

/* Every word as fold|: capitals get ^, those that open a sentence <, numbers #. */
static void words_are(const char *text, const char *wanted)
{
    WordReader r = {text, false};
    Word w;
    Str s = {0};
    while (words_next(&r, &w)) {
        str_addf(&s, "%s%s%s%s", s.n ? " " : "", w.opens ? "<" : "", w.capital ? "^" : "", w.number ? "#" : "");
        word_fold(&w, &s);
    }
    assert_string_equal(str_text(&s), wanted);
    str_release(&s);
}

static void words(void **state)
{
    (void)state;
    words_are("", "");
    words_are(" ... !", "");
    words_are("Anna saw Bob's dog.", "<^anna saw ^bob dog");
    words_are("It's 3.5 or 1,000, at 12:30. Then 20th?", "<^it #3.5 or #1000 at #12:30 <^then #20 th");
    words_are("I'm sure I met O'Neil in New-York", "<i'm sure i met ^o'neil in ^new ^york");
    words_are("\"Well,\" she said: \"Yes\"\nNo", "<^well she said <^yes <^no");
    words_are("'quoted' dogs' end'", "<quoted dogs end");
}

static void other_scripts(void **state)
{
    (void)state;
    words_are("die Stra\xc3\x9f"
              "e in \xc3\x96sterreich",
              "<die ^strasse in ^\xc3\xb6sterreich");
    words_are("he\xe2\x80\x99s at Ren\xc3\xa9\xe2\x80\x99s", "<he at ^ren\xc3\xa9");
    words_are("\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0", "<^\xd0\xb0\xd0\xbd\xd0\xbd\xd0\xb0"); /* Anna, Cyrillic */
    words_are("bad \xff\xfe bytes \xc3", "<bad bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(other_scripts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
