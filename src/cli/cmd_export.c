/* export: a model as a file or directory that other programs read. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "model/export/export.h"
#include "rlaif/stage/needs.h"

enum { FORMAT_GGUF, FORMAT_HF };

typedef struct ExportOptions {
    CommonOptions common;
    char *model, *output;
    int format, type;
} ExportOptions;

#define TYPES "f32|f16|bf16|q8_0|q4_0"
static const DType types[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_Q8_0, DTYPE_Q4_0};

static const Option option_rows[] = {
    {"model", OPT_TEXT, AT(ExportOptions, model), .value = "MODEL", .flags = OPT_POSITIONAL | OPT_REQUIRED,
     .help = "what was trained, a GGUF file or a Hugging Face directory"},
    {"output", OPT_TEXT, AT(ExportOptions, output), .value = "PATH", .flags = OPT_SHORT_O | OPT_REQUIRED,
     .help = "a new file NAME.gguf, or a new directory"},
    {"format", OPT_CHOICE, AT(ExportOptions, format), .choices = "gguf|hf", .otherwise = "gguf",
     .help = "a GGUF file for llama.cpp, or a Hugging Face directory for transformers"},
    {"type", OPT_CHOICE, AT(ExportOptions, type), .choices = TYPES, .otherwise = "f32",
     .help = "of the weights; hf has f32, f16 and bf16"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options, COMMON_OPTIONS, AT(ExportOptions, common)},
};
const OptionTable export_table = {groups, COUNT(groups), sizeof(ExportOptions)};

static bool check_output(const ExportOptions *o, const char *path, Err *err)
{
    bool gguf = o->format == FORMAT_GGUF;
    char type[64];
    if (!gguf && dtype_info(types[o->type])->block > 1)
        return err_set(err, ERR_USAGE, "--type %s is none that --format hf has", options_choice(TYPES, o->type, type)),
               err_hint(err, "take f32, f16 or bf16, or --format gguf");
    if (gguf && !str_ends(path, ".gguf"))
        return err_set(err, ERR_USAGE, "-o %s: the name of a GGUF file ends in .gguf", o->output),
               err_hint(err, "name it so, or take --format hf");
    if (!file_has_folder(path, err))
        return false;
    if (!file_exists(path))
        return true;
    err_set(err, ERR_INPUT, "%s is there already", path);
    return err_hint(err, "name a new %s with -o, or remove that one", gguf ? "file" : "directory");
}

/* What it takes, from the model's header alone; and whether its tokenizer can be written, before weights are read. */
static bool check_model(const ExportOptions *o, const char *path, json_t *summary, Err *err)
{
    Model *m;
    bool gguf = o->format == FORMAT_GGUF;
    if (!model_load_text(&m, o->model, 0, err))
        return false;
    /* beside the weights: the tokenizer, a few dozen bytes for every token */
    Needs needs = {.disk = export_bytes(&m->config, gguf, types[o->type]) + 64.0 * m->config.vocab};
    needs_add(&needs, NEEDS_WEIGHTS, (double)weights_floats(&m->config, false) * sizeof(float));
    bool ok = (!gguf || export_gguf_check(m, err)) && needs_check(&needs, "export", path, summary, err);
    model_free(m);
    return ok;
}

static bool write_model(const ExportOptions *o, const char *path, Work *work, Err *err)
{
    Model *m;
    if (!work_model(&m, o->model, work, 0, err))
        return false;
    bool ok = (o->format == FORMAT_GGUF ? export_gguf : export_hf)(m, path, types[o->type], err);
    model_free(m);
    return ok;
}

bool cmd_export(Work *work, void *options, Err *err)
{
    const ExportOptions *o = options;
    size_t n = strlen(o->output);
    while (n > 1 && o->output[n - 1] == '/')
        n--;
    char *path = mem_strn(o->output, n), type[64];
    json_t *s = work->summary = json_pack("{s:s}", "output", path);
    bool ok = check_output(o, path, err) && check_model(o, path, s, err) && write_model(o, path, work, err);
    if (ok) {
        json_object_set_new(s, "format", json_string(o->format == FORMAT_GGUF ? "gguf" : "hf"));
        json_object_set_new(s, "type", json_string(options_choice(TYPES, o->type, type)));
        log_note("export: %s", path);
    }
    free(path);
    return ok;
}
