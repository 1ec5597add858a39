/* Labels: asked for, chosen a prompt for, or settled anew; or a mix that is to make them, fitted. */
#include "rlaif/label/label.h"

#include "base/mem.h"
#include "rlaif/label/ask.h"
#include "rlaif/label/choose.h"
#include "rlaif/label/fit.h"
#include "rlaif/label/from.h"
#include "rlaif/label/plan.h"

/* Asks, and where labels may be dropped filters what was said. */
static bool ask_and_filter(Work *work, const char *name, const LabelOptions *o, json_t *choice, Err *err)
{
    if (!o->drop_same_slot && o->drop_undecided <= 0)
        return label_ask_rows(work, name, o, choice, true, err);
    char *all = mem_printf("%s.all", name), *from = mem_printf("stage:%s", all);
    bool ok = label_ask_rows(work, all, o, NULL, false, err) && label_settle_rows(work, name, o, from, choice, err);
    free(all);
    free(from);
    return ok;
}

/* Chooses among the prompts, then labels with the best. */
static bool choose_and_label(Work *work, const char *name, const LabelOptions *o, Err *err)
{
    LabelOptions chosen;
    char *prompt;
    json_t *choice = NULL;
    bool ok = label_choose(work, name, o, &chosen, &prompt, &choice, err);
    if (ok) {
        chosen.prompt = (OptionList){&prompt, 1};
        ok = ask_and_filter(work, name, &chosen, choice, err);
    }
    json_decref(choice);
    free(prompt);
    return ok;
}

bool label_stage(Work *work, const char *name, const void *options, Err *err)
{
    const LabelOptions *o = options;
    if (!label_options_check(work, o, err))
        return false;
    if (o->explain)
        return label_explain(work, o, err);
    if (o->fit)
        return label_fit(work, name, o, err);
    if (o->from)
        return label_settle_rows(work, name, o, o->from, NULL, err);
    return o->choose_on ? choose_and_label(work, name, o, err) : ask_and_filter(work, name, o, NULL, err);
}
