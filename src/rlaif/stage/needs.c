/* What stages need, said before, and what they took, said after. */
#include "rlaif/stage/needs.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define NEEDS_NAME(part, name) name,
static const char *const part_names[NEED_PARTS] = {NEEDS_LIST(NEEDS_NAME)};

void needs_add(Needs *n, Need part, double bytes)
{
    n->part[part] += bytes;
}

double needs_bytes(const Needs *n)
{
    double total = 0;
    for (int i = 0; i < NEED_PARTS; i++)
        total += n->part[i];
    return total;
}

bool needs_check(const Needs *n, const char *stage, const char *out, json_t *summary, Err *err)
{
    double total = needs_bytes(n);
    char h[32], h2[32];
    Str line = {0};
    for (int i = 0; i < NEED_PARTS; i++)
        if (n->part[i] > 0)
            str_addf(&line, "%s%s %s", line.n ? ", " : "", part_names[i], mem_human(h, n->part[i]));
    log_note("%s: needs %s of memory (%s)%s%s", stage, mem_human(h, total), str_text(&line),
             n->disk > 0 ? ", disk " : "", n->disk > 0 ? mem_human(h2, n->disk) : "");
    str_release(&line);
    json_object_set_new(summary, "planned_bytes", json_integer((json_int_t)total));
    double have = (double)mem_available() + (double)mem_current(), room = (double)disk_free(out);
    if (have > 0 && total > have) {
        err_set(err, ERR_MEMORY, "%s needs %s of memory, there are %s", stage, mem_human(h, total),
                mem_human(h2, have));
        return err_hint(err, "use a smaller --batch, --max-tokens or model");
    }
    if (room > 0 && n->disk > room) {
        err_set(err, ERR_IO, "%s needs %s of disk at %s, %s are free", stage, mem_human(h, n->disk), out,
                mem_human(h2, room));
        return err_hint(err, "free some space, or use another disk");
    }
    return true;
}

void needs_met(json_t *summary, const char *stage, size_t before)
{
    char h[32];
    double said = json_number_of(summary, "planned_bytes", 0), took = (double)mem_peak();
    if (said <= 0 || took <= (double)before)
        return;
    json_object_set_new(summary, "bytes", json_integer((json_int_t)took));
    log_note("%s: took %s of memory, %.0f %% of what it said", stage, mem_human(h, took), 100 * took / said);
}
