/* Flat labels and flat margins. */
#include "rlaif/flat.h"

#include "base/log.h"

#include <stdio.h>

void flat_labels_warn(const char *stage, double distance)
{
    if (distance < FLAT)
        log_warn(
            "%s: the labels are flat, %.3f from one half on average: they say next to nothing, and what is learned "
            "from them is mostly chance; look at another judge or prompt",
            stage, distance);
}

void flat_margins_warn(const char *stage, const char *what, double scale)
{
    char enlarged[160] = "";
    if (scale < 1)
        snprintf(enlarged, sizeof enlarged,
                 "; rewards are divided by %.3g, which makes that %.3g times as large: --scale none leaves it as it is",
                 scale, 1 / scale);
    log_warn("%s: %s%s", stage, what, enlarged);
}

/* |sigma(d) - 1/2| is at most |d| / 4, and |d| on average at most twice the deviation. */
bool flat_by_scale(double scale)
{
    return scale / 2 < FLAT;
}
