/* Bad input, as a user meets it: one message that names the file, the line or value and the remedy; the right exit status;
 * and the folder as it was before. */
#include "refusals.h"

#include "base/file.h"
#include "base/mem.h"

#include <signal.h>

/* --- the command line --------------------------------------------------------------------------------------------- */

/* Beside those of tests/cli/test_messages.c. */
static const Refusal usage_cases[] = {
    {"sample p.jsonl --model llama --n 2.5", 2, "--n \"2.5\" cannot be used", "whole number", NULL, NULL},
    {"sample p.jsonl --model llama --temperature nan", 2, "--temperature \"nan\"", "from 0.01 to 100", NULL, NULL},
    {"sample p.jsonl --model llama --chat yes", 2, "--chat \"yes\"", "auto|true|false", NULL, NULL},
    {"run small.yaml --only train", 2, "the recipe has no stage \"train\"", "", NULL, NULL},
    {"run small.yaml --set steps", 2, "--set steps: give key=value", "--set rl.steps=8", NULL, NULL},
    {"eval winrate a.jsonl b.jsonl", 2, "eval winrate needs a judge: --judge MODEL, --endpoint URL or --reward DIR",
     "reward model", NULL, NULL},
    {"eval winrate a.jsonl b.jsonl --reward reward --prompt tone.yaml", 2, "--prompt needs --judge or --endpoint",
     "reads no prompt", NULL, NULL},
    {"rl p.jsonl --model llama --prompt tone.yaml -o policy", 2, "rl needs a reward: --reward DIR, or --judge",
     "rlaif reward", NULL, NULL},
};

static void usage(void **state)
{
    (void)state;
    need_refusals(test_bench, usage_cases, COUNT(usage_cases));
}

/* --- files that are not there, or of another kind ----------------------------------------------------------------- */

#define LFS "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"

static const Refusal file_cases[] = {
    {"sample none.jsonl --model llama -o out.jsonl", 1, "none.jsonl: No such file", "check the name", NULL, NULL},
    {"sample p.jsonl --model none.gguf -o out.jsonl", 1, "none.gguf: No such file", "check the name", NULL, NULL},
    {"label human.jsonl --model llama --prompt none.yaml -o out.jsonl", 1, "none.yaml", "rlaif help prompts", NULL,
     NULL},
    {"label human.jsonl --model llama --prompt helpful-bass -o out.jsonl", 1, "helpful-bass", "helpful-base", NULL,
     NULL},
    {"run none.yaml", 1, "none.yaml: No such file", "check the name", NULL, NULL},
    {"report none -o r.html", 1, "none/store.sqlite: there is no store", "rlaif run RECIPE", NULL, NULL},
    {"inspect none", 1, "none: ", "check the name", NULL, NULL},
    {"score p.jsonl --model none -o out.jsonl", 1, "none: No such file", "check the name", NULL, NULL},
    /* a directory in place of a file, a file in place of a directory */
    {"sample . --model llama -o out.jsonl", 1, ". is a directory", "name a .jsonl file inside it", NULL, NULL},
    {"sample p.jsonl --model . -o out.jsonl", 1, "there is no config.json in it", "GGUF file or a directory", NULL,
     NULL},
    {"sample p.jsonl --model p.jsonl -o out.jsonl", 1, "p.jsonl: this is no GGUF file", "name a .gguf file", NULL,
     NULL},
    {"sample p.jsonl --model lfs -o out.jsonl", 1, "lfs is a pointer of Git LFS, not the file itself: a model",
     "git lfs pull", "lfs", LFS},
    {"sample lfs --model llama -o out.jsonl", 1, "lfs is a pointer of Git LFS, not the file itself: rows",
     "git lfs pull", "lfs", LFS},
    {"run lfs", 1, "lfs is a pointer of Git LFS, not the file itself: YAML", "git lfs pull", "lfs", LFS},
    {"run p.jsonl", 1, "p.jsonl:2: something stands behind the end of the document", "a recipe is", NULL, NULL},
    {"sample p.jsonl --model /dev/null -o out.jsonl", 1, "/dev/null is a pipe or a device", "write it to a file first",
     NULL, NULL},
    {"sample /dev/null --model llama -o out.jsonl", 1, "/dev/null holds no rows", "JSON object on a line", NULL, NULL},
    {"run /dev/null", 1, "/dev/null: is empty", "a recipe is", NULL, NULL},
    {"label human.jsonl --model llama --prompt ./llama -o out.jsonl", 1, "llama is a directory", "a file inside", NULL,
     NULL},
    {"run llama", 1, "llama is a directory", "a file inside", NULL, NULL},
    {"sample p.jsonl --model llama -o llama", 1, "llama is a directory", "name a file", NULL, NULL},
    {"import human.jsonl -o llama", 1, "llama", "name a file", NULL, NULL},
    {"tokenize p.jsonl --model llama -o llama", 1, "llama", "name a file", NULL, NULL},
    {"sft demos.jsonl --model llama -o p.jsonl", 1, "p.jsonl is a file", "name a directory", NULL, NULL},
    {"sft demos.jsonl --model llama -o .", 1, ". is not empty: it holds", "name a new directory", NULL, NULL},
    {"run small.yaml --run p.jsonl", 1, "p.jsonl", "name a directory", NULL, NULL},
    /* where nothing can be written */
    {"sample p.jsonl --model llama -o no/such/out.jsonl", 1, "no/such", "make it first", NULL, NULL},
    {"sample p.jsonl --model llama -o p.jsonl/out.jsonl", 1, "p.jsonl is a file", "name another output", NULL, NULL},
    {"sample p.jsonl --model llama -o /dev/null/out.jsonl", 1, "/dev/null/out.jsonl", "name another", NULL, NULL},
    {"sft demos.jsonl --model llama -o /dev/null/out", 1, "/dev/null/out", "name another", NULL, NULL},
    {"run small.yaml --run /dev/null/run", 1, "/dev/null", "name a directory", NULL, NULL},
    {"import human.jsonl -o /dev/null/out.jsonl", 1, "/dev/null/out.jsonl", "name another", NULL, NULL},
    {"import human.jsonl -o no/such/out.jsonl", 1, "no/such/out.jsonl", "make it first", NULL, NULL},
    {"tokenize texts.jsonl --model llama -o no/such/out.jsonl", 1, "no/such/out.jsonl", "make it first", "texts.jsonl",
     "{\"text\": \"Tea.\"}\n"},
    /* a store that is none */
    {"sample p.jsonl --model llama -o out.jsonl", 1, "out.jsonl.rlaif", "move it away", "out.jsonl.rlaif",
     "This is a note of someone who does not know what the file is for, long enough to have a header.\n"},
};

