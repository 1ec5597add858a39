/* Contexts cut to fit: words off one end, so that as many stay as there is room for; never anything of a response. */
#ifndef RLAIF_ROWS_CUT_H
#define RLAIF_ROWS_CUT_H

#include "rlaif/rows/render.h"

/* What happens to a prompt that is too long. */
typedef enum CutRule {
    CUT_NOTHING,      /* it is refused */
    CUT_CONTEXT_LEFT, /* its context loses words at the beginning, the responses nothing */
    CUT_CONTEXT_RIGHT /* at the end */
} CutRule;
#define CUT_RULES "none|context-left|context-right"

/* Is what is left of a text short enough? */
typedef bool CutFits(void *self, const char *left, bool *fits, Err *err);
/* The most of a text that fits, found by halving; *kept is NULL where not even the empty text does, else the caller's. */
bool cut_text(const char *text, CutRule rule, CutFits *fits, void *self, char **kept, Err *err) MUST_CHECK;

/* How much room there is. */
typedef struct Room {
    CutRule rule;
    int most;           /* tokens; 0: as many as the model's context holds */
    int after;          /* cut_prompt: tokens that the model's context must hold behind the prompt */
    const char *option; /* what sets `most`, for messages */
} Room;

/* Makes a prompt, or a row with its longest response, as long as there is room for: `context` is changed, *cut says by how
 * many characters. Of a conversation context-left drops the oldest turns first, a system message apart, and then the
 * beginning of the last; context-right the end of the last. Too long under CUT_NOTHING, or even without its context: fails. */
bool cut_prompt(const Model *m, Context *context, bool chat, Room room, int *cut, Err *err) MUST_CHECK;
bool cut_whole(const Model *m, RowView *v, bool chat, Room room, int *cut, Err *err) MUST_CHECK;
/* cut_whole, and then the row with each of its responses as ids[0 .. v->n), which begin empty; the caller releases them, on
 * failure too. */
bool cut_render(const Model *m, RowView *v, bool chat, Room room, Ids *ids, int *cut, Err *err) MUST_CHECK;

/* What was cut in a stage: counted, said, and kept in its summary as cut (rows) and cut_characters. */
typedef struct CutCount {
    int rows;
    double characters;
} CutCount;
void cut_count(CutCount *count, int cut);
void cut_report(const CutCount *count, const char *stage, json_t *summary);

#endif
