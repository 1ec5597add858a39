/* The table of commands. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

extern const Command commands[];
extern const int commands_n;

/* The command named by argv[0] (and argv[1]), or NULL; *words says how many of them. */
const Command *find_command(int argc, char **argv, int *words);

#endif
