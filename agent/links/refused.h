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
  static constexpr std::size_t kLinesMax = 30;  // in that time, from however many addresses

  struct Line {
    bool due = false;        // worth a line in the log: the first time, then once a minute
    std::size_t untold = 0;  // with the first line after a minute with too many: what had none
  };
  // Address without port.
  Line note(const std::string& address, const std::string& reason, UnixMillis now);
  std::vector<RefusedPeer> list() const;  // newest first

 private:
  struct Entry {
    RefusedPeer peer;
    UnixMillis logged = 0;
  };
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  UnixMillis minute_ = 0;  // when the first line of this minute was due
  std::size_t lines_ = 0, untold_ = 0;
};

}  // namespace lienthong::agent
