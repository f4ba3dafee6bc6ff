// Internal to store/: what a transaction is made of. Its parts lie in transaction.cc (records,
// writing), receive.cc (what peers send), pen.cc (what waits), registry_rows.cc (statements),
// refold.cc, beside.cc (fresh updates on a stored state), closings.cc, sealing.cc, feeds.cc,
// counted.cc (what healing counts of them), notary.cc (forks of custody).
#pragma once

#include <set>
#include <unordered_map>

#include "protocol/record/closings.h"
#include "protocol/wire/part.h"
#include "store/replica/replica_impl.h"

namespace lienthong::store {

// The name of an update in a feed, for healing. closed_parts.cc.
IdPrefix healing_id(const UpdateId& id, bool stripped);

// A record under change.
struct OpenRecord {
  RecordRow row;
  RecordState state;
  std::size_t inert_before = 0;
  bool erased_before = false;
  std::string code_before;  // folded
  std::vector<AgencyId> participants_before;
  bool forks_before = false;
  bool stale = false;              // its state must be folded again before it is read or stored
  bool unsettled = false;          // feeds and indexes do not know of its last change
  bool dirty = false;              // to be written
  bool changed = false;            // its state is to be encoded anew
  bool judged_anew = false;        // stale for the registry's sake: followers are told
  RecordDrafts drafts;             // what projections keep of it
  std::size_t looked_at = 0;       // updates, for what lies beside fresh ones; see beside()
  std::vector<FeedMeta*> readers;  // feeds of its audience, while it is being settled
};

// So many are kept decoded at once; then they are flushed and read again.
inline constexpr std::size_t kOpenRecordsMax = 256;

// So many updates are read of a record to add some that do not build on all of it, before it is
// folded from all of them.
inline constexpr std::size_t kBesideMax = 512;

// What the feeds want to know of an update that has just entered.
struct FreshUpdate {
  UpdateId id;
  std::uint32_t record = 0;
  std::uint32_t source = 0;
  bool custody = false;
  bool stripped = false;  // it had a closed part, which is not here
  bool again = false;     // it lies in the feed already: healing counts it once
  bool beyond = false;    // healing does not count it, see settle_beyond()
};

// An update that waits for its seal.
struct Unsealed {
  std::uint32_t audience = 0;  // the same number, the same agencies
  std::uint32_t record = 0;
  std::uint64_t place = 0;  // in the feed that is to be sent
  std::uint64_t number = 0;
  UpdateId id;
  std::size_t bytes = 0;  // of its row
};

struct Transaction::Impl {
  Impl(Replica::Impl& r, UnixMillis t)
      : replica(r),
        now(t),
        overlay(*r.database),
        ledger(*r.ledger()),
        projections(r.projections, overlay, ledger.building) {}

  Replica::Impl& replica;
  const UnixMillis now;
  Overlay overlay;
  Ledger ledger;
  ProjectionWriters projections;
  Ledger saved_ledger;
  std::unordered_map<std::uint32_t, OpenRecord> open;  // by record number
  std::vector<std::uint64_t> entered;                  // ascending
  std::vector<FreshUpdate> just_entered;               // the same
  std::size_t offered = 0;                             // so many of them were offered to the feeds
  std::size_t saved_entered = 0;
  std::vector<std::uint32_t> unsettled;  // records, in the order in which they were touched
  std::vector<std::uint32_t> dirty;
  // Records by folded code, as far as they were asked for: many lines name one procedure.
  std::unordered_map<std::string, std::vector<RecordId>> found_codes;
  bool committed = false;

  void savepoint();  // as Transaction's
  void rollback();

  const Registry& registry() const { return *ledger.registry; }
  const RootFingerprint& root() const { return replica.root; }

  // ---- records (transaction.cc) ----
  OpenRecord* find(std::uint32_t number);  // null: no such record
  OpenRecord* find(const RecordId& id);
  void touch(OpenRecord& record, std::uint32_t number);
  void settle(OpenRecord& record, std::uint32_t number);  // fold if stale, then feeds and indexes
  void settle_all();  // the same for all, updates going into the feeds in the order of entry
  void settle_state(OpenRecord& record, std::uint32_t number);
  void fold_if_stale(OpenRecord& record, std::uint32_t number);
  std::uint64_t folds = 0;             // records that were folded from their beginning
  void touch_led(OpenRecord& record);  // where its audience may have changed
  void flush();                        // settle_all, and write open records into the overlay

