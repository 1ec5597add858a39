/* The judge prompts that are built in: names, one line each, and the YAML. */
#ifndef RLAIF_JUDGE_PROMPT_BUILTIN_H
#define RLAIF_JUDGE_PROMPT_BUILTIN_H

int builtin_prompts(void);
int builtin_prompt_find(const char *name); /* -1: none is called so */
const char *builtin_prompt_name(int i);
const char *builtin_prompt_about(int i);
const char *builtin_prompt_yaml(int i);
const char *builtin_prompt_near(const char *name); /* the one whose name is near, or NULL */

#endif
