/* What a policy is rewarded by, as the options ask for it: --rewards, a list of parts; or --reward or --judge alone, a list of one.
 *
 *     - {judge: MODEL, prompt: NAME|FILE, weight: 0.5}   # without a judge: the one behind --endpoint
 *     - {reward: DIR, weight: 0.5, scale: 2, chat: false}
 *
 *     R = sum over the parts of weight r / scale */
#ifndef RLAIF_RL_REWARDS_H
#define RLAIF_RL_REWARDS_H

#include "rlaif/rl/options.h"

enum { MOST_REWARDS = 16 };

/* Texts are borrowed of the options, but for the name. */
typedef struct AskedPart {
    const char *reward, *judge, *prompt; /* a reward model, or a judge's model and prompt; no judge: the endpoint */
    double weight, scale;
    ChatMode chat; /* how a reward model reads replies */
    char *name;    /* of its metric and in rows: the reward model's or the prompt's, unlike those of other parts */
    int line;      /* of the file that the list stands in; 0: it is of the command's own options */
} AskedPart;

typedef struct AskedRewards {
    AskedPart part[MOST_REWARDS];
    int n;
    const char *where; /* the list's file; NULL: the options --reward, --judge and --prompt are meant */
} AskedRewards;

/* Fails for a list that is none, or has a part that is not understood; names its line. Release it whether it fails or not. */
bool asked_rewards_read(AskedRewards *out, const RlOptions *o, Err *err) MUST_CHECK;
void asked_rewards_release(AskedRewards *a);
/* Puts a part's place before the message of a failure, where it has one, and returns false. */
bool asked_part_failed(const AskedRewards *a, int part, Err *err);
/* Where a part's judge comes from; nothing is loaded. */
bool asked_part_judge(JudgeSource *out, const AskedRewards *a, int part, const Work *work, const RlOptions *o,
                      Err *err) MUST_CHECK;

/* Sets into a stage's hashes what says which models and prompts they are: `rewards`, a list of {name, reward or judge and prompt,
 * weight, scale}; of the options --reward, --judge and --prompt these. */
bool asked_rewards_hash(const AskedRewards *a, const Work *work, const RlOptions *o, json_t *hashes,
                        Err *err) MUST_CHECK;

#endif
