/* One character of a text. */
#ifndef TEXT_CHARACTER_H
#define TEXT_CHARACTER_H

#include <stddef.h>
#include <stdint.h>

/* Its code point, 0 at the end of the text, and its bytes. What is not UTF-8 is one byte, U+FFFD, which is no letter. */
typedef struct Character {
    int32_t cp;
    size_t n;
} Character;

Character character(const char *s);

#endif
