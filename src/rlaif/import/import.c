/* Import: which rows are kept, and writing them. The formats are in import/format.c. */
#include "rlaif/import/import.h"

#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/rng.h"
#include "rlaif/import/adapt.h"
#include "rlaif/import/replies.h"
#include "rlaif/rows/part.h"

static const Option option_rows[] = {
    {"input", OPT_TEXT, AT(ImportOptions, input), .value = "IN", .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "JSONL, plain, .gz or .zst"},
    {"output", OPT_TEXT, AT(ImportOptions, output), .value = "OUT", .flags = OPT_SHORT_O | OPT_WORKING | OPT_CLI,
     .help = "rows; standard output if not given"},
    {"format", OPT_CHOICE, AT(ImportOptions, format), .choices = IMPORT_FORMAT_NAMES, .otherwise = "auto",
     .help = "of the input; auto: of every row, by its fields"},
    {"replies", OPT_LIST, AT(ImportOptions, replies), .value = "[NAME=]FIELD,...",
     .help = "fields that hold two replies, where no format knows them, each with what verdicts call it"},
    {"sample", OPT_TEXT, AT(ImportOptions, sample), .value = "15%|N",
     .help = "a random part of the rows read, or so many of those that pass the filters"},
    {"confidence", OPT_LIST, AT(ImportOptions, confidence), .value = "1,2,8,9",
     .help = "only rows of these confidences"},
    {"score-ratio", OPT_REAL, AT(ImportOptions, score_ratio), 0, 1e9, "0",
     .help = "only rows whose score_ratio (SHP) is at least this; 0: any"},
    {"prompts", OPT_BOOL, AT(ImportOptions, prompts), .help = "only the prompts, each once"},
    {"without", OPT_LIST, AT(ImportOptions, without), .value = "ROWS,...", .flags = OPT_WORKING,
     .help = "files of rows: rows whose prompt occurs in one of them are left out"},
    {"suffix", OPT_TEXT, AT(ImportOptions, suffix), .value = "TEXT",
     .help = "put behind every prompt: behind what the user said last"},
    {"min-chars", OPT_INT, AT(ImportOptions, min_chars), 0, 2147483647, "0",
     .help = "shortest prompt and longest response together, in characters; shorter rows are left out"},
    {"max-chars", OPT_INT, AT(ImportOptions, max_chars), 0, 2147483647, "0",
     .help = "longest prompt and response together, in characters; longer rows are left out; 0: any"},
    {"limit", OPT_INT, AT(ImportOptions, limit), 0, 2147483647, "0", .help = "at most so many rows; 0: all"},
    {"split", OPT_TEXT, AT(ImportOptions, split), .value = "2/3|N",
     .help = "a random part goes to OUT, the others to --rest; rows of one prompt together"},
    {"rest", OPT_TEXT, AT(ImportOptions, rest), .value = "FILE", .flags = OPT_WORKING,
     .help = "the other part of --split [OUT.jsonl: OUT.rest.jsonl]"},
    {"key", OPT_TEXT, AT(ImportOptions, key), .value = "FILE", .flags = OPT_WORKING,
     .help = "of ratings: who wrote what, written beside the page by rate export"},
    {"skip-bad", OPT_BOOL, AT(ImportOptions, skip_bad), .help = "leave bad rows out and list them"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options, COMMON_OPTIONS, AT(ImportOptions, common)},
};
const OptionTable import_table = {groups, COUNT(groups), sizeof(ImportOptions)};

/* What becomes of a row. */
typedef enum Fate {
    KEPT,
    REST,
    NOT_SAMPLED,
    NOT_CONFIDENT,
    TOO_CLOSE,
    REPEATED,
    KNOWN,
    TOO_SHORT,
    TOO_LONG,
    OVER_LIMIT,
    FATES
} Fate;

typedef struct Import {
    const ImportOptions *options;
    bool in_recipe;
    Part sample, split;
    Rows rows;    /* in our form */
    json_t *keys; /* of ratings; else NULL */
    Fate *fate;
    int read, formats[IMPORT_FORMATS];
    int ties, unscored, alone; /* what was compared without a better one, or with nothing */
    char *rest;                /* path, or NULL */
} Import;

