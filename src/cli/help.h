/* What `rlaif help` prints: the commands, their options, the judge prompts; and the same as pages. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/command.h"

#include <stdio.h>

/* The list of commands. */
void help_usage(FILE *out);
/* One command's options and an example. */
void help_command(const Command *c);

/* Says that there is no such command, and which is near; returns the exit status. */
int unknown_command(int argc, char **argv);

/* rlaif help [COMMAND | prompts [NAME] | reference | man]; returns the exit status. */
int help(int argc, char **argv);

#endif
