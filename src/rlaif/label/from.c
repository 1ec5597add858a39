/* Labels settled anew: other averaging, flip, temperature, filters, from what a label set keeps, without its model. */
#include "rlaif/label/from.h"

#include "base/mem.h"
#include "rlaif/label/asking.h"
#include "rlaif/label/summary.h"

typedef struct Resettling {
    const LabelOptions *options;
    Rows rows;      /* without their labels: the rows that were labelled */
    json_t **label; /* [rows.n], settled; borrowed from nobody */
    int read, same_slot, undecided;
} Resettling;

/* The rows as they were before they were labelled, so that key and identity are the same; *said gets their labels. */
static bool take_labels(Rows *labelled, Rows *bare, json_t **said, Err *err)
{
    Str text = {0};
    bool ok = true;
    for (int i = 0; ok && i < labelled->n; i++) {
        json_t *row = labelled->row[i].json;
        char place[300];
        said[i] = json_incref(json_field(row, "label"));
        if (!said[i])
            ok = err_set(err, ERR_INPUT, "%s: the row has no \"label\"", row_place(labelled, i, place)) ||
                 err_hint(err, "rlaif label adds labels; --from settles them anew");
        json_object_del(row, "label");
        json_append(&text, row);
        str_addc(&text, '\n');
    }
    ok = ok && rows_parse(bare, labelled->path, str_text(&text), text.n, 0, err);
    for (int i = 0; ok && i < bare->n; i++)
        bare->row[i].line = labelled->row[i].line;
    str_release(&text);
    return ok;
}

static bool is_dropped(Resettling *r, const json_t *label)
{
    const LabelOptions *o = r->options;
    if (o->drop_same_slot && json_bool_of(label, "same_slot", false)) {
        r->same_slot++;
        return true;
    }
    if (o->drop_undecided > 0 && fabs(json_number_of(label, "p", 0.5) - 0.5) < o->drop_undecided) {
        r->undecided++;
        return true;
    }
    return false;
}

/* Settles every label; rows that are dropped leave no gap. */
static bool settle_all(Resettling *r, json_t **said, Err *err)
{
    int kept = 0, n = r->rows.n;
    bool ok = true;
    r->label = mem_zalloc((size_t)n, sizeof *r->label);
    r->read = n;
    for (int i = 0; i < n; i++) {
        Row row = r->rows.row[i];
        char place[300];
        json_t *label = NULL;
        int order = r->options->both_orders ? -1 : asked_order(r->options, &row);
        ok = ok && (label_settle(said[i], &r->options->settle, order, &label, err) ||
                    err_context(err, "%s", row_place(&r->rows, i, place)));
        if (ok && !is_dropped(r, label)) {
            label_add_noise(label, &r->options->settle, r->options->common.seed, row.identity);
            r->rows.row[kept] = row;
            r->label[kept++] = label;
            continue;
        }
        json_decref(label);
        json_decref(row.json);
    }
    r->rows.n = kept;
    if (ok && kept == 0)
        return err_set(err, ERR_INPUT, "%s: no label is left: %d dropped of %d", r->rows.path, n, n);
    return ok;
}

static bool read_labels(Work *work, const LabelOptions *o, const char *from, Resettling *r, char hash[HASH_TEXT],
                        Err *err)
{
    Rows labelled = {0};
    bool ok = stage_read_rows(work, from, o->limit, NEED_PAIR, o->skip_bad, &labelled, err);
    json_t **said = mem_zalloc((size_t)labelled.n, sizeof *said);
    if (ok)
        rows_hash(&labelled, hash);
    ok = ok && take_labels(&labelled, &r->rows, said, err) && settle_all(r, said, err);
    for (int i = 0; i < labelled.n; i++)
        json_decref(said[i]);
    free(said);
    rows_release(&labelled);
    return ok;
}

static bool settle_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Resettling *r = context;
    (void)err;
    for (int i = 0; i < n; i++) {
        out[i] = json_copy(rows->row[index[i]].json);
        json_object_set(out[i], "label", r->label[index[i]]);
    }
    return true;
}

/* What the labels depend on: those that were read, and the options that make others of them. */
static json_t *settling_about(const LabelOptions *o, const char *hash)
{
    const OptionGroup group = {settle_option_rows, SETTLE_OPTIONS, 0};
    const OptionTable table = {&group, 1, sizeof o->settle};
    json_t *about = stage_about(&table, &o->settle, &o->common, "labels", hash, NULL),
           *options = json_object_get(about, "options");
    json_object_set_new(options, "both-orders", json_boolean(o->both_orders));
    json_object_set_new(options, "drop-same-slot", json_boolean(o->drop_same_slot));
    json_object_set_new(options, "drop-undecided", json_real(o->drop_undecided));
    return about;
}

bool label_settle_rows(Work *work, const char *name, const LabelOptions *o, const char *from, json_t *choice, Err *err)
{
    enum { CHUNK = 256 };
    Resettling r = {.options = o};
    Stage s = {0};
    char hash[HASH_TEXT];
    bool ok = read_labels(work, o, from, &r, hash, err) &&
              stage_begin(&s, work, name, "label", settling_about(o, hash), err) &&
              stage_uses_prompts(&s, TRAINED_ON, &r.rows, err) &&
              stage_rows(&s, &r.rows, CHUNK, "labels", NULL, settle_chunk, &r, err) &&
              label_summary(&s, o, o->prompt.n > 0 ? o->prompt.item[0] : NULL, false, err);
    if (ok) {
        json_object_set_new(s.summary, "read", json_integer(r.read));
        json_object_set_new(s.summary, "dropped",
                            json_pack("{s:i, s:i}", "same_slot", r.same_slot, "undecided", r.undecided));
        if (choice)
            json_object_set(s.summary, "choice", choice);
    }
    ok = ok && stage_end(&s, NULL, err) && stage_deliver(&s, o->output, err);
    for (int i = 0; r.label && i < r.rows.n; i++)
        json_decref(r.label[i]);
    free(r.label);
    rows_release(&r.rows);
    stage_release(&s);
    return ok;
}
