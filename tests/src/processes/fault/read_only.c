/* Loaded before the C library: while the file named by USHER_READ_ONLY_WHILE exists, files are neither made nor written to (EROFS), as
   on a file system that the kernel has made read-only. What a program says on its terminal goes on. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuses(void) {
    const char *file = getenv("USHER_READ_ONLY_WHILE");
    return file != NULL && syscall(SYS_access, file, F_OK) == 0;
}

static int is_kept(int fd) {
    struct stat about;
    return fd > 2 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

static int read_only(void) {
    errno = EROFS;
    return -1;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_kept(fd) && refuses()) return read_only();
    return syscall(SYS_write, fd, bytes, count);
}

static ssize_t write_at(int fd, const void *bytes, size_t count, off64_t at) {
    if (is_kept(fd) && refuses()) return read_only();
    return syscall(SYS_pwrite64, fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return write_at(fd, bytes, count, at); }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { return write_at(fd, bytes, count, at); }

static int open_by(const char *path, int flags, mode_t mode) {
    if ((flags & O_CREAT) && refuses()) return read_only();
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) ? (mode_t)va_arg(rest, unsigned) : 0;
    va_end(rest);
    return open_by(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = (flags & O_CREAT) ? (mode_t)va_arg(rest, unsigned) : 0;
    va_end(rest);
    return open_by(path, flags | O_LARGEFILE, mode);
}
