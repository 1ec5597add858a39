/* Rows of JSONL: prompts, demonstrations, responses, pairs, labels (docs/formats.md). Detected by their
 * fields; unknown fields are kept.
 *
 * A row's identity for random numbers is its `id`, else its content's hash and its number among equals; its
 * key in a store is always that hash and number. A field that is null is an absent one everywhere. */
#ifndef RLAIF_ROWS_ROWS_H
#define RLAIF_ROWS_ROWS_H

#include "base/hash.h"
#include "base/json.h"

#include <stdint.h>

enum { ROW_KEY = HASH_TEXT + 12 };

/* What a response answers: a text, or the turns of a conversation. */
typedef struct Context {
    char *text;    /* owned; NULL: turns */
    json_t *turns; /* [{"role", "content"}], owned; NULL: text */
    char
        *plain; /* of an HH transcript: its own text up to where the reply begins, for models without chat; else NULL */
} Context;

/* One response of a row. */
typedef struct ResponseView {
    char *text;
    bool ended; /* false: cut off before its end */
    bool
        blank_before; /* without chat a blank stands between the context and this text: its first token begins with it */
} ResponseView;

/* A row seen as a context and its responses. */
typedef struct RowView {
    Context context;
    ResponseView *response;
    int n;
    int preferred; /* a person's choice, 0 or 1; -1: none */
    bool has_label;
    double label; /* P(first response is preferred) by a judge */
} RowView;

typedef struct Row {
    json_t *json;     /* as it was read */
    const char *path; /* of another file than the first of the rows (rows_append); else NULL */
    int line;
    char key[ROW_KEY];
    uint64_t identity;
    RowView view; /* once rows_view has been called */
} Row;

typedef struct Rows {
    char *path;
    Row *row;
    int n;
    char **more; /* paths of files that were appended */
    int files;   /* of them */
    int skipped; /* bad rows left out under --skip-bad */
    int equal;   /* pairs left out because their responses are equal */
} Rows;

/* Reads a file (or "-"); at most `limit` rows, 0: all. A line that is no JSON object stops it, or is left out
 * and listed where skip_bad; so does an `id` that stands twice. An empty file is an error. */
bool rows_read(Rows *out, const char *path, int limit, bool skip_bad, Err *err) MUST_CHECK;
/* The same from lines in memory; `name` stands for the path. */
bool rows_parse(Rows *out, const char *name, const char *text, size_t n, int limit, Err *err) MUST_CHECK;
void rows_release(Rows *r);
/* Lets go of the rows that are not `in`. */
void rows_keep(Rows *r, const bool *in);
/* Moves rows to the end of others, which may be none. Keys of rows from different files differ; identities stay. */
void rows_append(Rows *to, Rows *from);

/* What a command needs of every row. */
typedef enum RowNeed {
    NEED_PROMPT,    /* a context */
    NEED_CONTEXT,   /* the same, and of demonstrations as turns what stands before the reply */
    NEED_RESPONSES, /* at least one response */
    NEED_PAIR,      /* exactly two; rows_view makes a row of every two of a list that nobody has compared (pairs.c) */
    NEED_DEMONSTRATION, /* prompt and completion, messages, a prompt and one response, or a pair with a person's choice; none
                         * that is marked as bad */
    NEED_ANY            /* any of these, marked or not */
} RowNeed;
/* Reads every row as a context with responses into row.view. A row that is not what is needed stops it,
 * saying what is missing, or is left out where skip_bad. */
bool rows_view(Rows *r, RowNeed need, bool skip_bad, Err *err) MUST_CHECK;

/* A row was found bad, which *err says: true where it is to be left out, listed and counted; else false, with the remedy. */
bool rows_pass_over(Rows *r, bool skip_bad, Err *err) MUST_CHECK;
/* Fails where n, the rows that are left, is 0. */
bool rows_are_left(const Rows *r, int n, Err *err) MUST_CHECK;

/* Does the row, which has been viewed, hold its response in `response`? What is said of it is then no list. */
bool row_is_single(const Row *row);

/* A hash over all keys: what a stage's identity says of its input. */
void rows_hash(const Rows *r, char out[HASH_TEXT]);

/* The id of a row: a text, or a number as JSON writes it; NULL: it has none. The caller frees it. */
char *row_id(const json_t *row);

/* "path:line", which begins messages about a row; in a caller's buffer. */
const char *row_place(const Rows *rows, int i, char out[300]);

/* Reads what a row's field `name` holds: a text, which may be an HH transcript that waits for a reply, or turns. */
bool context_read(const json_t *value, const char *name, Context *out, Err *err) MUST_CHECK;
/* Are they the same conversation? A text is one turn of the user. */
bool context_same(const Context *a, const Context *b);
/* A copy of its own, for instance to be cut. */
Context context_copy(const Context *c);
void context_release(Context *c);

/* The turns of a context: a text is one turn of the user. The caller releases the list. */
json_t *context_turns(const Context *c);
/* As models without chat read it: a text as it is, turns as "\n\nHuman: ...\n\nAssistant:" in the form of HH's transcripts, which
 * stay as they are. The caller frees it. */
char *context_plain(const Context *c);
/* As a row's `prompt` holds it so that it is that text again: the turns, or of a transcript that they do not give, its text. The
 * caller releases it. */
json_t *context_exact(const Context *c);
/* Does a blank stand between a context and a reply to it without chat, where the row does not say? Behind "Assistant:", unless
 * the text begins with a blank itself. */
bool blank_before(const Context *c, const char *text);
/* As judges read it: a text as it is, turns as lines "Human: ..." and "Assistant: ...". The caller frees it.
 */
char *context_lines(const Context *c);
/* As a row's `prompt` holds it: a text, or a list of turns. The caller releases it. */
json_t *context_json(const Context *c);
/* What decides whether two prompts are the same one, however their rows are written (context_key.c). The caller frees it. */
char *context_key(const Context *c);
/* SHA-256 of that: by it prompts are compared. */
void context_hash(const Context *c, char out[HASH_TEXT]);
/* Its number among the prompts met, an object of their hashes; a new one where it has not been. */
int context_number(json_t *prompts, const Context *c);
/* Of the user's first turn: the hash of a prompt that is that turn alone, and one that is the same for all longer ones which
 * begin with it. True where this is a longer one. */
bool context_first(const Context *c, char alone[HASH_TEXT], char longer[HASH_TEXT]);
/* Characters (code points) of a text; lengths are counted in them. */
int text_characters(const char *text);

/* Takes out of a row what a public form of comparisons (comparison.h) says of its replies. */
void row_drop_comparison(json_t *row);

/* One row as a view. */
bool row_view(const json_t *row, RowNeed need, RowView *out, Err *err) MUST_CHECK;
void row_view_release(RowView *v);

#endif
