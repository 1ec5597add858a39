/* exp, log and their kin in double precision, written out here.
 *
 * The C library's differ in the last bit from machine to machine, and a stored number must not: rotary
 * tables, schedules, bias corrections, Adafactor's powers and statistics call these. Accurate to about
 * 1e-15 relative; sqrt (correctly rounded everywhere) is the C library's. The vector versions in f32 are in
 * tensor/cpu/f32x16.h. */
#ifndef BASE_REAL_H
#define BASE_REAL_H

double real_exp(double x);
double real_log(double x);   /* x > 0; log(0) is -infinity */
double real_log1p(double x); /* accurate near 0 */
double real_sin(double x);   /* |x| up to 1e6 */
double real_cos(double x);
double real_pow(double x, double y); /* x > 0 */
double real_sigmoid(double x);

#endif