static void files(void **state)
{
    (void)state;
    need_refusals(test_bench, file_cases, COUNT(file_cases));
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

#define P    "{\"prompt\": \"Tell me.\"}\n"
#define ROWS "rows.jsonl"

static const Refusal row_cases[] = {
    {"sample rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl:2: ", "--skip-bad", ROWS, P "{\"prompt\": \n" P},
    {"sample rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl:3: a row must be a JSON object", "--skip-bad", ROWS,
     P P "[1, 2]\n"},
    {"sample rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl:2: ", "--skip-bad", ROWS,
     P "{\"prompt\": \"\xff\xfe\"}\n"},
    {"sample rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl:1: the row has no \"prompt\"", "rows have prompt",
     ROWS, "{\"text\": \"Tell me.\"}\n"},
    {"sample rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl:2: \"prompt\" is neither a text nor", "a turn is",
     ROWS, P "{\"prompt\": 3}\n"},
    {"sample rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl:2: the id \"a\" stands twice", "its own", ROWS,
     "{\"id\": \"a\", \"prompt\": \"One\"}\n{\"id\": \"a\", \"prompt\": \"Two\"}\n"},
    {"sample rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl holds no rows", "JSON object on a line", ROWS, ""},
    {"sample rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl holds no rows", "JSON object on a line", ROWS,
     "\n \n"},
    {"sample rows.jsonl --skip-bad --model llama -o out.jsonl", 1, "rows.jsonl", "JSON object on a line", ROWS, "{\n"},
    {"label rows.jsonl --model llama --prompt which.yaml -o out.jsonl", 1,
     "rows.jsonl:1: \"responses\" has 1 entry, needs 2", "sample --n 2", ROWS,
     "{\"prompt\": \"Tell me.\", \"responses\": [\"Tea.\"]}\n"},
    {"label rows.jsonl --model llama --prompt which.yaml -o out.jsonl", 1,
     "rows.jsonl:1: \"preferred\" is neither 0 nor 1", "--skip-bad", ROWS,
     "{\"prompt\": \"Tell me.\", \"responses\": [\"Tea.\", \"No.\"], \"preferred\": 2}\n"},
    {"reward rows.jsonl --model llama -o reward", 1, "rows.jsonl:1: \"label\" has no \"p\" between 0 and 1",
     "--skip-bad", ROWS, "{\"prompt\": \"Tell me.\", \"responses\": [\"Tea.\", \"No.\"], \"label\": {\"p\": 1.5}}\n"},
    {"reward p.jsonl --model llama -o reward", 1, "p.jsonl:1: ", "sample --n 2", NULL, NULL},
    {"sft rows.jsonl --model llama -o sft", 1, "rows.jsonl:1: \"messages\" must end with an assistant's turn",
     "--skip-bad", ROWS, "{\"messages\": [{\"role\": \"user\", \"content\": \"Tell me.\"}]}\n"},
    {"rl rows.jsonl --model llama --judge llama --prompt tone.yaml --baseline none -o policy", 1,
     "rows.jsonl:2: ", "--skip-bad", ROWS, P "{\n"},
    {"score rows.jsonl --model llama --prompt tone.yaml -o out.jsonl", 1, "rows.jsonl:1: ", "rlaif sample makes", ROWS,
     P},
    {"import rows.jsonl -o out.jsonl", 1, "rows.jsonl:2: ", "--skip-bad", ROWS, P "{]\n"},
    {"import rows.jsonl --format hh -o out.jsonl", 1, "rows.jsonl:1: ", "--format auto", ROWS, P},
    {"tokenize rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl:1: the row has no \"text\"", "mend the line",
     ROWS, P},
    {"tokenize rows.jsonl --model llama --decode -o out.jsonl", 1,
     "rows.jsonl:1: \"ids\" holds something that is no id", "mend the line", ROWS, "{\"ids\": [1, 100000]}\n"},
    {"logprob rows.jsonl --model llama -o out.jsonl", 1, "rows.jsonl:2: ", "mend the line", ROWS,
     "{\"ids\": [1, 2, 3]}\n{\"ids\": [1, \"2\"]}\n"},
    {"eval alignment rows.jsonl", 1, "rows.jsonl:1: the row has no \"label\"", "rlaif label adds", ROWS,
     "{\"prompt\": \"Tell me.\", \"responses\": [\"Tea.\", \"No.\"], \"preferred\": 1}\n"},
    {"eval winrate rows.jsonl held.jsonl --judge llama --prompt tone.yaml", 1, "held.jsonl:1: ", "rlaif sample makes",
     ROWS, "{\"prompt\": \"Tell me.\", \"response\": \"Tea.\"}\n"},
    {"eval winrate rows.jsonl rows.jsonl --reward llama", 1, "llama has no reward head", "rlaif reward trains one",
     ROWS, "{\"prompt\": \"Tell me.\", \"response\": \"Tea.\"}\n"},
    {"eval winrate rows.jsonl rows.jsonl --reward none", 1, "none: No such file", "check the name", ROWS,
     "{\"prompt\": \"Tell me.\", \"response\": \"Tea.\"}\n"},
};

static void rows(void **state)
{
    (void)state;
    need_refusals(test_bench, row_cases, COUNT(row_cases));
}

/* What is compressed and cut off is not taken for its beginning. */
static void cut_rows(void **state)
{
    (void)state;
    static const Refusal cases[] = {
        {"sample cut.gz --model llama -o out.jsonl", 1, "cut.gz: broken after line ", "compress or download it again",
         NULL, NULL},
        {"sample broken.gz --model llama -o out.jsonl", 1, "broken.gz: broken after line ",
         "compress or download it again", NULL, NULL},
    };
    runs_with_status(test_bench, 0,
                     "gzip -c p.jsonl > whole && head -c 60 whole > cut.gz && "
                     "(head -c 40 whole; printf 'XXXXXXXX'; tail -c +49 whole) > broken.gz && rm whole");
    need_refusals(test_bench, cases, COUNT(cases));
}

/* A prompt of about `words` times two tokens; tiny models read 256. */
static void put_long(const char *name, const char *before, const char *after, int words)
{
    Str s = {0};
    str_add(&s, P);
    str_add(&s, before);
    for (int i = 0; i < words; i++)
        str_add(&s, "word ");
    str_add(&s, after);
    str_addc(&s, '\n');
    put_text(test_bench, name, str_text(&s));
    str_release(&s);
}

static void long_prompts(void **state)
{
    (void)state;
    static const Refusal cases[] = {
        {"sample long.jsonl --model llama -o out.jsonl", 1,
         "long.jsonl:2: 918 tokens, the model's context has room for 128", "shorten", NULL, NULL},
        {"sample p.jsonl --max-new-tokens 300 --model llama -o out.jsonl", 1, "p.jsonl:1: ", "--max-new-tokens", NULL,
         NULL},
        {"rl long.jsonl --model llama --judge llama --prompt tone.yaml --baseline none -o policy", 1,
         "long.jsonl:2: ", "shorten", NULL, NULL},
        {"label pair.jsonl --model llama --prompt which.yaml -o out.jsonl", 1, "pair.jsonl:1: ", "--truncate", NULL,
         NULL},
        {"score pair.jsonl --model llama --prompt tone.yaml -o out.jsonl", 1, "pair.jsonl:1: ", "shorten", NULL, NULL},
        {"reward pair.jsonl --model llama -o reward", 1, "pair.jsonl:1: ", "shorten", NULL, NULL},
        {"sft demo.jsonl --model llama -o sft", 1, "demo.jsonl:1: ", "shorten", NULL, NULL},
        {"generate --model llama \"$(tail -n 1 long.jsonl)\"", 1, "256", "shorten", NULL, NULL},
    };
    put_long("long.jsonl", "{\"prompt\": \"", "\"}", 300);
    put_long("pair.jsonl", "{\"prompt\": \"Tell me.\", \"responses\": [\"Tea.\", \"", "\"], \"preferred\": 0}", 300);
    put_long("demo.jsonl", "{\"prompt\": \"Tell me.\", \"completion\": \"", "\"}", 300);
    runs_with_status(test_bench, 0, "for f in pair demo; do tail -n 1 $f.jsonl > x && mv x $f.jsonl; done");
    need_refusals(test_bench, cases, COUNT(cases));
}

/* --- models ------------------------------------------------------------------------------------------------------- */

/* A file's bytes, made wrong. */
typedef struct Bytes {
    char *at;
    size_t n;
} Bytes;

static Bytes read_bytes(const char *path)
{
    Err err = {0};
    Bytes b;
    need_ok(file_read(path, 1 << 24, &b.at, &b.n, &err), &err);
    return b;
}

/* Writes them into the folder and frees them. */
static void put_bytes(const char *name, Bytes b)
{
    Err err = {0};
    char *path = path_join(test_bench, name);
    need_ok(file_write(path, b.at, b.n, &err), &err);
    free(path);
    free(b.at);
}

/* One thing that a GGUF file lies about: a number of so many bytes, so far behind a text in it. */
typedef struct GgufLie {
    const char *behind; /* NULL: from the file's beginning; "": the file's last four bytes */
    int at, bytes;
    uint64_t value;
    size_t cut; /* the file ends here; 0: where it does */
    const char *message, *remedy;
} GgufLie;

#define Q      "blk.0.attn_q.weight" /* then: dimensions 4, sizes 8 each, type 4, offset 8 */
#define DAMAGE "download or convert it again"

static const GgufLie gguf_lies[] = {
    {NULL, 0, 1, 'X', 0, "m.gguf: this is no GGUF file", "name a .gguf file"},
    {NULL, 4, 4, 1, 0, "m.gguf: GGUF version 1", "convert the model again"},
    {NULL, 8, 8, 1ull << 60, 0, "promises 1152921504606846976 tensors", DAMAGE},
    {NULL, 0, 0, 0, 4, "m.gguf: this is no GGUF file", "name a .gguf file"},
    {NULL, 0, 0, 0, 20, "m.gguf: the header needs", DAMAGE},
    {NULL, 0, 0, 0, 3000, "m.gguf: the metadata \"tokenizer.ggml", DAMAGE},
    {NULL, 0, 0, 0, 100000, "m.gguf: the tensor \"output.weight\" has", DAMAGE},
    {"tokenizer.ggml.mode", 0, 1, 'x', 0, "m.gguf: the metadata \"tokenizer.ggml.model\" is missing",
     "holds its tokenizer"},
    {"tokenizer.ggml.token", 0, 1, 'x', 0, "m.gguf: the file lists no tokens", "holds its tokenizer"},
    {"tokenizer.ggml.merge", 0, 1, 'x', 0, "m.gguf: there are no merges, but tokens",
     "convert the model to GGUF again"},
    {"llama.block_count", 4, 4, 0, 0, "the number of layers", "damaged"},
    {"llama.block_count", 0, 4, 77, 0, "\"llama.block_count\" has type 77", DAMAGE},
    {Q, 0, 4, 9, 0, "\"" Q "\" has 9 dimensions", DAMAGE},
    {Q, 4, 8, 1ull << 62, 0, "\"" Q "\" of shape [64, 4611686018427387904, 1, 1]", DAMAGE},
    {Q, 12, 8, UINT64_MAX, 0, "\"" Q "\" of shape [18446744073709551615", DAMAGE},
    {Q, 12, 8, 0, 0, "\"" Q "\" of shape [0", DAMAGE},
    {Q, 20, 4, 99, 0, "\"" Q "\" has type 99 (unknown)", "Q8_0 or Q4_K_M"},
    {Q, 20, 4, 10, 0, "\"" Q "\" of shape [64, 64, 1, 1] cannot be: its rows are not whole blocks of Q2_K", DAMAGE},
    {Q, 20, 4, 16, 0, "\"" Q "\" has type 16 (IQ2_XXS)", "Q8_0 or Q4_K_M"},
    {Q, 24, 8, 1ull << 40, 0, "\"" Q "\" has 2304 bytes at", DAMAGE},
    {Q, 24, 8, UINT64_MAX - 31, 0, "\"" Q "\" has 2304 bytes at", DAMAGE},
    {Q, 24, 8, 33, 0, "\"" Q "\" is at 33, not a multiple of 32", DAMAGE},
    {"", 0, 4, 0x7fc00000, 0, "output.weight holds a number that is not finite", "damaged"},
};

static void gguf_files(void **state)
{
    (void)state;
    int wrong = 0;
    for (int i = 0; i < COUNT(gguf_lies); i++) {
        const GgufLie *lie = &gguf_lies[i];
        Bytes b = read_bytes("tests/fixtures/gguf/llama.gguf");
        const char *name = lie->behind ? lie->behind : "";
        char *found = lie->behind ? memmem(b.at, b.n, name, strlen(name)) : b.at;
        assert_non_null(found);
        size_t at = lie->behind && !name[0] ? b.n - 4 : (size_t)(found - b.at) + strlen(name) + (size_t)lie->at;
        memcpy(b.at + at, &lie->value, (size_t)lie->bytes);
        b.n = lie->cut ? lie->cut : b.n;
        put_bytes("m.gguf", b);
        Refusal c = {"sample p.jsonl --model m.gguf -o out.jsonl", 1, lie->message, lie->remedy, NULL, NULL};
        wrong += !is_refused(test_bench, &c);
    }
    assert_int_equal(wrong, 0);
}

/* One thing wrong with a model's directory: a text of a file replaced by another. */
typedef struct DirLie {
    const char *file, *from, *to; /* from NULL: `to` is the whole file; both NULL: the file is not there */
    const char *message, *remedy;
} DirLie;

#define NORM "\"model.norm.weight\":{\"dtype\":\"F32\",\"shape\":[40],\"data_offsets\":[194240,194400]}"
#define ST   "model.safetensors"

/* One tensor more, of no numbers, in the header of a safetensors file that begins with {". */
#define MORE(name) "{\"" name "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\""

static const DirLie dir_lies[] = {
    {ST, NULL, "", "m/model.safetensors: no safetensors file", "cut short"},
    {ST, NULL, NULL, "m: there is neither model.safetensors", "converted to safetensors"},
    {ST, NULL, "\xff\xff\xff\xff\xff\xff\xff\x7f{\"a\": 1}", "m/model.safetensors: no safetensors file", "cut short"},
    {ST, NULL, "\x08\1\1\1\1\1\1\1{\"a\": 1}", "m/model.safetensors: no safetensors file", "cut short"},
    {ST, "[194240,194400]", "[194240,999999999999]", "\"model.norm.weight\" lies outside the file",
     "download it again"},
    {ST, "[194240,194400]", "[-8,152]", "\"model.norm.weight\" lies outside the file", "download it again"},
    {ST, "[194240,194400]", "[0,160]", "model.safetensors: ", "download or convert it again"},
    {ST, "[40],\"data_offsets\":[194240", "[4611686018427387904,8],\"data_offsets\":[194240", "is too large",
     "download it again"},
    {ST, "[40],\"data_offsets\":[194240", "[41],\"data_offsets\":[194240", "does not agree with its bytes",
     "download it again"},
    {ST, "[40],\"data_offsets\":[194240", "[20,2],\"data_offsets\":[194240", "has shape [20, 2]", "another model"},
    {ST, "\"model.norm.weight\":{\"dtype\":\"F32\"", "\"model.norm.weight\":{\"dtype\":\"F99\"", "has type F99",
     "F32, F16"},
    {ST, "\"model.norm.weight\"", "\"model.form.weight\"", "the tensor \"model.form.weight\" has no place in llama",
     "another architecture"},
    {ST, "{\"", MORE("model.layers.0.self_attn.q_norm.weight"), "q_norm.weight\" has no place", "another architecture"},
    {ST, "{\"", MORE("model.layers.0.self_attn.q_proj.lora_A.weight"), "lora_A.weight\" has no place",
     "merge the adapter"},
    {ST, "{\"", MORE("model.layers.1.mlp.up_proj.weight_scale"), "weight_scale\" has no place", "no factors beside"},
    {ST, "{\"", MORE("model.layers.0.self_attn.q_proj.bias"), "q_proj.bias\": biases are not supported",
     "without them"},
    {ST, "{\"", MORE("score.weight"), "\"score.weight\" has no place", "another architecture"},
    {"config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", "\"model.layers.1.",
     "another architecture"},
    {"config.json", NULL, NULL, "m: there is no config.json in it", "GGUF file or a directory"},
    {"config.json", NULL, "", "m/config.json: ", "damaged"},
    {"config.json", NULL, "{\"model_type\":", "m/config.json: ", "damaged"},
    {"config.json", "\"llama\"", "\"mamba\"", "the model_type \"mamba\" is not supported", "supported are"},
    {"config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "model.layers.2", "not complete"},
    {"config.json", "\"num_attention_heads\": 5", "\"num_attention_heads\": 0", "the number of heads must be",
     "damaged"},
    {"config.json", "\"head_dim\": 8", "\"head_dim\": 7", "the number of rotary dimensions must be even", "damaged"},
    {"tokenizer.json", NULL, NULL, "m: there is no tokenizer.json", "converted"},
    {"tokenizer.json", NULL, "{", "m: tokenizer.json: ", "byte pair encoding"},
    {"tokenizer.json", NULL, "{\"model\": {\"type\": \"WordPiece\"}}", "only BPE", "byte pair encoding"},
    {"tokenizer.json", NULL, "{\"model\": {\"type\": \"Unigram\"}}", "the \"vocab\" of a Unigram must be a list",
     "write its tokenizer again"},
    {"chat_template.jinja", NULL, "{% bogus %}", "m: chat template line 1: the tag \"bogus\"", "--chat false"},
};

/* `from` replaced by `to`; a safetensors header's length follows. */
static Bytes replaced(Bytes b, const char *from, const char *to, bool header)
{
    char *found = memmem(b.at, b.n, from, strlen(from));
    if (!found)
        fail_msg("no %s", from);
    size_t at = (size_t)(found - b.at);
    Str s = {0};
    str_addn(&s, b.at, at);
    str_add(&s, to);
    str_addn(&s, found + strlen(from), b.n - at - strlen(from));
    free(b.at);
    Bytes out = {NULL, s.n};
    out.at = str_take(&s);
    uint64_t length;
    memcpy(&length, out.at, sizeof length);
    length += strlen(to) - strlen(from);
    if (header)
        memcpy(out.at, &length, sizeof length);
    return out;
}

/* The same for the model in the folder m, which goes. */
static bool is_model_refused(const char *message, const char *remedy)
{
    Refusal c = {"sample p.jsonl --model m -o out.jsonl", 1, message, remedy, NULL, NULL};
    bool ok = is_refused(test_bench, &c);
    runs_with_status(test_bench, 0, "rm -r m");
    return ok;
}

static void model_directories(void **state)
{
    (void)state;
    int wrong = 0;
    for (int i = 0; i < COUNT(dir_lies); i++) {
        const DirLie *lie = &dir_lies[i];
        runs_with_status(test_bench, 0, "cp -rL llama m");
        char *name = path_join("m", lie->file), *path = path_join(test_bench, name);
        if (lie->from) {
            put_bytes(name, replaced(read_bytes(path), lie->from, lie->to, strcmp(lie->file, ST) == 0));
        } else if (lie->to) {
            put_text(test_bench, name, lie->to);
        } else {
            runs_with_status(test_bench, 0, "rm %s", name);
        }
        free(path);
        free(name);
        wrong += !is_model_refused(lie->message, lie->remedy);
    }
    assert_int_equal(wrong, 0);
}

/* A template that cannot be read stops what would be rendered by it, before any work, and nothing else. */
static void unreadable_templates(void **state)
{
    (void)state;
    static const char *const templates[] = {"{% bogus %}", "{{ messages | frobnicate }}", "{% if %}", "\xff"};
    for (int i = 0; i < COUNT(templates); i++) {
        runs_with_status(test_bench, 0, "cp -rL llama m");
        put_text(test_bench, "m/chat_template.jinja", templates[i]);
        runs_with_status(test_bench, 0, "rlaif generate Hi --model m --raw --greedy --max-new-tokens 2");
        runs_with_status(test_bench, 0, "rlaif sample p.jsonl --model m --chat false --max-new-tokens 2 -o out.jsonl");
        Ran r = run_in(test_bench, "rlaif inspect m --json");
        json_t *said = last_json(&r);
        assert_non_null(strstr(json_text_of(said, "fault of the template"), "chat template"));
        json_decref(said);
        ran_free(&r);
        need_message(run_in(test_bench, "rlaif generate Hi --model m --greedy"), 1, "m: ", "--chat false");
        assert_true(is_model_refused("m: ", "--chat false"));
    }
}

/* Weights that are no numbers, and a file that ends early. */
static void weights(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {0x7fc00000, 0xff800000}; /* NaN, -infinity */
    for (int i = 0; i < COUNT(wrong) + 1; i++) {
        runs_with_status(test_bench, 0, "cp -rL llama m");
        Bytes b = read_bytes("tests/fixtures/tiny-llama/" ST);
        if (i < COUNT(wrong))
            memcpy(b.at + b.n - 4, &wrong[i], 4);
        else
            b.n -= 100;
        put_bytes("m/" ST, b);
        if (i < COUNT(wrong))
            assert_true(is_model_refused("model.norm.weight holds a number that is not finite", "damaged"));
        else
            assert_true(is_model_refused("\"model.norm.weight\" lies outside the file", "download it again"));
    }
}

/* --- recipes and judge prompts ------------------------------------------------------------------------------------ */

#define HEAD "name: r\npolicy: llama\nstages:\n"

static const Refusal recipe_cases[] = {
    {"run r.yaml", 1, "r.yaml:2: there is no key \"polcy\"", "did you mean \"policy\"?", "r.yaml",
     "name: r\npolcy: llama\nstages:\n  - report: {}\n"},
    {"run r.yaml", 1, "r.yaml:4: there is no stage \"smaple\"", "did you mean \"sample\"?", "r.yaml",
     HEAD "  - smaple: {prompts: p.jsonl}\n"},
    {"run r.yaml", 1, "r.yaml:4: ", "did you mean \"max-new-tokens\"?", "r.yaml",
     HEAD "  - sample: {prompts: p.jsonl, max-new-token: 3}\n"},
    {"run r.yaml", 1, "r.yaml:5: ", "whole number", "r.yaml",
     HEAD "  - sample:\n      n: two\n      prompts: p.jsonl\n"},
    {"run r.yaml", 1, "r.yaml:4: \"n\" takes a single value", "on one line", "r.yaml",
     HEAD "  - sample: {prompts: p.jsonl, n: [1, 2]}\n"},
    {"run r.yaml", 1, "r.yaml:4: eval needs a \"kind\"", "winrate", "r.yaml", HEAD "  - eval: {prompts: p.jsonl}\n"},
    {"run r.yaml", 1, "r.yaml:5: two stages are called \"report\"", "as: another", "r.yaml",
     HEAD "  - report: {}\n  - report: {}\n"},
    {"run r.yaml", 1, "r.yaml:4: the stage label has no \"pairs\"", "put the stage that makes it before", "r.yaml",
     HEAD "  - label: {prompt: which.yaml}\n"},
    {"run r.yaml", 1, "r.yaml:4: ", "rows with a prompt", "r.yaml", HEAD "  - sample: {n: 2}\n"},
    {"run r.yaml", 1, "r.yaml:4: \"as: ../x\" is no name", "a name without", "r.yaml",
     HEAD "  - sample: {as: ../x, prompts: p.jsonl}\n"},
    {"run r.yaml", 1, "r.yaml:2: \"seed\" must be a whole number", "seed: 1", "r.yaml",
     "name: r\nseed: tea\nstages:\n  - report: {}\n"},
    {"run r.yaml", 1, "r.yaml: the recipe needs a list of \"stages\"", "- sample:", "r.yaml", "name: r\n"},
    {"run r.yaml", 1, "r.yaml: the recipe needs a \"name\"", "name: first-try", "r.yaml", "stages:\n  - report: {}\n"},
    {"run r.yaml", 1, "r.yaml: is no mapping", "name:", "r.yaml", "- one\n"},
    {"run r.yaml", 1, "r.yaml: is empty", "name:", "r.yaml", ""},
    {"run r.yaml", 1, "r.yaml:2: ", "mend", "r.yaml", "name: r\n  stages: [\n"},
    {"run r.yaml", 1, "r.yaml:2: the key \"name\" stands twice", "mend", "r.yaml", "name: r\nname: s\n"},
};

static const Refusal prompt_cases[] = {
    {"label human.jsonl --model llama --prompt j.yaml -o out.jsonl", 1, "j.yaml:2: there is no key \"kid\"",
     "did you mean \"kind\"?", "j.yaml", "name: j\nkid: verdict\n"},
    {"label human.jsonl --model llama --prompt j.yaml -o out.jsonl", 1, "j.yaml: the key \"answers\" is missing",
     "rlaif help prompts", "j.yaml", "name: j\nkind: pairwise\nitem: \"{response_1} {response_2}\"\nending: \"So\"\n"},
    {"label human.jsonl --model llama --prompt j.yaml -o out.jsonl", 1, "j.yaml:3: \"item\" must be a text with",
     "rlaif help prompts", "j.yaml",
     "name: j\nkind: pairwise\nitem: \"{response}\"\nending: \"So\"\nanswers: [\"1\", \"2\"]\n"},
    {"label human.jsonl --model llama --prompt j.yaml -o out.jsonl", 1, "j.yaml:2: \"kind\" must be",
     "rlaif help prompts", "j.yaml", "name: j\nkind: opinion\n"},
    {"label human.jsonl --model llama --prompt tone.yaml -o out.jsonl", 1, "tone", "--method pointwise", NULL, NULL},
    {"score human.jsonl --model llama --prompt which.yaml -o out.jsonl", 1, "which", "another kind than pairwise", NULL,
     NULL},
    {"score human.jsonl --model llama -o out.jsonl", 1, "llama", "--prompt", NULL, NULL},
};

static void recipes(void **state)
{
    (void)state;
    need_refusals(test_bench, recipe_cases, COUNT(recipe_cases));
}

static void prompts(void **state)
{
    (void)state;
    need_refusals(test_bench, prompt_cases, COUNT(prompt_cases));
}

/* --- stopped half-way --------------------------------------------------------------------------------------------- */

#define DRAW "rlaif sample p.jsonl --model llama --n 256 --max-new-tokens 2 --threads 1 -o out.jsonl"

/* Ctrl-C: 130, what was finished stays, the message names the command that goes on, and that does only the rest. */
static void interrupted(void **state)
{
    (void)state;
    Ran r = run_with_fault(test_bench, (Fault){0}, DRAW);
    need_status(&r, 0);
    int changes = r.changes;
    ran_free(&r);
    runs_with_status(test_bench, 0, "mv out.jsonl whole.jsonl && rm out.jsonl.rlaif");
    r = run_with_fault(test_bench, (Fault){.at = changes / 2, .signal = SIGINT}, DRAW);
    if (!strstr(r.err, "what is finished is stored; to go on: " DRAW))
        fail_msg("it does not say how to go on:\n%s", r.err);
    need_message(r, 130, "interrupted", "to go on");
    runs_with_status(test_bench, 0, "test ! -e out.jsonl && test -e out.jsonl.rlaif");
    r = run_in(test_bench, DRAW);
    int fresh = -1;
    const char *said = strstr(r.err, "rlaif: sample: ");
    need_status(&r, 0);
    if (!said || sscanf(said, "rlaif: sample: %d prompts", &fresh) != 1 || fresh < 1 || fresh > 5)
        fail_msg("%d of 6 prompts were sampled again:\n%s", fresh, r.err);
    ran_free(&r);
    runs_with_status(test_bench, 0, "cmp out.jsonl whole.jsonl");

    put_text(test_bench, "it's.jsonl", "{\"text\": \"Tea.\"}\n"); /* words as a shell reads them back */
    r = run_with_fault(test_bench, (Fault){.at = 1, .signal = SIGINT},
                       "rlaif tokenize \"it's.jsonl\" --model llama -o ids.jsonl");
    need_message(r, 130, "interrupted", "rlaif tokenize 'it'\\''s.jsonl' --model llama -o ids.jsonl");
}

/* No room on the disk: the message says so, nothing half-written stays, and with room the same command goes on. */
static void full_disk(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "rlaif import human.jsonl -o out.jsonl",
        "rlaif sample p.jsonl --model llama --max-new-tokens 2 -o out.jsonl",
        "rlaif sft demos.jsonl --model llama --save-every 1 -o out",
        "rlaif run small.yaml --run out",
    };
    for (int i = 0; i < COUNT(lines); i++) {
        bool through = false;
        for (int at = 1; !through; at *= 5) {
            Ran r = run_with_fault(test_bench, (Fault){.at = at, .full = true}, lines[i]);
            through = r.status == 0;
            if (through)
                ran_free(&r);
            else
                need_message(r, 1, "out", "free some space");
        }
        runs_with_status(test_bench, 0, "rm -rf out out.*");
    }
    runs_with_status(test_bench, 1, "rlaif import human.jsonl > /dev/full");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BENCH(usage),
        IN_BENCH(files),
        IN_BENCH(rows),
        IN_BENCH(cut_rows),
        IN_BENCH(long_prompts),
        IN_BENCH(gguf_files),
        IN_BENCH(model_directories),
        IN_BENCH(unreadable_templates),
        IN_BENCH(weights),
        IN_BENCH(recipes),
        IN_BENCH(prompts),
        IN_BENCH(interrupted),
        IN_BENCH(full_disk),
    };
    return cmocka_run_group_tests_name("bad input", tests, NULL, NULL);
}
