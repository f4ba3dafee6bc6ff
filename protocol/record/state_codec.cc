// Stored form of RecordState. Layout, integers as varints unless said otherwise;
// docs/protocol/state.md:
//   format u8 = 1, rules needed, record 32, kind, lead (flag u8, 32 if 1),
//   agencies: count, 32 each, ascending; updates: count, 32 each, ascending: exactly those named
//   below, origin, holder, offered, erased by: place in the table + 1, 0 for none, chain: count;
//   update, kind, by, to, tree version, hlc, urgent u8 each, open fields: count; field, writes
//   (count, updates), value each; closed fields: without value, heads, timeline, set aside,
//   adopted: count, updates, forks: count;
//   link, branches (count, updates), stands, line u8, decision or 0, notary or 0, bound u8 each,
//   latest hlc; inert: count; update, reason u8 each; participants:
//   count, agencies, invitations: count; update, kind, target, link, tree version each.
#include <algorithm>
#include <limits>

#include "protocol/base/limits.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/fields.h"
#include "protocol/record/fold.h"

namespace lienthong {
namespace {

constexpr std::uint8_t kFormat = 1;

enum ValueTag : std::uint8_t {  // on disk: never change
  kCleared = 0,
  kText = 1,
  kInteger = 2,
  kData = 3,
};

Error corrupt(const char* what) { return Error(Errc::kCorrupt, what); }

// ---- tables ----

template <class IdType>
class Table {
 public:
  void add(const IdType& id) {
    if (!id.is_zero() && (ids_.empty() || ids_.back() != id)) ids_.push_back(id);
  }
  void add(const std::vector<IdType>& ids) {
    for (const IdType& id : ids) add(id);
  }
  void close() {
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  }
  void write(ByteWriter& out) const {
    out.varint(ids_.size());
    for (const IdType& id : ids_) out.raw(id.view());
  }
  // Place + 1; 0 for the zero id.
  std::uint64_t place(const IdType& id) const {
    if (id.is_zero()) return 0;
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    return static_cast<std::uint64_t>(at - ids_.begin()) + 1;
  }

  Result<void> read(ByteReader& in) {
    LT_TRY(const std::uint64_t count, in.varint());
    if (count > in.rest().size() / IdType::kSize) return corrupt("table longer than the state");
    ids_.reserve(count);
    named_.resize(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      LT_TRY(const ByteView bytes, in.raw(IdType::kSize));
      ids_.push_back(IdType::from(bytes));
      if (ids_.back().is_zero()) return corrupt("zero id in table");
      if (i > 0 && !(ids_[i - 1] < ids_[i])) return corrupt("table not ascending");
    }
    return {};
  }
  Result<IdType> read_place(ByteReader& in) {
    LT_TRY(const std::uint64_t place, in.varint());
    if (place > ids_.size()) return corrupt("place outside the table");
    if (place == 0) return IdType{};
    named_[place - 1] = true;
    return ids_[place - 1];
  }
  Result<IdType> read_present(ByteReader& in) {
    LT_TRY(const IdType id, read_place(in));
    if (id.is_zero()) return corrupt("missing id");
    return id;
  }
  Result<void> read_list(ByteReader& in, std::vector<IdType>& out) {
    LT_TRY(const std::uint64_t count, in.varint());
    if (count > in.rest().size()) return corrupt("list longer than the state");
    out.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      LT_TRY(const IdType id, read_present(in));
      out.push_back(id);
    }
    return {};
  }
  void write_list(ByteWriter& out, const std::vector<IdType>& ids) const {
    out.varint(ids.size());
    for (const IdType& id : ids) out.varint(place(id));
  }
  // Whether each was named since it was read.
  bool all_named() const { return std::find(named_.begin(), named_.end(), false) == named_.end(); }

