/* The order of a row's logits. */
#ifndef INFER_RANK_H
#define INFER_RANK_H

#include <stdint.h>

typedef struct RankItem {
    uint32_t key;
    int id;
} RankItem;

/* Ids 0 .. n-1 by their logits, the largest first, among equals the lowest id. `room` has 2n items. Time is linear in n. */
void rank_ids(int *id, const float *logit, int n, RankItem *room);

#endif
