/* The version of the program. */
#ifndef RLAIF_VERSION_H
#define RLAIF_VERSION_H

#define RLAIF_VERSION "0.1.0"

#endif
