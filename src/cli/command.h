/* Commands: one file each or a family of them, one row each in the table of commands.c. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "rlaif/stage/stage.h"

typedef struct Command {
    const char *name;  /* "label"; "eval winrate" */
    const char *about; /* one line */
    const OptionTable *table;
    bool (*run)(Work *work, void *options, Err *err);
    const char *example; /* for --help */
} Command;

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_INTERRUPTED = 130 };

bool cmd_import(Work *work, void *options, Err *err);
bool cmd_sft(Work *work, void *options, Err *err);
bool cmd_sample(Work *work, void *options, Err *err);
bool cmd_label(Work *work, void *options, Err *err);
bool cmd_score(Work *work, void *options, Err *err);
bool cmd_reward(Work *work, void *options, Err *err);
bool cmd_rl(Work *work, void *options, Err *err);
bool cmd_choose(Work *work, void *options, Err *err);
bool cmd_eval_alignment(Work *work, void *options, Err *err);
bool cmd_eval_accuracy(Work *work, void *options, Err *err);
bool cmd_eval_winrate(Work *work, void *options, Err *err);
bool cmd_eval_harmless(Work *work, void *options, Err *err);
bool cmd_eval_ratings(Work *work, void *options, Err *err);
bool cmd_eval_probes(Work *work, void *options, Err *err);
bool cmd_report(Work *work, void *options, Err *err);
bool cmd_serve(Work *work, void *options, Err *err);
bool cmd_rate_export(Work *work, void *options, Err *err);
bool cmd_run(Work *work, void *options, Err *err);
bool cmd_generate(Work *work, void *options, Err *err);
bool cmd_chat(Work *work, void *options, Err *err);
bool cmd_tokenize(Work *work, void *options, Err *err);
bool cmd_logprob(Work *work, void *options, Err *err);
bool cmd_inspect(Work *work, void *options, Err *err);
bool cmd_export(Work *work, void *options, Err *err);
bool cmd_bench(Work *work, void *options, Err *err);

extern const OptionTable generate_table, chat_table, tokenize_table, logprob_table, inspect_table, export_table,
    bench_table;

#endif