 private:
  std::vector<IdType> ids_;
  std::vector<bool> named_;
};

struct Tables {
  Table<AgencyId> agencies;
  Table<UpdateId> updates;
};

Tables tables_of(const RecordState& state) {
  Tables tables;
  tables.agencies.add(state.origin);
  tables.agencies.add(state.holder);
  tables.agencies.add(state.offered);
  tables.agencies.add(state.participants);
  tables.updates.add(state.erased_by);
  for (const LinkEntry& link : state.chain) {
    tables.updates.add(link.id);
    tables.agencies.add(link.by);
    tables.agencies.add(link.to);
  }
  for (const auto* fields : {&state.open_fields, &state.closed_fields}) {
    for (const auto& [field, value] : *fields) tables.updates.add(value.writes);
  }
  for (const auto* list : {&state.heads, &state.timeline, &state.set_aside, &state.adopted}) {
    tables.updates.add(*list);
  }
  for (const ForkEntry& fork : state.forks) {
    tables.updates.add(fork.link);
    tables.updates.add(fork.branches);
    tables.updates.add(fork.decision);
    tables.agencies.add(fork.notary);
  }
  for (const InertEntry& entry : state.inert) tables.updates.add(entry.id);
  for (const Invitation& invitation : state.invitations) {
    tables.updates.add(invitation.id);
    tables.updates.add(invitation.link);
    tables.agencies.add(invitation.target);
  }
  tables.agencies.close();
  tables.updates.close();
  return tables;
}

// ---- values ----

void write_value(ByteWriter& out, const FieldValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    out.u8(kText);
    out.sized(*text);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    out.u8(kInteger);
    out.u64(static_cast<std::uint64_t>(*integer));
  } else if (const auto* data = std::get_if<Bytes>(&value)) {
    out.u8(kData);
    out.sized(*data);
  } else {
    out.u8(kCleared);
  }
}

Result<FieldValue> read_value(ByteReader& in) {
  LT_TRY(const std::uint8_t tag, in.u8());
  switch (tag) {
    case kCleared: return FieldValue{};
    case kText: {
      LT_TRY(const ByteView text, in.sized(kClosedBytesMax));
      return FieldValue(std::string(as_text(text)));
    }
    case kInteger: {
      LT_TRY(const std::uint64_t integer, in.u64());
      return FieldValue(static_cast<std::int64_t>(integer));
    }
    case kData: {
      LT_TRY(const ByteView data, in.sized(kClosedBytesMax));
      return FieldValue(to_bytes(data));
    }
    default: return corrupt("unknown form of value");
  }
}

template <class Integer>
Result<Integer> read_number(ByteReader& in) {
  LT_TRY(const std::uint64_t value, in.varint());
  if (value > std::numeric_limits<Integer>::max()) return corrupt("number out of range");
  return static_cast<Integer>(value);
}

Result<bool> read_flag(ByteReader& in) {
  LT_TRY(const std::uint8_t flag, in.u8());
  if (flag > 1) return corrupt("flag neither 0 nor 1");
  return flag == 1;
}

// Count of elements that take at least one byte each.
Result<std::size_t> read_count(ByteReader& in) {
  LT_TRY(const std::uint64_t count, in.varint());
  if (count > in.rest().size()) return corrupt("list longer than the state");
  return static_cast<std::size_t>(count);
}

// ---- parts ----

template <class IdType>
bool ascending(const std::vector<IdType>& ids) {
  return std::adjacent_find(ids.begin(), ids.end(),
                            [](const IdType& a, const IdType& b) { return !(a < b); }) == ids.end();
}

void write_chain(ByteWriter& out, const RecordState& state, const Tables& tables) {
  out.varint(state.chain.size());
  for (const LinkEntry& link : state.chain) {
    out.varint(tables.updates.place(link.id));
    out.varint(static_cast<std::uint64_t>(link.kind));
    out.varint(tables.agencies.place(link.by));
    out.varint(tables.agencies.place(link.to));
    out.varint(link.tree_version);
    out.varint(link.hlc.value);
    out.u8(link.urgent ? 1 : 0);
  }
}

Result<void> read_chain(ByteReader& in, RecordState& state, Tables& tables) {
  LT_TRY(const std::size_t count, read_count(in));
  state.chain.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    LinkEntry link;
    LT_TRY(link.id, tables.updates.read_present(in));
    LT_TRY(const auto kind, read_number<std::uint16_t>(in));
    link.kind = static_cast<UpdateKind>(kind);
    if (kind < static_cast<std::uint16_t>(UpdateKind::kCreated) ||
        kind > static_cast<std::uint16_t>(UpdateKind::kSucceed)) {
      return corrupt("chain holds what is no link");
    }
    if ((i == 0) != (link.kind == UpdateKind::kCreated)) return corrupt("chain without beginning");
    LT_TRY(link.by, tables.agencies.read_present(in));
    LT_TRY(link.to, tables.agencies.read_place(in));
    LT_TRY(link.tree_version, read_number<TreeVersion>(in));
    LT_TRY(link.hlc.value, in.varint());
    LT_TRY(link.urgent, read_flag(in));
    state.chain.push_back(link);
  }
  return {};
}

using Fields = std::map<std::uint16_t, Register>;

void write_fields(ByteWriter& out, const Fields& fields, Part part, const Tables& tables) {
  out.varint(fields.size());
  for (const auto& [field, value] : fields) {
    out.varint(field);
    tables.updates.write_list(out, value.writes);
    if (part == Part::kOpen) write_value(out, value.value);
  }
}

