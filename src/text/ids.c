/* Lists of ids. */
#include "text/ids.h"

#include "base/mem.h"

void ids_add(Ids *ids, int id)
{
    ids->id = MEM_GROW(ids->id, ids->n, ids->cap);
    ids->id[ids->n++] = id;
}

void ids_append(Ids *ids, const int *id, int n)
{
    for (int i = 0; i < n; i++)
        ids_add(ids, id[i]);
}

void ids_release(Ids *ids)
{
    free(ids->id);
    *ids = (Ids){0};
}
