/* A tokenizer from the files of a Hugging Face directory. */
#ifndef TEXT_TOKENIZER_DIR_H
#define TEXT_TOKENIZER_DIR_H

#include "text/tokenizer_internal.h"

extern const char *const tokenizer_file[FILE_NAMES];

/* Builds a tokenizer from the texts of files; `where` names their directory in messages. Takes the files. */
bool tokenizer_from_files(Tokenizer **out, TokenizerFiles *files, const char *where, Err *err) MUST_CHECK;

#endif