Result<void> read_fields(ByteReader& in, Fields& fields, Part part, Tables& tables) {
  LT_TRY(const std::size_t count, read_count(in));
  for (std::size_t i = 0; i < count; ++i) {
    LT_TRY(const auto field, read_number<std::uint16_t>(in));
    if (!fields.empty() && field <= fields.rbegin()->first) return corrupt("fields not ascending");
    Register value;
    LT_TRY_VOID(tables.updates.read_list(in, value.writes));
    if (value.writes.empty()) return corrupt("field without a write");
    if (part == Part::kOpen) {
      LT_TRY(value.value, read_value(in));
    }
    fields.emplace_hint(fields.end(), field, std::move(value));
  }
  return {};
}

void write_forks(ByteWriter& out, const RecordState& state, const Tables& tables) {
  out.varint(state.forks.size());
  for (const ForkEntry& fork : state.forks) {
    out.varint(tables.updates.place(fork.link));
    tables.updates.write_list(out, fork.branches);
    out.varint(tables.updates.place(fork.stands));
    out.u8(static_cast<std::uint8_t>(fork.line));
    out.varint(tables.updates.place(fork.decision));
    out.varint(tables.agencies.place(fork.notary));
    out.u8(fork.bound ? 1 : 0);
  }
}

Result<void> read_forks(ByteReader& in, RecordState& state, Tables& tables) {
  LT_TRY(const std::size_t count, read_count(in));
  state.forks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    ForkEntry fork;
    LT_TRY(fork.link, tables.updates.read_present(in));
    LT_TRY_VOID(tables.updates.read_list(in, fork.branches));
    LT_TRY(fork.stands, tables.updates.read_present(in));
    LT_TRY(const std::uint8_t line, in.u8());
    if (line < static_cast<std::uint8_t>(ForkLine::kDecided) ||
        line > static_cast<std::uint8_t>(ForkLine::kTakenUp)) {
      return corrupt("unknown line of a fork");
    }
    fork.line = static_cast<ForkLine>(line);
    LT_TRY(fork.decision, tables.updates.read_place(in));
    LT_TRY(fork.notary, tables.agencies.read_place(in));
    LT_TRY(fork.bound, read_flag(in));
    if (fork.branches.size() < 2 || !ascending(fork.branches)) return corrupt("fork of one branch");
    if (!std::binary_search(fork.branches.begin(), fork.branches.end(), fork.stands)) {
      return corrupt("no branch of the fork stands");
    }
    if (!fork.decision.is_zero() && fork.line != ForkLine::kDecided) {
      return corrupt("decision that did not decide");
    }
    state.forks.push_back(std::move(fork));
  }
  return {};
}

Result<void> read_inert(ByteReader& in, RecordState& state, Tables& tables) {
  LT_TRY(const std::size_t count, read_count(in));
  state.inert.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    InertEntry entry;
    LT_TRY(entry.id, tables.updates.read_present(in));
    LT_TRY(const std::uint8_t reason, in.u8());
    if (reason == 0 || reason > static_cast<std::uint8_t>(InertReason::kClosed)) {
      return corrupt("unknown reason");
    }
    entry.reason = static_cast<InertReason>(reason);
    if (i > 0 && !(state.inert[i - 1].id < entry.id)) return corrupt("inert not ascending");
    state.inert.push_back(entry);
  }
  return {};
}

Result<void> read_invitations(ByteReader& in, RecordState& state, Tables& tables) {
  LT_TRY(const std::size_t count, read_count(in));
  state.invitations.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Invitation invitation;
    LT_TRY(invitation.id, tables.updates.read_present(in));
    LT_TRY(const auto kind, read_number<std::uint16_t>(in));
    invitation.kind = static_cast<UpdateKind>(kind);
    if (invitation.kind != UpdateKind::kConsult && invitation.kind != UpdateKind::kShare) {
      return corrupt("invitation of another kind");
    }
    LT_TRY(invitation.target, tables.agencies.read_place(in));
    LT_TRY(invitation.link, tables.updates.read_present(in));
    LT_TRY(invitation.tree_version, read_number<TreeVersion>(in));
    if (i > 0 && !(state.invitations[i - 1].id < invitation.id)) {
      return corrupt("invitations not ascending");
    }
    state.invitations.push_back(invitation);
  }
  return {};
}

Result<void> check_whole(const RecordState& state) {
  if (state.heads.empty() != state.record.is_zero()) return corrupt("record without heads");
  if (state.chain.empty() != state.holder.is_zero()) return corrupt("holder without chain");
  if (state.chain.empty() && !state.offered.is_zero()) return corrupt("offer without chain");
  if (!state.chain.empty() && id_cast<RecordId>(state.chain[0].id) != state.record) {
    return corrupt("chain of another record");
  }
  if (!ascending(state.heads) || !ascending(state.set_aside) || !ascending(state.adopted) ||
      !ascending(state.participants)) {
    return corrupt("list not ascending");
  }
  return {};
}

