/* What judges elsewhere have cost a call of the program. */
#ifndef RLAIF_STAGE_SPENDING_H
#define RLAIF_STAGE_SPENDING_H

/* What a call of the program has taken of endpoints, whichever and however often they were opened: budgets and rates are of
 * the call. It begins as zeros. */
typedef struct Spending {
    double input, output, dollars; /* tokens read, written */
    double next_start;             /* clock from which the next request may begin */
} Spending;

#endif
