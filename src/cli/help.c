/* help: the tables as text. */
#include "cli/help.h"

#include "base/str.h"
#include "base/version.h"
#include "cli/commands.h"
#include "rlaif/judge/prompt/builtin.h"
#include "rlaif/judge/prompt/prompt.h"

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

/* What a command is about, without the blanks that make columns of the list. */
static const char *about(const Command *c, Str *s)
{
    str_clear(s);
    for (const char *p = c->about; *p; p++)
        if (p[0] != ' ' || p[1] != ' ')
            str_addc(s, *p);
    return str_text(s);
}

void help_command(const Command *c)
{
    Str options = {0}, words = {0};
    options_help(c->table, &options);
    printf("rlaif %s: %s\n\n%s\nexample: %s\n", c->name, about(c, &words), str_text(&options), c->example);
    str_release(&options);
    str_release(&words);
}

/* What helps after a name that is not there. */
static void print_near(const char *near, const char *otherwise)
{
    if (near)
        fprintf(stderr, "did you mean \"%s\"?\n", near);
    else
        fprintf(stderr, "%s\n", otherwise);
}

static int print_prompt(const char *name)
{
    int i = builtin_prompt_find(name);
    if (i >= 0) {
        fputs(builtin_prompt_yaml(i), stdout);
        return STATUS_DONE;
    }
    fprintf(stderr, "rlaif: there is no judge prompt \"%s\"\n", name);
    print_near(builtin_prompt_near(name), "rlaif help prompts lists them");
    return STATUS_USAGE;
}

static int print_prompts(void)
{
    for (int i = 0; i < builtin_prompts(); i++)
        printf("%-20s %s\n", builtin_prompt_name(i), builtin_prompt_about(i));
    return STATUS_DONE;
}

/* Is this command one of the family "eval"? */
static bool of_family(const Command *c, const char *name)
{
    size_t n = strlen(name);
    return strncmp(c->name, name, n) == 0 && c->name[n] == ' ';
}

/* The commands of a family; false where there are none. */
static bool print_family(FILE *out, const char *name)
{
    int found = 0;
    for (int i = 0; i < commands_n; i++)
        if (of_family(&commands[i], name)) {
            if (found++ == 0)
                fprintf(out, "rlaif %s takes one of\n\n", name);
            fprintf(out, "  %-15s %s\n", commands[i].name, commands[i].about);
        }
    return found > 0;
}

int unknown_command(int argc, char **argv)
{
    char two[100];
    snprintf(two, sizeof two, "%s%s%s", argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
    bool family = false;
    for (int i = 0; i < commands_n; i++)
        family = family || of_family(&commands[i], argv[0]);
    const char *name = family ? two : argv[0];
    const char *near = str_nearest(name, &commands[0].name, commands_n, sizeof commands[0]);
    fprintf(stderr, "rlaif: there is no command \"%s\"\n", name);
    if (family && (argc < 2 || !near))
        print_family(stderr, argv[0]);
    else
        print_near(near, "rlaif help lists what there is");
    return STATUS_USAGE;
}

/* --- pages, made from the same tables --- */

/* docs/reference.md */
static void print_reference(void)
{
    printf("# Commands\n\nMade by `rlaif help reference` from the tables of options; `make docs` writes it anew.\n");
    for (int i = 0; i < commands_n; i++) {
        const Command *c = &commands[i];
        Str options = {0}, words = {0};
        options_help(c->table, &options);
        printf("\n## %s\n\n%s\n\n```\n%s```\n\n    %s\n", c->name, about(c, &words), str_text(&options), c->example);
        str_release(&options);
        str_release(&words);
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
        const Command *c = &commands[i];
        Str options = {0}, words = {0};
        options_help(c->table, &options);
        printf(".SS %s\n", c->name);
        print_troff(about(c, &words));
        printf("\n.PP\n.nf\n");
        print_troff(str_text(&options));
        printf(".fi\n.PP\nExample:\n.B ");
        print_troff(c->example);
        printf("\n");
        str_release(&options);
        str_release(&words);
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
    if (c)
        help_command(c);
    else if (argc > 1 || !print_family(stdout, argv[0]))
        return unknown_command(argc, argv);
    return STATUS_DONE;
}
