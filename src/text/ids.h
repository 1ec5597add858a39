/* Tokens as numbers: what they mean, and lists of them. */
#ifndef TEXT_IDS_H
#define TEXT_IDS_H

/* The meaning of a token, as GGUF numbers it. */
typedef enum TokenType {
    TOKEN_NORMAL = 1,
    TOKEN_UNKNOWN = 2,
    TOKEN_CONTROL = 3,      /* special: found in text only where special tokens are parsed */
    TOKEN_USER_DEFINED = 4, /* always found in text, before anything else */
    TOKEN_UNUSED = 5,
    TOKEN_BYTE = 6 /* "<0x0A>" */
} TokenType;

/* A list of ids that grows. */
typedef struct Ids {
    int *id;
    int n, cap;
} Ids;
void ids_add(Ids *ids, int id);
void ids_append(Ids *ids, const int *id, int n);
void ids_release(Ids *ids);

#endif
