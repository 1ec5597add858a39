/* The table of the families' tensors; small models of random numbers as directories. */
#include "families.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/file/safetensors.h"

/* --- the tensors of each family ---------------------------------------------------------------------------------- */

/* Rows of F are whole blocks of the quantised types, rows of C are none. */
enum { LAYERS = FAMILY_LAYERS, V = FAMILY_VOCAB, C = 24, H = 4, K = 2, D = 6, F = 64, POSITIONS = 64 };

#define SIZES                                                                                                          \
    "\"num_hidden_layers\": 2, \"hidden_size\": 24, \"num_attention_heads\": 4, \"intermediate_size\": 64, "           \
    "\"vocab_size\": 293, \"max_position_embeddings\": 64, \"bos_token_id\": 1, \"eos_token_id\": 2"
#define GROUPED SIZES ", \"num_key_value_heads\": 2, \"head_dim\": 6"

#define L "model.layers.%d."
#define B "blk.%d."
#define TOP                                                                                                            \
    {"model.embed_tokens.weight", "token_embd.weight", V, C, SAME},                                                    \
    {                                                                                                                  \
        "model.norm.weight", "output_norm.weight", C, 0, SAME                                                          \
    }
#define UNTIED                                                                                                         \
    {                                                                                                                  \
        "lm_head.weight", "output.weight", V, C, SAME                                                                  \
    }
#define USUAL(turn)                                                                                                    \
    {L "input_layernorm.weight", B "attn_norm.weight", C, 0, SAME},                                                    \
        {L "self_attn.q_proj.weight", B "attn_q.weight", H * D, C, turn},                                              \
        {L "self_attn.k_proj.weight", B "attn_k.weight", K * D, C, turn},                                              \
        {L "self_attn.v_proj.weight", B "attn_v.weight", K * D, C, SAME},                                              \
        {L "self_attn.o_proj.weight", B "attn_output.weight", C, H * D, SAME},                                         \
        {L "post_attention_layernorm.weight", B "ffn_norm.weight", C, 0, SAME},                                        \
        {L "mlp.gate_proj.weight", B "ffn_gate.weight", F, C, SAME},                                                   \
        {L "mlp.up_proj.weight", B "ffn_up.weight", F, C, SAME},                                                       \
    {                                                                                                                  \
        L "mlp.down_proj.weight", B "ffn_down.weight", C, F, SAME                                                      \
    }
#define GEMMA                                                                                                          \
    {"model.embed_tokens.weight", "token_embd.weight", V, C, SAME},                                                    \
        {"model.norm.weight", "output_norm.weight", C, 0, PLUS_ONE},                                                   \
        {L "input_layernorm.weight", B "attn_norm.weight", C, 0, PLUS_ONE},                                            \
        {L "self_attn.q_proj.weight", B "attn_q.weight", H * D, C, SAME},                                              \
        {L "self_attn.k_proj.weight", B "attn_k.weight", K * D, C, SAME},                                              \
        {L "self_attn.v_proj.weight", B "attn_v.weight", K * D, C, SAME},                                              \
        {L "self_attn.o_proj.weight", B "attn_output.weight", C, H * D, SAME},                                         \
        {L "post_attention_layernorm.weight", B "post_attention_norm.weight", C, 0, PLUS_ONE},                         \
        {L "pre_feedforward_layernorm.weight", B "ffn_norm.weight", C, 0, PLUS_ONE},                                   \
        {L "mlp.gate_proj.weight", B "ffn_gate.weight", F, C, SAME},                                                   \
        {L "mlp.up_proj.weight", B "ffn_up.weight", F, C, SAME},                                                       \
        {L "mlp.down_proj.weight", B "ffn_down.weight", C, F, SAME},                                                   \
    {                                                                                                                  \
        L "post_feedforward_layernorm.weight", B "post_ffw_norm.weight", C, 0, PLUS_ONE                                \
    }

