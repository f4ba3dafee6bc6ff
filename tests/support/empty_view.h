// A replica without anything in it, for those that show a session a part of one.
#pragma once

#include "protocol/sync/replica_view.h"

namespace lienthong::test {

class EmptyView : public ReplicaView {
 public:
  std::shared_ptr<const Registry> registry() const override { return nullptr; }
  FeedMark feed_end(FeedKind, const AgencyId&) const override { return {}; }
  std::optional<std::uint64_t> feed_hash(FeedKind, const AgencyId&, std::uint64_t) const override {
    return std::nullopt;
  }
  Result<std::optional<FeedPart>> read_feed(const FeedRead&) const override {
    return std::optional<FeedPart>();
  }
  std::vector<FeedLine> feed_lines(const AgencyId&, const NodeId&, std::uint64_t,
                                   std::size_t) const override {
    return {};
  }
  std::vector<std::uint64_t> feed_places(const AgencyId&, std::uint64_t) const override {
    return {};
  }
  Result<std::optional<FeedPart>> read_places(const AgencyId&, const NodeId&, Echo,
                                              std::span<const std::uint64_t>) const override {
    return std::optional<FeedPart>();
  }
  Cursor cursor(FeedKind, const NodeId&) const override { return {}; }
};

}  // namespace lienthong::test
