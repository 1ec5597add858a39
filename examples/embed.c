/* A judge inside another program: which of two answers is better?
 *
 *     cc embed.c -lrlaif -fopenmp -lsqlite3 -ljansson -lyaml -lpcre2-8 -lutf8proc -lz -lzstd -lcrypto -lcurl -lm
 *     ./a.out model.gguf "What is a lichen?" "A fungus that lives with an alga." "A bird." */
#include <rlaif.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    char why[400];
    if (argc != 5) {
        fprintf(stderr, "usage: %s MODEL CONTEXT ANSWER ANSWER\n", argv[0]);
        return 2;
    }
    RlaifPair pair = {.context = argv[2], .first = argv[3], .second = argv[4]};
    RlaifJudge *judge = rlaif_judge_open(argv[1], "helpful-base", 0, why, sizeof why);
    if (!judge || !rlaif_judge_pairs(judge, &pair, 1, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        rlaif_judge_close(judge);
        return 1;
    }
    printf("P(the first is preferred) = %.3f; %.0f %% of the probability fell on the answers%s\n", pair.p,
           100 * pair.mass, pair.same_slot ? "; the judge chose the same position in both orders" : "");
    rlaif_judge_close(judge);
    return 0;
}
