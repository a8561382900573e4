/* Records, in one global order, what a process does to the files below POWERCUT_PREFIX.
 *
 * Loaded with LD_PRELOAD. Every record is a header and its bytes, appended to POWERCUT_LOG; record.mjs reads them.
 * A write and its record happen under one mutex, so the log's order is the file's order. An fsync leaves two records,
 * at its begin and at its success: only what was written before the begin is durable after the end.
 * Opening <prefix>/CUT kills the process under that mutex, so that the log and the files agree to the byte.
 * A file whose name ends in -shm is shared memory, which no power cut leaves behind: it is not recorded. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, OPEN_DIRECTORY, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, UNSUPPORTED };
enum { MAX_FD = 65536 };

struct header { uint32_t op, size; uint64_t file; int64_t offset; };

#define NEXT(name) ({ static __typeof__(&name) next; if (!next) next = (__typeof__(&name)) dlsym(RTLD_NEXT, #name); next; })

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *prefix; /* absolute, without a trailing slash; a path below it is matched as it is spelled */
static size_t prefix_length;
static int log_fd = -1;
static uint64_t sequence;
static uint64_t tracked[MAX_FD]; /* the inode behind a recorded descriptor; 0: not recorded */

static uint64_t file_of(int fd) {
  return fd >= 0 && fd < MAX_FD ? __atomic_load_n(&tracked[fd], __ATOMIC_ACQUIRE) : 0;
}

static void track(int fd, uint64_t file) {
  if (fd >= 0 && fd < MAX_FD) __atomic_store_n(&tracked[fd], file, __ATOMIC_RELEASE);
}

static void die(const char *why) {
  static const char name[] = "powercut shim: ";
  if (NEXT(write)(2, name, sizeof name - 1) < 0 || NEXT(write)(2, why, strlen(why)) < 0) abort();
  abort();
}

static uint64_t record(uint32_t op, uint64_t file, int64_t offset, const void *data, size_t size) {
  struct header header = { op, (uint32_t) size, file, offset };
  struct iovec parts[2] = { { &header, sizeof header }, { (void *) data, size } };
  if (NEXT(writev)(log_fd, parts, 2) != (ssize_t) (sizeof header + size)) die("the log could not be written\n");
  return sequence++;
}

/* The path below the prefix ("" for the prefix itself), or NULL when it lies elsewhere. */
static const char *below(const char *path, char *space) {
  if (!prefix || !path) return NULL;
  if (path[0] == '/') snprintf(space, PATH_MAX, "%s", path);
  else {
    if (!getcwd(space, PATH_MAX)) return NULL;
    size_t used = strlen(space);
    snprintf(space + used, PATH_MAX - used, "/%s", path);
  }
  if (strncmp(space, prefix, prefix_length)) return NULL;
  const char *rest = space + prefix_length;
  return *rest == '/' ? rest + 1 : *rest ? NULL : rest;
}

static int is_shared_memory(const char *path) {
  size_t length = strlen(path);
  return length >= 4 && !strcmp(path + length - 4, "-shm");
}

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("POWERCUT_PREFIX"), *log = getenv("POWERCUT_LOG");
  if (!path || !log) return;
  log_fd = NEXT(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) die("the log could not be opened\n");
  prefix_length = strlen(path);
  prefix = strdup(path);
  unsetenv("LD_PRELOAD"); /* a child has no place in this process's order */
}

static int opened(int fd, const char *path) {
  struct stat about;
  if (fd < 0) return fd;
  if (fstat(fd, &about)) die("fstat failed\n");
  track(fd, about.st_ino);
  record(S_ISDIR(about.st_mode) ? OPEN_DIRECTORY : OPEN, about.st_ino, about.st_size, path, strlen(path));
  return fd;
}

static void truncated(int fd, uint64_t file) {
  struct stat about;
  if (fstat(fd, &about)) die("fstat failed\n");
  record(TRUNCATE, file, about.st_size, NULL, 0);
}

#define OPEN_HOOK(call) \
  int mode = 0; \
  if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { va_list rest; va_start(rest, flags); mode = va_arg(rest, int); va_end(rest); } \
  char space[PATH_MAX]; \
  const char *name = below(path, space); \
  if (!name || is_shared_memory(name)) { int fd = call; track(fd, 0); return fd; } \
  pthread_mutex_lock(&lock); \
  if (!strcmp(name, "CUT")) { kill(getpid(), SIGKILL); for (;;) pause(); } \
  int fd = opened(call, name); \
  if (fd >= 0 && (flags & O_TRUNC)) truncated(fd, file_of(fd)); \
  pthread_mutex_unlock(&lock); \
  return fd;

int open(const char *path, int flags, ...) { OPEN_HOOK(NEXT(open)(path, flags, mode)) }
int openat(int at, const char *path, int flags, ...) { OPEN_HOOK(NEXT(openat)(at, path, flags, mode)) }