  struct NewUpdate {
    UpdateId id;
    Update update;
    OpenBody body;
    std::uint32_t source = 0;
    std::optional<UpdateSeal> seal;
    ClosedBody closed;  // of what is here of the closed part
  };
  // The update's parents, certificate and tree version are here.
  std::uint64_t enter(NewUpdate update);
  GraphUpdate graph_view(NewUpdate& update);
  bool extend_state(OpenRecord& record, const GraphUpdate& update, const ClosedBody& closed);
  std::optional<std::vector<GraphUpdate>> beside(OpenRecord& record, const GraphUpdate& update);
  std::span<const HeldSeal> held_seal(std::uint32_t number);
  std::uint32_t last_seal_number = 0;  // 0: none was asked for yet
  HeldSeal last_seal;

  // ---- clocks (clocks.cc) ----
  void note_clock(const NodeId& node, std::optional<UnixMillis> theirs);  // nullopt: not known
  void note_clock(const GraphUpdate& update);
  void note_session_clock(const NodeId& node, std::uint64_t number, std::uint64_t before);

  // ---- feeds (feeds.cc) ----
  std::uint64_t random_number();  // never 0
  void renew_feed_unless_it_fits(FeedKind kind, const AgencyId& agency, const FeedMark& mark);
  void renew_statement_epoch(const AgencyId& reader);
  FeedMeta& feed(const AgencyId& reader);  // made when missing, empty
  void append(FeedMeta& meta, std::uint64_t number, const FreshUpdate& update);
  FreshUpdate feedable(std::uint64_t number) const;
  std::vector<AgencyId> audience_of(const RecordState& state);  // as Replica::audience_of
  void find_readers(OpenRecord& record, std::uint32_t number);
  void feed_record(OpenRecord& record, std::uint64_t up_to);
  void leave_feeds(OpenRecord& record);
  void note_sealed(const AgencyId& reader);             // all of that feed is (healing.cc)
  void blank(std::uint32_t feed, std::uint64_t place);  // that entry bears nothing any more
  void fill_feed(const AgencyId& reader, std::uint32_t records_max);
  void start_feeds_of_relatives();
  std::uint32_t node_number(const NodeId& node);

  // ---- what healing counts (counted.cc) ----
  struct Delivered {
    std::uint64_t number = 0;
    std::uint32_t record = 0;  // 0: as its row says
    std::uint32_t source = 0;  // whose machine brought it
    bool whole = true;         // with its closed part
  };
  std::vector<Delivered> delivered;  // the feeds have not been told yet
  void note_delivered();
  FeedMeta* feed_for_node(std::uint32_t number);  // null: there is none
  std::optional<std::uint64_t> place_beside(std::uint32_t feed, std::uint64_t number) const;
  bool is_beyond(std::uint32_t record, std::uint64_t number) const;
  bool lies_beyond(const UpdateRow& row, std::uint64_t number) const;
  std::set<std::uint64_t> beyond_and_unused(const OpenRecord& record) const;
  void settle_beyond(const OpenRecord& record, std::uint32_t number);
  void count_entries(const OpenRecord& record, std::uint64_t number, const IdPrefix& id);
  void name_entry(std::uint32_t feed, std::uint64_t place, const IdPrefix& id);

  // ---- what is handed on for others (pushes.cc) ----
  struct OpenPush {
    AgencyId from, to;
    bool shared = false;  // no answer is due
  };
  std::vector<OpenPush> open_pushes(const RecordState& state);
  // The first of them that has a ration towards that neighbour.
  std::optional<OpenPush> rationed_push(const RecordState& state, const AgencyId& reader);
  bool is_rationed(const OpenPush& push, const AgencyId& reader) const;
  std::string side_of(const AgencyId& origin) const;
  std::size_t count_pushes(const std::string& list, std::string_view side, std::size_t most) const;
  bool has_room(std::uint32_t feed, const AgencyId& origin) const;
  void set_push(std::uint32_t feed, std::uint32_t record, const std::optional<OpenPush>& push,
                bool held);
  void let_shares_age();
  void go_on_with_pushes();
  bool is_held_back(const OpenRecord& record, std::uint32_t number, const AgencyId& reader,
                    std::uint32_t feed);
  std::set<std::pair<std::uint32_t, AgencyId>> answered;  // by feed and origin