/* --- options -------------------------------------------------------------------------------------------- */

static bool bad_option(const Import *im, const char *name, const char *value, const char *hint, Err *err)
{
    err_set(err, im->in_recipe ? ERR_INPUT : ERR_USAGE, "--%s %s cannot be used", name, value);
    return err_hint(err, "%s", hint);
}

static bool read_part(const Import *im, const char *name, const char *text, Part *out, Err *err)
{
    return part_read(out, text) || bad_option(im, name, text, "give a share as 15% or 2/3, or a number of rows", err);
}

/* OUT.jsonl -> OUT.rest.jsonl, with .gz and the like behind. */
static char *rest_path(const char *output)
{
    static const char *const ends[] = {".gz", ".zst", ".jsonl", ".json"};
    size_t n = strlen(output), name = (size_t)(path_base(output) - output);
    for (int i = 0; i < COUNT(ends); i++) {
        size_t k = strlen(ends[i]);
        if (n > name + k && strncmp(output + n - k, ends[i], k) == 0)
            n -= k;
    }
    return mem_printf("%.*s.rest%s", (int)n, output, output + n);
}

static bool check_options(Import *im, Err *err)
{
    const ImportOptions *o = im->options;
    bool to_file = o->output && strcmp(o->output, "-") != 0;
    for (int i = 0; i < o->confidence.n; i++) {
        char *end;
        strtod(o->confidence.item[i], &end);
        if (*end || end == o->confidence.item[i])
            return bad_option(im, "confidence", o->confidence.item[i], "give numbers: 1,2,8,9", err);
    }
    if (o->key && o->format != IMPORT_AUTO && o->format != IMPORT_RATINGS)
        return bad_option(im, "key", o->key, "it goes with --format ratings", err);
    if (o->replies.n > 0 && !import_replies_fit(&o->replies))
        return bad_option(
            im, "replies", o->replies.item[0],
            "name the fields of two replies, as new,old, with what verdicts call them: ours=new,theirs=old", err);
    if (o->key && (o->suffix || o->replies.n > 0))
        return bad_option(im, "key", o->key, "ratings are of what people saw: leave out --suffix and --replies", err);
    if (o->rest && !o->split)
        return bad_option(im, "rest", o->rest, "it goes with --split", err);
    if (o->split && !o->rest && !to_file)
        return bad_option(im, "split", o->split, "name a file for each part: -o FILE and --rest FILE", err);
    if (o->split)
        im->rest = o->rest ? mem_str(o->rest) : rest_path(o->output);
    if (o->split && to_file && strcmp(im->rest, o->output) == 0)
        return bad_option(im, "rest", im->rest, "the two parts of --split need two files", err);
    return read_part(im, "sample", o->sample, &im->sample, err) && read_part(im, "split", o->split, &im->split, err);
}

/* --- reading -------------------------------------------------------------------------------------------- */

/* {id, prompt} of a row in our form. */
static bool prompt_alone(json_t **row, Err *err)
{
    RowView v;
    json_t *id = json_field(*row, "id"), *out;
    if (!row_view(*row, NEED_ANY, &v, err))
        return false;
    out = json_object();
    if (id)
        json_object_set(out, "id", id);
    json_object_set_new(out, "prompt", context_json(&v.context));
    row_view_release(&v);
    json_decref(*row);
    *row = out;
    return true;
}

/* Releases the rows where it fails. */
static bool add_suffix(const char *suffix, Imported *became, Err *err)
{
    size_t i;
    json_t *row;
    json_array_foreach(became->rows, i, row) if (suffix && !import_add_suffix(row, suffix, err))
    {
        json_decref(became->rows);
        became->rows = NULL;
        return false;
    }
    return true;
}

