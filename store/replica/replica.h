// The replica: everything this machine holds, in one RocksDB. docs/storage.md has the layout.
//
// Threads: any thread may call the const methods; they read what was committed last. All writes go
// through one Transaction at a time, on one writer thread. Randomness and time are handed in.
// What a failure leaves behind: a Transaction that was not committed changed nothing. After
// commit() fails (kIo, kDiskFull) the replica refuses further transactions until it is closed and
// opened anew, because the page cache is not to be believed after a failed sync.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/record/fold.h"
#include "protocol/record/notary.h"
#include "protocol/sync/replica_view.h"
#include "store/replica/clocks.h"

namespace rocksdb {
class Env;
}

namespace lienthong::store {

class FeedReader;
class Projection;
class RawReplica;

enum class Sync { kNo, kYes };  // whether a commit is on the disk when it returns

struct Identity {  // who writes
  AgencyId agency;
  NodeId node;
  CertificateId certificate;
  SigningKey key;
  std::uint8_t thousand = 0;
  explicit Identity(SigningKey signing_key)
      : node(signing_key.public_key()), key(std::move(signing_key)) {}
};

// Makes one each time that a replica is opened.
using ProjectionMaker = std::function<std::unique_ptr<Projection>()>;

struct Options {
  std::string path;                      // folder of the database
  rocksdb::Env* env = nullptr;           // null: the real file system; outlives the replica
  Entropy* entropy = nullptr;            // required; outlives the replica; used by the writer only
  bool create = false;                   // create when missing; else kNotFound
  bool accept_missing_end = false;       // opens one that lacks its last writes (store/salvage)
  std::uint32_t fill_records_max = 512;  // that a feed is filled with in one commit; at least 1
  // What is kept beside the records, in each commit: office_options() of store/office/projections.h
  // has those of this program. A database that keeps more is not opened; what it does not keep yet,
  // or not in this version, is built when it is opened.
  std::vector<ProjectionMaker> projections = {};
  UnixMillis released_at = 0;  // no clock that is right says an earlier time; 0: not known
};

struct HeldPush {
  AgencyId origin, to;
  std::uint64_t count = 0;
};
// Of one office's, towards one neighbour, so many are handed on at once.
inline constexpr std::size_t kPushedCountMax = 256;

struct StoredUpdate {
  std::uint64_t number = 0;  // local: 1, 2, … in the order in which they entered the graph
  UpdateId id;
  Update update;
  OpenBody open;
  AgencyId agency;             // author's
  NodeId node;                 // author's
  std::optional<SealId> seal;  // none: not sealed yet, so it has never left
  UnixMillis received_at = 0;
  bool ours = false;  // written on this machine
};

enum class ChangeKind : std::uint8_t {  // on disk: never change
  kUpdate = 0,
  kWithdrawn = 1,  // an update of ours was taken back before it left
  kRefolded = 2,   // the record's state is another one, without a new update of its own
};

// One thing that followers of the replica are told.
struct ChangeEvent {
  std::uint64_t number = 0;  // local, ascending, with gaps
  ChangeKind kind = ChangeKind::kUpdate;
  RecordId record;
  UnixMillis at = 0;  // as the update says; of the others when it happened here
  // What came or was taken back; of kRefolded they are zero:
  UpdateId update = {};
  UpdateKind update_kind{};
  AgencyId by = {};                 // its author's
  std::uint64_t update_number = 0;  // of kWithdrawn: the number under which it was told
};

struct ChangePage {
  std::vector<ChangeEvent> events;
  std::uint64_t last = 0;  // the next page goes on after it; it may be of no event
};

struct WaitingEntry {  // in the pen
  UpdateId id;
  NodeId from;
  std::string reason;  // what is missing
  UnixMillis since = 0;
  RecordId record = {};   // it may not be here yet
  UpdateId missing = {};  // the earlier update that it builds on; zero: an entry of the registry
};

struct RefusedEntry {  // quarantine
  std::uint64_t number = 0;
  UpdateId id;  // zero where the bytes did not give one
  NodeId from;
  AgencyId from_agency;
  std::string reason;
  UnixMillis at = 0;
  bool by_peer = false;  // by `from`, of what we sent; else here, of what it sent
};

struct Counts {
  std::uint64_t records = 0, updates = 0, waiting = 0, inert = 0, refused = 0;
  std::uint64_t unsealed = 0;  // never left this machine
  // Here without the closed part that they had, of no erased record: it is asked for.
  std::uint64_t stripped = 0;
};

struct RecordEntry {
  RecordState state;
  std::vector<std::uint64_t> updates;  // local numbers, in the order of arrival
};

class Transaction;

struct SentAgain {
  std::size_t updates = 0;   // that neighbours had refused
  std::size_t resealed = 0;  // that had been sealed under a key which is not their certificate's
};

// As many updates as may be sealed in one commit where others wait for the writer: some 0.3 s.
inline constexpr std::size_t kSealAtOnceMax = 2560;

class Replica final : public ReplicaView {
 public:
  // Opens or creates. Fails: kNotFound, kNewerVersion (says which program to use, or which
  // projection is missing), kInvalidArgument (an older layout; nothing is touched), kCorrupt, kIo,
  // kDiskFull, kBusy (another process has it).
  static Result<std::unique_ptr<Replica>> open(Options options, Identity identity,
                                               const RootFingerprint& root);
  ~Replica() override;

