// Whose backlog is sent: at most kAtOnce neighbours at a time, who has waited longest first, so
// that a hub whose 250 neighbours return at once keeps few compressors and every one of them moves.
// Lanes 0 and 1 never ask. Whoever holds a place while others wait gives it up after kSlice and
// asks anew, so that sixteen slow lines do not hold up the rest.
//
// Pure; one thread. Keys are whatever names a session, such as its address in memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <vector>

#include "protocol/base/instant.h"

namespace lienthong::store {

class BacklogTurns {
 public:
  using Key = const void*;
  static constexpr std::size_t kAtOnce = 16;
  static constexpr std::chrono::seconds kSlice{10};

  explicit BacklogTurns(std::size_t at_once = kAtOnce) : at_once_(at_once) {}

  // Has backlog to send; nothing changes for one who asked before.
  void ask(Key key, Instant now);
  // Has none any more, or cannot send now (ended, stalled, lane closed).
  void leave(Key key);
  bool has(Key key) const;
  // ask() and step(); whether the place is held. Others whose turn ends learn it when they ask.
  bool take(Key key, Instant now);
  std::size_t waiting() const { return asked_.size() - held_; }
  std::size_t sending() const { return held_; }

  struct Change {
    Key key = nullptr;
    bool may_send = false;
  };
  // Hands places on; those whose turn ends come before those whose turn begins. Call it after ask()
  // and leave(), and at least every second.
  std::vector<Change> step(Instant now);

 private:
  struct Place {
    Instant since{};  // asked, or began to send
    bool sends = false;
  };
  std::map<Key, Place> asked_;
  std::size_t at_once_;
  std::size_t held_ = 0;
};

}  // namespace lienthong::store
