// Scans: files named by records, kept chunk by chunk in a column family of the replica's database,
// so that they neither fill its memory nor its compaction. docs/storage.md, "Scans".
//
// Which record names which file is an index over the updates that catch_up() extends; who may read
// a file, who wants it and who may drop it follows from those records. Threads: any may call any
// method; writers wait for each other. A failed write (kIo, kDiskFull) leaves what was there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/record/codec.h"
#include "protocol/session/blob_lane.h"
#include "store/replica/replica.h"

namespace lienthong::store {

// Less room than this on the disk is left to records.
inline constexpr std::uint64_t kBlobRoomMin = 64ULL << 20;
inline constexpr std::size_t kBlobHolderCountMax = 8;  // remembered for each file
inline constexpr std::size_t kBlobNameCountMax = 64;   // records looked at for one file

struct BlobHolder {
  NodeId node;
  AgencyId agency;
  bool operator==(const BlobHolder&) const = default;
};

struct BlobInfo {
  BlobId id;
  std::uint64_t size = 0;
  std::uint32_t chunks = 0, held = 0;
  std::uint64_t held_bytes = 0;
  UnixMillis since = 0;             // first chunk
  std::vector<BlobHolder> holders;  // other machines that said that they hold all of it
  bool complete() const { return held == chunks; }
};

enum class BlobReason : std::uint8_t {  // on disk, as bits: never change
  kCustody = 1,                         // this agency holds a dossier that names it
  kDemand = 2,                          // somebody here asked for it
  kRelay = 4,                           // a neighbour asked us for it
};

struct BlobWant {
  BlobId id;
  std::uint8_t reasons = 0;  // BlobReason
  UnixMillis since = 0;
  std::uint64_t size = 0;  // as the record says; 0: it does not
  bool has(BlobReason reason) const { return (reasons & static_cast<std::uint8_t>(reason)) != 0; }
};

struct DamagedBlob {  // did not read back, and has not come again yet
  BlobId id;
  UnixMillis since = 0;
};

struct BlobPlace {  // how far a look through all files has come
  BlobId id;
  std::uint32_t chunk = 0;
};

struct BlobCounts {
  std::uint64_t files = 0;      // whole
  std::uint64_t partial = 0;    // some chunks
  std::uint64_t bytes = 0;      // of all chunks
  std::uint64_t only_here = 0;  // whole, and no other machine has said that it holds all of it
  std::uint64_t wanted = 0;
};

class BlobSalvage;
class BlobUpload;
class Database;

class Blobs final : public BlobView {
 public:
  // `replica` outlives this. Forgets uploads that were never finished. Fails: kIo, kDiskFull.
  static Result<std::unique_ptr<Blobs>> open(const Replica& replica);
  ~Blobs() override;

  // ---- BlobView ----
  BlobEnd may_read(const AgencyId& reader, const BlobId& id, const RecordId& under) const override;
  std::optional<RecordId> asked_under(const AgencyId& peer, const BlobId& id,
                                      const std::set<RecordId>& refused) const override;
  std::optional<std::uint64_t> held_size(const BlobId& id) const override;
  std::optional<HeldChunk> read_chunk(const BlobId& id, std::uint32_t index) const override;

  // ---- looking ----
  std::optional<BlobInfo> find(const BlobId& id) const;
  std::optional<ChunkMap> held(const BlobId& id) const;
  std::vector<RecordId> records(const BlobId& id) const;   // that name it
  std::vector<BlobId> named_by(const RecordId& id) const;  // ever named
  // Agencies that may be asked for it: the audiences of the records that name it.
  std::vector<AgencyId> readers(const BlobId& id) const;
  // Whether that agency lies in the audience of the record.
  bool is_reader(const AgencyId& agency, const RecordId& record) const;
  std::optional<BlobWant> find_want(const BlobId& id) const;
  std::vector<BlobWant> wants(std::size_t limit) const;
  BlobCounts counts() const;
  std::uint64_t disk_bytes() const;
  // Stops when `visit` returns false.
  void for_each(const std::function<bool(const BlobInfo&)>& visit) const;

  // ---- what does not read back ----
  // read_chunk() verifies what it reads; a chunk that is held and does not come back is noted.
  bool has_damage() const;
  // What was noted is not here any more: it is wanted, and listed until all of the file is here
  // again. The files concerned. Synced.
  Result<std::vector<BlobId>> give_up_damaged(UnixMillis now);
  std::vector<DamagedBlob> damaged(std::size_t limit) const;
  // Reads so many chunks from there on, and leaves `place` behind them; after the last it is zero.
  void look_through(BlobPlace& place, std::uint32_t chunks) const;