  // First statements of a new database, in order, genesis first (init, enrolment). Synced.
  Result<void> bootstrap(std::span<const Statement> statements);

  const Identity& identity() const;
  const RootFingerprint& root() const;

  // ---- ReplicaView ----
  std::shared_ptr<const Registry> registry() const override;
  FeedMark feed_end(FeedKind kind, const AgencyId& reader) const override;
  std::optional<std::uint64_t> feed_hash(FeedKind kind, const AgencyId& reader,
                                         std::uint64_t number) const override;
  Result<std::optional<FeedPart>> read_feed(const FeedRead& what) const override;
  std::vector<FeedLine> feed_lines(const AgencyId& reader, const NodeId& reader_node,
                                   std::uint64_t first, std::size_t limit) const override;
  std::vector<std::uint64_t> feed_places(const AgencyId& reader,
                                         std::uint64_t position) const override;
  Result<std::optional<FeedPart>> read_places(const AgencyId& reader, const NodeId& reader_node,
                                              Echo echo,
                                              std::span<const std::uint64_t> places) const override;
  std::unique_ptr<wire::Names> names() const override;
  Cursor cursor(FeedKind kind, const NodeId& writer) const override;
  std::optional<FeedDigest> feed_digest(FeedKind kind, const AgencyId& reader,
                                        UpTo up_to = UpTo::kEnd) const override;
  std::vector<IdPrefix> feed_ids(FeedKind kind, const AgencyId& reader, std::uint64_t first,
                                 std::size_t limit) const override;
  Result<Entries> read_entries(FeedKind kind, const AgencyId& reader,
                               std::span<const std::uint64_t> places,
                               std::size_t bytes_max) const override;

