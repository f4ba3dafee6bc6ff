// Who was turned away and why, for `peers`; bounded, and quiet in the log. Any thread.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "agent/links/links.h"

namespace lienthong::agent {

class RefusedPeers {
 public:
  static constexpr std::size_t kEntryCountMax = 256;
  static constexpr UnixMillis kLogEvery = 60'000;

  // Address without port. True: worth a line in the log (the first time, then once a minute).
  bool note(const std::string& address, const std::string& reason, UnixMillis now);
  std::vector<RefusedPeer> list() const;  // newest first

 private:
  struct Entry {
    RefusedPeer peer;
    UnixMillis logged = 0;
  };
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace lienthong::agent
