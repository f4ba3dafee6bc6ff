// What is known of damage to this machine's database: kept in the database that took its place
// until, and after, somebody has seen it. docs/operations.md, "Damage". Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/base/instant.h"
#include "store/replica/replica.h"

namespace lienthong::store {

struct Damage {
  UnixMillis at = 0;                  // when it was found
  std::vector<std::string> findings;  // file, and what was wrong with it
  std::string kept_as;                // folder beside the database; empty: nothing was left to keep
  // Writes that were acknowledged and cannot be read: how many, and the numbers of the first and
  // the last of them. No count: not all of them are known.
  std::optional<std::uint64_t> writes_missing;
  std::uint64_t first_write = 0, last_write = 0;  // 0: none is known
  std::uint64_t updates_kept = 0;
  std::uint64_t updates_missing = 0;  // that were here, by their local numbers of then
  std::uint64_t first_update = 0, last_update = 0;
  std::uint64_t updates_waiting = 0;  // kept, and wait for one that is missing
  std::uint64_t statements_missing = 0;
  std::uint64_t scans_missing = 0;  // that have lost a chunk or more
  bool store_was_gone = false;      // begun anew with nothing in it
  bool unsure = false;     // rows could not be read of which it is not known what they were
  UnixMillis seen_at = 0;  // 0: nobody has

  bool lost_something() const {
    return store_was_gone || writes_missing != std::uint64_t{0} || updates_missing != 0 ||
           statements_missing != 0;
  }
};

std::optional<Damage> find_damage(const Replica& replica);
void note_damage(Transaction& transaction, const Damage& damage);
// False: there is none, or it was seen before.
bool note_damage_seen(Transaction& transaction, UnixMillis now);

Bytes encode(const Damage& damage);
std::optional<Damage> decode_damage(ByteView bytes);  // nullopt: not one of ours

}  // namespace lienthong::store
