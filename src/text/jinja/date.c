/* strftime_now: the day that a template is told, as Python's datetime.strftime writes it in the C locale, at midnight. */
#include "text/jinja/jinja.h"

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/* Days before this one in its year. */
static int day_of_year(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return before[month - 1] + (leap && month > 2) + day - 1;
}

/* 0: Sunday. The first of January of the year 1 was a Monday. */
static int weekday(int year, int month, int day)
{
    int y = year - 1;
    return (365 * y + y / 4 - y / 100 + y / 400 + day_of_year(year, month, day) + 1) % 7;
}

/* A number of so many digits, or of as many as it needs. */
static bool number(Str *s, int x, int digits, char fill, bool bare)
{
    str_addf(s, bare ? "%d" : fill == ' ' ? "%*d" : "%0*d", bare ? x : digits, x);
    return true;
}

/* One directive; false where it is none of these. `bare`: "-" stood before the letter. */
static bool directive(Str *s, int date, char letter, bool bare)
{
    int year = date / 10000, month = date / 100 % 100, day = date % 100, at = weekday(year, month, day);
    switch (letter) {
    case 'Y': return number(s, year, 4, '0', bare);
    case 'y': return number(s, year % 100, 2, '0', bare);
    case 'C': return number(s, year / 100, 2, '0', bare);
    case 'm': return number(s, month, 2, '0', bare);
    case 'd': return number(s, day, 2, '0', bare);
    case 'e': return number(s, day, 2, ' ', bare);
    case 'j': return number(s, day_of_year(year, month, day) + 1, 3, '0', bare);
    case 'w': return number(s, at, 1, '0', bare);
    case 'u': return number(s, at ? at : 7, 1, '0', bare);
    case 'H':
    case 'M':
    case 'S': return number(s, 0, 2, '0', bare);
    case 'I': return number(s, 12, 2, '0', bare);
    case 'k': return number(s, 0, 2, ' ', bare);
    case 'l': return number(s, 12, 2, ' ', bare);
    case 'f': return number(s, 0, 6, '0', false);
    case 'B': return str_add(s, months[month - 1]), true;
    case 'b':
    case 'h': return str_addf(s, "%.3s", months[month - 1]), true;
    case 'A': return str_add(s, weekdays[at]), true;
    case 'a': return str_addf(s, "%.3s", weekdays[at]), true;
    case 'p': return str_add(s, "AM"), true;
    case 'P': return str_add(s, "am"), true;
    case 'T':
    case 'X': return str_add(s, "00:00:00"), true;
    case 'R': return str_add(s, "00:00"), true;
    case 'r': return str_add(s, "12:00:00 AM"), true;
    case 'F': return str_addf(s, "%04d-%02d-%02d", year, month, day), true;
    case 'D':
    case 'x': return str_addf(s, "%02d/%02d/%02d", month, day, year % 100), true;
    case 'c': return str_addf(s, "%.3s %.3s %2d 00:00:00 %04d", weekdays[at], months[month - 1], day, year), true;
    case 'Z':
    case 'z': return true; /* a time without a zone */
    case 'n': return str_add(s, "\n"), true;
    case 't': return str_add(s, "\t"), true;
    case '%': return str_add(s, "%"), true;
    default: return false;
    }
}

bool jinja_strftime(Run *r, Value *out, Call *c)
{
    Value format = c->arg[0];
    Tainted s = {0};
    bool ok = jinja_want_text(r, format, "strftime_now() needs a format, not");
    for (size_t i = 0, k; ok && i < format.n; i += k) {
        bool bare = i + 1 < format.n && format.s[i + 1] == '-';
        k = format.s[i] == '%' ? 2u + bare : 1;
        if (k == 1)
            str_addc(&s.text, format.s[i]);
        else if (i + k > format.n || !directive(&s.text, r->date, format.s[i + k - 1], bare))
            ok = jinja_fail(r, "the format \"%.*s\" of a date is not supported", (int)(format.n > 60 ? 60 : format.n),
                            format.s);
        tainted_fill(&s, taint_any(taint_from(format.taint, i), k < format.n - i ? k : format.n - i));
    }
    return jinja_take(r, out, &s, ok);
}
