/* A browser for tests of pages: Chromium without a window, led through its DevTools protocol on a pipe. Clicks and keys go in
 * where a mouse and a keyboard would: pages cannot tell them apart. */
#ifndef TESTS_BROWSER_H
#define TESTS_BROWSER_H

#include "support.h"

typedef struct Browser Browser;

bool browser_is_there(void);
/* With its own files in a folder, where downloads land too. */
Browser *browser_start(const char *folder);
void browser_stop(Browser *b); /* accepts NULL */

/* Loads an address and waits until it is there. */
void browser_go(Browser *b, const char *url);
/* The value of a JavaScript expression. Release it with json_decref. */
json_t *browser_value(Browser *b, const char *expression);
void browser_do(Browser *b, const char *statement);
/* Waits until an expression is true; fails the test after some seconds. */
void browser_wait(Browser *b, const char *expression);

/* Presses and releases the mouse in the middle of the n-th element of a selector. */
void browser_click(Browser *b, const char *selector, int n);
/* "Enter", "Backspace", "ArrowLeft", "ArrowRight", "Tab", or a character. */
void browser_key(Browser *b, const char *key);
/* Character by character. */
void browser_type(Browser *b, const char *text);

#endif
