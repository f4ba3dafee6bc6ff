// Internal to store/: what a transaction is made of. Its parts lie in transaction.cc (records,
// writing), receive.cc (what peers send, and what waits), registry_rows.cc (statements),
// sealing.cc, feeds.cc.
#pragma once

#include <unordered_map>

#include "store/replica_impl.h"

namespace lienthong::store {

// A record under change. `stale`: its state must be folded again before it is read or stored.
struct OpenRecord {
  RecordRow row;
  RecordState state;
  std::size_t inert_before = 0;
  std::string code_before;  // folded
  bool stale = false;
  bool dirty = false;
};

struct Transaction::Impl {
  Impl(Replica::Impl& r, UnixMillis t)
      : replica(r), now(t), overlay(*r.database), ledger(*r.ledger()) {}

  Replica::Impl& replica;
  const UnixMillis now;
  Overlay overlay;
  Ledger ledger;
  Ledger saved_ledger;
  std::unordered_map<std::uint32_t, OpenRecord> open;  // by record number
  std::vector<std::uint64_t> entered;
  std::size_t saved_entered = 0;
  bool committed = false;

  const Registry& registry() const { return *ledger.registry; }
  const RootFingerprint& root() const { return replica.root; }

  // ---- records (transaction.cc) ----
  OpenRecord* find(std::uint32_t number);  // null: no such record
  OpenRecord* find(const RecordId& id);
  void settle(OpenRecord& record, std::uint32_t number);  // fold if stale, then feeds and indexes
  void settle_all();
  void flush();  // settle_all, and write open records into the overlay

  struct NewUpdate {
    UpdateId id;
    Update update;
    OpenBody body;
    std::uint32_t source = 0;
    std::optional<UpdateSeal> seal;
  };
  // The update's parents, certificate and tree version are here.
  std::uint64_t enter(NewUpdate update);
  GraphUpdate graph_view(const NewUpdate& update) const;

  // ---- feeds (feeds.cc) ----
  std::uint64_t random_number();  // never 0
  void renew_feed_unless_it_fits(FeedKind kind, const NodeId& reader, const FeedMark& mark);
  FeedMeta& feed(const AgencyId& reader);  // made when missing, empty
  void append(FeedMeta& meta, std::uint64_t update, std::uint32_t source, const UpdateId& id);
  void feed_record(OpenRecord& record);
  void leave_feeds(OpenRecord& record);
  void fill_feed(const AgencyId& reader);
  void start_feeds_of_relatives();
  std::uint32_t node_number(const NodeId& node);

  // ---- receiving (receive.cc) ----
  struct VerifiedLeaf {
    const SealedLeaf* leaf;
    UpdateId id;
    std::uint32_t seal_row;
  };
  void receive_units(const std::vector<SealedUnit>& units, const NodeId& from, std::uint32_t source,
                     ReceiveOutcome& outcome);
  std::vector<VerifiedLeaf> verify_unit(const SealedUnit& unit, const NodeId& from,
                                        ReceiveOutcome& outcome);
  std::optional<Refusal> receive_leaf(const SealedUnit& unit, const SealedLeaf& leaf,
                                      const UpdateId& id, std::uint32_t seal_row,
                                      const NodeId& from, std::uint32_t source,
                                      ReceiveOutcome& outcome);
  void note_new_beginning(FeedKind kind, const NodeId& from, const AgencyId& agency,
                          const FeedMark& mark, const FeedPart& part);
  void forgotten_own_seal();
  UpdateId missing_parent(const Update& update) const;  // zero: none
  bool closed_part_fits(Update& update, const OpenBody& body);
  bool is_desk() const;
  bool pen_is_full(const NodeId& from) const;
  void honour_recalls();
  std::vector<RecordId> recalls;  // records in which a recall request has just entered
  void wait(const SealedUnit& unit, const SealedLeaf& leaf, const UpdateId& id,
            const UpdateId& missing, std::string reason, const NodeId& from);
  void wake();
  void receive_waiting(const PenRow& row, ReceiveOutcome& outcome);
  void refuse(const NodeId& from, const AgencyId& agency, const UpdateId& id, std::string reason);
  bool pen_registry_changed = false;  // what waits for a certificate or tree version may go on

  // ---- statements (registry_rows.cc) ----
  void keep_statement(const Statement& statement, const StatementId& id, std::uint32_t source);
  Result<StatementId> add_one(const Statement& statement, std::uint32_t source);
  void receive_statements(const std::vector<Statement>& statements, const NodeId& from,
                          const AgencyId& agency, std::uint32_t source, ReceiveOutcome& outcome);
  std::size_t waiting_statements() const;
  void registry_grew(std::vector<Statement> added);
  void fold_everything_again();

  // ---- sealing (sealing.cc) ----
  Seal next_seal(std::span<const Hash256> leaves);
  std::uint32_t store_seal(const Seal& seal, const SealId& id, std::span<const IndexedLeaf> leaves,
                           std::span<const Hash256> proof);
  void mint_incarnation();

  Result<UpdateId> write(Draft draft);
  std::vector<UpdateId> choose_parents(const OpenRecord& record, const UpdateId& link) const;
};

}  // namespace lienthong::store
