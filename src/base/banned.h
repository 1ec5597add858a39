/* Functions that this project does not use: each has a safer neighbour in base/. Force-included. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atof srand srandom drand48
#pragma GCC poison localtime gmtime ctime asctime abort

#endif
