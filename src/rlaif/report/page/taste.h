/* Whom a policy was trained to please: the judges and people behind its rewards, whichever way they lead there. */
#ifndef RLAIF_REPORT_PAGE_TASTE_H
#define RLAIF_REPORT_PAGE_TASTE_H

#include "rlaif/judge/prompt/parts.h"
#include "rlaif/report/page/run.h"
#include "rlaif/rl/rewards.h"

enum { MOST_TEACHERS = 8, MOST_PLEASED = MOST_REWARDS * MOST_TEACHERS * (1 + MOST_PARTS) };

/* A judge with its prompt, or a reward model, by their hashes: somebody behind a reward. */
typedef struct Pleased {
    const char *judge, *prompt; /* prompt NULL: it is not known which */
    const char *reward;         /* of the reward model; NULL: it is a judge */
    bool part;                  /* of a mix, beside other parts, or it taught one */
} Pleased;

/* Is an evaluation by somebody behind the rewards? PLEASES_PART: by one of several, or by a mix of which one is a part. */
typedef enum Pleases { PLEASES_UNKNOWN = -1, PLEASES_NOT, PLEASES_PART, PLEASES_WHOLE } Pleases;

/* A part of a reward: a reward model and whom it imitates, or a judge that rewards the replies itself. */
typedef struct TastePart {
    double weight;                           /* over its scale; 1 of a reward that is this part alone */
    bool direct;                             /* the judge itself */
    const char *name;                        /* of its prompt, or of the reward model's directory; NULL: not known */
    const ReportStage *reward;               /* which made it; NULL: not known */
    bool ai, people;                         /* it imitates a judge's labels, people's choices, or both */
    double pairs_ai, pairs_people;           /* of each; NAN: not known */
    const ReportStage *label[MOST_TEACHERS]; /* those labels */
    int labels;
} TastePart;

/* What a reward is made of, and with it what a policy was trained to please. */
typedef struct Taste {
    const ReportStage *rl;
    TastePart part[MOST_REWARDS];
    int parts;
    TastePart behind
        [MOST_PARTS]; /* reward models that are parts of its mixes, or of those that labelled, or labelled themselves */
    int behinds;
    Pleased
        pleased[MOST_PLEASED]; /* everybody behind the reward that is known, for as much as pleasing them is rewarded */
    int n;
    bool known, models_known; /* there is no other judge; no other reward model */
    bool shared;              /* the reward has several sources */
} Taste;
Taste report_taste(const Report *r, const ReportStage *rl);
/* The same of a reward model, by the stage that made it. */
Taste report_taste_of_model(const Report *r, const ReportStage *reward);
/* Is a reward model of it trained on labels of this stage? */
bool report_taught_by(const Taste *t, const ReportStage *label);

/* The reinforcement learning that made what a stage makes, also through samples of it and a choice among its
 * checkpoints; NULL: none. */
const ReportStage *report_training_of(const Report *r, const ReportStage *s);
/* Is the judge, or the reward model, of an evaluation's result one that `rl`, or the training that it began with, was by? */
Pleases report_pleases(const Report *r, const ReportStage *rl, const ReportStage *eval, const json_t *result);

/* Is the network that judged an evaluation behind the rewards of a policy, or of the one that it began with, by whatever
 * prompt? */
bool report_same_network(const Report *r, const ReportStage *rl, const ReportStage *eval);
/* Did a policy's training, or one before it, begin with the model of this hash? */
bool report_began_as(const Report *r, const ReportStage *rl, const char *hash);

#endif
