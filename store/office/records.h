// Records that are no dossiers: which of them a list means, and the copies of a document that was
// sent. Reads one replica; any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/record/fields.h"
#include "store/office/document.h"
#include "store/replica/replica.h"

namespace lienthong::store {

struct RecordFilter {  // empty: any
  RecordKind kind = RecordKind::kFeedback;
  std::optional<AgencyId> holder;
  std::optional<UnixMillis> from, to;  // dated_at(); `to` exclusive
  std::optional<std::uint64_t> year;
  std::string status;  // as in JSON
  std::string direction, book, source, topic, about;
};

// In the order in which lists show them: documents by direction and register, year and number, the
// copies after the rest; then by code.
struct RecordMatch {
  std::string book;
  int year = 0;
  std::int64_t number = 0;
  std::string code;
  RecordId record;
  auto operator<=>(const RecordMatch&) const = default;
};
std::vector<RecordMatch> find_records(const Replica& replica, const RecordFilter& filter,
                                      const std::function<bool()>& stopping);
// Whether the match bears the code of one beside it: two machines gave out one number.
bool is_twice(const std::vector<RecordMatch>& matches, std::size_t index);

// One of the texts has it; `wanted` in search form, empty: any.
bool has_text(const std::map<Field, FieldValue>& values, const std::string& wanted);

// The moment that dates a record in lists and registers. The record has a chain.
UnixMillis dated_at(const RecordState& state);

// ---- documents that were sent ----

// See receipt_of(): it has arrived where it lies on this machine for us, or where a machine of the
// receiver has confirmed its offer.
int receipt_here(const Replica& replica, const RecordState& document);

struct SentCopy {
  RecordId record;
  std::string code;
  AgencyId to;
  UnixMillis sent_at = 0, since = 0;  // since: of its newest change
  int receipt = kReceiptNone;
};
std::vector<SentCopy> copies_of(const Replica& replica, const RecordId& document);

// Issued by somebody who is no agency here and is only named.
bool came_on_paper(const RecordState& document);
// To whom a document goes: a copy to whom it was sent first, one that came on paper to whoever took
// it in, and each of its copies. Zero: a copy that was never sent.
std::vector<AgencyId> receivers_of(const Replica& replica, const RecordState& document);

}  // namespace lienthong::store
