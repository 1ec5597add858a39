/* The numbers of a mix fitted to rows. */
#include "rlaif/label/fit.h"

#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"
#include "rlaif/label/ask.h"
#include "rlaif/label/weighing.h"
#include "rlaif/rows/context_key.h"

enum { CHOICES_EACH = 10 }; /* of a part, at least */

typedef struct Fit {
    const LabelOptions *options;
    const char *stage;
    JudgePrompt *draft; /* whose numbers become the fitted ones */
    Rows rows;
    double *x;   /* [pairs][2][parts] */
    int choices; /* people's */
    double *z;   /* [choices][parts], the chosen one's less the other's, over the scales */
    int *prompt; /* [choices]: whose it is */
    int prompts; /* of the choices */
    Weighing fitted;
} Fit;

/* --- what the parts say --- */

/* A part of a draft is asked, whatever its weight. */
static bool ask_parts(Work *work, const char *numbers, const LabelOptions *o, Err *err)
{
    LabelOptions ask = *o;
    ask.pairs = o->fit;
    ask.method = LABEL_POINTWISE;
    ask.judge.draft = true;
    ask.settle = (SettleOptions){.temperature = 1};
    return label_ask_rows(work, numbers, &ask, NULL, false, err);
}

static bool read_numbers(Fit *f, Err *err)
{
    int k = f->draft->parts;
    f->x = mem_zalloc((size_t)f->rows.n * 2 * (size_t)k, sizeof *f->x);
    for (int i = 0; i < f->rows.n; i++) {
        const json_t *scores = json_object_get(json_object_get(f->rows.row[i].json, "label"), "scores");
        for (int r = 0; r < 2; r++)
            for (int c = 0; c < k; c++) {
                const json_t *parts = json_object_get(json_array_get(scores, (size_t)r), "parts");
                double x = json_number_of(json_array_get(parts, (size_t)c), "number", (double)NAN);
                f->x[(2 * i + r) * k + c] = x;
                if (!isfinite(x))
                    return err_set(err, ERR_NUMBER, "pair %d: what the part %s says of response %d is not finite",
                                   i + 1, part_name(&f->draft->part[c]), r + 1);
            }
        f->choices += f->rows.row[i].view.preferred >= 0;
    }
    return true;
}

/* --- what follows from it --- */

/* Centre: the mean over all responses. Scale: the root of the mean square of the difference within pairs, which does not depend
 * on which response stands first. */
static bool measure_parts(Fit *f, Err *err)
{
    int k = f->draft->parts, n = f->rows.n;
    for (int c = 0; c < k; c++) {
        MixPart *p = &f->draft->part[c];
        double sum = 0, squares = 0;
        for (int i = 0; i < n; i++) {
            double first = f->x[2 * i * k + c], second = f->x[(2 * i + 1) * k + c];
            sum += first + second;
            squares += (first - second) * (first - second);
        }
        p->centre = sum / (2 * n);
        p->scale = sqrt(squares / n);
        if (p->scale > 0)
            continue;
        err_set(err, ERR_INPUT, "%s: the part %s says the same of both responses in each of %d pairs: it has no scale",
                f->options->fit, part_name(p), n);
        return err_hint(err, "leave the part out, or fit on more rows");
    }
    return true;
}

static void standardise(Fit *f)
{
    int k = f->draft->parts, at = 0, n = 0;
    json_t *numbers = json_object();
    f->z = mem_alloc((size_t)f->choices * (size_t)k, sizeof *f->z);
    f->prompt = mem_alloc((size_t)f->choices, sizeof *f->prompt);
    for (int i = 0; i < f->rows.n; i++) {
        int chosen = f->rows.row[i].view.preferred;
        if (chosen >= 0)
            f->prompt[n++] = context_number(numbers, &f->rows.row[i].view.context);
        for (int c = 0; chosen >= 0 && c < k; c++)
            f->z[at++] =
                (f->x[(2 * i + chosen) * k + c] - f->x[(2 * i + 1 - chosen) * k + c]) / f->draft->part[c].scale;
    }
    f->prompts = (int)json_object_size(numbers);
    json_decref(numbers);
}

