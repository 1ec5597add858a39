/* What stages need, said before, and what they took, said after. */
#include "rlaif/stage/needs.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <math.h>

#define NEEDS_NAME(part, name) name,
static const char *const part_names[NEED_PARTS] = {NEEDS_LIST(NEEDS_NAME)};

void needs_add(Needs *n, Need part, double bytes)
{
    n->part[part] += bytes;
}

void needs_most(Needs *n, Need part, double bytes)
{
    n->part[part] = bytes > n->part[part] ? bytes : n->part[part];
}

void needs_add_base(Needs *n, const Model *m)
{
    static const double program = 17.5e6,
                        token = 400; /* measured: tables and heap, with what reading tokenizer.json leaves */
    needs_add(n, NEEDS_BASE, program + token * tokenizer_size(m->tokenizer));
}

void needs_add_model(Needs *n, Need part, Counted *counted, Model *m)
{
    needs_add(n, part, model_own_bytes(m, counted->model, counted->n));
    counted->model = MEM_GROW(counted->model, counted->n, counted->cap);
    counted->model[counted->n++] = m;
}

void counted_release(Counted *counted)
{
    free(counted->model);
    *counted = (Counted){0};
}

double needs_bytes(const Needs *n)
{
    double total = 0;
    for (int i = 0; i < NEED_PARTS; i++)
        total += n->part[i];
    return total;
}

void needs_again(Needs *n)
{
    if (n->pass_again > 0)
        n->part[NEEDS_PASS] = n->pass_again;
}

json_t *needs_json(const Needs *n)
{
    json_t *parts = json_object();
    for (int i = 0; i < NEED_PARTS; i++)
        if (n->part[i] > 0)
            json_object_set_new(parts, part_names[i], json_integer((json_int_t)n->part[i]));
    return parts;
}

double needs_limit(double memory)
{
    double have = (double)mem_available() + (double)mem_current();
    bool known = mem_available() > 0;
    return memory > 0 && (!known || memory < have) ? memory : known ? have : (double)INFINITY;
}

static void say(const Needs *n, const char *stage, json_t *summary)
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
    if (n->disk > 0)
        json_object_set_new(summary, "planned_disk_bytes", json_integer((json_int_t)n->disk));
}

static bool disk_fits(const Needs *n, const char *stage, const char *out, Err *err)
{
    char h[32], h2[32];
    double room = (double)disk_free(out);
    if (room <= 0 || n->disk <= room)
        return true;
    err_set(err, ERR_IO, "%s needs %s of disk at %s, %s are free", stage, mem_human(h, n->disk), out,
            mem_human(h2, room));
    return err_hint(err, "free some space, or use another disk");
}

static bool memory_fits(const Needs *n, const char *stage, double memory, Err *err)
{
    char h[32], h2[32];
    double limit = needs_limit(memory);
    if (needs_bytes(n) <= limit)
        return true;
    return err_set(err, ERR_MEMORY, "%s needs %s of memory, %s %s", stage, mem_human(h, needs_bytes(n)),
                   limit == memory ? "--memory allows" : "there are", mem_human(h2, limit));
}

bool needs_check(const Needs *n, const char *stage, const char *out, json_t *summary, Err *err)
{
    say(n, stage, summary);
    return disk_fits(n, stage, out, err) && (memory_fits(n, stage, 0, err) || err_hint(err, "use a smaller model"));
}

/* The largest batch, of a half, a quarter, ... of the given one, with which it would fit. */
static bool hint_batch(const Budget *b, double limit, Err *err)
{
    for (int batch = b->batch / 2; batch > 0; batch /= 2) {
        Needs n = {0};
        Err failed = {0};
        char h[32];
        if (!b->needs(b->self, batch, &n, &failed))
            return false;
        needs_again(&n);
        if (needs_bytes(&n) <= limit)
            return err_hint(err, "with --batch %d it needs %s", batch, mem_human(h, needs_bytes(&n)));
    }
    return false;
}

/* What to do where no smaller batch helps: by the largest part. */
static bool hint_part(const Needs *n, Err *err)
{
    int most = 0;
    char h[32];
    for (int i = 0; i < NEED_PARTS; i++)
        most = n->part[i] > n->part[most] ? i : most;
    return err_hint(err, "no smaller --batch helps; the largest part is %s with %s: use %s", part_names[most],
                    mem_human(h, n->part[most]),
                    most == NEEDS_PASS || most == NEEDS_REWARDS || most == NEEDS_DRAWN ? "shorter sequences"
                                                                                       : "a smaller model");
}

bool needs_settle(const Budget *b, const char *stage, const char *out, json_t *summary, Keep *keep, Err *err)
{
    Needs n = {0};
    if (!b->needs(b->self, b->batch, &n, err))
        return false;
    double limit = needs_limit(b->memory);
    bool less = needs_bytes(&n) > limit && n.pass_again > 0;
    *keep = less ? KEEP_INPUTS : KEEP_ALL;
    if (less) {
        char h[32], h2[32];
        log_note("%s: with all activations it needs %s of memory, %s are allowed: keeps the inputs of layers and "
                 "computes each layer again, about a third more work",
                 stage, mem_human(h, needs_bytes(&n)), mem_human(h2, limit));
        needs_again(&n);
    }
    say(&n, stage, summary);
    return disk_fits(&n, stage, out, err) &&
           (memory_fits(&n, stage, b->memory, err) || hint_batch(b, limit, err) || hint_part(&n, err));
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
