/* A judge that is a model in this process. */
#ifndef RLAIF_JUDGE_LOCAL_H
#define RLAIF_JUDGE_LOCAL_H

#include "rlaif/judge/backend.h"

/* Gives a judge (judge_new) this backend; the model is borrowed. */
bool judge_local_open(Judge *j, Model *model, Err *err) MUST_CHECK;

#endif
