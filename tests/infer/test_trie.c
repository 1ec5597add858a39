/* Tries: every sequence can be read off its node, nothing stands twice, and the order is that of adding. */
#include "infer/trie.h"

#include "base/mem.h"
#include "support.h"

enum { MOST = 60, LONGEST = 24 };

/* Sequences over few tokens, so that they begin alike, begin each other and repeat. */
typedef struct Set {
    int n, length[MOST], ids[MOST][LONGEST], node[MOST];
    Trie trie;
} Set;

static void fill(Set *s, uint64_t stream)
{
    *s = (Set){.n = 5 + (int)(stream * 7 % (MOST - 5))};
    trie_init(&s->trie);
    for (int i = 0; i < s->n; i++) {
        RngKey key = {.seed = 8, .purpose = RNG_TEST, .row = stream, .sample = (uint32_t)i};
        int *ids = random_ids(LONGEST, 2, stream * 100 + (uint64_t)i);
        memcpy(s->ids[i], ids, sizeof s->ids[i]);
        free(ids);
        s->length[i] = 1 + (int)rng_below(key, 0, LONGEST);
        if (i > 0 && rng_below(key, 1, 3) > 0) { /* goes on like an earlier one */
            int like = (int)rng_below(key, 2, (uint64_t)i), n = (int)rng_below(key, 3, LONGEST + 1);
            memcpy(s->ids[i], s->ids[like], (size_t)n * sizeof(int));
        }
        s->node[i] = trie_add(&s->trie, s->ids[i], s->length[i]);
    }
}

/* How many different beginnings the sequences have: the tokens that a trie holds. */
static int beginnings(const Set *s)
{
    int n = 0;
    for (int i = 0; i < s->n; i++)
        for (int length = 1; length <= s->length[i]; length++) {
            bool met = false;
            for (int k = 0; k < i && !met; k++)
                met = common_prefix(s->ids[k], s->length[k], s->ids[i], length) == length;
            n += !met;
        }
    return n;
}

static void reads_back(const Set *s, int i)
{
    const TrieNode *end = &s->trie.node[s->node[i]];
    assert_int_equal(end->start + end->n, s->length[i]);
    for (int at = 0; at < s->length[i]; at++) {
        const TrieNode *n = &s->trie.node[trie_holder(&s->trie, s->node[i], at)];
        assert_true(n->start <= at && at < n->start + n->n);
        assert_int_equal(n->ids[at - n->start], s->ids[i][at]);
    }
}

static void sequences(void **state)
{
    (void)state;
    Set *s = mem_alloc(1, sizeof *s);
    for (uint64_t stream = 1; stream <= 40; stream++) {
        fill(s, stream);
        int tokens = 0;
        for (int i = 0; i < s->n; i++)
            reads_back(s, i);
        for (int i = 0; i < s->trie.n; i++)
            tokens += s->trie.node[i].n;
        assert_int_equal(tokens, beginnings(s));
        trie_release(&s->trie);
    }
    free(s);
}

/* Parents stand before children, and nodes in the order in which their first sequence was added. */
static void order(void **state)
{
    (void)state;
    Set *s = mem_alloc(1, sizeof *s);
    for (uint64_t stream = 1; stream <= 40; stream++) {
        fill(s, stream);
        int n = s->trie.n, *at = mem_alloc((size_t)n, sizeof *at), *place = mem_alloc((size_t)n, sizeof *place);
        for (int i = 0; i < n; i++)
            place[i] = -1;
        trie_order(&s->trie, at);
        for (int i = 0; i < n; i++) {
            assert_int_equal(place[at[i]], -1);
            place[at[i]] = i;
        }
        for (int i = 0; i < n; i++) {
            const TrieNode *node = &s->trie.node[i];
            assert_true(node->parent < 0 ? node->start == 0 : place[node->parent] < place[i]);
            for (int k = node->sibling; k >= 0; k = s->trie.node[k].sibling) {
                assert_true(place[i] < place[k]);
                assert_int_not_equal(node->ids[0], s->trie.node[k].ids[0]);
            }
        }
        free(at);
        free(place);
        trie_release(&s->trie);
    }
    free(s);
}

static void prefixes(void **state)
{
    (void)state;
    static const int a[] = {1, 2, 3, 4}, b[] = {1, 2, 9, 4};
    assert_int_equal(common_prefix(a, 4, b, 4), 2);
    assert_int_equal(common_prefix(a, 1, b, 4), 1);
    assert_int_equal(common_prefix(a, 4, a, 3), 3);
    assert_int_equal(common_prefix(a, 0, b, 4), 0);
    assert_int_equal(common_prefix(a + 1, 3, b, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences),
        cmocka_unit_test(order),
        cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests_name("trie", tests, NULL, NULL);
}
