/* The commands that are one stage: its store opened, then the stage. */
#include "cli/command.h"
#include "rlaif/eval/choose.h"
#include "rlaif/label/label.h"
#include "rlaif/label/score.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/rl/rl.h"
#include "rlaif/rl/sample.h"

#include "base/file.h"

/* A model may be written there. */
static bool is_for_model(const char *output, Err *err)
{
    if (!file_exists(output) || file_is_dir(output))
        return true;
    err_set(err, ERR_INPUT, "%s is a file, a model is written into a directory", output);
    return err_hint(err, "name a directory");
}

/* The store beside a model that will be trained. */
static bool open_for_model(Work *work, const char *output, Err *err)
{
    return is_for_model(output, err) && work_open_store(work, output, err);
}

/* The store in which a trained policy's stage is: its checkpoints are known there. */
static bool open_of_policy(Work *work, const char *policy, Err *err)
{
    if (!file_is_dir(policy))
        return err_set(err, ERR_INPUT, "%s is no directory", policy),
               err_hint(err, "name the directory that rlaif rl made: the checkpoints are in it");
    char *path = work_store_path(work, policy);
    bool ok =
        file_exists(path) || err_set(err, ERR_INPUT, "%s: there is no store", path) ||
        err_hint(err, "rlaif rl -o POLICY leaves it beside POLICY, or in the run of its --run DIR: name that again");
    free(path);
    return ok && work_open_store(work, policy, err);
}

bool cmd_sft(Work *work, void *options, Err *err)
{
    const SftOptions *o = options;
    return open_for_model(work, o->output, err) && sft_stage(work, "sft", o, err);
}

bool cmd_sample(Work *work, void *options, Err *err)
{
    const SampleOptions *o = options;
    return work_open_rows_store(work, o->output, err) && sample_stage(work, "sample", o, err);
}

bool cmd_label(Work *work, void *options, Err *err)
{
    const LabelOptions *o = options;
    return work_open_rows_store(work, o->explain ? NULL : o->output, err) && label_stage(work, "label", o, err);
}

bool cmd_score(Work *work, void *options, Err *err)
{
    const ScoreOptions *o = options;
    return work_open_rows_store(work, o->output, err) && score_stage(work, "score", o, err);
}

bool cmd_reward(Work *work, void *options, Err *err)
{
    const RewardOptions *o = options;
    return open_for_model(work, o->output, err) && reward_stage(work, "reward", o, err);
}

bool cmd_rl(Work *work, void *options, Err *err)
{
    const RlOptions *o = options;
    return open_for_model(work, o->output, err) && rl_stage(work, "rl", o, err);
}

bool cmd_choose(Work *work, void *options, Err *err)
{
    const ChooseOptions *o = options;
    return compare_complete(&o->compare, "command line", err) && is_for_model(o->output, err) &&
           file_has_folder(o->output, err) && open_of_policy(work, o->compare.policy, err) &&
           choose_stage(work, "choose", o, err);
}
