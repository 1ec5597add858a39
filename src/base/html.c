/* Text and data for HTML pages. */
#include "base/html.h"

#include "base/mem.h"

void html_text(Str *out, const char *text)
{
    for (const char *c = text ? text : ""; *c; c++) {
        unsigned char u = (unsigned char)*c;
        if (*c == '&')
            str_add(out, "&amp;");
        else if (*c == '<')
            str_add(out, "&lt;");
        else if (*c == '>')
            str_add(out, "&gt;");
        else if (*c == '"')
            str_add(out, "&quot;");
        else if (*c == '\'')
            str_add(out, "&#39;");
        else if ((u < 0x20 && u != '\n' && u != '\t') || u == 0x7f)
            str_add(out, "\xef\xbf\xbd");
        else
            str_addc(out, *c);
    }
}

size_t html_text_cut(Str *out, const char *text, size_t most)
{
    size_t cut = str_cut(text, most);
    char *part = mem_strn(text, cut);
    html_text(out, part);
    free(part);
    return strlen(text) - cut;
}

void html_json(Str *out, const json_t *value)
{
    char *text = json_text(value);
    for (const char *c = text; *c; c++)
        if (*c == '<')
            str_add(out, "\\u003c");
        else
            str_addc(out, *c);
    free(text);
}
