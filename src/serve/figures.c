/* What a stage's summary says, in words and units. */
#include "serve/figures.h"

#include "base/mem.h"
#include "rlaif/report/page/words.h"

/* How a number is said. */
typedef enum Unit { COUNTED, TENTHS, PLAIN, SHARE, BYTES, SECONDS } Unit;

/* Fields of summaries, those that say most first, with the words around their number. */
static const struct {
    const char *key, *before, *after, *one; /* `one`: after the number 1, where it is another word */
    Unit unit;
} figures[] = {
    {"reward_first", "reward ", " at first", NULL, PLAIN},
    {"reward_last", "reward ", " at the end", NULL, PLAIN},
    {"kl_last", "KL ", " nats a reply", NULL, PLAIN},
    {"kl_sampling_last", "KL ", " nats a reply", NULL, PLAIN},
    {"accuracy", "", " of choices as people chose", NULL, SHARE},
    {"eval_accuracy", "", " of held-out pairs right", NULL, SHARE},
    {"loss_first", "loss ", " at first", NULL, PLAIN},
    {"loss_last", "loss ", " at the end", NULL, PLAIN},
    {"steps", "", " steps", " step", COUNTED},
    {"read", "", " rows read", " row read", COUNTED},
    {"written", "", " rows written", " row written", COUNTED},
    {"rows", "", " rows", " row", COUNTED},
    {"prompts", "", " prompts", " prompt", COUNTED},
    {"responses", "", " replies", " reply", COUNTED},
    {"pairs", "", " pairs", " pair", COUNTED},
    {"win_rate", "", " of pairs won", NULL, SHARE},
    {"mean", "score ", " on average", NULL, PLAIN},
    {"mean_distance_from_half", "labels ", " from one half on average", NULL, PLAIN},
    {"mass", "", " of the probability on the answers", NULL, SHARE},
    {"same_slot_rate", "", " the same position in both orders", NULL, SHARE},
    {"ended", "", " ended by themselves", NULL, SHARE},
    {"ended_last", "", " of replies ended by themselves", NULL, SHARE},
    {"mean_characters", "", " characters a reply", NULL, TENTHS},
    {"no_spread_last", "", " of prompts with replies all worth the same", NULL, SHARE},
    {"planned_bytes", "", " planned", NULL, BYTES},
    {"bytes", "", " taken", NULL, BYTES},
    {"planned_seconds", "", " planned", NULL, SECONDS},
};
enum { MOST_FIGURES = 7, MOST_RESULTS = 4 };

static const struct {
    const char *kind, *words;
} kinds[] = {
    {"import", "data from elsewhere"},
    {"sft", "supervised fine-tuning"},
    {"sample", "replies drawn from a policy"},
    {"label", "labels by a judge"},
    {"fit", "a mix of judges fitted"},
    {"score", "scores of replies"},
    {"reward", "a reward model"},
    {"rl", "reinforcement learning"},
    {"choose", "the best checkpoint"},
    {"eval alignment", "labels beside people\xe2\x80\x99s choices"},
    {"eval accuracy", "a reward model beside people\xe2\x80\x99s choices"},
    {"eval winrate", "two policies compared"},
    {"eval harmless", "share of harmless replies"},
    {"eval ratings", "what people said"},
    {"eval probes", "length, repetition and the like"},
};

const char *kind_words(const char *kind)
{
    for (int i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].words;
    return NULL;
}

void html_time(Str *out, double seconds)
{
    if (seconds < 100)
        str_addf(out, "%.1f s", seconds);
    else if (seconds < 6000)
        str_addf(out, "%.0f min", seconds / 60);
    else
        str_addf(out, "%.1f h", seconds / 3600);
}

static void add_number(Str *out, double x, Unit unit)
{
    char size[32];
    switch (unit) {
    case COUNTED: str_add(out, say_number(x, 0).text); break;
    case TENTHS: str_add(out, say_number(x, 1).text); break;
    case PLAIN: str_add(out, say_number(x, 3).text); break;
    case SHARE: str_add(out, say_percent(x).text); break;
    case BYTES: str_add(out, mem_human(size, x)); break;
    case SECONDS: html_time(out, x); break;
    }
}

/* "tone-verdict +0.213 (0.101 to 0.326)": what a judge said of two policies. */
static void add_results(Str *out, const json_t *results)
{
    for (size_t i = 0; i < json_array_size(results) && i < MOST_RESULTS; i++) {
        const json_t *one = json_array_get(results, i);
        bool gain = json_object_get(one, "gain") != NULL;
        double value = json_number_of(one, gain ? "gain" : "win_rate", (double)NAN);
        str_add(out, "<span>");
        html_text(out, json_text_of(one, "prompt"));
        str_addf(out, gain ? " %s" : " %s of pairs won", gain ? say_signed(value, 3).text : say_percent(value).text);
        str_addf(
            out, " (%s%s)</span>",
            say_range(json_object_get(one, gain ? "gain_interval" : "win_rate_bootstrap"), gain ? 1 : 100, gain ? 3 : 1)
                .text,
            gain ? "" : " %");
    }
}

void html_figures(Str *out, const json_t *summary)
{
    int n = 0;
    add_results(out, json_object_get(summary, "results"));
    for (int i = 0; i < COUNT(figures) && n < MOST_FIGURES; i++) {
        const json_t *value = json_object_get(summary, figures[i].key);
        double x = json_number_value(value);
        if (!json_is_number(value))
            continue;
        n++;
        str_addf(out, "<span>%s", figures[i].before);
        add_number(out, x, figures[i].unit);
        str_addf(out, "%s</span>", x == 1 && figures[i].one ? figures[i].one : figures[i].after);
    }
}
