/* The order of a row's logits: a radix sort of their bits, which keeps equals as they stand. */
#include "infer/rank.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 3 }; /* 33 bits hold a float's 32 */

/* Smaller for a larger logit; -0 is 0. */
static uint32_t key_of(float logit)
{
    float x = logit + 0.0F;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? bits : bits ^ 0x7fffffff;
}

void rank_ids(int *id, const float *logit, int n, RankItem *room)
{
    int begin[PASSES][DIGITS] = {{0}};
    RankItem *from = room, *to = room + n;
    for (int i = 0; i < n; i++) {
        from[i] = (RankItem){key_of(logit[i]), i};
        for (int p = 0; p < PASSES; p++)
            begin[p][from[i].key >> (p * DIGIT_BITS) & (DIGITS - 1)]++;
    }
    for (int p = 0; p < PASSES; p++) {
        for (int k = 0, at = 0; k < DIGITS; k++) {
            int count = begin[p][k];
            begin[p][k] = at;
            at += count;
        }
        for (int i = 0; i < n; i++)
            to[begin[p][from[i].key >> (p * DIGIT_BITS) & (DIGITS - 1)]++] = from[i];
        RankItem *swap = from;
        from = to;
        to = swap;
    }
    for (int i = 0; i < n; i++)
        id[i] = from[i].id;
}
