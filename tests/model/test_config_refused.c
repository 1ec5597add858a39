/* Texts of config.json that are refused, each by what is wrong in it. */
#include "config_text.h"

#include "base/json.h"
#include "group.h"
#include "model/config.h"

static void wrong_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } row[] = {
        {"{}", "\"model_type\" must be a text, is missing"},
        {"[1]", "\"model_type\" must be a text, is missing"},
        {"{\"model_type\": \"olmo\"}", "model_type \"olmo\" is not supported"},
        {"{\"model_type\": \"mixtral\"}", "model_type \"mixtral\" is not supported: it is a mixture of experts"},
        {"{\"model_type\": \"qwen3_moe\"}", "is not supported: it is a mixture of experts"},
        {"{\"model_type\": \"qwen2_5_vl\"}", "is not supported: it is a model of images"},
        {"{\"model_type\": \"llava\"}", "is not supported: it is a model of images"},
        {"{\"model_type\": \"modernbert\"}", "is not supported: it is an encoder"},
        {"{\"model_type\": \"t5\"}", "is not supported: it is an encoder and a decoder"},
        {LLAMA ", \"num_local_experts\": 8}", "\"num_local_experts\" is 8: a mixture of experts"},
        {"{\"model_type\": \"gemma3\"}", "\"text_config\" must be an object, is missing"},
        {"{\"model_type\": \"gemma3\", \"text_config\": {\"model_type\": \"gemma2\"}}",
         "\"gemma3_text\" in text_config"},
        {"{\"model_type\": \"gemma3\", \"text_config\": {\"model_type\": 3}}", "\"gemma3_text\" in text_config"},
        {"{\"model_type\": \"qwen3_next\"}", "is not supported: it is a mixture of experts"},
        {"{\"model_type\": \"phi4_multimodal\"}", "is not supported: it is a model of images"},
        {"{\"model_type\": \"qwen2_audio\"}", "is not supported: it is a model of speech"},
        {"{\"model_type\": \"falcon_h1\"}", "is not supported: it is a state space model"},
        {"{\"model_type\": \"pegasus\"}", "is not supported: it is an encoder and a decoder"},
        {"{\"model_type\": \"llama\"}", "\"num_hidden_layers\" must be a whole number, is missing"},
        {LLAMA ", \"num_key_value_heads\": 3}", "divisor of the 4 heads"},
        {LLAMA ", \"head_dim\": \"16\"}", "\"head_dim\" must be a whole number, is \"16\""},
        {LLAMA ", \"head_dim\": 4294967312}", "\"head_dim\" must be a whole number"},
        {LLAMA ", \"head_dim\": 15}", "rotary dimensions must be even"},
        {LLAMA ", \"rms_norm_eps\": 0}", "epsilon of norms"},
        {LLAMA ", \"rms_norm_eps\": \"1e-5\"}", "\"rms_norm_eps\" must be a number"},
        {LLAMA ", \"attention_bias\": 1}", "\"attention_bias\" must be true or false"},
        {LLAMA ", \"final_logit_softcapping\": 30.0}", "\"final_logit_softcapping\" must be null"},
        {LLAMA ", \"hidden_act\": \"gelu\"}", "\"hidden_act\" must be \"silu\", is \"gelu\""},
        {LLAMA ", \"tie_word_embeddings\": 1}", "\"tie_word_embeddings\" must be true or false"},
        {LLAMA ", \"bos_token_id\": 300}", "\"bos_token_id\" must be the id of a token, is 300"},
        {LLAMA ", \"eos_token_id\": []}", "\"eos_token_id\" must be the id"},
        {LLAMA ", \"quantization_config\": {}}", "\"quantization_config\" must be null"},
        {LLAMA ", \"partial_rotary_factor\": 1.5}", "\"partial_rotary_factor\" must be in (0, 1]"},
        {LLAMA ", \"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 4}}", "kind \"dynamic\" is not supported"},
        {LLAMA ", \"rope_scaling\": {\"type\": \"yarn\"}}", "\"factor\" must be a number, is missing"},
        {LLAMA ", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, \"truncate\": false}}",
         "\"truncate\" must be true"},
        {LLAMA ", \"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1]}}", "\"long_factor\" must be a list"},
        {LLAMA ", \"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1], \"long_factor\": [1]}}",
         "longrope needs 8"},
        {OF("gpt2") ", \"n_embd\": 64, \"n_head\": 5, \"vocab_size\": 300}",
         "hidden_size 64 is not a multiple of the 5 heads"},
        {OF("gpt2") ", \"activation_function\": \"relu\"}", "\"activation_function\" must be \"gelu\""},
        {OF("gpt2") ", \"scale_attn_by_inverse_layer_idx\": true}",
         "\"scale_attn_by_inverse_layer_idx\" must be false"},
        {OF("gptneox") ", \"rotary_pct\": 0}", "is not supported"},
        {OF("gpt_neox") ", \"rotary_pct\": 0}", "\"partial_rotary_factor\" must be in (0, 1]"},
        {OF("qwen2") ", " SIZES ", \"num_key_value_heads\": 3}", "divisor of the 4 heads"},
        {OF("mistral") ", " SIZES ", \"num_key_value_heads\": 2, \"sliding_window\": 0}",
         "window of local layers must be"},
        {OF("gemma2") ", \"attn_logit_softcapping\": -1}", "\"attn_logit_softcapping\" must be positive"},
        {LLAMA ", \"rope_scaling\": {\"type\": \"linear\"}}", "\"factor\" must be a number, is missing"},
        {LLAMA ", \"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8}}", "\"low_freq_factor\" must be"},
        {LLAMA ", \"rope_scaling\": [2]}", "\"rope_scaling\" must be an object"},
        {LLAMA ", \"rope_theta\": 0}", "rotary base must be"},
        {OF("qwen2") ", " SIZES ", \"num_key_value_heads\": 2, \"is_causal\": false}",
         "\"is_causal\" is false: attention that looks ahead"},
        {LLAMA ", \"use_bidirectional_attention\": true}",
         "\"use_bidirectional_attention\" is true: attention that looks ahead"},
        {LLAMA ", \"per_layer_config\": {\"1\": {\"rms_norm_eps\": 1e-5}}}",
         "\"per_layer_config\" makes layers differ"},
        {GEMMA3 ", \"sliding_window\": null}", "window of local layers must be positive"},
        {LLAMA ", \"architectures\": [\"LlamaForTokenClassification\"]}", "LlamaForTokenClassification"},
        {LLAMA ", \"architectures\": []}", "\"architectures\" must be a list that begins with"},
        {LLAMA ", \"architectures\": \"LlamaForCausalLM\"}", "\"architectures\" must be a list that begins with"},
        {LLAMA ", \"architectures\": [5]}", "\"architectures\" must be a list that begins with"},
        {LLAMA ", \"rope_scaling\": {\"factor\": 2.0}}",
         "\"rope_type\" must be the kind of scaling, a text, is missing"},
        {LLAMA ", \"rope_scaling\": {\"type\": null, \"factor\": 2.0}}", "\"rope_type\" must be the kind of scaling"},
        {LLAMA ", \"rope_scaling\": {\"type\": 5}}", "\"type\" must be the kind of scaling, a text, is 5"},
        {LLAMA ", \"rope_parameters\": {\"rope_type\": [], \"factor\": 2.0}}",
         "\"rope_type\" must be the kind of scaling"},
        {LLAMA ", \"rope_parameters\": {\"full_attention\": {\"rope_type\": \"linear\", \"factor\": 2.0}}}",
         "\"full_attention\" must be no object: all layers of this family rotate alike"},
        {LLAMA ", \"architectures\": [\"LlamaForSequenceClassification\"]}", "classifier of 2 labels"},
        {LLAMA ", \"architectures\": [\"LlamaForSequenceClassification\"], \"num_labels\": 3}", "of 3 labels"},
        {"{\"model_type\": \"llama\", " SIZES ", \"num_attention_heads\": 5}", "a key stands twice"},
        {GEMMA3 ", \"hidden_activation\": \"gelu\"}", "\"hidden_activation\" must be \"gelu_pytorch_tanh\""},
        {GEMMA3 ", \"layer_types\": [\"full_attention\"]}", "\"layer_types\" must be a list with an entry"},
        {GEMMA3 ", \"layer_types\": [\"a\", \"b\", \"c\", \"d\"]}", "of sliding_attention and full_attention"},
        {GEMMA3 ", \"sliding_window_pattern\": 0}", "\"sliding_window_pattern\" must be positive"},
        {GEMMA3 ", \"sliding_window\": 0}", "window of local layers must be positive"},
        {GEMMA3 ", \"query_pre_attn_scalar\": 0}", "\"query_pre_attn_scalar\" must be positive"},
        {GEMMA3 ", \"use_bidirectional_attention\": true}",
         "\"use_bidirectional_attention\" is true: attention that looks ahead"},
        {GEMMA3 ", \"final_logit_softcapping\": 0}", "\"final_logit_softcapping\" must be positive"},
        {GEMMA3 ", \"rope_parameters\": {\"rope_theta\": 1e6}}", "full_attention and sliding_attention"},
        {GEMMA3 ", \"architectures\": [\"Gemma3ForConditionalGeneration\"]}", "is not supported"},
    };
    for (int i = 0; i < COUNT(row); i++) {
        Err err = {0};
        ModelConfig c;
        json_t *json;
        bool ok = json_parse(row[i].text, strlen(row[i].text), "config.json", &json, &err) &&
                  config_from_json(&c, json, "config.json", &err);
        json_decref(json);
        if (ok || !strstr(err.msg, row[i].words) || !str_starts(err.msg, "config.json: "))
            fail_msg("%s says \"%s\"", row[i].text, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files),
    };
    return cmocka_run_group_tests_name("config.json refused", tests, NULL, NULL);
}
