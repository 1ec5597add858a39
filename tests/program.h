/* The program as a user runs it: commands of a shell in a folder, what they print, how they end; and the same command
 * killed, interrupted or refused the disk at a chosen one of its system calls. */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include "support.h"

typedef struct Ran {
    int status;      /* exit status; 128 + the signal that ended it */
    char *out, *err; /* standard output and error */
    double peak;     /* run_in: bytes that it took at most, as the kernel says (VmHWM) */
    int changes;     /* run_with_fault: calls that change files, so far */
} Ran;

/* Runs a command line by `sh` in `folder`, where `rlaif` is the program that was built with the tests. */
Ran run_in(const char *folder, const char *fmt, ...) PRINTF_LIKE(2, 3);
void ran_free(Ran *r);

/* What happens before the at-th call that changes a file (write, create, rename, remove, sync ...; not to standard
 * output and error), counted from 1. */
typedef struct Fault {
    int at;     /* 0: nothing happens */
    int signal; /* this signal is sent: SIGKILL, SIGINT, SIGTERM; 0: none */
    bool full;  /* the disk is full from there on: what writes or creates fails with ENOSPC */
} Fault;

/* Runs a command under ptrace, which skips the test aloud where that is not allowed. One process, no pipelines. */
Ran run_with_fault(const char *folder, Fault fault, const char *command);

/* Runs a command that makes the file `made`, then, without it and its store, kills it at six places, one after the other, until it
 * ends: in the same bytes, which are left as `whole` too. */
void killed_to_same_bytes(const char *bench, const char *command, const char *made, const char *whole);

/* Runs a command that can start no thread and no process, as under a limit on them; skips the test aloud where that cannot be
 * forbidden. */
Ran run_without_threads(const char *folder, const char *command);

/* Ends the test as failed, showing both streams, unless the status is this. */
void need_status(const Ran *r, int status);
/* The same and frees it. */
void runs_with_status(const char *folder, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Is it an error as every command gives them? "rlaif: " and `message` within the line, then a line with `remedy` (NULL: any
 * or none), nothing on standard output, this status. Where not, says what it is. */
bool is_message(const Ran *r, int status, const char *message, const char *remedy);
/* Ends the test as failed where it is none. Frees it. */
void need_message(Ran r, int status, const char *message, const char *remedy);

/* The object on the last line of standard output. The caller releases it. */
json_t *last_json(const Ran *r);

/* Writes a file of this text into a folder. */
void put_text(const char *folder, const char *name, const char *text);

/* A link in a folder to a file or directory of the project, so that commands need not say where the project is. */
void put_link(const char *folder, const char *name, const char *to);

/* A folder with what small runs need: llama and gemma (links to tiny models), p.jsonl and held.jsonl (prompts),
 * demos.jsonl, human.jsonl (pairs with people's choices), people.jsonl (others), ranked.jsonl (rankings), tone.yaml (a
 * verdict), which.yaml (pairwise), small.yaml (a recipe). `name` is one below make_folder's; the caller frees the path. */
char *make_bench(const char *folder, const char *name);
/* Of the test that runs: a bench in `test_folder`. */
extern char *test_bench;
int test_bench_begin(void **state);
int test_bench_end(void **state);
#define IN_BENCH(test) cmocka_unit_test_setup_teardown(test, test_bench_begin, test_bench_end)

/* Both folders hold the same files of the same bytes, and stores of the same rows but for times. */
void same_folders(const char *a, const char *b);
/* What stands under a final name in `part` is whole: the same as in `whole`. Stores, checkpoints, the logs of a training
 * and what has a name to be written under (.tmp, .new-) do not count. */
void no_halves(const char *whole, const char *part);

#endif
