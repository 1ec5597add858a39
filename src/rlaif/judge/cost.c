/* What labels cost. */
#include "rlaif/judge/cost.h"

#include "base/mem.h"

#include <ctype.h>

const Option price_option_rows[PRICE_OPTIONS] = {
    {"price-input", OPT_REAL, AT(Prices, input), 0, 1e6, "0.03", .flags = OPT_WORKING,
     .help = "dollars for 1,000 tokens that a judge reads"},
    {"price-output", OPT_REAL, AT(Prices, output), 0, 1e6, "0.06", .flags = OPT_WORKING,
     .help = "dollars for 1,000 tokens that it writes"},
    {"price-people", OPT_REAL, AT(Prices, people), 0, 1e6, "0.1095", .flags = OPT_WORKING,
     .help = "dollars for 50 words that people read to label"},
};

double cost_judge(const Prices *p, double input, double output)
{
    return input * p->input / 1000 + output * p->output / 1000;
}

double cost_people(const Prices *p, double words)
{
    return words * p->people / 50;
}

static double count_words(const char *text)
{
    double n = 0;
    for (bool inside = false; *text; text++) {
        bool blank = isspace((unsigned char)*text) != 0;
        n += inside && blank;
        inside = !blank;
        n += inside && !text[1];
    }
    return n;
}

static double row_words(const RowView *v)
{
    char *context = context_lines(&v->context);
    double n = count_words(context);
    for (int i = 0; i < v->n; i++)
        n += count_words(v->response[i].text);
    free(context);
    return n;
}

json_t *cost_json(const Prices *p, const Rows *rows)
{
    double n = 0, input = 0, output = 0, words = 0;
    for (int i = 0; i < rows->n; i++) {
        const json_t *tokens = json_object_get(json_object_get(rows->row[i].json, "label"), "tokens");
        if (!tokens)
            continue;
        n++;
        input += json_number_of(tokens, "input", 0);
        output += json_number_of(tokens, "output", 0);
        words += row_words(&rows->row[i].view);
    }
    if (n == 0)
        return json_null();
    double judge = cost_judge(p, input, output), people = cost_people(p, words);
    json_t *out = json_pack("{s:I, s:I, s:I, s:f, s:f}", "pairs", (json_int_t)n, "input", (json_int_t)input, "output",
                            (json_int_t)output, "judge", judge, "judge_per_pair", judge / n);
    json_object_update_new(
        out, json_pack("{s:I, s:f, s:f}", "words", (json_int_t)words, "people", people, "people_per_pair", people / n));
    json_object_set_new(out, "ratio", judge > 0 ? json_real(people / judge) : json_null());
    return out;
}
