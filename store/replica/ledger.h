// What the replica keeps in memory beside RocksDB: counters, ends of feeds, the registry. A value:
// a transaction works on a copy, readers hold the last one that was committed. Internal to store/.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "store/replica/rows.h"

namespace lienthong::store {

class Database;

struct OwnSeals {                 // of this start
  std::uint64_t incarnation = 0;  // 0: not minted yet
  std::uint32_t number = 0;       // of the last seal
  SealId last;
};

// What waits in the pen, by whose it is.
struct PenShares {
  std::map<NodeId, std::uint32_t> waiting;  // by the neighbour that brought it
  std::map<NodeId, std::uint32_t>
      unverified;  // the same, where the sealer's certificate is not here
  std::map<CertificateId, std::uint32_t> held;  // of revoked machines, by their certificates
};

void count_pen_row(PenShares& shares, const PenRow& row, int change);  // pen.cc

struct Ledger {
  std::uint64_t statement_epoch = 0;  // of the registry's feed; minted with the database
  std::map<AgencyId, std::uint64_t> statement_epochs;  // for readers who named a place not there
  std::uint64_t updates = 0;  // last local number, of an update or a ChangeRow
  std::uint32_t records = 0;
  std::uint32_t seals = 0;
  std::uint32_t nodes = 0;
  std::uint32_t feed_count = 0;
  std::uint64_t statements = 0;  // end of the registry's feed
  std::uint64_t statement_hash = 0;
  std::uint64_t refused = 0;  // last number in quarantine
  std::uint64_t refused_kept = 0;
  std::uint64_t inert = 0;
  std::uint64_t unsealed = 0;
  std::uint64_t waiting = 0;
  std::uint64_t without_update = 0;  // numbers whose update was taken back, or of other changes
  std::uint64_t restored_below =
      0;  // shown a forgotten seal of ours when we held so many updates; 0: no
  std::uint64_t newest_hlc = 0;
  // Records that are to be folded again one by one have a row; a sweep goes over all up to a
  // number.
  struct Sweep {
    std::uint32_t next = 1, last = 0;  // done when next > last
    bool all = false;  // else only those with forks; the audience is looked at in any case
  };
  Sweep sweep;  // a row of its own
  // Records that projections which are built in steps have no rows of yet (projections.h).
  struct Building {
    std::uint32_t next = 1, last = 0;  // done when next > last
    std::string names;                 // of these projections, each behind a blank

    bool done() const { return next > last; }
    bool lacks(std::uint32_t record, std::string_view name) const {
      if (record < next || record > last) return false;
      const std::size_t at = names.find(name);
      const std::size_t end = at == std::string::npos ? at : at + name.size();
      return at != std::string::npos && at > 0 && names[at - 1] == ' ' &&
             (end == names.size() || names[end] == ' ');
    }
  };
  Building building;  // a row of its own
  // not stored: of this start, or rebuilt at start
  std::uint32_t stale = 0;  // rows of records to be folded again
  PenShares pen;
  std::shared_ptr<const ClockReadings> clocks;  // null: none
  std::uint64_t pushes = 0;                     // rows wr
  std::uint64_t beside = 0, beyond = 0;         // rows wb, wc
  bool pen_indexed = true;                      // its rows p are whole
  UnixMillis pen_swept_at = 0;                  // when what waited for long was last looked for
  std::map<AgencyId, FeedMeta> feeds;
  std::map<AgencyId, std::uint32_t> filling;  // of them: records gone through so far
  std::map<NodeId, std::uint32_t> node_numbers;
  std::shared_ptr<const Registry> registry;
  bool leads = false;          // some record here names a lead
  std::uint64_t stripped = 0;  // updates without the closed part that they had, of no erased record
  OwnSeals own;
  bool heard_since_start = false;  // a neighbour has told us what it has of ours
  std::set<std::string, std::less<>> done_since_start;  // see Transaction
  UnixMillis started_at = 0;                            // `now` of the first transaction
  std::set<NodeId> exchanged;                  // with which all was exchanged since the start
  std::optional<std::uint32_t> forks_due = 0;  // forked records are to be looked at from there on
  UnixMillis forks_seen_at = 0;                // when all had been looked at
  std::uint64_t unsealed_from = 0;             // no update before this one waits to be sealed

  bool unfinished() const { return stale > 0 || sweep.next <= sweep.last; }
  std::uint64_t statement_epoch_for(const AgencyId& reader) const {
    const auto at = statement_epochs.find(reader);
    return at == statement_epochs.end() ? statement_epoch : at->second;
  }
  // Null: there is none, or it is not whole yet: then nobody reads it.
  const FeedMeta* whole_feed(const AgencyId& reader) const {
    const auto at = feeds.find(reader);
    return at == feeds.end() || filling.contains(reader) ? nullptr : &at->second;
  }
};

void load_pen(const Database& database, Ledger& ledger);      // pen.cc
void load_counted(const Database& database, Ledger& ledger);  // counted.cc
std::string encode(const Ledger::Sweep& sweep);
Ledger::Sweep decode_sweep(std::string_view bytes);
std::string encode(const Ledger::Building& building);
Ledger::Building decode_building(std::string_view bytes);
std::string encode_counters(const Ledger& ledger);
void decode_counters(std::string_view bytes, Ledger& ledger);

}  // namespace lienthong::store
