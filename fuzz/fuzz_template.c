/* Fuzzing of chat templates: the data is a template, rendered with fixed messages. Nothing may crash, leak, hang
 * or write half a text. */
#include "text/chat.h"

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char messages[] =
    "[{\"role\": \"system\", \"content\": \" Be <brief>. \"},"
    " {\"role\": \"user\", \"content\": \"Gr\\u00fc\\u00dfe, 1,2;3\\nHi \\ud83d\\ude42\"},"
    " {\"role\": \"assistant\", \"content\": null, \"n\": [1, 2.5, true, {\"a\": {\"b\": \"x\"}}]},"
    " {\"role\": \"tool\", \"content\": [{\"type\": \"text\", \"text\": \"it's \\\"so\\\"\"}]}]";

static json_t *conversation(void)
{
    json_t *list = json_loads(messages, 0, NULL);
    if (!list)
        __builtin_trap();
    return list;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *source = mem_strn((const char *)data, n);
    ChatTemplate *t = chat_template_new(source, "<s>", "</s>", NULL);
    Err err = {0};
    Tainted out = {0};
    json_t *list = conversation();
    tainted_add(&out, "before", 6, NULL);
    bool ok = chat_render(t, list, n & 1, 0, &out, &err);
    if (ok == (err.code != ERR_NONE) || (!ok && out.text.n != 6) || strcmp(chat_template_source(t), source) != 0)
        __builtin_trap();
    json_decref(list);
    tainted_release(&out);
    chat_template_free(t);
    free(source);
    return 0;
}