int close(int fd) {
  track(fd, 0);
  return NEXT(close)(fd);
}

/* Runs a call that changes a recorded file, and its record, as one step. */
#define STEP(type, call, on_success) \
  uint64_t file = file_of(fd); \
  if (!file) return call; \
  pthread_mutex_lock(&lock); \
  type result = call; \
  if (result >= 0) { on_success; } \
  pthread_mutex_unlock(&lock); \
  return result;

static void wrote(uint64_t file, int64_t offset, const struct iovec *parts, ssize_t size) {
  for (; size > 0; parts++) {
    size_t length = (size_t) size < parts->iov_len ? (size_t) size : parts->iov_len;
    record(WRITE, file, offset, parts->iov_base, length);
    offset += length;
    size -= length;
  }
}

#define POSITION (lseek(fd, 0, SEEK_CUR) - result)
ssize_t write(int fd, const void *data, size_t size) {
  STEP(ssize_t, NEXT(write)(fd, data, size), record(WRITE, file, POSITION, data, result))
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  STEP(ssize_t, NEXT(writev)(fd, parts, count), wrote(file, POSITION, parts, result))
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  STEP(ssize_t, NEXT(pwrite)(fd, data, size, offset), record(WRITE, file, offset, data, result))
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  STEP(ssize_t, NEXT(pwritev)(fd, parts, count, offset), wrote(file, offset, parts, result))
}
int ftruncate(int fd, off_t length) { STEP(int, NEXT(ftruncate)(fd, length), truncated(fd, file)) }
int fallocate(int fd, int mode, off_t offset, off_t length) {
  STEP(int, NEXT(fallocate)(fd, mode, offset, length),
       if (mode) record(UNSUPPORTED, file, 0, "fallocate mode", 14); else truncated(fd, file))
}
int posix_fallocate(int fd, off_t offset, off_t length) {
  STEP(int, NEXT(posix_fallocate)(fd, offset, length), if (!result) truncated(fd, file))
}

#ifdef __GLIBC__ /* elsewhere these are other names of the ones above */
int open64(const char *path, int flags, ...) { OPEN_HOOK(NEXT(open64)(path, flags, mode)) }
int openat64(int at, const char *path, int flags, ...) { OPEN_HOOK(NEXT(openat64)(at, path, flags, mode)) }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  STEP(ssize_t, NEXT(pwrite64)(fd, data, size, offset), record(WRITE, file, offset, data, result))
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  STEP(ssize_t, NEXT(pwritev64)(fd, parts, count, offset), wrote(file, offset, parts, result))
}
int ftruncate64(int fd, off64_t length) { STEP(int, NEXT(ftruncate64)(fd, length), truncated(fd, file)) }
int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  STEP(int, NEXT(fallocate64)(fd, mode, offset, length),
       if (mode) record(UNSUPPORTED, file, 0, "fallocate mode", 14); else truncated(fd, file))
}
int posix_fallocate64(int fd, off64_t offset, off64_t length) {
  STEP(int, NEXT(posix_fallocate64)(fd, offset, length), if (!result) truncated(fd, file))
}
#endif

/* Not held over the call: another thread may write meanwhile, and what it writes is not promised. */
#define SYNC_HOOK(call) \
  uint64_t file = file_of(fd); \
  if (!file) return call; \
  pthread_mutex_lock(&lock); \
  uint64_t begin = record(SYNC_BEGIN, file, 0, NULL, 0); \
  pthread_mutex_unlock(&lock); \
  int result = call; \
  if (result) return result; \
  pthread_mutex_lock(&lock); \
  record(SYNC_END, file, begin, NULL, 0); \
  pthread_mutex_unlock(&lock); \
  return 0;

int fsync(int fd) { SYNC_HOOK(NEXT(fsync)(fd)) }
int fdatasync(int fd) { SYNC_HOOK(NEXT(fdatasync)(fd)) }

int unlink(const char *path) {
  char space[PATH_MAX];
  const char *name = below(path, space);
  if (!name || is_shared_memory(name)) return NEXT(unlink)(path);
  pthread_mutex_lock(&lock);
  int result = NEXT(unlink)(path);
  if (!result) record(UNLINK, 0, 0, name, strlen(name));
  pthread_mutex_unlock(&lock);
  return result;
}

int rename(const char *from, const char *to) {
  char from_space[PATH_MAX], to_space[PATH_MAX], both[2 * PATH_MAX];
  const char *source = below(from, from_space), *target = below(to, to_space);
  if (!source && !target) return NEXT(rename)(from, to);
  pthread_mutex_lock(&lock);
  int result = NEXT(rename)(from, to);
  if (!result && source && target) {
    int size = snprintf(both, sizeof both, "%s%c%s", source, 0, target);
    record(RENAME, 0, 0, both, size);
  } else if (!result) record(UNSUPPORTED, 0, 0, "rename across", 13);
  pthread_mutex_unlock(&lock);
  return result;
}