  // ---- reading ----
  std::optional<RecordEntry> find_record(const RecordId& id) const;
  // Ignores case; several records may bear one code.
  std::vector<RecordId> find_code(std::string_view code) const;
  // The records whose local numbers are the ends of the keys that begin so: of a projection's rows.
  std::vector<RecordId> find_rows(std::string_view prefix) const;
  std::optional<StoredUpdate> find_update(const UpdateId& id) const;
  std::optional<StoredUpdate> find_update(std::uint64_t number) const;
  // Its closed part, to be shown to somebody who is to see no other. nullopt: it is not here.
  std::optional<ShownPart> show_closed_part(const UpdateId& id) const;
  // Legs of a dossier, copies of a document sent: the records here that name it as their lead, in
  // the order in which they came.
  std::vector<RecordId> led_by(const RecordId& lead) const;
  // Whose replicas hold the record: audience(), and for a record with a lead the lead's as well.
  std::vector<AgencyId> audience_of(const RecordState& state) const;
  // In the order of local numbers, each as it is when its turn comes; false from `visit` ends it.
  void for_each_record(const std::function<bool(const RecordEntry&)>& visit) const;
  // Whether what this node gives still comes at once, see Transaction::note_exchanged().
  bool comes_at_once(const NodeId& node) const;
  // The forks on its standing chain with all that was signed in each branch; reads every update.
  std::vector<Fork> forks_of(const RecordId& record) const;
  // Everything that followers are told, with number > since, ascending, at most `limit` events.
  ChangePage change_events(std::uint64_t since, std::size_t limit) const;
  // The updates alone.
  std::vector<StoredUpdate> changes(std::uint64_t since, std::size_t limit) const;
  std::uint64_t last_change() const;
  // The newest time that any update here names: a clock that is behind it is wrong, or another was.
  UnixMillis newest_time() const;
  // Of an office's offers, legs and consultations for others, by whose feed they leave, those that
  // are held back here until earlier ones are answered.
  std::vector<HeldPush> held_pushes() const;
  // The neighbour to whom the record does not go on for that reason; nullopt: it does.
  std::optional<AgencyId> held_back_from(const RecordId& record) const;
  ClockVerdict clock(UnixMillis now) const;  // as Transaction's
  Counts counts() const;
  // Updates that no other machine has acknowledged. Reads what the neighbours lack: some 0.5 µs for
  // each of it, 10 where it is in the feeds of several.
  std::uint64_t only_here() const;
  std::vector<WaitingEntry> waiting() const;
  std::vector<RefusedEntry> refused(std::size_t limit) const;  // newest first
  // What the node has durably acknowledged of our feed for its agency: a hint.
  Cursor heard_cursor(FeedKind kind, const NodeId& reader) const override;
  // Where that update lies in our feed for an agency; the last place, if it lies there more than
  // once. Looks from the end, so recent updates are found at once.
  std::optional<std::uint64_t> feed_position(const AgencyId& reader, const UpdateId& id) const;
  // About how many bytes the updates take that lie in our feed for an agency from `first` on:
  // counted for the first thousand, the rest at their average.
  std::uint64_t feed_bytes(const AgencyId& reader, std::uint64_t first) const;
  std::optional<SealEvidence> find_seal(const SealId& id) const;
  std::uint64_t session_number_seen(const NodeId& node) const;
  // Shown a seal of our own that we do not remember (restored backup, cloned disk): no custody
  // links on records that were here before, until a neighbour has given everything back.
  bool restored() const;
  // Whether nothing was written yet under the state that a refold would give: refolds every record
  // and compares, and asks each projection whether its rows agree; ids of those that differ.
  // Records that wait to be judged anew are left out.
  std::vector<RecordId> verify_states() const;
  // Whether records are still to be judged anew because the registry has grown:
  // Transaction::go_on().
  bool unfinished() const;
  std::uint64_t disk_bytes() const;
  // Room on the file system of the database. nullopt: it does not say.
  std::optional<std::uint64_t> free_bytes() const;
  // Set once something did not reach the disk, be it in the background (kDiskFull, kCorrupt, kIo):
  // close the replica and open it again. nullopt: all is well.
  std::optional<Error> failure() const;
  // Small values of the layer above (invitations, budgets), by its own keys; ascending by key.
  std::optional<Bytes> local_value(std::string_view key) const;
  std::vector<std::pair<std::string, Bytes>> local_values(std::string_view prefix) const;

