/* Rows for tables of options that several commands have, alike but for a few words of their help. `type` is the command's
 * struct, whose field has the option's name. */
#ifndef RLAIF_STAGE_OPTION_ROWS_H
#define RLAIF_STAGE_OPTION_ROWS_H

#include "base/options.h"
#include "rlaif/rows/cut.h"
#include "rlaif/rows/render.h"

#define OUTPUT_ROWS_OPTION(type, what)                                                                                 \
    {                                                                                                                  \
        "output", OPT_TEXT, AT(type, output), .value = "ROWS", .flags = OPT_SHORT_O | OPT_WORKING | OPT_CLI,           \
                                              .help = what                                                             \
    }
#define CHAT_OPTION(type, how)                                                                                         \
    {                                                                                                                  \
        "chat", OPT_CHOICE, AT(type, chat), .choices = CHAT_MODES, .otherwise = "auto", .help = how                    \
    }
#define TRUNCATE_OPTION(type, what)                                                                                    \
    {                                                                                                                  \
        "truncate", OPT_CHOICE, AT(type, truncate), .choices = CUT_RULES, .otherwise = "none", .help = what            \
    }
#define LIMIT_OPTION(type, of)                                                                                         \
    {                                                                                                                  \
        "limit", OPT_INT, AT(type, limit), 0, 1e9, "0", .flags = OPT_WORKING, .help = "at most so many " of "; 0: all" \
    }
/* `beside`: what is left out beside bad rows, or "". */
#define SKIP_BAD_OPTION(type, beside)                                                                                  \
    {                                                                                                                  \
        "skip-bad", OPT_BOOL, AT(type, skip_bad), .flags = OPT_WORKING,                                                \
                                                  .help = "leave bad rows out" beside " and list them"                 \
    }

#endif
