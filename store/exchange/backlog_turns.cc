#include "store/exchange/backlog_turns.h"

#include <algorithm>

namespace lienthong::store {

void BacklogTurns::ask(Key key, Instant now) { asked_.try_emplace(key, Place{now, false}); }

void BacklogTurns::leave(Key key) {
  const auto found = asked_.find(key);
  if (found == asked_.end()) return;
  if (found->second.sends) --held_;
  asked_.erase(found);
}

bool BacklogTurns::has(Key key) const {
  const auto found = asked_.find(key);
  return found != asked_.end() && found->second.sends;
}

bool BacklogTurns::take(Key key, Instant now) {
  ask(key, now);
  step(now);
  return has(key);
}

std::vector<BacklogTurns::Change> BacklogTurns::step(Instant now) {
  std::vector<std::pair<Instant, Key>> queue, tired;
  for (const auto& [key, place] : asked_) {
    if (!place.sends) {
      queue.emplace_back(place.since, key);
    } else if (now - place.since >= kSlice) {
      tired.emplace_back(place.since, key);
    }
  }
  std::sort(queue.begin(), queue.end());
  std::sort(tired.begin(), tired.end());
  const std::size_t free = at_once_ - std::min(at_once_, held_);
  const std::size_t short_of = queue.size() - std::min(queue.size(), free);
  tired.resize(std::min(tired.size(), short_of));
  std::vector<Change> out;
  for (const auto& [since, key] : tired) {
    asked_[key] = Place{now, false};
    --held_;
    out.push_back(Change{key, false});
  }
  queue.resize(std::min(queue.size(), free + tired.size()));
  for (const auto& [since, key] : queue) {
    asked_[key] = Place{now, true};
    ++held_;
    out.push_back(Change{key, true});
  }
  return out;
}

}  // namespace lienthong::store
