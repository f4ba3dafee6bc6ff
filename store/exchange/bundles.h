// Bundles made and taken in: the feeds of a replica to a file and back. docs/operations.md,
// "Bundles". Threads: one thread each; what is written goes through the place's writer.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "protocol/bundle/bundle.h"
#include "store/exchange/writer.h"

namespace lienthong::store {

// Where bundles are made and taken in.
struct BundlePlace {
  const Replica& replica;
  std::function<Result<void>(Job)> write;  // blocks until it is synced; fails with the job's error
  std::function<UnixMillis()> now;
};

// One bundle on its way out, read from the replica as it is asked for.
class BundleExport {
 public:
  // From what the agency's machines were last heard to have; `full`: from the beginning.
  // Fails: kNotFound (no believed machine of that agency), kNotAllowed (our own agency), kIo,
  // kDiskFull.
  static Result<std::unique_ptr<BundleExport>> begin(const BundlePlace& place,
                                                     const AgencyId& target, bool full,
                                                     const Seed& file_key, const Seed& ephemeral);
  // The next bytes of the file; nullopt: it is whole. kConflict: a feed began anew meanwhile.
  Result<std::optional<Bytes>> next();

 private:
  struct Feed {
    FeedKind kind = FeedKind::kRegistry;
    FeedMark end;
    std::uint64_t first = 1;
    std::vector<CursorRange> held;
  };
  enum class Stage : std::uint8_t { kHead, kRegistry, kReceipts, kUpdates, kEnd, kDone };
  BundleExport(const Replica& replica, const AgencyId& target, bool full)
      : replica_(replica), target_(target), full_(full) {}
  void choose_start(Feed& feed) const;
  Result<std::optional<Bytes>> next_part(Feed& feed);
  void collect_receipts();

  const Replica& replica_;
  AgencyId target_;
  bool full_;
  std::vector<NodeId> nodes_;
  Feed registry_, updates_;
  std::vector<BundleReceipt> receipts_;
  std::optional<BundleWriter> writer_;
  Stage stage_ = Stage::kHead;
  std::uint64_t parts_ = 0;
};

struct BundleOutcome {
  std::optional<BundleHeader> header;
  bool complete = false;
  std::uint64_t parts = 0, added = 0, duplicates = 0, waiting = 0, refused = 0, receipts = 0;
};

// One bundle on its way in.
class BundleImport {
 public:
  BundleImport(BundlePlace place, DhKey key);
  // Takes in the records that are whole. Fails: what BundleReader::next fails with;
  // kUnknownCertificate (who made it is not known or not believed here); kBusy (too much waits),
  // kIo, kDiskFull. What was taken before stays.
  Result<void> add(ByteView bytes);
  const BundleOutcome& outcome() const { return outcome_; }
  std::uint64_t size() const { return size_; }

 private:
  Result<void> take(const BundleRecord& record);
  Result<void> take_part(const BundlePart& part);
  Result<void> take_receipt(const BundleReceipt& receipt);
  std::optional<AgencyId> believed_agency() const;
  std::vector<CursorRange> places_to_note(const BundlePart& part) const;
  std::uint64_t begin_or_go_on(Transaction& transaction) const;

  BundlePlace place_;
  BundleReader reader_;
  BundleOutcome outcome_;
  std::uint64_t first_ = 0;  // number of the first update that it brought
  std::uint64_t size_ = 0;
};

}  // namespace lienthong::store