static bool convert_row(const Import *im, const json_t *row, Imported *out, Err *err)
{
    const ImportOptions *o = im->options;
    json_t *rating, *named = NULL;
    if (!im->keys) {
        bool ok = (o->replies.n == 0 || import_named_replies(row, &o->replies, &named, err)) &&
                  import_row(named ? named : row, (ImportFormat)o->format, out, err);
        json_decref(named);
        return ok && add_suffix(o->suffix, out, err);
    }
    *out = (Imported){.format = IMPORT_RATINGS};
    if (!import_rating(row, im->keys, &rating, err))
        return false;
    out->rows = json_pack("[o]", rating);
    return true;
}

/* Moves what became of a row to the end of `to`. One row keeps its identity; pairs of a group have it as their group. */
static void add_rows(Rows *to, int *cap, const Row *from, const Imported *became)
{
    char *id = row_id(from->json);
    size_t i;
    json_t *json;
    json_array_foreach(became->rows, i, json)
    {
        Row row = *from;
        row.json = json_incref(json);
        if (became->grouped) {
            json_object_set_new(json, "group", json_string(id ? id : from->key));
            char *name = mem_printf("%s %zu", id ? id : from->key, i);
            row.identity = rng_row(name);
            free(name);
        }
        to->row = MEM_GROW(to->row, to->n, *cap);
        to->row[to->n++] = row;
    }
    free(id);
}

/* Turns rows into ours; those that are bad stop it or are left out. */
static bool convert(Import *im, Err *err)
{
    Rows *rows = &im->rows, ours = {.path = rows->path, .skipped = rows->skipped};
    int cap = 0;
    bool ok = true;
    if (!im->keys && (im->options->format == IMPORT_AUTO || im->options->format == IMPORT_REPLIES))
        import_gather(rows, &im->alone);
    for (int i = 0; ok && i < rows->n; i++) {
        char place[300];
        Imported became;
        if (convert_row(im, rows->row[i].json, &became, err)) {
            im->formats[became.format]++;
            im->ties += became.ties;
            im->unscored += became.unscored;
            add_rows(&ours, &cap, &rows->row[i], &became);
            json_decref(became.rows);
            continue;
        }
        err_context(err, "%s", row_place(rows, i, place));
        ok = rows_pass_over(&ours, im->options->skip_bad, err);
    }
    rows->path = NULL;
    rows_release(rows);
    *rows = ours;
    return ok;
}

/* --- choosing ------------------------------------------------------------------------------------------- */

static int count(const Import *im, Fate fate)
{
    int n = 0;
    for (int i = 0; i < im->rows.n; i++)
        n += im->fate[i] == fate;
    return n;
}

/* Of the kept rows those stay that the part has; the others get the loser's fate. `lead`: of part_draw. */
static void draw(Import *im, Part part, const int *lead, PartDraw what, Fate loser)
{
    bool *in = mem_alloc((size_t)im->rows.n + 1, sizeof *in);
    for (int i = 0; i < im->rows.n; i++)
        in[i] = im->fate[i] == KEPT;
    part_draw(part, &im->rows, lead, im->options->common.seed, what, in);
    for (int i = 0; i < im->rows.n; i++)
        if (im->fate[i] == KEPT && !in[i])
            im->fate[i] = loser;
    free(in);
}

static bool is_confident(const ImportOptions *o, const json_t *row)
{
    const json_t *c = json_field(row, "confidence");
    if (!c)
        c = json_object_get(json_object_get(row, "extra"), "confidence");
    for (int i = 0; i < o->confidence.n; i++)
        if (json_is_number(c) && json_number_value(c) == strtod(o->confidence.item[i], NULL))
            return true;
    return false;
}

static int context_characters(const Context *c)
{
    int n = 0;
    size_t i;
    json_t *t;
    json_array_foreach(c->turns, i, t) n += text_characters(json_text_of(t, "content"));
    return c->text ? text_characters(c->text) : n;
}