Result<void> read_head(ByteReader& in, RecordState& state) {
  LT_TRY(const std::uint8_t format, in.u8());
  if (format != kFormat) return Error(Errc::kNewerVersion, "form of the stored state");
  LT_TRY(state.rules_needed, read_number<std::uint16_t>(in));
  LT_TRY(const ByteView record, in.raw(RecordId::kSize));
  state.record = RecordId::from(record);
  LT_TRY(const auto kind, read_number<std::uint16_t>(in));
  state.kind = static_cast<RecordKind>(kind);
  LT_TRY(const bool has_lead, read_flag(in));
  if (has_lead) {
    LT_TRY(const ByteView lead, in.raw(RecordId::kSize));
    state.lead = RecordId::from(lead);
    if (state.lead.is_zero()) return corrupt("lead without a name");
  }
  return {};
}

Result<void> read_body(ByteReader& in, RecordState& state) {
  Tables tables;
  LT_TRY_VOID(tables.agencies.read(in));
  LT_TRY_VOID(tables.updates.read(in));
  LT_TRY(state.origin, tables.agencies.read_place(in));
  LT_TRY(state.holder, tables.agencies.read_place(in));
  LT_TRY(state.offered, tables.agencies.read_place(in));
  LT_TRY(state.erased_by, tables.updates.read_place(in));
  LT_TRY_VOID(read_chain(in, state, tables));
  LT_TRY_VOID(read_fields(in, state.open_fields, Part::kOpen, tables));
  LT_TRY_VOID(read_fields(in, state.closed_fields, Part::kClosed, tables));
  for (auto* list : {&state.heads, &state.timeline, &state.set_aside, &state.adopted}) {
    LT_TRY_VOID(tables.updates.read_list(in, *list));
  }
  LT_TRY_VOID(read_forks(in, state, tables));
  LT_TRY(state.latest.value, in.varint());
  LT_TRY_VOID(read_inert(in, state, tables));
  LT_TRY_VOID(tables.agencies.read_list(in, state.participants));
  LT_TRY_VOID(read_invitations(in, state, tables));
  // One form only: what is left to differ is a table with ids that nothing names.
  if (!tables.agencies.all_named() || !tables.updates.all_named())
    return corrupt("state not in its one form");
  return in.finish("state");
}

}  // namespace

Bytes encode_state(const RecordState& state) {
  const Tables tables = tables_of(state);
  ByteWriter out;
  out.u8(kFormat);
  out.varint(state.rules_needed);
  out.raw(state.record.view());
  out.varint(static_cast<std::uint64_t>(state.kind));
  out.u8(state.lead.is_zero() ? 0 : 1);
  if (!state.lead.is_zero()) out.raw(state.lead.view());
  tables.agencies.write(out);
  tables.updates.write(out);
  out.varint(tables.agencies.place(state.origin));
  out.varint(tables.agencies.place(state.holder));
  out.varint(tables.agencies.place(state.offered));
  out.varint(tables.updates.place(state.erased_by));
  write_chain(out, state, tables);
  write_fields(out, state.open_fields, Part::kOpen, tables);
  write_fields(out, state.closed_fields, Part::kClosed, tables);
  for (const auto* list : {&state.heads, &state.timeline, &state.set_aside, &state.adopted}) {
    tables.updates.write_list(out, *list);
  }
  write_forks(out, state, tables);
  out.varint(state.latest.value);
  out.varint(state.inert.size());
  for (const InertEntry& entry : state.inert) {
    out.varint(tables.updates.place(entry.id));
    out.u8(static_cast<std::uint8_t>(entry.reason));
  }
  tables.agencies.write_list(out, state.participants);
  out.varint(state.invitations.size());
  for (const Invitation& invitation : state.invitations) {
    out.varint(tables.updates.place(invitation.id));
    out.varint(static_cast<std::uint64_t>(invitation.kind));
    out.varint(tables.agencies.place(invitation.target));
    out.varint(tables.updates.place(invitation.link));
    out.varint(invitation.tree_version);
  }
  return out.take();
}

Result<RecordState> decode_state(ByteView bytes) {
  ByteReader in(bytes);
  RecordState state;
  LT_TRY_VOID(read_head(in, state));
  LT_TRY_VOID(read_body(in, state));
  LT_TRY_VOID(check_whole(state));
  return state;
}

Hash256 state_digest(const RootFingerprint& root, const RecordState& state) {
  return hash(kTagState, root, ByteView(encode_state(state)));
}

}  // namespace lienthong