  // ---- receiving (receive.cc) ----
  struct VerifiedLeaf {
    const SealedLeaf* leaf;
    UpdateId id;
    std::uint32_t seal_row;
    std::optional<std::uint64_t> number;  // it was here already
    std::optional<RecordSecret> secret;   // see wire::UnitFacts
  };
  struct PendingLeaf {
    const SealedUnit* unit;
    VerifiedLeaf verified;
  };
  // How things were named in what is received. Short names may have led elsewhere: what does not
  // verify then is nobody's fault, and is asked for again.
  enum class Naming { kInFull, kShort };
  // `facts`: by unit; none: they are not known.
  using Facts = std::span<const wire::UnitFacts>;
  Result<ReceiveOutcome> receive(FeedKind kind, const NodeId& from, const AgencyId& from_agency,
                                 const FeedPart& part, Naming naming, Beginning beginning,
                                 Facts facts = {});
  void receive_units(const std::vector<SealedUnit>& units, const NodeId& from, std::uint32_t source,
                     Naming naming, Facts facts, ReceiveOutcome& outcome);
  void enter_or_wait(const std::vector<PendingLeaf>& arrived, const NodeId& from,
                     std::uint32_t source, ReceiveOutcome& outcome);
  std::vector<VerifiedLeaf> verify_unit(const SealedUnit& unit, const NodeId& from, Naming naming,
                                        const wire::UnitFacts* facts, ReceiveOutcome& outcome);
  std::optional<Refusal> receive_leaf(const SealedUnit& unit, const VerifiedLeaf& verified,
                                      const NodeId& from, std::uint32_t source,
                                      ReceiveOutcome& outcome);
  std::vector<std::optional<std::uint64_t>> numbers_of(std::span<const UpdateId> ids) const;
  void note_further_seal(std::uint64_t number, const UpdateSeal& seal);
  Result<void> check_parents(const Update& update);
  void note_new_beginning(FeedKind kind, const NodeId& from, const AgencyId& agency,
                          const FeedMark& mark, const FeedPart& part);
  void forgotten_own_seal();
  UpdateId missing_parent(const Update& update) const;              // zero: none
  bool take_back_unsealed(const UpdateId& id, const Update& sent);  // (taking_back.cc)
  bool custody_rests(const OpenRecord& record) const;               // (taking_back.cc)
  bool is_desk() const;
  void honour_recalls();
  std::vector<RecordId> recalls;  // records in which a recall request has just entered

  // ---- the pen (pen.cc) ----
  bool pen_is_full(const NodeId& from) const;
  std::optional<bool> pen_full;  // of the part: as it was when the first of it had to wait
  bool waking = false;
  void put_into_pen(PenRow row, const SealedUnit& unit, const SealedLeaf& leaf);
  void take_from_pen(const PenRow& row);
  void wait(const SealedUnit& unit, const SealedLeaf& leaf, const UpdateId& id,
            const UpdateId& missing, std::string reason, const NodeId& from,
            PenReason why = PenReason::kMissing);
  void keep_unverified(const SealedUnit& unit, const SealedLeaf& leaf, const UpdateId& id,
                       const NodeId& from, ReceiveOutcome& outcome);
  bool hold_back(const SealedUnit& unit, std::span<const UpdateId> ids,
                 std::span<const std::optional<std::uint64_t>> numbers, const NodeId& from,
                 ReceiveOutcome& outcome);
  void store_in_pen(const PenRow& row);
  SealEvidence& evidence_of(const SealedUnit& unit);
  std::optional<SealEvidence> pen_evidence;
  const SealedUnit* pen_unit = nullptr;  // of which it is
  bool is_awaited(const UpdateId& id);
  void index_pen();
  void came(const UpdateId& update);
  void came(const StatementId& statement);
  std::vector<std::string> pen_came;   // prefixes of rows that tell who waits for it
  std::vector<std::string> pen_woken;  // keys of rows
  void wake();
  void wake_for_registry(const Registry& before);
  bool drop_what_waited_long();
  std::uint64_t leaves_tried = 0;  // leaves that were looked at, however often
  std::uint64_t looked_back = 0;   // updates read to judge fresh ones (beside.cc, refold)
  void receive_waiting(const PenRow& row, ReceiveOutcome& outcome);

