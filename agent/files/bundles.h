// Bundles made and taken in: the feeds of a replica to a file and back. docs/operations.md,
// "Bundles". Threads: one thread of the local API each; writes go through the engine.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/engine/engine.h"
#include "protocol/bundle/bundle.h"

namespace lienthong::agent {

// One bundle on its way out, read from the replica as it is asked for.
class BundleExport {
 public:
  // From what the agency's machines were last heard to have; `full`: from the beginning.
  // Fails: kNotFound (no believed machine of that agency), kNotAllowed (our own agency), kIo,
  // kDiskFull.
  static Result<std::unique_ptr<BundleExport>> begin(Engine& engine, const AgencyId& target,
                                                     bool full, const Seed& file_key,
                                                     const Seed& ephemeral);
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
  BundleExport(const store::Replica& replica, const AgencyId& target, bool full)
      : replica_(replica), target_(target), full_(full) {}
  void choose_start(Feed& feed) const;
  Result<std::optional<Bytes>> next_part(Feed& feed);
  void collect_receipts();

  const store::Replica& replica_;
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
  BundleImport(Engine& engine, DhKey key);
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
  std::uint64_t begin_or_go_on(store::Transaction& transaction) const;

  Engine& engine_;
  BundleReader reader_;
  BundleOutcome outcome_;
  std::uint64_t first_ = 0;  // number of the first update that it brought
  std::uint64_t size_ = 0;
};

// Imports that come in several requests.
class BundleDesk {
 public:
  // The next piece at `offset`; `name` empty: the first, and then it is named. As
  // BundleImport::add, kNotFound (no such import), kInvalidArgument (another offset), kBusy; any
  // error ends the import. `last`: the file ends here.
  Result<BundleOutcome> add(Engine& engine, const DhKey& key, std::string& name,
                            std::uint64_t offset, ByteView bytes, bool last);

 private:
  struct Entry {
    std::unique_ptr<BundleImport> import;
    Instant used{};
  };
  std::mutex mutex_;  // one at a time: the writer is one as well
  std::map<std::string, Entry> imports_;
  std::uint64_t count_ = 0;
};

}  // namespace lienthong::agent
