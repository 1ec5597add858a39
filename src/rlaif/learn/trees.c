/* Labelled pairs as trees. */
#include "rlaif/learn/trees.h"

#include "base/mem.h"
#include "base/real.h"
#include "infer/trie.h"
#include "rlaif/learn/loss.h"
#include "rlaif/rows/pairs.h"

void trees_init(Trees *t, const Rows *rows)
{
    *t = (Trees){.lead = mem_alloc((size_t)rows->n + 1, sizeof(int)),
                 .of_lead = mem_alloc((size_t)rows->n + 1, sizeof(int))};
    rows_groups(rows, t->lead);
    for (int i = 0; i < rows->n; i++)
        t->of_lead[i] = -1;
}

void trees_release(Trees *t)
{
    for (int i = 0; i < t->n; i++) {
        for (int k = 0; k < t->at[i].n; k++)
            ids_release(&t->at[i].ids[k]);
        free(t->at[i].ids);
        free(t->at[i].pair);
    }
    free(t->at);
    free(t->lead);
    free(t->of_lead);
    *t = (Trees){0};
}

static Tree *tree_of(Trees *t, const Rows *rows, int row)
{
    bool grouped = row_is_grouped(rows->row[row].json);
    int *known = &t->of_lead[t->lead[row]];
    if (grouped && *known >= 0)
        return &t->at[*known];
    t->at = MEM_GROW(t->at, t->n, t->cap);
    t->at[t->n] = (Tree){.row = row};
    *known = grouped ? t->n : -1;
    return &t->at[t->n++];
}

static bool same_ids(const Ids *a, const Ids *b)
{
    return a->n == b->n && common_prefix(a->id, a->n, b->id, b->n) == a->n;
}

/* Takes the sequence over; returns its number in the tree. Two of one pair stay two. */
static int add_sequence(Tree *tree, Ids *ids, int known)
{
    for (int i = 0; i < known; i++)
        if (same_ids(&tree->ids[i], ids)) {
            ids_release(ids);
            return i;
        }
    int shared = tree->n > 0 ? common_prefix(tree->ids[0].id, tree->shared, ids->id, ids->n) : ids->n;
    tree->ids = MEM_GROW(tree->ids, tree->n, tree->ids_cap);
    tree->ids[tree->n] = *ids;
    tree->shared = shared;
    *ids = (Ids){0};
    return tree->n++;
}

void trees_add(Trees *t, const Rows *rows, int row, Ids ids[2], double p, double weight)
{
    Tree *tree = tree_of(t, rows, row);
    int known = tree->n;
    tree->pair = MEM_GROW(tree->pair, tree->pairs, tree->pairs_cap);
    TreePair *pair = &tree->pair[tree->pairs++];
    *pair = (TreePair){.p = p, .weight = weight};
    for (int i = 0; i < 2; i++)
        pair->of[i] = add_sequence(tree, &ids[i], known);
    t->pairs++;
    t->sequences += tree->n - known;
}

/* --- in a pass --- */

int tree_tokens(const Tree *t)
{
    int tokens = t->shared;
    for (int i = 0; i < t->n; i++)
        tokens += t->ids[i].n - t->shared;
    return tokens;
}

PassSize tree_size(const Tree *t)
{
    return (PassSize){.rows = tree_tokens(t), .segments = t->n + 1};
}

void tree_plant(Pass *pass, const Tree *t)
{
    int root = t->shared > 0 ? pass_segment(pass, -1, t->ids[0].id, t->shared) : -1;
    for (int i = 0; i < t->n; i++) {
        int n = t->ids[i].n - t->shared;
        if (n == 0) { /* it begins all others */
            pass_scalar(pass, SCALAR_REWARD, root, t->shared - 1);
            continue;
        }
        int branch = pass_segment(pass, root, t->ids[i].id + t->shared, n);
        pass_scalar(pass, SCALAR_REWARD, branch, n - 1);
    }
}

static double margin(const TreePair *p, const float *r)
{
    return (double)r[p->of[0]] - (double)r[p->of[1]];
}

double tree_loss(const Tree *t, const float *r, double *by)
{
    double loss = 0;
    for (int i = 0; i < t->n; i++)
        by[i] = 0;
    for (int k = 0; k < t->pairs; k++) {
        const TreePair *p = &t->pair[k];
        double slope;
        loss += p->weight * preference_loss(margin(p, r), p->p, &slope);
        by[p->of[0]] += p->weight * slope;
        by[p->of[1]] -= p->weight * slope;
    }
    return loss;
}

/* --- all of them --- */

Ids *trees_sequences(const Trees *t)
{
    Ids *ids = mem_alloc((size_t)t->sequences + 1, sizeof *ids);
    int n = 0;
    for (int i = 0; i < t->n; i++)
        for (int k = 0; k < t->at[i].n; k++)
            ids[n++] = t->at[i].ids[k];
    return ids;
}

double trees_margins(const Trees *t, const float *r)
{
    double sum = 0;
    for (int i = 0; i < t->n; r += t->at[i++].n)
        for (int k = 0; k < t->at[i].pairs; k++)
            sum += fabs(real_sigmoid(margin(&t->at[i].pair[k], r)) - 0.5) / t->pairs;
    return sum;
}
