#include "store/office/portal.h"

#include <algorithm>

#include "store/office/text.h"

namespace lienthong::store {

namespace {

constexpr std::size_t kIdsAtOnce = 4096;
constexpr std::array<std::string_view, 4> kSyncNames = {"only_here", "not_confirmed", "at_parent",
                                                        "no_parent"};

IdPrefix prefix_of(const UpdateId& id) {
  IdPrefix out;
  std::copy_n(id.bytes.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

std::string portal_time(UnixMillis time) {
  const std::string text = form_time(time);  // "09:33 01/04/2023"
  const auto seconds = ((time / 1000) % 60 + 60) % 60;
  return text.substr(12, 4) + text.substr(9, 2) + text.substr(6, 2) + text.substr(0, 2) +
         text.substr(3, 2) + (seconds < 10 ? "0" : "") + std::to_string(seconds);
}

std::string_view to_string(SyncState state) { return kSyncNames[static_cast<std::size_t>(state)]; }

// Reads the feed for the office above beyond what one of its machines has confirmed.
SyncView::SyncView(const Replica& replica) : replica_(replica) {
  const auto registry = replica.registry();
  const auto parent = registry->parent(replica.identity().agency, registry->newest());
  if (!parent) return;
  has_parent_ = true;
  const FeedMark end = replica.feed_end(FeedKind::kUpdates, *parent);
  has_feed_ = end.number != 0;
  Cursor heard;
  for (const CertificateId& id : registry->certificates_of(*parent)) {
    const Certificate* certificate = registry->find_certificate(id);
    if (certificate == nullptr) continue;
    Cursor cursor = replica.heard_cursor(FeedKind::kUpdates, certificate->node);
    if (cursor.mark.epoch == end.epoch && cursor.mark.number >= heard.mark.number)
      heard = std::move(cursor);
  }
  for (std::uint64_t at = heard.mark.number + 1; at <= end.number;) {
    const auto ids = replica.feed_ids(FeedKind::kUpdates, *parent, at, kIdsAtOnce);
    if (ids.empty()) break;
    for (const IdPrefix& id : ids)
      if (!heard.covers(at++)) pending_.push_back(id);
  }
  std::ranges::sort(pending_);
}

SyncState SyncView::of(const RecordState& state) const {
  if (!has_parent_) return SyncState::kNoParent;
  if (!has_feed_) return SyncState::kOnlyHere;
  SyncState out = SyncState::kAtParent;
  for (const UpdateId& head : state.heads) {
    if (!std::ranges::binary_search(pending_, prefix_of(head))) continue;
    const auto update = replica_.find_update(head);
    if (!update || !update->seal) return SyncState::kOnlyHere;
    out = SyncState::kNotConfirmed;
  }
  return out;
}

}  // namespace lienthong::store
