/* People's rankings, read from rows. */
#include "rlaif/rows/rankings.h"

#include "base/mem.h"

enum { MOST_RANKED = 100 }; /* responses of one item */

void rankings_release(Rankings *r)
{
    rows_release(&r->rows);
    for (int i = 0; i < r->n; i++)
        free(r->at[i].entry);
    for (int i = 0; i < r->policies; i++)
        free(r->policy[i]);
    for (int i = 0; i < r->raters; i++)
        free(r->rater[i]);
    free(r->at);
    free(r->policy);
    free(r->rater);
    *r = (Rankings){0};
}

static char **names_of(const json_t *numbers, int *n)
{
    char **name = mem_zalloc(json_object_size(numbers) + 1, sizeof *name);
    const char *key;
    json_t *number;
    json_object_foreach((json_t *)(uintptr_t)numbers, key, number) name[json_integer_value(number)] = mem_str(key);
    *n = (int)json_object_size(numbers);
    return name;
}

static int compare_entries(const void *a, const void *b)
{
    const Ranked *x = a, *y = b;
    int by_text = strcmp(x->text, y->text);
    return by_text ? by_text : x->policy - y->policy;
}

/* --- one row -------------------------------------------------------------------------------------------- */

/* What a judge said of response i, if the row has it: `score` of rlaif score, `label` of rlaif label. */
static double judge_value(const json_t *row, int i, int n)
{
    const json_t *score = json_array_get(json_object_get(row, "score"), (size_t)i);
    const json_t *p = json_object_get(json_object_get(row, "label"), "p");
    if (json_is_number(score))
        return json_number_value(score);
    if (n == 2 && json_is_number(p))
        return i == 0 ? json_number_value(p) : 1 - json_number_value(p);
    return (double)NAN;
}

static bool check_lists(const json_t *row, int n, Err *err)
{
    const json_t *models = json_object_get(row, "models"), *ranks = json_object_get(row, "ranks");
    if (n < 2 || n > MOST_RANKED)
        return err_set(err, ERR_INPUT, "\"responses\" has %d %s, needs 2 to %d", n, n == 1 ? "entry" : "entries",
                       MOST_RANKED);
    if (json_array_size(models) != (size_t)n || json_array_size(ranks) != (size_t)n) {
        err_set(err, ERR_INPUT, "\"%s\" is no list of one for each of %d responses",
                json_array_size(models) != (size_t)n ? "models" : "ranks", n);
        return err_hint(err, "a ranking has responses, models, who wrote each, and ranks, 1 the best");
    }
    for (int i = 0; i < n; i++) {
        const json_t *rank = json_array_get(ranks, (size_t)i);
        if (!json_is_string(json_array_get(models, (size_t)i)))
            return err_set(err, ERR_INPUT, "\"models\" holds something that is no text");
        if (!json_is_integer(rank) || json_integer_value(rank) < 1 || json_integer_value(rank) > n)
            return err_set(err, ERR_INPUT, "\"ranks\" holds something that is no place from 1 to %d", n);
    }
    return true;
}

/* Equal places are those of equal texts. */
static bool check_ties(const Ranking *r, Err *err)
{
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < i; k++) {
            bool same_text = strcmp(r->entry[i].text, r->entry[k].text) == 0;
            if (same_text == (r->entry[i].rank == r->entry[k].rank))
                continue;
            err_set(err, ERR_INPUT,
                    same_text ? "\"ranks\": two equal responses have different places"
                              : "\"ranks\": two responses share a place");
            return err_hint(err, "rankings have no ties, but between responses of the same text");
        }
    return true;
}

static bool read_ranking(const Row *row, json_t *policies, Ranking *out, Err *err)
{
    const RowView *v = &row->view;
    if (!check_lists(row->json, v->n, err))
        return false;
    out->n = v->n;
    out->entry = mem_alloc((size_t)v->n, sizeof *out->entry);
    for (int i = 0; i < v->n; i++) {
        const json_t *model = json_array_get(json_object_get(row->json, "models"), (size_t)i),
                     *rank = json_array_get(json_object_get(row->json, "ranks"), (size_t)i);
        out->entry[i] = (Ranked){.text = v->response[i].text,
                                 .policy = json_index_of(policies, json_string_value(model)),
                                 .rank = (int)json_integer_value(rank),
                                 .characters = text_characters(v->response[i].text),
                                 .judge = judge_value(row->json, i, v->n)};
    }
    qsort(out->entry, (size_t)v->n, sizeof *out->entry, compare_entries);
    return check_ties(out, err);
}

