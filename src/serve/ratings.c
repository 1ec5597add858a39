/* People's ratings: the page, what a rater has said so far, and what they say now. */
#include "base/mem.h"
#include "serve/pages.h"
#include "serve/site.h"

static bool find_kind(const char *name, RatingKind *kind, Err *err)
{
    for (int k = 0; name && k < RATING_KINDS_N; k++)
        if (strcmp(name, rating_kind((RatingKind)k)) == 0) {
            *kind = (RatingKind)k;
            return true;
        }
    return err_set(err, ERR_INPUT, "\"kind\" must be one of " RATING_KINDS);
}

/* The items as they are now. */
static bool refresh_items(Site *s, Work *work, RatingKind kind, Err *err)
{
    RatingItems items;
    if (!rating_items_read(work, &s->options->rating, kind, s->options->common.seed, &items, err))
        return false;
    rating_items_release(&s->items[kind]);
    s->items[kind] = items;
    return true;
}

bool rate_page(Site *s, Work *work, const Request *request, Reply *out, Err *err)
{
    RatingKind kind;
    if (!find_kind(request_argument(request, "kind"), &kind, err) || !refresh_items(s, work, kind, err))
        return false;
    rating_policy(out->policy);
    rating_page(&out->body, &s->items[kind], s->options->question, listener_token(s->listener));
    return true;
}

static const json_t *find_key(const RatingItems *items, const char *id)
{
    const json_t *at = id && items->index ? json_object_get(items->index, id) : NULL;
    return at ? items->key[json_integer_value(at)] : NULL;
}

/* Ratings of one rater, as the page has them: object id -> value. */
typedef struct Said {
    const RatingItems *items;
    json_t *ratings;
} Said;

static bool add_said(void *context, json_t *j, Err *err)
{
    (void)err;
    Said *said = context;
    const char *id = json_text_of(j, "item");
    const json_t *key = find_key(said->items, id);
    json_t *value = key ? rating_said(key, j) : NULL;
    if (value)
        json_object_set_new(said->ratings, id, value);
    return true;
}

bool get_ratings(Site *s, Work *work, const Request *request, Reply *out, Err *err)
{
    RatingKind kind;
    const char *rater = request_argument(request, "rater");
    if (!find_kind(request_argument(request, "kind"), &kind, err))
        return false;
    if (!rater)
        return err_set(err, ERR_INPUT, "\"rater\" is missing");
    if (s->items[kind].n == 0 && !refresh_items(s, work, kind, err))
        return false;
    Said said = {&s->items[kind], json_object()};
    bool ok = store_ratings_each(work->store, rating_kind(kind), rater, store_json, &(StoreJson){add_said, &said}, err);
    json_t *answer = json_pack("{s:o}", "ratings", said.ratings);
    out->type = "application/json";
    if (ok)
        json_append(&out->body, answer);
    json_decref(answer);
    return ok;
}

/* {"kind", "item", "rater", "ranks" | "harmless"} becomes a row of the store. */
static bool keep_rating(Site *s, Work *work, const json_t *said, Err *err)
{
    RatingKind kind;
    const char *id = json_text_of(said, "item");
    if (!find_kind(json_text_of(said, "kind"), &kind, err))
        return false;
    if (!find_key(&s->items[kind], id) && !refresh_items(s, work, kind, err))
        return false;
    const json_t *key = find_key(&s->items[kind], id);
    if (!key)
        return err_set(err, ERR_INPUT, "there is no such item: the run has changed, load the page again");
    json_t *row;
    if (!rating_row(key, said, &row, err))
        return false;
    char *text = json_text(row);
    bool ok = store_rating_put(work->store, rating_kind(kind), id, json_text_of(said, "rater"), text, err);
    free(text);
    json_decref(row);
    return ok;
}

bool post_rating(Site *s, Work *work, const Request *request, Reply *out, Err *err)
{
    json_t *said;
    if (!json_parse(request->body, request->n, "the rating", &said, err))
        return false;
    bool ok = keep_rating(s, work, said, err);
    json_decref(said);
    out->type = "application/json";
    if (ok)
        str_add(&out->body, "{\"saved\": true}\n");
    return ok;
}
