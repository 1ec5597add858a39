/* Random parts of rows. */
#include "rlaif/rows/part.h"

#include "base/mem.h"
#include "base/rng.h"

bool part_read(Part *out, const char *text)
{
    char *end = NULL;
    *out = (Part){0};
    if (!text)
        return true;
    out->take = strtod(text, &end);
    bool ok = end != text && out->take > 0 && isfinite(out->take);
    if (ok && strcmp(end, "%") == 0) {
        out->of = 100;
    } else if (ok && *end == '/') {
        const char *below = end + 1;
        out->of = strtod(below, &end);
        ok = end != below && *end == 0 && out->of > 0 && isfinite(out->of);
    } else {
        ok = ok && *end == 0 && out->take == floor(out->take);
    }
    return ok && (out->of == 0 || out->take <= out->of);
}

int part_size(Part p, int n)
{
    double size = p.of > 0 ? floor(n * p.take / p.of + 0.5) : p.take;
    return size < n ? (int)size : n;
}

typedef struct Lot {
    uint64_t drawn;
    int lead, row;
} Lot;

static int compare_lots(const void *a, const void *b)
{
    const Lot *x = a, *y = b;
    if (x->drawn != y->drawn)
        return x->drawn < y->drawn ? -1 : 1;
    if (x->lead != y->lead)
        return x->lead - y->lead;
    return x->row - y->row;
}

/* The smallest lots stay. */
void part_draw(Part p, const Rows *rows, const int *lead, int seed, PartDraw draw, bool *in)
{
    Lot *lot = mem_alloc((size_t)rows->n + 1, sizeof *lot);
    int n = 0;
    for (int i = 0; i < rows->n; i++) {
        int by = lead ? lead[i] : i;
        RngKey key = {
            .seed = (uint64_t)seed, .purpose = RNG_SPLIT, .row = rows->row[by].identity, .sample = (uint32_t)draw};
        if (in[i])
            lot[n++] = (Lot){rng_bits(key, 0), by, i};
    }
    qsort(lot, (size_t)n, sizeof *lot, compare_lots);
    int end = part_size(p, n);
    while (end > 0 && end < n && lot[end].lead == lot[end - 1].lead)
        end++;
    for (int i = end; i < n; i++)
        in[lot[i].row] = false;
    free(lot);
}