static bool refuse(const Fit *f, WeighingEnd end, Err *err)
{
    const char *rows = f->options->fit;
    if (end == WEIGHING_SINGULAR) {
        err_set(err, ERR_INPUT, "%s: the part %s follows from those before it in the mix, so that no weight is its own",
                rows, part_name(&f->draft->part[f->fitted.singular]));
        return err_hint(err, "leave one of them out");
    }
    err_set(err, ERR_INPUT, "%s: the parts separate all %d choices, so that no weights fit best", rows, f->choices);
    return err_hint(err, "fit on more rows, or with fewer parts; rows without choices give the scales alone");
}

/* Weights, where there are choices. */
static bool weigh_parts(Fit *f, Err *err)
{
    JudgePrompt *p = f->draft;
    if (f->choices == 0)
        return true;
    if (f->choices < CHOICES_EACH * p->parts) {
        err_set(err, ERR_INPUT, "%s: %d choices are too few for %d parts", f->options->fit, f->choices, p->parts);
        return err_hint(err, "at least %d a part; rows without choices give the scales alone", CHOICES_EACH);
    }
    standardise(f);
    WeighingEnd end = weighing_fit(f->z, f->prompt, f->choices, p->parts, f->prompts, &f->fitted);
    if (end != WEIGHING_FITTED)
        return refuse(f, end, err);
    p->temperature = 1;
    for (int c = 0; c < p->parts; c++) {
        p->part[c].weight = f->fitted.weight[c];
        p->part[c].error = isfinite(f->fitted.error[c]) ? f->fitted.error[c] : 0;
    }
    return true;
}

/* Of the choices that it was fitted to, the share that its margins agree with; ties are a half. */
static double accuracy(const Fit *f)
{
    int k = f->draft->parts;
    double right = 0;
    for (int i = 0; i < f->choices; i++) {
        double margin = 0;
        for (int c = 0; c < k; c++)
            margin += f->fitted.weight[c] * f->z[i * k + c];
        right += margin > 0 ? 1 : margin < 0 ? 0 : 0.5;
    }
    return right / f->choices;
}

/* --- what is written --- */

/* A part's file is named from where the mix will lie. */
static void append_source(Str *out, const MixPart *p, const char *folder)
{
    if (p->kind == PART_LOG_LENGTH) {
        str_add(out, "log-length: true\n");
        return;
    }
    char *way = p->path && p->source[0] != '/' ? path_from(folder, p->path) : mem_str(p->source);
    str_add(out, p->kind == PART_REWARD ? "reward: " : "prompt: ");
    yaml_append_text(out, way);
    str_addc(out, '\n');
    free(way);
}

static void append_mix(Str *out, const Fit *f)
{
    const JudgePrompt *p = f->draft;
    const char *to = f->options->output ? f->options->output : "";
    char *folder = mem_strn(to, (size_t)(path_base(to) - to));
    str_addf(out, "# Fitted by rlaif label --fit to %d pairs, ", f->rows.n);
    if (f->choices > 0)
        str_addf(out,
                 "%d with a person's choice, of %d prompts; on these it is right in %.1f %%.\n"
                 "# The standard errors, `error`, are over prompts.\n",
                 f->choices, f->prompts, 100 * accuracy(f));
    else
        str_add(out, "none with a person's choice: the weights are the draft's.\n");
    if (strcmp(p->name, f->options->prompt.item[0]) != 0) {
        str_add(out, "name: ");
        yaml_append_text(out, p->name);
        str_addc(out, '\n');
    }
    str_addf(out, "kind: mix\ntemperature: %.6g\nparts:\n", p->temperature);
    for (int c = 0; c < p->parts; c++) {
        const MixPart *part = &p->part[c];
        str_add(out, "  - ");
        append_source(out, part, folder);
        str_addf(out, "    centre: %.6g\n    scale: %.6g\n    weight: %.6g\n", part->centre, part->scale, part->weight);
        if (part->chat != CHAT_AUTO)
            str_addf(out, "    chat: %s\n", part->chat == CHAT_TRUE ? "true" : "false");
        if (part->error > 0)
            str_addf(out, "    error: %.6g\n", part->error);
    }
    free(folder);
}

