/* What people are to rate: the responses of several policies to one prompt, to be ranked, or single ones, to be marked as
 * harmless or not (paper.md 8). People see texts and never who wrote them: the key of an item, which they do not get, says
 * that, and makes a row of what they said (rankings.h, eval.h).
 *
 * Equal texts to a prompt are shown once. Items and their texts are shuffled by seed. An item's id is a hash of the prompt
 * and the texts, so that ratings stay good when a run goes on. */
#ifndef RLAIF_IMPORT_RATING_ITEMS_H
#define RLAIF_IMPORT_RATING_ITEMS_H

#include "rlaif/stage/stage.h"

typedef enum RatingKind { RATING_RANK, RATING_HARMLESS, RATING_KINDS_N } RatingKind;
#define RATING_KINDS "rank|harmless"
const char *rating_kind(RatingKind kind);

enum {
    MOST_TEXTS = 9,      /* of an item: they have the digits 1 to 9 */
    MOST_NAME = 60,      /* characters of a rater's name */
    MOST_PAGE = 32 << 20 /* bytes of all texts */
};

/* Where responses are: [NAME=]STAGE or [NAME=]FILE, each a policy; or files whose rows name their policies in `models`.
 * Without any, all sample stages of the run whose prompts it did not train on or label. Rows with a judge's `score` keep
 * it, so that people's rankings can be set beside it. */
typedef struct RatingOptions {
    OptionList samples;
    int limit;
} RatingOptions;
enum { RATING_OPTIONS = 2 };
extern const Option rating_option_rows[RATING_OPTIONS];

typedef struct RatingItems {
    RatingKind kind;
    int seed;
    json_t **
        key; /* [n] {"item", "kind", "prompt", "texts": as shown, "models": [...], and of each model "shown": which text
                     it wrote, "scores": what a judge said of it, or null} */
    int n;
    int equal;            /* prompts left out because all responses were equal */
    json_t *index;        /* object: id -> number */
    char page[HASH_TEXT]; /* a hash of all ids */
} RatingItems;

bool rating_items_read(Work *work, const RatingOptions *o, RatingKind kind, int seed, RatingItems *out,
                       Err *err) MUST_CHECK;
void rating_items_release(RatingItems *r);

/* What a page may know of an item: {"id", "prompt", "texts"}. */
json_t *rating_item_shown(const json_t *key);

/* What a rater said, {"rater", "ranks": place of each text | "harmless": true or false}, as a row that evaluations read;
 * fails where it does not fit the item. */
bool rating_row(const json_t *key, const json_t *said, json_t **row, Err *err) MUST_CHECK;
/* The other way: `ranks` or `harmless` of a row, as the page has them. NULL where the row does not fit. */
json_t *rating_said(const json_t *key, const json_t *row);

#endif
