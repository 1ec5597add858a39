/* A program under ptrace: every call that changes a file stops it, and there it can be killed, or told that the disk is
 * full. Time plays no part, so that a fault is at the same place again, however busy the machine is. And one that may not
 * start threads. */
#include "program_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* The calls that change files. */
typedef struct Call {
    long number;
    int file;   /* which argument is a file descriptor; -1: none. Standard output and error do not count */
    int flags;  /* which argument holds O_CREAT; -1: it always counts */
    bool grows; /* takes room on the disk */
} Call;

static const Call calls[] = {
    {SYS_write, 0, -1, true},      {SYS_pwrite64, 0, -1, true},    {SYS_writev, 0, -1, true},
    {SYS_openat, -1, 2, true},     {SYS_mkdirat, -1, -1, true},    {SYS_ftruncate, 0, -1, false},
    {SYS_fsync, 0, -1, false},     {SYS_fdatasync, 0, -1, false},  {SYS_unlinkat, -1, -1, false},
    {SYS_renameat, -1, -1, false}, {SYS_renameat2, -1, -1, false},
#ifdef SYS_mkdir /* older names that newer machines lack */
    {SYS_mkdir, -1, -1, true},     {SYS_rename, -1, -1, false},    {SYS_unlink, -1, -1, false},
    {SYS_rmdir, -1, -1, false},    {SYS_open, -1, 1, true},
#endif
};

/* From here on, for this process and what it becomes. */
static bool use_filter(struct sock_filter *f, unsigned short n)
{
    struct sock_fprog program = {n, f};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* A filter that stops at these calls and lets all others pass at full speed. */
static bool install_filter(void)
{
    struct sock_filter f[8 * COUNT(calls) + 2];
    unsigned short n = 0;
    for (int i = 0; i < COUNT(calls); i++) {
        const Call *c = &calls[i];
        int argument = c->file >= 0 ? c->file : c->flags;
        unsigned char rest = argument >= 0 ? 4 : 1; /* statements of this call */
        f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)c->number, 0, rest);
        if (argument >= 0) {
            unsigned int at = (unsigned int)(offsetof(struct seccomp_data, args) + 8 * (size_t)argument);
            f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at);
            if (c->file >= 0)
                f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 2, 1, 0);
            else
                f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT, 1, 0);
            f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        }
        f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return use_filter(f, n);
}

enum { NOT_ALLOWED = 98 }; /* status of a child that may not be traced */

/* A leak checker cannot work on a program that is traced or may start nothing. */
static void check_no_leaks(void)
{
    const char *asan = getenv("ASAN_OPTIONS");
    char *options = mem_printf("%s%sdetect_leaks=0", asan ? asan : "", asan ? ":" : "");
    setenv("ASAN_OPTIONS", options, 1);
    free(options);
}

/* In a child: becomes the command, and no shell stays between. */
static _Noreturn void become(const char *folder, const char *command, FILE *out, FILE *err)
{
    char *only = mem_printf("exec %s", command);
    program_child(folder, only, out, err);
}

static _Noreturn void traced_child(const char *folder, const char *command, FILE *out, FILE *err)
{
    check_no_leaks();
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
        _exit(NOT_ALLOWED);
    raise(SIGSTOP);
    if (!install_filter())
        _exit(NOT_ALLOWED);
    become(folder, command, out, err);
}

/* The number of the call that a stopped thread is about to make; `fail` turns it into ENOSPC. */
static long stopped_call(pid_t thread, bool fail)
{
#ifdef __x86_64__
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, thread, 0, &r) != 0)
        return -1;
    long call = (long)r.orig_rax;
    if (fail) {
        r.orig_rax = (unsigned long long)-1;
        r.rax = (unsigned long long)-ENOSPC;
        ptrace(PTRACE_SETREGS, thread, 0, &r);
    }
    return call;
#else
    (void)thread, (void)fail;
    return -1;
#endif
}

static bool takes_room(long call)
{
    for (int i = 0; i < COUNT(calls); i++)
        if (calls[i].number == call)
            return calls[i].grows;
    return false;
}

static void at_call(pid_t child, pid_t thread, const Fault *fault, int *changes)
{
    ++*changes;
    if (fault->at == 0 || *changes < fault->at)
        return;
    if (fault->signal && *changes == fault->at)
        kill(child, fault->signal);
    if (fault->full && takes_room(stopped_call(thread, false)))
        stopped_call(thread, true);
}

/* Follows the child and its threads to the end; returns its wait status. */
static int follow(pid_t child, const Fault *fault, int *changes)
{
    for (;;) {
        int status, pass = 0;
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0)
            fail_msg("the traced program is lost: %s", strerror(errno));
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (thread == child)
                return status;
            continue;
        }
        int event = status >> 16;
        if (event == PTRACE_EVENT_SECCOMP)
            at_call(child, thread, fault, changes);
        else if (event == 0 && WSTOPSIG(status) != SIGSTOP && WSTOPSIG(status) != SIGTRAP)
            pass = WSTOPSIG(status);
        ptrace(PTRACE_CONT, thread, 0, pass);
    }
}

Ran run_with_fault(const char *folder, Fault fault, const char *command)
{
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        traced_child(folder, command, out, err);
    int status = 0, changes = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    long options = PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP;
    bool stopped = WIFSTOPPED(status) && ptrace(PTRACE_SETOPTIONS, child, 0, options) == 0;
    if (stopped) {
        ptrace(PTRACE_CONT, child, 0, 0);
        status = follow(child, &fault, &changes);
    }
    Ran r = program_ran(status, out, err);
    r.changes = changes;
    if (!stopped || r.status == NOT_ALLOWED)
        skip_aloud("this system does not let a test trace the program");
    return r;
}

/* --- nothing may be started ------------------------------------------------------------------------------ */

/* As where a limit on processes is reached: no thread and no process can be started. */
static bool allow_no_threads(void)
{
    static const long starts[] = {SYS_clone, SYS_clone3, SYS_fork, SYS_vfork};
    struct sock_filter f[2 * COUNT(starts) + 2];
    unsigned short n = 0;
    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < COUNT(starts); i++) {
        f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)starts[i], 0, 1);
        f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN);
    }
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return use_filter(f, n);
}

Ran run_without_threads(const char *folder, const char *command)
{
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        check_no_leaks();
        if (!allow_no_threads())
            _exit(NOT_ALLOWED);
        become(folder, command, out, err);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    Ran r = program_ran(status, out, err);
    if (r.status == NOT_ALLOWED)
        skip_aloud("this system does not let a test forbid threads to the program");
    return r;
}