  // ---- writing, synced ----
  Result<BlobUpload> begin_upload();
  // A chunk that was verified, given as one of a file of that record. True: the file is whole now.
  // Passed over when it is here already.
  Result<bool> put_chunk(const BlobId& id, std::uint32_t index, const HeldChunk& chunk,
                         UnixMillis now, const RecordId& under);
  // Who may be asked under that record has shown that it holds every chunk, as it is here: from now
  // on it may be given as a file of that record.
  Result<void> note_shown(const BlobId& id, const RecordId& under);
  // Whether what is here came, or was shown, as a file of that record, or was named in it by our
  // own agency before all others.
  bool came_with(const BlobId& id, const RecordId& under) const;
  Result<void> want(const BlobId& id, BlobReason reason, UnixMillis now);
  Result<void> note_holder(const BlobId& id, const BlobHolder& holder);

  // Takes in what changed since it was last called, at most `limit` updates: who names what, what
  // this agency wants as custodian, what was erased. True: there is more.
  Result<bool> catch_up(std::size_t limit, UnixMillis now);
  std::uint64_t caught_up() const;  // to that local number

  // ---- retention ----
  // Whether this machine may drop it once the origin has shown that it holds it: every dossier that
  // names it has been finished for `after`, and this agency is neither its origin nor its holder.
  bool may_drop(const BlobId& id, UnixMillis now, std::chrono::milliseconds after) const;
  std::vector<BlobId> droppable(UnixMillis now, std::chrono::milliseconds after,
                                std::size_t limit) const;
  std::vector<AgencyId> origins(const BlobId& id) const;
  // Drops it if may_drop() still says so. False: it stays.
  Result<bool> drop(const BlobId& id, UnixMillis now, std::chrono::milliseconds after);
  // Files that no record has named for `after`, and neighbours' wishes as old as that. How many.
  Result<std::size_t> sweep(UnixMillis now, std::chrono::milliseconds after);

 private:
  friend class BlobUpload;
  friend class BlobSalvage;
  struct Row;
  struct Rows;
  class Batch;
  explicit Blobs(const Replica& replica);

  Database& database() const;
  Result<void> load();
  Result<void> check_room() const;  // kDiskFull
  std::optional<std::string> get(const std::string& key) const;
  void scan(const std::string& prefix,
            const std::function<bool(std::string_view, std::string_view)>& visit) const;
  void scan_from(const std::string& prefix, const std::string& from,
                 const std::function<bool(std::string_view, std::string_view)>& visit) const;
  void note_damage(const BlobId& id, std::uint32_t index) const;
  static BlobId after(const BlobId& id);  // zero: it was the last
  std::optional<Row> row(const BlobId& id) const;
  std::optional<ChunkMap> map_of(const Row& row) const;
  void put_row(Batch& batch, const BlobId& id, const Row& row);
  void erase_blob(Batch& batch, const BlobId& id);
  void add_name(Batch& batch, std::set<std::string>& added, const BlobId& id,
                const RecordState& state, const UpdateId& update);
  void put_want(Batch& batch, const BlobWant& want);
  void erase_want(Batch& batch, const BlobId& id);
  Result<void> write(Batch& batch);
  std::uint64_t next_number(Batch& batch);
  std::uint64_t named_size(const BlobId& id) const;
  BlobInfo info(const BlobId& id, const Row& row) const;
  void settle_record(Batch& batch, const RecordId& record, UnixMillis now);
  void forget_record(Batch& batch, const RecordId& record);
  bool finished_for(const RecordState& state, UnixMillis now,
                    std::chrono::milliseconds after) const;

  const Replica& replica_;
  mutable std::mutex writer_;  // guards writes
  mutable std::mutex damage_;  // guards what follows
  mutable std::map<BlobId, std::set<std::uint32_t>> damaged_;
  mutable std::mutex counting_;
  BlobCounts counts_;
  std::uint64_t numbers_ = 0;  // last used
  std::uint64_t indexed_ = 0;
};

// A file on its way in from this machine. Not finished, it leaves nothing after the next start.
// Threads: one at a time. `blobs` outlives it.
class BlobUpload {
 public:
  BlobUpload(Blobs& blobs, std::uint64_t number, const RootFingerprint& root);
  // kTooLarge, kIo, kDiskFull: then the upload is over.
  Result<void> add(ByteView bytes);
  // Synced. kInvalidArgument: empty. A file that is here already is not kept twice.
  Result<BlobInfo> finish(UnixMillis now);
  Result<void> abandon();
  std::uint64_t size() const { return hasher_.size(); }

 private:
  Blobs* blobs_;
  std::uint64_t number_;
  RootFingerprint root_;
  ChunkHasher hasher_;
};

// The files that a record's list of components names, with what the list says of them.
struct NamedBlob {
  BlobId id;
  wire::Component component;
};
std::vector<NamedBlob> named_blobs(const FieldValue& components);

}  // namespace lienthong::store
