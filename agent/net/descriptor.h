// A file descriptor that closes with its scope. Not for threads.
#pragma once

#include <unistd.h>

namespace lienthong::agent {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}  // owned from here on; negative: none
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace lienthong::agent
