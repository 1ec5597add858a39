/* Any bytes as an endpoint's reply, to a prompt and to a text; what is taken can be stored and read back. */
#include "base/mem.h"
#include "rlaif/judge/endpoint_reply.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *body = mem_strn((const char *)data, n); /* ends in a NUL, and may hold others */
    HttpReply reply = {.from = "fuzz", .status = 200, .body = body, .n = n};
    for (int way = 0; way < 4; way++) {
        Demand d = {.where = "fuzz:1", .system = "", .text = body, .next = way < 2, .max_tokens = 5, .stop = ""};
        json_t *said, *back;
        Err err = {0};
        if (endpoint_read(&reply, &d, way % 2 ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS, 5, &said, &err) != REPLY_TAKEN)
            continue;
        char *text = json_text(said);
        if (!json_parse(text, strlen(text), "what was said", &back, &err) || !json_equal(said, back))
            __builtin_trap();
        free(text);
        json_decref(said);
        json_decref(back);
    }
    free(body);
    return 0;
}