/* Prompt and longest response: is the row left out for them? */
static bool judge_length(const Import *im, const json_t *row, Fate *fate, Err *err)
{
    RowView v;
    int longest = 0, most = im->options->max_chars;
    if (!row_view(row, NEED_ANY, &v, err)) /* it was one of ours when it was converted */
        return false;
    for (int i = 0; i < v.n; i++) {
        int n = text_characters(v.response[i].text);
        longest = n > longest ? n : longest;
    }
    longest += context_characters(&v.context);
    row_view_release(&v);
    if (longest < im->options->min_chars)
        *fate = TOO_SHORT;
    else if (most > 0 && longest > most)
        *fate = TOO_LONG;
    return true;
}

/* Of what a rater said of an item only the last counts. */
static void keep_last_ratings(Import *im)
{
    json_t *seen = json_object();
    for (int i = im->rows.n - 1; i >= 0; i--) {
        const json_t *row = im->rows.row[i].json;
        char *name = mem_printf("%s %s", json_text_of(row, "item"), json_text_of(row, "rater"));
        if (json_object_get(seen, name))
            im->fate[i] = REPEATED;
        json_object_set_new(seen, name, json_true());
        free(name);
    }
    json_decref(seen);
}

/* lead[i]: of the kept rows of row i's prompt that of the least identity, whatever their order. The caller frees it. */
static bool find_leads(const Import *im, int **lead, Err *err)
{
    int *number = mem_alloc((size_t)im->rows.n + 1, sizeof *number),
        *least = mem_alloc((size_t)im->rows.n + 1, sizeof *least);
    json_t *seen = json_object();
    bool ok = true;
    for (int i = 0; ok && i < im->rows.n; i++) {
        char hash[HASH_TEXT];
        if (im->fate[i] != KEPT)
            continue;
        ok = import_hash_prompt(im->rows.row[i].json, hash, err);
        if (!ok)
            break;
        json_t *met = json_object_get(seen, hash);
        number[i] = met ? (int)json_integer_value(met) : (int)json_object_size(seen);
        if (!met)
            json_object_set_new(seen, hash, json_integer(number[i]));
        if (!met || im->rows.row[i].identity < im->rows.row[least[number[i]]].identity)
            least[number[i]] = i;
    }
    for (int i = 0; ok && i < im->rows.n; i++)
        number[i] = im->fate[i] == KEPT ? least[number[i]] : i;
    json_decref(seen);
    free(least);
    *lead = number;
    return ok;
}

/* Two parts that share no prompt: what is learned from one would be known of the other. */
static bool split(Import *im, Err *err)
{
    int *lead;
    bool ok = find_leads(im, &lead, err);
    if (ok)
        draw(im, im->split, lead, PART_SPLIT, REST);
    free(lead);
    return ok;
}

/* Why a row is left out: keys of the summary. */
static const char *const reason[FATES] = {
    [NOT_SAMPLED] = "sample", [NOT_CONFIDENT] = "confidence", [TOO_CLOSE] = "score_ratio", [REPEATED] = "duplicates",
    [KNOWN] = "without",      [TOO_SHORT] = "min_chars",      [TOO_LONG] = "max_chars",    [OVER_LIMIT] = "limit"};

/* Where fewer rows are kept than were asked for: says so, and what left them out. */
static void warn_of_few(const Import *im, const char *option, double wanted)
{
    int kept = count(im, KEPT);
    if (kept >= wanted)
        return;
    Str why = {0};
    for (int f = 0; f < FATES; f++) {
        int n = count(im, (Fate)f);
        if (reason[f] && n > 0)
            str_addf(&why, "%s%s%s %d", why.n ? ", " : ": ", reason[f], why.n ? "" : " left out", n);
    }
    char *text = str_take(&why);
    for (char *s = text; (s = strchr(s, '_'));)
        *s = '-'; /* as the options are called */
    log_warn("%s: %d rows of the %.0f of --%s are there%s", im->rows.path, kept, wanted, option, text);
    free(text);
}

/* Has no row before had this prompt? */
static bool is_first(const json_t *row, json_t *seen, Err *err)
{
    char hash[HASH_TEXT];
    if (!import_hash_prompt(row, hash, err))
        return false;
    bool first = !json_object_get(seen, hash);
    json_object_set_new(seen, hash, json_true());
    return first;
}

