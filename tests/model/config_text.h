/* Texts of config.json, without their last brace, so that tests add what they are about. */
#ifndef TESTS_MODEL_CONFIG_TEXT_H
#define TESTS_MODEL_CONFIG_TEXT_H

#define LAYERS(n)                                                                                                      \
    "\"hidden_size\": 64, \"num_hidden_layers\": " n ", \"num_attention_heads\": 4, \"intermediate_size\": 96, "       \
    "\"vocab_size\": 300"
#define SIZES    LAYERS("4")
#define OF(type) "{\"model_type\": \"" type "\""
#define LLAMA    "{\"model_type\": \"llama\", " SIZES
#define GEMMA3   "{\"model_type\": \"gemma3_text\", " SIZES ", \"num_key_value_heads\": 1, \"head_dim\": 24"

#endif