 private:
  friend class Transaction;
  friend class FeedReader;
  friend class RawReplica;
  struct Impl;
  explicit Replica(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct Refusal {
  UpdateId id;
  Errc code;
  std::string detail;
};

// Whether the sender of a part knew where we stand. kGuess: a part that we have as a whole is one
// that came before; from kKnown it shows that the sender's disk is an older copy. kBesideHealing: a
// lost cursor stays as it is until set_cursor().
enum class Beginning { kKnown, kGuess, kBesideHealing };

struct ReceiveOutcome {
  Cursor cursor;  // durable once the transaction is committed
  std::vector<Refusal> refused;
  std::size_t added = 0, duplicates = 0, waiting = 0;
  bool registry_changed = false;
  bool unclear = false;  // short names led elsewhere: nothing was stored, send it with full ids
};

// What one local write is made of; ids, parents and clocks are filled in.
struct Draft {
  RecordId record;  // zero: a new record
  OpenBody open;
  std::optional<ClosedBody> closed;
  std::optional<UpdateId> link;  // default: the tip; a reply: the consult
  // Idempotency, 16 bytes or empty. Lies in the closed part, which is made for it; where the
  // record's are erased, on this machine alone.
  Bytes key_hash = {};
  // Who asked for it. Lies in the closed part likewise; not kept where those are not here.
  std::string account = {};
};

// An update out of a database of this machine that was damaged (store/salvage).
struct Salvaged {
  NodeId from;  // zero: written here
  Update update;
  std::optional<Seal> seal;  // none: it was not sealed, or what proves it is gone
  std::uint16_t index = 0;
  std::vector<Hash256> proof;
};
enum class Lost : bool { kNo, kYes };

// One atomic, synced commit. One at a time; destroying it without commit() changes nothing.
class Transaction {
 public:
  // `now`: the office's clock.
  Transaction(Replica& replica, UnixMillis now);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Marks a point to which rollback() returns, so that one refused operation of a group leaves the
  // others alone. Not nested.
  void savepoint();
  void rollback();

  // ---- reading one's own writes ----
  const Registry& registry() const;
  std::optional<RecordEntry> find_record(const RecordId& id) const;
  std::vector<RecordId> find_code(std::string_view code) const;
  std::vector<RecordId> find_rows(std::string_view prefix) const;  // as Replica's
  std::vector<RecordId> led_by(const RecordId& lead) const;        // see Replica
  std::vector<Fork> forks_of(const RecordId& record) const;        // see Replica
  std::optional<UpdateId> find_key(ByteView key_hash) const;       // idempotency
  std::optional<StoredUpdate> find_update(const UpdateId& id) const;
  // All updates of the record in the order of arrival, read in few steps.
  void for_each_update(const RecordId& record,
                       const std::function<void(StoredUpdate&&)>& visit) const;
  const Identity& identity() const;
  UnixMillis now() const;
  bool restored() const;

  // ---- writing ----
  // Writes an update of ours on the current heads. Rights are checked: kNotAllowed when the update
  // would be inert; kTooLarge, kInvalidArgument by form. A custody link while restored():
  // kNotAllowed.
  Result<UpdateId> write(Draft draft);
  // Takes back an update of ours that was never sealed and has no children: it never left.
  // kNotAllowed otherwise.
  Result<void> withdraw(const UpdateId& id);
  // What a peer sent. Never fails on the peer's account: bad updates are in `refused`; fails on
  // disk.
  Result<ReceiveOutcome> receive(FeedKind kind, const NodeId& from, const AgencyId& from_agency,
                                 const FeedPart& part);
  // What short names of a part mean here, until the next change.
  std::unique_ptr<wire::Names> names();
  // The same from the wire. Fails also with what decode_part_body() fails with: the peer's error,
  // nothing was stored.
  Result<ReceiveOutcome> receive(FeedKind kind, const NodeId& from, const AgencyId& from_agency,
                                 const EncodedPart& part, Beginning beginning = Beginning::kKnown);
  // A statement made here or brought by hand. Errors as Registry::check; waiting statements fail
  // too.
  Result<StatementId> add_statement(const Statement& statement);
  // Many, in an order in which each passes after those before it, and how many are new. Those for
  // which there is no room are left out. Then this transaction is not to be committed, if it fails.
  Result<std::size_t> add_statements(std::span<const Statement> statements);
  // Makes and seals a statement of this node.
  Result<StatementId> state(const StatementBody& body);
  // Seals what was never sealed and lies in that agency's audience, the oldest first, at most
  // `limit`. Number of updates sealed: `limit` if there may be more.
  Result<std::size_t> seal_pending(const AgencyId& reader, std::size_t limit = SIZE_MAX);
  // Starts a feed for that agency and fills it, record by record; nothing if it exists. (Feeds for
  // the parent, children and other nodes of our agency are started by themselves.)
  Result<void> ensure_feed(const AgencyId& reader);
  // The same, but of a large replica only a first step; nothing reads a feed that is not whole.
  Result<void> begin_feed(const AgencyId& reader);
  // One step further with feeds that are not whole, wherever they were left; false: all are.
  bool fill_feeds();
  // What a node durably has of our feed, as it acknowledges. A place that is not there gives the
  // feed a new epoch: tell the sessions that the feed has grown.
  void note_heard_cursor(FeedKind kind, const NodeId& reader, const Cursor& cursor);
  // The same of its cursor, told in full. One before what it had shows that its disk is an older
  // copy: what it delivered is carried back to it, up to where the feed ends now.
  void note_told_cursor(FeedKind kind, const NodeId& reader, const AgencyId& agency,
                        const Cursor& cursor);
  // Our durable position in a node's feed, after healing. What was noted beyond it in the same
  // epoch stays.
  Cursor set_cursor(FeedKind kind, const NodeId& writer, const FeedMark& mark,
                    std::span<const CursorRange> beside = {});
  Cursor cursor(FeedKind kind, const NodeId& writer) const;
  // Greater than all before, and than `above`: what the node says that it has seen.
  std::uint64_t next_session_number(const NodeId& node, std::uint64_t above = 0);
  void note_session_number_seen(const NodeId& node, std::uint64_t number);
  void clear_restored();                                                   // operator's word
  void set_local_value(std::string_view key, std::optional<Bytes> value);  // nullopt: remove
  std::optional<Bytes> local_value(std::string_view key) const;
  // All that a node had for us is here: what it gives from now on comes one by one, and this desk
  // may speak as a notary once it has said so for every neighbour (docs/protocol/custody.md, "The
  // notary").
  void note_exchanged(const NodeId& node);
  // What enters from here on came at once with the update of that number, as out of one bundle; 0:
  // with what else this commit brings. The number of the next one to enter: next_number().
  void came_with(std::uint64_t first);
  std::uint64_t next_number() const;
  // Whether a neighbour has told us what it has of our feed since the replica was opened.
  bool heard_since_start() const;
  // Notes of the layer above that last until the replica is closed: committed, or rolled back, with
  // the rest, and never on the disk.
  bool done_since_start(std::string_view what) const;
  void note_done_since_start(std::string_view what);
  // Refused here: what that node sent.
  void note_refused(const NodeId& from, const AgencyId& agency, const UpdateId& id,
                    std::string reason);
  // Refused there: what we sent to that node, in its words. False: nothing new, or the update is
  // not here.
  bool note_refused_by_peer(const NodeId& node, const AgencyId& agency, const UpdateId& id,
                            std::string reason);

  // Parents first. What proves it is checked again; one that lacks a parent waits in the pen.
  ReceiveOutcome take_back(const Salvaged& salvaged);
  // After the last one. Something was lost: restored() until a neighbour has given all back.
  void end_taking_back(Lost lost);
  // What neighbours have refused of ours goes to each of them again, and is taken off the list:
  // what is refused once more is listed again. For when the cause may have been mended: at each
  // start.
  SentAgain send_refused_again();

  // Local numbers of updates that entered the graph in this transaction, ours and others'.
  const std::vector<std::uint64_t>& entered() const;
  // How often an update of others was looked at, whether it entered or has to wait: what receiving
  // costs.
  std::uint64_t tried() const;
  // How often a record was folded from its beginning. One update on top of a state needs no fold.
  std::uint64_t folded() const;
  // How many updates of their records were read again to judge those that entered.
  std::uint64_t looked_back() const;

  // Whether the clock of this machine can be believed, by what is known now (clocks.h).
  ClockVerdict clock() const;
  // What the clock of a neighbour said just now.
  void note_clock(const NodeId& node, std::uint64_t said);

  // A step further with records that the registry's growth concerns; false: none is left.
  bool go_on();

  // About how many bytes commit() would write.
  std::size_t bytes() const;

  // Writes and syncs. Fails: kIo, kDiskFull; see the head of this file. Sync::kNo is for hints:
  // what a power cut may take back without harm.
  Result<void> commit(Sync sync = Sync::kYes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::store