static bool drop_known(Import *im, Err *err)
{
    json_t *known = json_object();
    bool ok = import_known_prompts(&im->options->without, known, err);
    for (int i = 0; ok && json_object_size(known) > 0 && i < im->rows.n; i++) {
        char hash[HASH_TEXT];
        ok = im->fate[i] != KEPT || import_hash_prompt(im->rows.row[i].json, hash, err);
        if (ok && im->fate[i] == KEPT && json_object_get(known, hash))
            im->fate[i] = KNOWN;
    }
    json_decref(known);
    return ok;
}

static bool choose(Import *im, Err *err)
{
    const ImportOptions *o = im->options;
    json_t *seen = json_object();
    int kept = 0;
    im->fate = mem_zalloc((size_t)im->rows.n + 1, sizeof *im->fate);
    if (im->keys)
        keep_last_ratings(im);
    if (im->sample.of > 0)
        draw(im, im->sample, NULL, PART_SAMPLE, NOT_SAMPLED);
    for (int i = 0; i < im->rows.n && err->code == ERR_NONE; i++) {
        json_t **row = &im->rows.row[i].json;
        if (im->fate[i] != KEPT)
            continue;
        if (o->confidence.n > 0 && !is_confident(o, *row)) {
            im->fate[i] = NOT_CONFIDENT;
        } else if (o->score_ratio > 0 && !(json_number_of(*row, "score_ratio", 0) >= o->score_ratio)) {
            im->fate[i] = TOO_CLOSE;
        } else if (o->prompts && prompt_alone(row, err)) {
            im->fate[i] = is_first(*row, seen, err) ? KEPT : REPEATED;
        }
        if (im->fate[i] == KEPT && !judge_length(im, *row, &im->fate[i], err))
            break;
    }
    json_decref(seen);
    if (err->code != ERR_NONE || !drop_known(im, err))
        return false;
    if (im->sample.of == 0)
        warn_of_few(im, "sample", im->sample.take);
    if (im->sample.take > 0 && im->sample.of == 0)
        draw(im, im->sample, NULL, PART_SAMPLE, NOT_SAMPLED);
    for (int i = 0; i < im->rows.n; i++)
        if (im->fate[i] == KEPT && o->limit > 0 && ++kept > o->limit)
            im->fate[i] = OVER_LIMIT;
    warn_of_few(im, "limit", o->limit);
    return im->split.take == 0 || split(im, err);
}

/* --- writing -------------------------------------------------------------------------------------------- */

static bool write_rows(const Import *im, TextWriter *out, Fate fate, Err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < im->rows.n; i++) {
        if (im->fate[i] != fate)
            continue;
        char *text = json_text(im->rows.row[i].json);
        ok = not_interrupted(err) && text_write(out, text, strlen(text), err) && text_write(out, "\n", 1, err);
        free(text);
    }
    return ok;
}

static bool write_files(const Import *im, Err *err)
{
    TextWriter *out = NULL, *rest = NULL;
    bool ok = text_open(&out, im->options->output, err) && (!im->rest || text_open(&rest, im->rest, err)) &&
              write_rows(im, out, KEPT, err) && (!im->rest || write_rows(im, rest, REST, err));
    if (!ok) {
        text_discard(out);
        text_discard(rest);
        return false;
    }
    ok = !rest || text_close(rest, err);
    if (ok)
        return text_close(out, err);
    text_discard(out);
    return false;
}

static bool check_result(const Import *im, Err *err)
{
    if (count(im, KEPT) == 0 || (im->rest && count(im, REST) == 0)) {
        err_set(err, ERR_INPUT, "%s: of %d rows none is left%s%s%s", im->rows.path, im->read,
                im->rest ? " for one of the two parts" : "", im->ties > 0 ? "; ties are left out" : "",
                im->unscored > 0 ? "; pairs of which a score is not known are left out" : "");
        return err_hint(
            err,
            "look at --sample, --confidence, --score-ratio, --without, --min-chars, --max-chars, --split, and at --format");
    }
    return true;
}

