/* The libraries that text stands on. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "text/text_libraries.h"

#include <pcre2.h>
#include <utf8proc.h>

void text_libraries(Str *out)
{
    char version[64] = "";
    pcre2_config(PCRE2_CONFIG_VERSION, version);
    str_addf(out, "PCRE2 %s, utf8proc %s", version, utf8proc_version());
}
