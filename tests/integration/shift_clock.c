/* Preloaded into a program: its wall clock is off by LT_CLOCK_SHIFT seconds, or by as many as the
 * file says whose path stands there, at each moment. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static time_t shift(void) {
  const char *text = getenv("LT_CLOCK_SHIFT");
  char content[32] = "";
  if (text == NULL) return 0;
  if (text[0] != '/') return (time_t)atoll(text);
  const int file = open(text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  if (read(file, content, sizeof content - 1) < 0) content[0] = '0';
  close(file);
  return (time_t)atoll(content);
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  static int (*real)(clockid_t, struct timespec *);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, out);
  if (result == 0 && clock == CLOCK_REALTIME) out->tv_sec += shift();
  return result;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