static json_t *summary(const Import *im)
{
    json_t *s = json_object(), *left_out = json_object(), *formats = json_object();
    json_object_set_new(s, "read", json_integer(im->read));
    json_object_set_new(s, "written", json_integer(count(im, KEPT)));
    json_object_set_new(left_out, "bad", json_integer(im->rows.skipped));
    for (int f = 0; f < FATES; f++)
        if (reason[f])
            json_object_set_new(left_out, reason[f], json_integer(count(im, (Fate)f)));
    for (int f = 0; f < IMPORT_FORMATS; f++) {
        char name[64];
        if (im->formats[f])
            json_object_set_new(formats, options_choice(IMPORT_FORMAT_NAMES, f, name), json_integer(im->formats[f]));
    }
    json_object_set_new(left_out, "ties", json_integer(im->ties));
    json_object_set_new(left_out, "unscored", json_integer(im->unscored));
    json_object_set_new(left_out, "alone", json_integer(im->alone));
    json_object_set_new(s, "left_out", left_out);
    json_object_set_new(s, "formats", formats);
    if (im->options->output)
        json_object_set_new(s, "output", json_string(im->options->output));
    if (im->rest) {
        json_object_set_new(s, "rest", json_integer(count(im, REST)));
        json_object_set_new(s, "rest_output", json_string(im->rest));
    }
    return s;
}

static void note(const Import *im)
{
    int kept = count(im, KEPT), rest = count(im, REST), left = im->rows.skipped + im->rows.n - kept - rest + im->alone;
    if (im->rest)
        log_note("import: %d rows read, %d written, %d to %s, %d left out", im->read, kept, rest, im->rest, left);
    else
        log_note("import: %d rows read, %d written, %d left out", im->read, kept, left);
    if (im->ties + im->unscored > 0)
        log_note("import: %d ties left out, and %d pairs of which a score is not known", im->ties, im->unscored);
}

bool import_rows(Work *work, const ImportOptions *o, Err *err)
{
    Import im = {.options = o, .in_recipe = work->in_recipe};
    bool ok = check_options(&im, err) && (!o->key || rating_keys_read(o->key, &im.keys, err)) &&
              rows_read(&im.rows, o->input, 0, o->skip_bad, err);
    im.read = im.rows.n + im.rows.skipped;
    ok = ok && convert(&im, err) && choose(&im, err) && check_result(&im, err) && write_files(&im, err);
    if (ok) {
        note(&im);
        json_decref(work->summary);
        work->summary = summary(&im);
    }
    rows_release(&im.rows);
    json_decref(im.keys);
    free(im.fate);
    free(im.rest);
    return ok;
}

/* Of the files that --without names; "" where there are none. */
static bool hash_without(Work *work, const OptionList *files, char hash[HASH_TEXT], Err *err)
{
    Hash *h = hash_new();
    bool ok = true;
    for (int i = 0; ok && i < files->n; i++) {
        char one[HASH_TEXT] = "";
        ok = store_file_hash(work->store, files->item[i], one, err);
        hash_add_text(h, one);
    }
    hash_end(h, hash);
    if (files->n == 0)
        hash[0] = 0;
    return ok;
}

bool import_stage(Work *work, const char *name, const void *options, Err *err)
{
    const ImportOptions *o = options;
    Stage s = {0};
    char input[HASH_TEXT], key[HASH_TEXT] = "", without[HASH_TEXT];
    bool ok = store_file_hash(work->store, o->input, input, err) && (!o->key || hash_file(o->key, key, err)) &&
              hash_without(work, &o->without, without, err) &&
              stage_begin(
                  &s, work, name, "import",
                  stage_about(&import_table, o, &o->common, "input", input, "key", key, "without", without, NULL), err);
    if (ok && !(s.done && file_exists(o->output))) {
        ok = import_rows(work, o, err);
        json_object_update(s.summary, work->summary);
        ok = ok && stage_end(&s, o->output, err);
    }
    stage_release(&s);
    return ok;
}