const Listed listed_families[FAMILIES] = {
    {"llama",
     GROUPED ", \"attention_bias\": true, \"mlp_bias\": true",
     {TOP,
      USUAL(PAIRS),
      UNTIED,
      {L "self_attn.q_proj.bias", B "attn_q.bias", H *D, 0, PAIRS},
      {L "self_attn.k_proj.bias", B "attn_k.bias", K *D, 0, PAIRS},
      {L "self_attn.v_proj.bias", B "attn_v.bias", K *D, 0, SAME},
      {L "self_attn.o_proj.bias", B "attn_output.bias", C, 0, SAME},
      {L "mlp.gate_proj.bias", B "ffn_gate.bias", F, 0, SAME},
      {L "mlp.up_proj.bias", B "ffn_up.bias", F, 0, SAME},
      {L "mlp.down_proj.bias", B "ffn_down.bias", C, 0, SAME}},
     "101d1b2dfd5e6839b00c47c08a99eb22554b7d24a5295f255b6610c76650dcdd"},
    {"mistral",
     GROUPED ", \"sliding_window\": 9",
     {TOP, USUAL(PAIRS), UNTIED},
     "16b51f9507c46afe6e20e8e1cb233121027f3c72c367db63a826a080e2eacaf5"},
    {"qwen2",
     GROUPED ", \"tie_word_embeddings\": true",
     {TOP,
      USUAL(SAME),
      {L "self_attn.q_proj.bias", B "attn_q.bias", H *D, 0, SAME},
      {L "self_attn.k_proj.bias", B "attn_k.bias", K *D, 0, SAME},
      {L "self_attn.v_proj.bias", B "attn_v.bias", K *D, 0, SAME}},
     "7cd617434a13d08bf6f329929af10a0b6ca5600f1987607202505d7d91a18e36"},
    {"qwen3",
     GROUPED,
     {TOP,
      USUAL(SAME),
      UNTIED,
      {L "self_attn.q_norm.weight", B "attn_q_norm.weight", D, 0, SAME},
      {L "self_attn.k_norm.weight", B "attn_k_norm.weight", D, 0, SAME}},
     "85a24541018c4f541415a311a820b607b323a5ec9a0e2ba5c8917e933bd07f58"},
    {"gemma2",
     GROUPED ", \"sliding_window\": 9, \"query_pre_attn_scalar\": 6",
     {GEMMA},
     "3e31604a08cb17759f91257e2bdd97e261fa97f0bd1acf5ae9221ad77ee3af0d"},
    {"gemma3_text",
     GROUPED ", \"sliding_window\": 9, \"query_pre_attn_scalar\": 6, \"sliding_window_pattern\": 2",
     {GEMMA,
      {L "self_attn.q_norm.weight", B "attn_q_norm.weight", D, 0, PLUS_ONE},
      {L "self_attn.k_norm.weight", B "attn_k_norm.weight", D, 0, PLUS_ONE}},
     "f274b5c69e0bead0cacbf264f91b36830d35019d5892584894f28765924cdeb2"},
    {"phi3",
     GROUPED
     ", \"original_max_position_embeddings\": 32, \"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1, 1.5, 2], "
     "\"long_factor\": [1, 2, 4]}",
     {TOP,
      UNTIED,
      {L "input_layernorm.weight", B "attn_norm.weight", C, 0, SAME},
      {L "self_attn.qkv_proj.weight", B "attn_qkv.weight", (H + 2 * K) * D, C, SAME},
      {L "self_attn.o_proj.weight", B "attn_output.weight", C, H *D, SAME},
      {L "post_attention_layernorm.weight", B "ffn_norm.weight", C, 0, SAME},
      {L "mlp.gate_up_proj.weight", B "ffn_up.weight", 2 * F, C, SAME},
      {L "mlp.down_proj.weight", B "ffn_down.weight", C, F, SAME}},
     "678c59dfa9f84692f0af927f90f747eff9356ab72c9f6dd694581b29c9ff3590"},
    {"gpt2",
     "\"n_layer\": 2, \"n_embd\": 24, \"n_head\": 4, \"n_inner\": 64, \"vocab_size\": 293, \"n_positions\": 64, "
     "\"bos_token_id\": 1, \"eos_token_id\": 2",
     {{"transformer.wte.weight", "token_embd.weight", V, C, SAME},
      {"transformer.wpe.weight", "position_embd.weight", POSITIONS, C, SAME},
      {"transformer.ln_f.weight", "output_norm.weight", C, 0, SAME},
      {"transformer.ln_f.bias", "output_norm.bias", C, 0, SAME},
#define G "transformer.h.%d."
      {G "ln_1.weight", B "attn_norm.weight", C, 0, SAME},
      {G "ln_1.bias", B "attn_norm.bias", C, 0, SAME},
      {G "ln_2.weight", B "ffn_norm.weight", C, 0, SAME},
      {G "ln_2.bias", B "ffn_norm.bias", C, 0, SAME},
      {G "attn.c_attn.weight", B "attn_qkv.weight", C, 3 * C, TURNED},
      {G "attn.c_attn.bias", B "attn_qkv.bias", 3 * C, 0, SAME},
      {G "attn.c_proj.weight", B "attn_output.weight", C, C, TURNED},
      {G "attn.c_proj.bias", B "attn_output.bias", C, 0, SAME},
      {G "mlp.c_fc.weight", B "ffn_up.weight", C, F, TURNED},
      {G "mlp.c_fc.bias", B "ffn_up.bias", F, 0, SAME},
      {G "mlp.c_proj.weight", B "ffn_down.weight", F, C, TURNED},
      {G "mlp.c_proj.bias", B "ffn_down.bias", C, 0, SAME}},
     "4e7d8b81617021adbd467219dc93e9daf104ef8cd2dc87bc11020e61c261ebf2"},
    {"gpt_neox",
     SIZES ", \"rotary_pct\": 0.67",
#define N "gpt_neox.layers.%d."
     {{"gpt_neox.embed_in.weight", "token_embd.weight", V, C, SAME},
      {"embed_out.weight", "output.weight", V, C, SAME},
      {"gpt_neox.final_layer_norm.weight", "output_norm.weight", C, 0, SAME},
      {"gpt_neox.final_layer_norm.bias", "output_norm.bias", C, 0, SAME},
      {N "input_layernorm.weight", B "attn_norm.weight", C, 0, SAME},
      {N "input_layernorm.bias", B "attn_norm.bias", C, 0, SAME},
      {N "post_attention_layernorm.weight", B "ffn_norm.weight", C, 0, SAME},
      {N "post_attention_layernorm.bias", B "ffn_norm.bias", C, 0, SAME},
      {N "attention.query_key_value.weight", B "attn_qkv.weight", 3 * C, C, HEADS},
      {N "attention.query_key_value.bias", B "attn_qkv.bias", 3 * C, 0, HEADS},
      {N "attention.dense.weight", B "attn_output.weight", C, C, SAME},
      {N "attention.dense.bias", B "attn_output.bias", C, 0, SAME},
      {N "mlp.dense_h_to_4h.weight", B "ffn_up.weight", F, C, SAME},
      {N "mlp.dense_h_to_4h.bias", B "ffn_up.bias", F, 0, SAME},
      {N "mlp.dense_4h_to_h.weight", B "ffn_down.weight", C, F, SAME},
      {N "mlp.dense_4h_to_h.bias", B "ffn_down.bias", C, 0, SAME}},
     "8fc6e0edf41d07304e0fc938aa455331ac10b264feb8e740743f7f24b74213c9"},
};

