#include "store/exchange/first_message.h"

#include <algorithm>

namespace lienthong::store {
namespace {

constexpr int kRepeatMax = 2;  // a path that swallows everything is not fed for ever

}  // namespace

void FirstMessages::swallowed(const AgencyId& agency, const Ends& early_ends) {
  Swallowed& known = swallowed_[agency];
  ++known.count;
  for (std::size_t at = 0; at < early_ends.size(); ++at) {
    auto& ends = known.early_ends[at];
    for (const std::uint64_t end : early_ends[at]) {
      const auto place = std::ranges::lower_bound(ends, end);
      if (place == ends.end() || *place != end) ends.insert(place, end);
    }
  }
}

// It bears what comes after the place where that machine was last heard, and after what was sent to
// it since.
void FirstMessages::prepare(SessionConfig& config, const Replica& replica,
                            const PeerIdentity& peer) const {
  const auto swallowed = swallowed_.find(peer.agency);
  if (swallowed != swallowed_.end()) {
    if (swallowed->second.count > kRepeatMax) return;
    config.early_ends = swallowed->second.early_ends;
  }
  const auto sent = sent_.find(peer.node);
  const Tops tops = sent == sent_.end() ? Tops{} : sent->second;
  std::array<Cursor, 2> heard;
  for (const FeedKind kind : {FeedKind::kRegistry, FeedKind::kUpdates}) {
    const auto at = static_cast<std::size_t>(kind);
    heard[at] = replica.heard_cursor(kind, peer.node);
    const FeedMark& mark = heard[at].mark;
    if (mark.number == 0) return;  // new to each other, or one of them begins anew
    if (tops[at] <= mark.number) continue;
    if (const auto hash = replica.feed_hash(kind, peer.agency, tops[at]))
      heard[at].ranges = {CursorRange{mark.number + 1, tops[at], *hash}};
  }
  config.heard = heard;
}

}  // namespace lienthong::store
