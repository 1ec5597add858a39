/* One character of a text. */
#include "text/character.h"

#include <utf8proc.h>

Character character(const char *s)
{
    Character c = {0, 1};
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, -1, &c.cp);
    if (*s && n > 0)
        c.n = (size_t)n;
    else
        c.cp = *s ? 0xFFFD : 0;
    return c;
}
