/* Loaded before the C library: fsync and fdatasync fail with EIO while the file named by USHER_SYNC_FAILS_WHILE exists. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(void) {
    const char *file = getenv("USHER_SYNC_FAILS_WHILE");
    return file != NULL && access(file, F_OK) == 0;
}

static int sync_by(long call, int fd) {
    if (fails()) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, fd);
}

int fsync(int fd) { return sync_by(SYS_fsync, fd); }

int fdatasync(int fd) { return sync_by(SYS_fdatasync, fd); }
