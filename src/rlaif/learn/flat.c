/* Flat labels and flat margins. */
#include "rlaif/learn/flat.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

void flat_labels_warn(const char *stage, double distance)
{
    if (distance < FLAT)
        log_warn(
            "%s: the labels are flat, %.3f from one half on average: they say next to nothing, and what is learned "
            "from them is mostly chance; look at another judge or prompt, or, of a contrast, whose numbers are small, at "
            "--label-temperature 0.1",
            stage, distance);
}

void flat_margins_warn(const char *stage, const char *what, double scale)
{
    char enlarged[160] = "";
    if (scale < 1)
        snprintf(enlarged, sizeof enlarged,
                 "; rewards are divided by %.3g, which makes that %.3g times as large: --scale none leaves it as it is",
                 scale, 1 / scale);
    log_warn("%s: %s%s", stage, what, enlarged);
}

/* |sigma(d) - 1/2| is at most |d| / 4, and |d| on average at most twice the deviation. */
bool flat_by_scale(double scale)
{
    return scale / 2 < FLAT;
}

/* Does a store say so of the reward model that it made? `dir`: of the one there; NULL: of any. */
static bool flat_in(Store *store, const char *dir)
{
    bool present = true, flat = false;
    Err unread = {0};
    for (int i = 0; present && !flat; i++) {
        StageRow row;
        json_t *s = NULL;
        if (!store_stage_at(store, i, &row, &present, &unread))
            return false;
        bool made = present && strcmp(row.kind, "reward") == 0 && row.summary &&
                    (!dir || (row.output && file_same(row.output, dir)));
        if (made && json_parse(row.summary, strlen(row.summary), row.name, &s, &unread))
            flat = json_number_of(s, "label_distance", 1) < FLAT || json_number_of(s, "margin_distance", 1) < FLAT;
        json_decref(s);
        stage_row_release(&row);
    }
    return flat;
}

bool flat_on_record(const Work *work, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    char *own = mem_printf("%.*s.rlaif", (int)n, dir);
    Store *store = NULL;
    Err unread = {0};
    bool flat = flat_in(work->store, dir);
    if (!flat && file_exists(own) && strcmp(own, store_path(work->store)) != 0 &&
        store_open_existing(&store, own, &unread))
        flat = flat_in(store, NULL);
    store_close(store);
    free(own);
    return flat;
}
