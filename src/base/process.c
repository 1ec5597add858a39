/* Descriptors and signals that a process starts with. */
#include "base/process.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

void process_begin(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* the lowest that is free is the one looked at; opened the wrong way round, so that its use is an error */
        bool open_already = fcntl(fd, F_GETFD) >= 0;
        if (!open_already && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(1); /* a system without /dev/null, and nobody to tell */
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

bool process_printed(Err *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    if (errno == 0) { /* an earlier write failed, and its reason is forgotten: one more byte has the same */
        putchar('\n');
        fflush(stdout);
    }
    return err_system(err, "standard output");
}
