#include "agent/links/refused.h"

#include <algorithm>
#include <utility>

namespace lienthong::agent {

RefusedPeers::Line RefusedPeers::note(const std::string& address, const std::string& reason,
                                      UnixMillis now) {
  const std::lock_guard lock(mutex_);
  auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& known) {
    return known.peer.address == address && known.peer.reason == reason;
  });
  if (entry == entries_.end()) {
    if (entries_.size() >= kEntryCountMax) {
      entries_.erase(std::min_element(
          entries_.begin(), entries_.end(),
          [](const Entry& a, const Entry& b) { return a.peer.last < b.peer.last; }));
    }
    Entry fresh;
    fresh.peer.address = address;
    fresh.peer.reason = reason;
    fresh.logged = now - kLogEvery;
    entries_.push_back(std::move(fresh));
    entry = entries_.end() - 1;
  }
  entry->peer.last = now;
  ++entry->peer.count;
  if (now - entry->logged < kLogEvery && now >= entry->logged) return {};
  if (now - minute_ >= kLogEvery || now < minute_) {
    minute_ = now;
    lines_ = 0;
  }
  if (lines_ >= kLinesMax) {
    ++untold_;
    return {};
  }
  ++lines_;
  entry->logged = now;
  return {true, lines_ == 1 ? std::exchange(untold_, 0) : 0};
}

std::vector<RefusedPeer> RefusedPeers::list() const {
  std::vector<RefusedPeer> out;
  {
    const std::lock_guard lock(mutex_);
    for (const Entry& entry : entries_) out.push_back(entry.peer);
  }
  std::sort(out.begin(), out.end(),
            [](const RefusedPeer& a, const RefusedPeer& b) { return a.last > b.last; });
  return out;
}

}  // namespace lienthong::agent