/* --- a directory -------------------------------------------------------------------------------------------------- */

/* A tensor of a layer, or of none, by its row; false behind the last. */
static bool nth(const Listed *f, int i, const Row **row, int *layer)
{
    for (int r = 0; r < COUNT(f->row) && f->row[r].hf; r++) {
        int n = strstr(f->row[r].hf, "%d") ? LAYERS : 1;
        *row = &f->row[r];
        *layer = i;
        if (i < n)
            return true;
        i -= n;
    }
    return false;
}

char *named(const char *pattern, int layer)
{
    const char *at = strstr(pattern, "%d");
    return at ? mem_printf("%.*s%d%s", (int)(at - pattern), pattern, layer, at + 2) : mem_str(pattern);
}

void write_text(const char *folder, const char *name, const char *text)
{
    Err err = {0};
    char *path = path_join(folder, name);
    need_ok(file_write(path, text, strlen(text), &err), &err);
    free(path);
}

static char *outer_name(const char *pattern, int layer, Outer outer)
{
    char *name = named(pattern, layer), *whole;
    if (outer == OUTER_OLDER)
        whole = mem_printf("language_model.%s", name);
    else
        whole = outer ? mem_printf("model.language_model.%s", name + strlen("model.")) : mem_str(name);
    free(name);
    return whole;
}

