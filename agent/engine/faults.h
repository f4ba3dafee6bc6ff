// What ended unexpectedly in this program and was begun anew: told by `check` for a while, so that
// somebody looks at what is behind it. Threads: any.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "protocol/base/instant.h"

namespace lienthong::agent {

struct Fault {
  std::string what;   // the task, as in the log
  std::string error;  // of the last time
  UnixMillis last = 0;
  std::uint64_t count = 0;  // since the database was opened
};

class Faults {
 public:
  // True: it belongs into the log, as the first of its kind for a minute.
  bool note(const std::string& what, const std::string& error, UnixMillis now);
  std::vector<Fault> list() const;  // by name

 private:
  static constexpr std::size_t kCountMax = 256;
  mutable std::mutex mutex_;
  struct Kept {
    Fault fault;
    UnixMillis logged = 0;
  };
  std::map<std::string, Kept> faults_;
};

}  // namespace lienthong::agent
