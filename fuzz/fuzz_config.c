/* Any bytes as a config.json; what is accepted must read back from what is written for it. */
#include "base/json.h"
#include "model/config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Err err = {0};
    json_t *json = NULL;
    ModelConfig c, back;
    bool ok = json_parse((const char *)data, n, "fuzz", &json, &err) && config_from_json(&c, json, "fuzz", &err);
    json_decref(json);
    if (!ok)
        return 0;
    json = config_to_json(&c);
    if (!config_from_json(&back, json, "written", &err) || back.vocab != c.vocab || back.head != c.head ||
        back.attn_scale != c.attn_scale || back.rotary_dim != c.rotary_dim || back.window != c.window)
        __builtin_trap();
    json_decref(json);
    return 0;
}
