/* A judge behind an endpoint. */
#ifndef RLAIF_JUDGE_REMOTE_H
#define RLAIF_JUDGE_REMOTE_H

#include "rlaif/judge/backend.h"
#include "rlaif/judge/endpoint.h"

/* Gives a judge (judge_new) this backend. Others may ask the endpoint too; it and its options are borrowed. */
bool judge_remote_open(Judge *j, Endpoint *endpoint, const EndpointOptions *o, Err *err) MUST_CHECK;

#endif
