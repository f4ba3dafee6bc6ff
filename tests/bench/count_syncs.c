/* Preloaded into a program: counts its fsync and fdatasync calls in the 8 bytes at
 * the start of the file that LT_SYNC_COUNT names; with LT_SYNC_SKIP set it also leaves them out, to
 * fill databases fast that nobody minds losing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t own_count;
static uint64_t *count = &own_count;
static int skip;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("LT_SYNC_COUNT");
  skip = getenv("LT_SYNC_SKIP") != NULL;
  if (path == NULL) return;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(*count)) != 0) return;
  void *page = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) count = page;
}

static int counted(const char *name, int fd) {
  __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
  if (skip) return 0;
  int (*real)(int);
  *(void **)&real = dlsym(RTLD_NEXT, name);
  return real(fd);
}

int fsync(int fd) { return counted("fsync", fd); }
int fdatasync(int fd) { return counted("fdatasync", fd); }
