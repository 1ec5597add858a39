/* What a server's reply says, for people. */
#include "net/words.h"

#include <ctype.h>

const char *http_error_words(const json_t *reply)
{
    const json_t *error = json_object_get(reply, "error");
    const char *nested = json_text_of(error, "message");
    return nested                           ? nested
           : json_is_string(error)          ? json_string_value(error)
           : json_text_of(reply, "message") ? json_text_of(reply, "message")
                                            : json_text_of(reply, "detail");
}

/* The end of what begins with a tag: of a script or a style sheet its closing tag, else the tag's own. */
static const char *after_tag(const char *tag)
{
    static const char *const hidden[] = {"script", "style"};
    for (int i = 0; i < COUNT(hidden); i++)
        if (strncasecmp(tag + 1, hidden[i], strlen(hidden[i])) == 0)
            for (const char *c = tag + 1; *c; c++)
                if (c[0] == '<' && c[1] == '/' && strncasecmp(c + 2, hidden[i], strlen(hidden[i])) == 0)
                    tag = c;
    const char *end = strchr(tag, '>');
    return end ? end + 1 : tag + strlen(tag);
}

void http_body_words(const char *body, char *out, size_t size)
{
    size_t n = 0;
    while (isspace((unsigned char)*body))
        body++;
    bool is_page = *body == '<';
    while (*body && n + 1 < size) {
        bool tag = is_page && *body == '<', blank = tag || (unsigned char)*body <= ' ';
        if (!blank)
            out[n++] = *body;
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
        body = tag ? after_tag(body) : body + 1;
    }
    while (n > 0 && ((unsigned char)out[n - 1] == ' ' || (*body && ((unsigned char)out[n - 1] & 0xC0) == 0x80)))
        n--; /* nor half a character */
    if (*body && n > 0 && ((unsigned char)out[n - 1] & 0xC0) == 0xC0)
        n--;
    out[n] = 0;
}
