/* What the two ways of running the program share. */
#ifndef TESTS_PROGRAM_INTERNAL_H
#define TESTS_PROGRAM_INTERNAL_H

#include "program.h"

/* In a forked child: becomes the command, with these files as standard output and error. */
_Noreturn void program_child(const char *folder, const char *command, FILE *out, FILE *err);

/* How it ended; takes the files over. */
Ran program_ran(int wait_status, FILE *out, FILE *err);

#endif