/* Every other tensor from `first` on into one file, of numbers that its place in the table gives. */
static void put_tensors(const Listed *f, const char *path, int first, int step, Outer outer, json_t *index)
{
    Err err = {0};
    SafetensorsWriter *w;
    const Row *row;
    int layer;
    need_ok(safetensors_create(&w, path, DTYPE_F32, &err), &err);
    for (int pass = 0; pass < 2; pass++) {
        if (outer && pass == 0)
            safetensors_declare(w, outer == OUTER_OLDER ? "vision_tower.norm.weight" : "model.vision_tower.norm.weight",
                                (const size_t[]){3}, 1);
        else if (outer)
            need_ok(safetensors_values(w, (const float[]){1, 2, 3}, 3, &err), &err);
        for (int i = first; nth(f, i, &row, &layer); i += step) {
            char *name = outer_name(row->hf, layer, outer);
            size_t shape[2] = {(size_t)row->rows, (size_t)row->cols}, n = shape[0] * (row->cols ? shape[1] : 1);
            bool gain = !row->cols && strstr(name, ".weight") && row->change != PLUS_ONE;
            float *values = random_floats(n, (uint64_t)i, row->cols && row->rows != V ? 0.25 : 0.3);
            for (size_t k = 0; gain && k < n; k++)
                values[k] += 1;
            if (pass == 0)
                safetensors_declare(w, name, shape, row->cols ? 2 : 1);
            else
                need_ok(safetensors_values(w, values, n, &err), &err);
            json_object_set_new(index, name, json_string(path_base(path)));
            free(values);
            free(name);
        }
    }
    need_ok(safetensors_close(w, &err), &err);
}

void put_family(const Listed *f, const char *folder, bool shards, Outer outer)
{
    static const char *const tokenizer[] = {"tokenizer.json", "tokenizer_config.json"};
    Err err = {0};
    json_t *index = json_object();
    for (int i = 0; i < 1 + shards; i++) {
        char *path = mem_printf("%s/model%s.safetensors", folder, !shards ? "" : i ? "-2-of-2" : "-1-of-2");
        put_tensors(f, path, i, 1 + shards, outer, index);
        free(path);
    }
    json_t *whole = json_pack("{s:o}", "weight_map", index);
    char *text = json_text(whole);
    const char *before = outer ? "\"model_type\": \"gemma3\", \"text_config\": {" : "", *behind = outer ? "}" : "";
    char *config = mem_printf("{%s\"model_type\": \"%s\", %s%s}", before, f->family, f->config, behind);
    if (shards)
        write_text(folder, "model.safetensors.index.json", text);
    write_text(folder, "config.json", config);
    for (int i = 0; i < COUNT(tokenizer); i++) {
        size_t n;
        char *from = path_join("tests/fixtures/tiny-llama", tokenizer[i]), *content;
        need_ok(file_read(from, 1 << 24, &content, &n, &err), &err);
        write_text(folder, tokenizer[i], content);
        free(content);
        free(from);
    }
    free(text);
    free(config);
    json_decref(whole);
}
