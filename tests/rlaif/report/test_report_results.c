/* The results on a report's page: every number with its interval, how many it is of, and its test. */
#include "report_page.h"

#include "base/mem.h"

static const char about[] = "{\"options\": {}, \"hashes\": {\"model\": \"aaaa\"}, \"seed\": 1, \"version\": \"0.1.0\"}";

static const char compared[] =
    "{\"prompts\": 40, \"pairs\": 80, \"judge\": \"sha256:aaaa\", \"characters_a\": 130.5, \"characters_b\": 100.0,"
    " \"probes_a\": {\"characters\": {\"mean\": 130.5, \"interval\": [120.5, 140.5]}},"
    " \"probes_b\": {\"characters\": {\"mean\": 100, \"interval\": [95.5, 105.25]}},"
    " \"results\": [{\"prompt\": \"which\", \"prompt_hash\": \"sha256:bbbb\", \"kind\": \"pairwise\", \"win_rate\": 0.7,"
    " \"interval\": [0.59, 0.79], \"win_rate_bootstrap\": [0.6, 0.8], \"wins\": 56, \"losses\": 24, \"ties\": 0,"
    " \"binomial_p\": 0.0004, \"paired_p\": 0.0211, \"t_p\": 0.0107, \"length_controlled\": 0.611,"
    " \"length_controlled_interval\": [0.4878, 0.7222], \"length_share\": 0.089, \"length_share_interval\": [-0.0125, 0.1875],"
    " \"mean_p\": 0.625, \"mean_p_interval\": [0.5625, 0.6875],"
    " \"same_slot_rate\": 0.25, \"same_slot_interval\": [0.168, 0.355], \"first_share\": 0.75,"
    " \"first_share_interval\": [0.531, 0.888], \"first_share_p\": 0.0414, \"mass\": 0.9},"
    " {\"prompt\": \"tone\", \"prompt_hash\": \"sha256:cccc\", \"kind\": \"verdict\", \"win_rate\": 0.5, \"interval\": [0.4,"
    " 0.6], \"win_rate_bootstrap\": [0.4, 0.6], \"length_controlled\": null, \"length_controlled_interval\": null,"
    " \"mean_a\": 0.5, \"mean_a_interval\": [0.4375, 0.5625], \"mean_b\": 0.25, \"mean_b_interval\": [0.125, 0.375],"
    " \"length_share_of_gain\": 0.125, \"length_share_of_gain_interval\": [0.0625, 0.1875],"
    " \"gain\": 0.25, \"gain_interval\": [0.0625, 0.4375], \"excludes_zero\": true}]}";

static void intervals(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "<th>mean characters, new policy</th><td>130.5<span class=\"range\">120.5 to 140.5</span></td>",
        "<th>mean characters, the other</th><td>100.0<span class=\"range\">95.5 to 105.2</span></td>",
        "<th>mean reward of the new policy</th><td>\xe2\x80\x93</td><td>0.500<span class=\"range\">0.438 to 0.562</span></td>",
        "<th>mean reward of the other</th><td>\xe2\x80\x93</td><td>0.250<span class=\"range\">0.125 to 0.375</span></td>",
        "<th>p of 50 %: two-sample t-test, as the paper; its size is 17 %</th><td>0.011</td>",
        "<th>win rate at equal length</th><td>61.1 %<span class=\"range\">48.8 to 72.2</span></td>",
        "<th>of the win rate, what length explains</th><td>+8.9 points<span class=\"range\">\xe2\x88\x92"
        "1.2 to 18.8</span></td>",
        "<th>of the gain in spreads, what length explains</th><td>\xe2\x80\x93</td><td>+0.125<span class=\"range\">0.062 to 0.188</span></td>",
        "better)</th><td>0.625<span class=\"range\">0.562 to 0.688</span></td>",
        "<th>same position in both orders</th><td>25.0 %<span class=\"range\">16.8 to 35.5</span></td>",
        "<th>of these, the first position</th><td>75.0 %<span class=\"range\">53.1 to 88.8</span></td>",
        "<th>p of one half: the first position, binomial</th><td>0.041</td>",
    };
    Run r = run_new();
    add_stage(&r, "eval", "eval winrate", about, compared);
    char *page = page_of(&r),
         *table = part_of(page, "<details><summary>Every number of the comparisons</summary>", "</details>");
    check_page(page);
    for (int i = 0; i < COUNT(lines); i++)
        has(table, lines[i]);
    char *compared_table = part_of(page, "Replies compared in both orders", "</table>"),
         *alone = part_of(page, "Each reply judged alone", "</table>");
    has(compared_table, "<th>at equal length<br>95&nbsp;% interval</th>");
    has(compared_table, "<td>61.1 %<span class=\"range\">48.8 to 72.2 %</span></td></tr>");
    has(alone, "<td>\xe2\x80\x93<span class=\"range\">no interval</span></td></tr>");
    has(page,
        "where both were equally long, the win rate by which would be 61.1 % (95&nbsp;% interval 48.8 to 72.2&nbsp;%) "
        "in place of 70.0 %: length explains +8.9 points (95&nbsp;% interval \xe2\x88\x92"
        "1.2 to 18.8).");
    free(alone);
    free(compared_table);
    free(table);
    free(page);
    run_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals),
    };
    return cmocka_run_group_tests_name("report_results", tests, NULL, NULL);
}
