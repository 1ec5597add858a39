/* Files that become part of the program when it is built: EMBED(schema_sql, "src/store/schema.sql") defines
 * `const char schema_sql[]`, the file's bytes and a NUL, and `const char schema_sql_end[]`, where the NUL is.
 * Paths are relative to the project's root, where the compiler runs; the Makefile knows which object depends
 * on what. */
#ifndef BASE_EMBED_H
#define BASE_EMBED_H

#define EMBED(name, path)                                                                                              \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".global " #name "\n.hidden " #name "\n" #name ":\n"                                                       \
            ".incbin \"" path "\"\n"                                                                                   \
            ".global " #name "_end\n.hidden " #name "_end\n" #name "_end:\n"                                           \
            ".byte 0\n"                                                                                                \
            ".popsection\n");                                                                                          \
    extern const char name[], name##_end[]

#endif
