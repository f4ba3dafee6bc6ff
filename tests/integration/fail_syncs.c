/* Preloaded into an agent: while the file that LT_SYNC_FAILS names is there, fsync and fdatasync
 * fail with EIO, as on a dying disk, and what was written since the last good sync is gone: the
 * file is cut back to what that has seen of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kFiles = 4096 };
static off_t synced[kFiles]; /* by descriptor: the size at its last good sync; 0: none */

static int dies(int fd) {
  const char *path = getenv("LT_SYNC_FAILS");
  struct stat found;
  if (path == NULL || access(path, F_OK) != 0) return 0;
  if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return 0;
  if (fd < kFiles && synced[fd] > 0 && synced[fd] < found.st_size &&
      ftruncate(fd, synced[fd]) != 0)
    abort();
  errno = EIO;
  return 1;
}

static int (*next(const char *name))(int) {
  int (*real)(int);
  *(void **)&real = dlsym(RTLD_NEXT, name);
  return real;
}

static int sync_with(const char *name, int fd) {
  if (dies(fd)) return -1;
  const int result = next(name)(fd);
  struct stat found;
  if (result == 0 && fd >= 0 && fd < kFiles && fstat(fd, &found) == 0) synced[fd] = found.st_size;
  return result;
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
int close(int fd) {
  if (fd >= 0 && fd < kFiles) synced[fd] = 0;
  return next("close")(fd);
}
