// A copy of the running machine on a second disk or a stick, kept by itself: a backup whenever
// something has changed, at most once in so long. docs/operations.md, "A second disk". Threads: one
// of its own.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "agent/api/context.h"

namespace lienthong::agent {

class Mirror {
 public:
  explicit Mirror(ApiContext& api);  // outlives this; does nothing where none is configured
  ~Mirror();                         // waits for a copy that is being made
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

 private:
  void run();
  void look();
  bool due() const;

  ApiContext& api_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lienthong::agent
