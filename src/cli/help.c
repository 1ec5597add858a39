/* help: the tables as text. */
#include "cli/help.h"

#include "base/str.h"
#include "rlaif/judge_prompt.h"
#include "rlaif/version.h"

void help_usage(FILE *out)
{
    fprintf(out,
            "rlaif %s: reinforcement learning from AI feedback\n\nusage: rlaif COMMAND [FILES] [--option value]\n\n",
            RLAIF_VERSION);
    for (int i = 0; i < commands_n; i++)
        fprintf(out, "  %-15s %s\n", commands[i].name, commands[i].about);
    fprintf(out, "  %-15s %s\n  %-15s %s\n", "version", "version, libraries, CPU", "help",
            "this list; help COMMAND; help prompts [NAME]; help reference; help man");
}

void help_command(const Command *c)
{
    Str s = {0};
    options_help(c->table, &s);
    printf("rlaif %s: %s\n\n%s\nexample: %s\n", c->name, c->about, str_text(&s), c->example);
    str_release(&s);
}

static int print_prompt(const char *name)
{
    for (int i = 0; i < builtin_prompts(); i++)
        if (strcmp(builtin_prompt_name(i), name) == 0) {
            fputs(builtin_prompt_yaml(i), stdout);
            return STATUS_DONE;
        }
    fprintf(stderr, "rlaif: there is no judge prompt \"%s\"\nrlaif help prompts lists them\n", name);
    return STATUS_USAGE;
}

static int print_prompts(void)
{
    for (int i = 0; i < builtin_prompts(); i++)
        printf("%-20s %s\n", builtin_prompt_name(i), builtin_prompt_about(i));
    return STATUS_DONE;
}

const Command *find_command(int argc, char **argv, int *words)
{
    for (int i = 0; i < commands_n; i++) {
        char two[100];
        snprintf(two, sizeof two, "%s %s", argv[0], argc > 1 ? argv[1] : "");
        *words = strchr(commands[i].name, ' ') ? 2 : 1;
        if (strcmp(commands[i].name, *words == 2 ? two : argv[0]) == 0)
            return &commands[i];
    }
    return NULL;
}

/* "eval takes one of alignment, accuracy, ...": false where the name takes no second word. */
static bool print_second_words(const char *name)
{
    size_t n = strlen(name);
    int found = 0;
    for (int i = 0; i < commands_n; i++)
        if (strncmp(commands[i].name, name, n) == 0 && commands[i].name[n] == ' ') {
            if (found++ == 0)
                fprintf(stderr, "%s takes one of ", name);
            fprintf(stderr, "%s%s", found > 1 ? ", " : "", commands[i].name + n + 1);
        }
    return found > 0;
}

int unknown_command(const char *name)
{
    const char *near = str_nearest(name, &commands[0].name, commands_n, sizeof commands[0]);
    fprintf(stderr, "rlaif: there is no command \"%s\"\n", name);
    if (print_second_words(name))
        fputc('\n', stderr);
    else if (near)
        fprintf(stderr, "did you mean \"%s\"?\n", near);
    else
        fprintf(stderr, "rlaif help lists what there is\n");
    return STATUS_USAGE;
}

/* --- pages, made from the same tables --- */

/* docs/reference.md */
static void print_reference(void)
{
    printf("# Commands\n\nMade by `rlaif help reference` from the tables of options; `make docs` writes it anew.\n");
    for (int i = 0; i < commands_n; i++) {
        Str s = {0};
        options_help(commands[i].table, &s);
        printf("\n## %s\n\n%s\n\n```\n%s```\n\n    %s\n", commands[i].name, commands[i].about, str_text(&s),
               commands[i].example);
        str_release(&s);
    }
}

/* A text for troff: backslashes, and dots and quotes that begin a line, are no commands. */
static void print_troff(const char *text)
{
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        fputs(*text == '\\' ? "\\e" : *text == '-' ? "\\-" : (char[]){*text, 0}, stdout);
        begins = *text == '\n';
    }
}

/* rlaif.1 */
static void print_man(void)
{
    printf(".TH RLAIF 1 \"\" \"rlaif %s\"\n.SH NAME\nrlaif \\- reinforcement learning from AI feedback\n"
           ".SH SYNOPSIS\n.B rlaif\n.I COMMAND\n[FILES] [\\-\\-option value]\n.SH COMMANDS\n",
           RLAIF_VERSION);
    for (int i = 0; i < commands_n; i++) {
        Str s = {0};
        options_help(commands[i].table, &s);
        printf(".SS %s\n", commands[i].name);
        print_troff(commands[i].about);
        printf("\n.PP\n.nf\n");
        print_troff(str_text(&s));
        printf(".fi\n.PP\nExample:\n.B ");
        print_troff(commands[i].example);
        printf("\n");
        str_release(&s);
    }
    printf(".SH EXIT STATUS\n0 done; 1 failed; 2 wrong usage; 130 interrupted, and to be continued.\n");
}

int help(int argc, char **argv)
{
    int words;
    if (argc == 0) {
        help_usage(stdout);
        return STATUS_DONE;
    }
    if (strcmp(argv[0], "prompts") == 0)
        return argc > 1 ? print_prompt(argv[1]) : print_prompts();
    if (strcmp(argv[0], "reference") == 0 || strcmp(argv[0], "man") == 0) {
        argv[0][0] == 'r' ? print_reference() : print_man();
        return STATUS_DONE;
    }
    const Command *c = find_command(argc, argv, &words);
    if (!c)
        return unknown_command(argv[0]);
    help_command(c);
    return STATUS_DONE;
}