  void refuse(const NodeId& from, const AgencyId& agency, const UpdateId& id, std::string reason);
  // What neighbours have refused of ours, read when first asked for (quarantine.cc).
  std::optional<std::set<std::pair<UpdateId, NodeId>>> refused_there;
  void keep_refusal(RefusedEntry entry);
  void drop_oldest_refusal(std::uint64_t newest);
  std::uint64_t refused_from = 0;                               // none before this one is kept
  void feed_again(std::uint64_t number, const AgencyId* only);  // null: in all
  std::size_t break_seal(std::uint32_t number);

  // ---- the notary (notary.cc) ----
  const std::uint64_t first_of_commit = ledger.updates + 1;
  std::uint64_t came_first = first_of_commit;  // what enters now came with that one
  std::vector<std::uint32_t> forked;           // touched, and custody forks there
  void note_forks(OpenRecord& record, std::uint32_t number);
  void note_moved(const RecordState& before, const RecordState& after);
  void note_backfill(const NodeId& from);
  // What that node delivered goes back to it, up to where our feed for it ends now.
  void carry_back(FeedKind kind, const NodeId& node, const AgencyId& agency);
  bool may_uphold();
  void uphold_by_itself();
  void uphold_all_in(std::uint32_t number);
  bool uphold_in(std::uint32_t number);

  // ---- closed parts (closed_parts.cc) ----
  bool closed_part_fits(NewUpdate& made, const std::optional<RecordSecret>& computed);
  bool lacks_closed_part(const Update& update, const RecordState& state) const;
  void fill_in(std::uint64_t number, const Update& sent);
  void note_key(const ClosedBody& closed, const CertificateId& author, const UpdateId& id);
  void set_stripped(OpenRecord& record, std::uint64_t number, const UpdateId& id, bool stripped);
  void settle_erasure(OpenRecord& record);

  // ---- statements (registry_rows.cc) ----
  void keep_statement(const Statement& statement, const StatementId& id, std::uint32_t source);
  Result<StatementId> add_one(const Statement& statement);  // made here, or brought by hand
  std::vector<std::optional<Error>> add_all(std::span<const Statement> statements,
                                            std::uint32_t source);
  void receive_statements(const std::vector<Statement>& statements, const NodeId& from,
                          const AgencyId& agency, std::uint32_t source, ReceiveOutcome& outcome);
  std::pair<std::size_t, std::size_t> waiting_statements(const NodeId& from) const;
  bool try_waiting_statements();
  void registry_grew(const Registry& before);

  // ---- records that the registry's growth concerns (refold.cc) ----
  void find_stale(const Registry& before);
  void mark_stale(std::uint32_t record);
  void mark_sealed(const NodeSeal& seal);  // the records of what lies under it
  bool is_stale(std::uint32_t record, const RecordState& state) const;
  void refold(std::uint32_t record);
  bool refold_some(std::size_t records_max);  // false: none is left
  bool build_some(std::size_t records_max);   // the same, of rows that are built in steps

  // ---- closings (closings.cc) ----
  bool writes_closings() const;
  void write_closings(const Registry& before);
  void bind_numbers_used_twice();
  // Of machines that are closed or revoked, seen in this transaction: incarnation and number.
  std::set<std::pair<CertificateId, std::pair<std::uint64_t, std::uint32_t>>> used_twice;

  // ---- sealing (sealing.cc) ----
  Seal next_seal(std::span<const Hash256> leaves);
  std::uint32_t store_seal(const Seal& seal, const SealId& id, std::span<const IndexedLeaf> leaves,
                           std::span<const Hash256> proof);
  void note_node_seal(const Seal& seal, const NodeSeal& row);
  std::vector<Cut> last_seals(const NodeId& node) const;  // (closings.cc)
  FirstSeals first_seals(const NodeId& node, std::uint64_t incarnation) const;
  void mint_incarnation();
  std::vector<Unsealed> unsealed_for(const AgencyId& reader, std::size_t limit);
  void seal_batch(std::span<const Unsealed> batch);

  // It is added, what follows is not done yet. So much room stays `leaving`, or it is not said.
  Result<StatementId> say(const StatementBody& body, std::uint64_t leaving = 0);
  Result<UpdateId> write(Draft draft);
  Hlc newest_clock(const OpenRecord& record, std::span<const UpdateId> parents) const;
  std::vector<UpdateId> choose_parents(const OpenRecord& record, const UpdateId& link) const;
};

}  // namespace lienthong::store
