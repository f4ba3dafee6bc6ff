// What a session and healing read of a replica. docs/protocol/feed.md and healing.md.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "protocol/feed/feed.h"
#include "protocol/wire/short_names.h"

namespace lienthong {

// What to read of a feed.
struct FeedRead {
  FeedKind kind = FeedKind::kUpdates;
  AgencyId reader;
  NodeId reader_node;
  Echo echo = Echo::kStopBefore;
  std::uint64_t first = 1;                 // place to begin at
  std::uint64_t last = kFeedNumberMax;     // not beyond this place
  std::size_t bytes_max = 64 * 1024;       // about so many bytes of updates
  std::span<const CursorRange> skip = {};  // ascending: sent before, covered but not carried
};

// What a session reads of the replica. Calls come on the session's thread and must not block for
// long (they read a snapshot). The driver persists what a session hands it before it tells the
// session so.
class ReplicaView {
 public:
  virtual ~ReplicaView() = default;
  virtual std::shared_ptr<const Registry> registry() const = 0;
  // Our feeds for that agency: where they end now. A feed that does not exist yet ends at 0.
  virtual FeedMark feed_end(FeedKind kind, const AgencyId& reader) const = 0;
  // Our running hash at `number`, 0 ≤ number ≤ end.
  virtual std::optional<std::uint64_t> feed_hash(FeedKind kind, const AgencyId& reader,
                                                 std::uint64_t number) const = 0;
  // One stretch from `first` on, at least one entry; `echo` says what becomes of entries that came
  // from the reader: covered but not carried, not read yet, or carried. May go beyond `bytes_max`
  // to finish seals that it began. Stops before an update that is not sealed yet. nullopt: nothing
  // to send from there.
  virtual Result<std::optional<FeedPart>> read_feed(const FeedRead& what) const = 0;
  // Entries of our feed of updates from `first` on, at most `limit`.
  virtual std::vector<FeedLine> feed_lines(const AgencyId& reader, const NodeId& reader_node,
                                           std::uint64_t first, std::size_t limit) const = 0;
  // Where the updates of one record lie in that feed: of the record whose update is at `position`,
  // all places up to it, ascending; itself included.
  virtual std::vector<std::uint64_t> feed_places(const AgencyId& reader,
                                                 std::uint64_t position) const = 0;
  // A part of the entries at these places (ascending), with a stretch for each run of them. Places
  // whose update is not sealed yet are left out. nullopt: none is left.
  virtual Result<std::optional<FeedPart>> read_places(
      const AgencyId& reader, const NodeId& reader_node, Echo echo,
      std::span<const std::uint64_t> places) const = 0;
  // What can be named shortly now; for one part. Null: nothing.
  virtual std::unique_ptr<wire::Names> names() const { return nullptr; }
  // Our durable position in the feed that `writer` keeps for our agency.
  virtual Cursor cursor(FeedKind kind, const NodeId& writer) const = 0;

  // What that machine was last heard to have of our feed for its agency.
  virtual Cursor heard_cursor(FeedKind /*kind*/, const NodeId& /*reader*/) const { return {}; }

  // ---- for healing ----
  // Of our feed as it is now, or of as much as may leave: up to the first update that waits to be
  // sealed, or somewhat less. nullopt: not known now.
  enum class UpTo : std::uint8_t { kEnd, kSealed };
  virtual std::optional<FeedDigest> feed_digest(FeedKind, const AgencyId&, UpTo) const {
    return std::nullopt;
  }
  // Ids of the entries from `first` on, one for each place, at most `limit`; fewer at the end.
  virtual std::vector<IdPrefix> feed_ids(FeedKind, const AgencyId&, std::uint64_t /*first*/,
                                         std::size_t /*limit*/) const {
    return {};
  }
  // The entries at the first of these places (ascending), whoever delivered them, without their
  // places: about `bytes_max` bytes of them, more to finish what lies under one seal. Those that
  // cannot leave are left out.
  struct Entries {
    FeedPart part;
    std::size_t taken = 0;  // of the places; at least one
  };
  virtual Result<Entries> read_entries(FeedKind, const AgencyId&,
                                       std::span<const std::uint64_t> places,
                                       std::size_t /*bytes_max*/) const {
    return Entries{{}, places.size()};
  }
};

}  // namespace lienthong
