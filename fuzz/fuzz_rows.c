/* Any bytes as JSONL: every row as all that a command may need it for, and as a row of every public format. */
#include "base/mem.h"
#include "rlaif/import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What is written for a row reads back as the same row. */
static void check_written(const json_t *row)
{
    Err err = {0};
    char *text = json_text(row);
    json_t *back;
    if (!json_parse(text, strlen(text), "written", &back, &err) || !json_equal(row, back))
        __builtin_trap();
    json_decref(back);
    free(text);
}

static void check_context(const Context *c)
{
    char hash[HASH_TEXT], *lines = context_lines(c);
    json_t *turns = context_turns(c), *prompt = context_json(c);
    context_hash(c, hash);
    if (!json_is_array(turns) || !prompt || text_characters(lines) < 0)
        __builtin_trap();
    json_decref(turns);
    json_decref(prompt);
    free(lines);
}

static void check_views(const char *text, size_t n, RowNeed need)
{
    Err err = {0};
    Rows rows;
    if (!rows_parse(&rows, "fuzz", text, n, 0, &err))
        return;
    bool ok = rows_view(&rows, need, false, &err);
    if (ok == (err.code != ERR_NONE))
        __builtin_trap();
    for (int i = 0; ok && i < rows.n; i++) {
        const RowView *v = &rows.row[i].view;
        check_context(&v->context);
        if (v->n < (need >= NEED_RESPONSES && need != NEED_ANY) || (need == NEED_PAIR && v->n != 2) ||
            v->preferred < -1 || v->preferred > 1)
            __builtin_trap();
    }
    rows_release(&rows);
}

/* What an import makes are rows of ours. */
static void check_import(const json_t *row, ImportFormat format)
{
    Err err = {0};
    Imported out, again;
    if (!import_row(row, format, &out, &err)) {
        if (err.code == ERR_NONE || out.rows)
            __builtin_trap();
        return;
    }
    size_t i;
    json_t *ours;
    json_array_foreach(out.rows, i, ours)
    {
        check_written(ours);
        if (!import_row(ours, IMPORT_ROWS, &again, &err))
            __builtin_trap();
        json_decref(again.rows);
    }
    json_decref(out.rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Err err = {0};
    Rows rows;
    const char *text = (const char *)data;
    if (!rows_parse(&rows, "fuzz", text, n, 0, &err))
        return 0;
    for (int i = 0; i < rows.n; i++) {
        check_written(rows.row[i].json);
        for (int format = 0; format < IMPORT_FORMATS; format++)
            check_import(rows.row[i].json, (ImportFormat)format);
    }
    rows_release(&rows);
    for (RowNeed need = NEED_PROMPT; need <= NEED_ANY; need++)
        check_views(text, n, need);
    return 0;
}
