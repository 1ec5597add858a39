/* export: a model as a file or directory that other programs read. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "model/adapter.h"
#include "model/export/export.h"
#include "rlaif/stage/needs.h"

enum { FORMAT_GGUF, FORMAT_HF, FORMAT_PEFT, FORMAT_GGUF_ADAPTER };
#define FORMATS "gguf|hf|peft|gguf-adapter"

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
    {"format", OPT_CHOICE, AT(ExportOptions, format), .choices = FORMATS, .otherwise = "gguf",
     .help =
         "a GGUF file for llama.cpp, or a Hugging Face directory for transformers, of an adapter merged into its model; of an "
         "adapter alone PEFT's directory, or a GGUF file for llama.cpp"},
    {"type", OPT_CHOICE, AT(ExportOptions, type), .choices = TYPES, .otherwise = "f32",
     .help = "of the weights; hf has f32, f16 and bf16, adapters f32"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {common_options, COMMON_OPTIONS, AT(ExportOptions, common)},
    {common_options + BASE_OPTION, 1, AT(ExportOptions, common)},
};
const OptionTable export_table = {groups, COUNT(groups), sizeof(ExportOptions)};

/* A file? Else it is a directory. */
static bool is_gguf(const ExportOptions *o)
{
    return o->format == FORMAT_GGUF || o->format == FORMAT_GGUF_ADAPTER;
}

/* Is it the adapter alone that is written? */
static bool is_adapter(const ExportOptions *o)
{
    return o->format == FORMAT_PEFT || o->format == FORMAT_GGUF_ADAPTER;
}

static bool check_output(const ExportOptions *o, const char *path, Err *err)
{
    bool gguf = is_gguf(o);
    char type[64];
    if (is_adapter(o) && types[o->type] != DTYPE_F32)
        return err_set(err, ERR_USAGE, "--type %s: adapters are written in f32", options_choice(TYPES, o->type, type)),
               err_hint(err, "--format gguf and hf have other types, of the adapter merged into its model");
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

static bool check_adapter(const ExportOptions *o, const Model *m, Err *err)
{
    char format[64];
    if (!is_adapter(o) || m->config.lora_rank)
        return true;
    return err_set(err, ERR_INPUT, "%s is no adapter, which --format %s is of", o->model,
                   options_choice(FORMATS, o->format, format)),
           err_hint(err, "--lora trains one; --format gguf or hf writes the whole model");
}

/* What it takes, from the model's header alone; and whether its tokenizer can be written, before weights are read. */
static bool check_model(const ExportOptions *o, const char *path, json_t *summary, Err *err)
{
    Model *m;
    if (!model_load_text(&m, o->model, 0, err))
        return false;
    /* beside the weights: the tokenizer, a few dozen bytes for every token */
    double alone = (double)weights_floats(&m->config, true) * sizeof(float);
    Needs needs = {
        .disk = is_adapter(o) ? alone : export_bytes(&m->config, is_gguf(o), types[o->type]) + 64.0 * m->config.vocab};
    needs_add(&needs, NEEDS_WEIGHTS, (double)weights_floats(&m->config, false) * sizeof(float));
    bool ok = check_adapter(o, m, err) && (o->format != FORMAT_GGUF || export_gguf_check(m, err)) &&
              needs_check(&needs, "export", path, summary, err);
    model_free(m);
    return ok;
}

static bool write_model(const ExportOptions *o, const char *path, Work *work, Err *err)
{
    Model *m;
    if (!model_load(&m, o->model, work->device, 0, err))
        return false;
    bool ok = is_adapter(o) ? o->format != FORMAT_PEFT || model_base_hash(m, err)
                            : !m->config.lora_rank || model_merge(m, err);
    switch (o->format) {
    case FORMAT_GGUF: ok = ok && export_gguf(m, path, types[o->type], err); break;
    case FORMAT_HF: ok = ok && export_hf(m, path, types[o->type], err); break;
    case FORMAT_PEFT: ok = ok && export_peft(m, path, err); break;
    default: ok = ok && export_gguf_adapter(m, path, err); break;
    }
    model_free(m);
    return ok;
}

bool cmd_export(Work *work, void *options, Err *err)
{
    const ExportOptions *o = options;
    size_t n = strlen(o->output);
    while (n > 1 && o->output[n - 1] == '/')
        n--;
    char *path = mem_strn(o->output, n), type[64], format[64];
    json_t *s = work->summary = json_pack("{s:s}", "output", path);
    bool ok = check_output(o, path, err) && check_model(o, path, s, err) && write_model(o, path, work, err);
    if (ok) {
        json_object_set_new(s, "format", json_string(options_choice(FORMATS, o->format, format)));
        json_object_set_new(s, "type", json_string(options_choice(TYPES, o->type, type)));
        log_note("export: %s", path);
    }
    free(path);
    return ok;
}