/* By what rankings are of the same item. */
static void item_key(const Row *row, const Ranking *r, char out[HASH_TEXT])
{
    Hash *h = hash_new();
    context_hash(&row->view.context, out);
    hash_add_text(h, out);
    for (int i = 0; i < r->n; i++) {
        char policy[16];
        snprintf(policy, sizeof policy, "%d", r->entry[i].policy);
        hash_add_text(h, policy);
        hash_add_text(h, r->entry[i].text);
    }
    hash_end(h, out);
}

/* --- all of them ---------------------------------------------------------------------------------------- */

static int compare_rankings(const void *a, const void *b)
{
    const Ranking *x = a, *y = b;
    return x->item != y->item ? x->item - y->item : x->row - y->row;
}

static bool check_raters(const Rankings *r, Err *err)
{
    for (int i = 1; i < r->n; i++)
        for (int k = i - 1; k >= 0 && r->at[k].item == r->at[i].item; k--) {
            char place[300];
            if (r->at[k].rater < 0 || r->at[k].rater != r->at[i].rater)
                continue;
            err_set(err, ERR_INPUT, "%s: \"%s\" has ranked these responses before",
                    row_place(&r->rows, r->at[i].row, place), r->rater[r->at[i].rater]);
            return err_hint(err, "a rater ranks an item once: take one of the two rows out");
        }
    return true;
}

bool rankings_of_rows(Rows *rows, Rankings *out, Err *err)
{
    *out = (Rankings){0};
    rows_append(&out->rows, rows);
    json_t *policies = json_object(), *raters = json_object(), *items = json_object(), *prompts = json_object();
    bool ok = true;
    out->at = mem_zalloc((size_t)out->rows.n, sizeof *out->at);
    for (int i = 0; ok && i < out->rows.n; i++) {
        const Row *row = &out->rows.row[i];
        Ranking *r = &out->at[out->n++];
        char key[HASH_TEXT], place[300];
        char *rater = NULL;
        ok = (read_ranking(row, policies, r, err) && row_rater(row->json, &rater, err)) ||
             err_context(err, "%s", row_place(&out->rows, i, place));
        if (!ok)
            break;
        r->row = i;
        r->rater = rater ? json_index_of(raters, rater) : -1;
        free(rater);
        context_hash(&row->view.context, key);
        r->prompt = json_index_of(prompts, key);
        item_key(row, r, key);
        r->item = json_index_of(items, key);
    }
    out->policy = names_of(policies, &out->policies);
    out->rater = names_of(raters, &out->raters);
    out->items = (int)json_object_size(items);
    out->prompts = (int)json_object_size(prompts);
    json_decref(policies);
    json_decref(raters);
    json_decref(items);
    json_decref(prompts);
    if (ok)
        qsort(out->at, (size_t)out->n, sizeof *out->at, compare_rankings);
    if (ok && check_raters(out, err))
        return true;
    rankings_release(out);
    return false;
}

int rankings_item_end(const Rankings *r, int from)
{
    int end = from;
    while (end < r->n && r->at[end].item == r->at[from].item)
        end++;
    return end;
}

int ranking_cards(const Ranking *r, int *card, int *place)
{
    int cards = 0;
    for (int i = 0; i < r->n; i++)
        card[i] = i > 0 && strcmp(r->entry[i].text, r->entry[i - 1].text) == 0 ? cards - 1 : cards++;
    for (int c = 0; c < cards; c++)
        place[c] = 1;
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < r->n; k++) /* a card counts once: at its first entry */
            if ((k == 0 || card[k] != card[k - 1]) && r->entry[k].rank < r->entry[i].rank &&
                (i == 0 || card[i] != card[i - 1]))
                place[card[i]]++;
    return cards;
}
