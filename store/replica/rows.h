// Keys and rows on disk: never change their meaning; a new layout gets a new kLayoutVersion and a
// migration, or is refused. docs/storage.md lists them. Numbers in keys are big-endian, so that
// they sort.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/replica/replica.h"

namespace lienthong::store {

inline constexpr std::uint32_t kLayoutVersion = 5;

namespace key {
// One letter for each kind of row: on disk, never change.
std::string meta(std::string_view name);        // M name
std::string update(std::uint64_t number);       // U → UpdateRow
std::string update_index(const UpdateId& id);   // I first 16 bytes → number
std::string update_seal(std::uint64_t number);  // Y → seal number, leaf
// y number, seal number → leaf: further seals of an update
std::string further_seals(std::uint64_t number);
std::string further_seal(std::uint64_t number, std::uint32_t seal);
std::string unsealed(std::uint64_t number);    // X → UnsealedRow
std::string stripped(std::uint64_t number);    // x → nothing: its closed part is not here
std::string record(std::uint32_t number);      // R → RecordRow
std::string record_index(const RecordId& id);  // r first 16 bytes → number
std::string code(std::string_view folded,
                 std::uint32_t record);  // D folded code, 0, record → nothing
std::string code_prefix(std::string_view folded);
std::string led(const RecordId& lead, std::uint32_t record);  // J first 16 bytes, record → nothing
std::string led_prefix(const RecordId& lead);
std::string seal(std::uint32_t number);      // S → seal
std::string evidence(std::uint32_t number);  // V → SealEvidence
std::string seal_index(const SealId& id);    // s first 16 bytes → number
// k first 16 bytes of the node, incarnation, number, first 8 bytes of the seal's id → NodeSeal
std::string node_seals(const NodeId& node);
std::string node_seal(const NodeId& node, std::uint64_t incarnation, std::uint32_t number,
                      const SealId& id);
std::string stale(std::uint32_t record);                             // q → nothing
std::string feed(const AgencyId& reader);                            // E → FeedMeta
std::string filling(const AgencyId& reader);                         // e → records gone through
std::string feed_entry(std::uint32_t feed, std::uint64_t position);  // F → FeedEntry
std::string feed_prefix(std::uint32_t feed);
std::string statement(std::uint64_t number);              // T → StatementRow
std::string waiting_statement(const StatementId& id);     // W → statement
std::string node(std::uint32_t number);                   // N → NodeId
std::string cursor(FeedKind kind, const NodeId& writer);  // C → Cursor
std::string heard(FeedKind kind, const NodeId& reader);   // H → Cursor
std::string carry(FeedKind kind, const NodeId& node);     // B → position
std::string session_numbers(const NodeId& node);          // Z → sent, seen
// w: what goes on, or is held back, for others (pushes.cc); what healing counts (counted.cc)
std::string pen(const UpdateId& id);  // P → PenRow
// p → nothing: what a row P waits for (pen.cc), first 16 bytes of its update
std::string refused(std::uint64_t number);   // Q → RefusedRow
std::string idempotency(ByteView key_hash);  // K → UpdateId
std::string local(std::string_view name);    // L name → bytes
std::string change(std::uint64_t number);    // c → ChangeRow (change_log.h)
std::string forked(std::uint32_t record);    // f → nothing: custody forks there
std::string upheld(std::uint32_t record);    // n → what our desk upheld by itself
std::string moved(std::uint64_t number);     // g → nothing: see Brought::moved
std::string backfill(const NodeId& node);    // h → number of the first that came
// All of these letters. Others belong to projections (projection.h).
inline constexpr std::string_view kLetters = "MUIYXxRrDJSVsEeFTWNCHBZPpQKLcfnghkqwy";
}  // namespace key

struct UpdateSeal {
  std::uint32_t seal = 0;
  std::uint16_t leaf = 0;
};
std::string encode(const UpdateSeal& row);
UpdateSeal decode_update_seal(std::string_view bytes);

// A seal of a machine, of updates or of a statement.
struct NodeSeal {
  std::uint64_t incarnation = 0;
  std::uint32_t number = 0;
  SealId id;
  std::uint32_t row = 0;  // of a statement: of the last seal that was here before it
  bool statement = false;
};
std::string encode(const NodeSeal& seal);
NodeSeal decode_node_seal(std::string_view key, std::string_view bytes);

struct UpdateRow {
  UpdateId id;
  std::uint32_t record = 0;
  std::uint32_t source = 0;  // node number it came from; 0: written here
  UnixMillis received_at = 0;
  Update update;
  bool custody = false;  // see is_custody()
  // Its number less that of the first update that came with it, in one commit or otherwise at once.
  std::uint64_t came_after = 0;
  std::optional<UpdateSeal> seal;  // of updates that came sealed; others have a row Y
};
std::string encode(const UpdateRow& row);
UpdateRow decode_update_row(std::string_view bytes);

struct UpdateHead {  // what stands before the update itself
  UpdateId id;
  std::uint32_t record = 0;
  std::uint32_t source = 0;
};
UpdateHead decode_update_head(std::string_view bytes);

// What our desk upheld by itself in a record, in the order of time.
struct UpheldRow {
  struct Word {
    UpdateId id;
    UnixMillis at = 0;
  };
  std::vector<Word> words;
};
std::string encode(const UpheldRow& row);
UpheldRow decode_upheld_row(std::string_view bytes);

// What may overtake a backlog: a custody link on a record that was there before, a request for an
// offer back, or the word that settles a fork.
bool is_custody(UpdateKind kind);

struct UnsealedRow {
  UpdateId id;
  std::uint32_t record = 0;
  std::size_t bytes = 0;  // of the update's row
};
std::string encode(const UnsealedRow& row);
UnsealedRow decode_unsealed_row(std::string_view bytes);

struct FedFeed {
  std::uint32_t feed = 0;
  // Where the record's updates lie in the feed, in their order: so many of them are in it.
  std::vector<std::uint64_t> places;  // ascending
};
struct RecordRow {
  RecordId id;
  std::optional<RecordSecret> secret;  // none: it is not here, or was erased
  std::vector<FedFeed> feeds;
  std::vector<std::uint64_t> updates;
  Bytes state;
};
std::string encode(const RecordRow& row);
RecordRow decode_record_row(std::string_view bytes);

struct FeedMeta {
  std::uint32_t number = 0;
  std::uint64_t epoch = 0;  // minted with the feed, and anew when a reader's cursor does not fit
  std::uint64_t end = 0;
  std::uint64_t hash = 0;
  IdPrefix sum{};               // of the ids of what lies there, first 16 bytes, modulo 2^128
  std::uint64_t withdrawn = 0;  // entries that bear nothing any more
  // Not stored: the same up to a place before which nothing waits to be sealed. nullopt: not known
  // since the start.
  struct Sealed {
    std::uint64_t end = 0;
    std::uint64_t hash = 0;
    IdPrefix sum{};
    std::uint64_t withdrawn = 0;
  };
  std::optional<Sealed> sealed;
};
std::string encode(const FeedMeta& row);
FeedMeta decode_feed_meta(std::string_view bytes);
// sum ± the first 16 bytes of the id, little-endian, modulo 2^128.
void add_to_sum(IdPrefix& sum, ByteView id);
void take_from_sum(IdPrefix& sum, ByteView id);

struct FeedEntry {
  std::uint64_t update = 0;  // 0: withdrawn before it ever left
  std::uint32_t source = 0;
  std::uint64_t hash = 0;
  bool custody = false;  // see is_custody()
  IdPrefix id{};         // by which healing knows it; zero: it does not count there
};
std::string encode(const FeedEntry& row);
FeedEntry decode_feed_entry(std::string_view bytes);

struct StatementRow {
  std::uint32_t source = 0;
  std::uint64_t hash = 0;
  Statement statement;
};
std::string encode(const StatementRow& row);
StatementRow decode_statement_row(std::string_view bytes);

struct WaitingStatement {
  NodeId from;
  Statement statement;
};
std::string encode(const WaitingStatement& row);
WaitingStatement decode_waiting_statement(std::string_view bytes);

enum class PenReason : std::uint8_t {
  kMissing = 0,
  kUnverified = 1,  // the sealer's certificate is not here, so its seal is not checked
  kRevoked = 2,     // its machine is revoked; it enters if what counts builds on it
};
struct PenRow {  // an update that cannot enter the graph yet, with what proves it
  PenReason why = PenReason::kMissing;
  WaitingEntry entry;
  UpdateId missing;  // zero: a certificate or tree version
  SealedUnit unit;   // one leaf
};
std::string encode(const PenRow& row);
PenRow decode_pen_row(std::string_view bytes);

std::string encode(const RefusedEntry& row);
RefusedEntry decode_refused_row(std::string_view bytes);

std::string encode_number(std::uint64_t number);  // 8 bytes, big-endian
std::uint64_t decode_number(std::string_view bytes);
std::string encode_number4(std::uint32_t number);  // 4 bytes: of records, in keys
std::uint32_t decode_number4(std::string_view bytes);
std::string encode_cursor_row(const Cursor& cursor);
Cursor decode_cursor_row(std::string_view bytes);
std::string fold_code(std::string_view code);  // ASCII lower case, for look-ups

}  // namespace lienthong::store