static bool write_mix(const Fit *f, Err *err)
{
    Str text = {0};
    TextWriter *out;
    JudgePrompt *read;
    append_mix(&text, f);
    bool ok = judge_prompt_parse(&read, "the fitted mix", str_text(&text), text.n, err) &&
              text_open(&out, f->options->output, err);
    judge_prompt_free(read);
    if (ok && !text_write(out, str_text(&text), text.n, err)) {
        text_discard(out);
        ok = false;
    } else
        ok = ok && text_close(out, err);
    str_release(&text);
    return ok;
}

static void summarise(const Fit *f, json_t *summary)
{
    json_t *parts = json_array();
    for (int c = 0; c < f->draft->parts; c++) {
        const MixPart *p = &f->draft->part[c];
        json_t *one = json_pack("{s:s, s:f, s:f, s:f}", "part", part_name(p), "centre", p->centre, "scale", p->scale,
                                "weight", p->weight);
        char error[60] = "";
        if (p->error > 0) {
            json_object_set_new(one, "error", json_real(p->error));
            snprintf(error, sizeof error, ", standard error %.2g", p->error);
        }
        json_array_append_new(parts, one);
        log_note("%s: %s: centre %.4g, scale %.4g, weight %.3g%s", f->stage, part_name(p), p->centre, p->scale,
                 p->weight, error);
    }
    json_object_set_new(summary, "pairs", json_integer(f->rows.n));
    json_object_set_new(summary, "choices", json_integer(f->choices));
    json_object_set_new(summary, "parts", parts);
    if (f->choices == 0)
        return;
    json_object_set_new(summary, "prompts", json_integer(f->prompts));
    if (f->prompts <= f->draft->parts)
        log_note("%s: choices of %d prompts say nothing of the weights' standard errors, which are over prompts",
                 f->stage, f->prompts);
    json_object_set_new(summary, "log_likelihood", json_real(f->fitted.likelihood));
    json_object_set_new(summary, "accuracy", json_real(accuracy(f)));
    log_note("%s: right in %.1f %% of the %d choices that it was fitted to, which flatters it", f->stage,
             100 * accuracy(f), f->choices);
}

/* --- the stage --- */

static bool read_draft(Fit *f, Err *err)
{
    const char *file = f->options->prompt.item[0];
    if (!judge_prompt_load_draft(&f->draft, file, err))
        return false;
    return f->draft->kind == JUDGE_MIX || (err_set(err, ERR_INPUT, "the prompt %s is no mix", file),
                                           err_hint(err, "label --fit fits a prompt of kind mix"));
}

static void fit_release(Fit *f)
{
    judge_prompt_free(f->draft);
    rows_release(&f->rows);
    free(f->x);
    free(f->z);
    free(f->prompt);
}

bool label_fit(Work *work, const char *name, const LabelOptions *o, Err *err)
{
    Fit f = {.options = o, .stage = name};
    Stage s = {0};
    char *numbers = mem_printf("%s.numbers", name), *source = mem_printf("stage:%s", numbers), rows[HASH_TEXT] = "";
    bool ok = read_draft(&f, err) && ask_parts(work, numbers, o, err) &&
              stage_read_rows(work, source, 0, NEED_PAIR, false, &f.rows, err);
    if (ok)
        rows_hash(&f.rows, rows);
    ok = ok &&
         stage_begin(&s, work, name, "fit",
                     stage_about(&label_table, o, &o->common, "numbers", rows, "draft", f.draft->hash, NULL), err) &&
         read_numbers(&f, err) && measure_parts(&f, err) && weigh_parts(&f, err) && write_mix(&f, err);
    if (ok)
        summarise(&f, s.summary);
    ok = ok && stage_end(&s, o->output, err);
    free(numbers);
    free(source);
    fit_release(&f);
    stage_release(&s);
    return ok;
}
