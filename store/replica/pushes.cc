// What one office hands to others unasked, by us as a relay: offers, legs among them, and
// consultations that wait for an answer. Of one office so many go on to one neighbour at once; what
// follows is held back here and goes on as earlier ones are answered. docs/operations.md,
// "Handing on".
#include <algorithm>

#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

enum class Push : char { kGoesOn = '1', kHeld = '2' };

std::string row_key(std::uint32_t feed, std::uint32_t record) {  // on disk: never change
  return "wr" + encode_number4(feed) + encode_number4(record);
}
std::string list_prefix(std::uint32_t feed, Push state, const AgencyId& origin) {
  std::string out = "wo" + encode_number4(feed);
  out += static_cast<char>(state);
  return out.append(as_text(origin.view().first(16)));
}

struct PushRow {
  Push state;
  AgencyId origin;
};
std::string encode(const PushRow& row) {
  return std::string(1, static_cast<char>(row.state)).append(as_text(row.origin.view()));
}
PushRow decode_push_row(std::string_view bytes) {
  if (bytes.size() != 1 + AgencyId::kSize) throw std::runtime_error("stored push");
  return {static_cast<Push>(bytes.front()), AgencyId::from(as_bytes(bytes.substr(1)))};
}

// Towards `goal` a change of ours leaves by the feed of `neighbour`.
bool leads_to(const Registry& registry, const AgencyId& ours, const AgencyId& neighbour,
              const AgencyId& goal) {
  const TreeVersion newest = registry.newest();
  if (registry.above_or_equal(ours, goal, newest))
    return registry.parent(neighbour, newest) == ours &&
           registry.above_or_equal(neighbour, goal, newest);
  return registry.parent(ours, newest) == neighbour;
}

}  // namespace

// Whom an offer or the last consultation without an answer asks, and who asks.
std::optional<Transaction::Impl::OpenPush> Transaction::Impl::open_push(const RecordState& state) {
  if (state.chain.empty()) return std::nullopt;
  if (!state.offered.is_zero()) return OpenPush{state.holder, state.offered};
  std::map<UpdateId, AgencyId> asked;
  for (const Invitation& invitation : state.invitations)
    if (invitation.kind == UpdateKind::kConsult) asked.emplace(invitation.id, invitation.target);
  if (asked.empty()) return std::nullopt;
  for (const UpdateId& id : state.timeline) {
    const auto number = update_number(overlay, id);
    if (!number) continue;
    const OpenBody body =
        decode_stored_open(decode_update_row(overlay.get(key::update(*number)).value()).update);
    if (body.kind == UpdateKind::kReply)
      for (const UpdateId& about : body.references) asked.erase(about);
  }
  if (asked.empty()) return std::nullopt;
  return OpenPush{state.holder, asked.begin()->second};
}

// Superiors may hand down what they like, and nobody is between us and our own work.
bool Transaction::Impl::is_rationed(const OpenPush& push, const AgencyId& reader) const {
  const AgencyId& ours = replica.identity.agency;
  if (push.from == ours || push.to == ours || push.from == reader) return false;
  return !registry().above_or_equal(push.from, push.to, registry().newest()) &&
         leads_to(registry(), ours, reader, push.to) &&
         !leads_to(registry(), ours, reader, push.from);
}

std::size_t Transaction::Impl::count_pushes(std::uint32_t feed, const AgencyId& origin) const {
  const std::string prefix = list_prefix(feed, Push::kGoesOn, origin);
  std::size_t count = 0;
  overlay.scan(prefix, prefix,
               [&](std::string_view, std::string_view) { return ++count < kPushedCountMax; });
  return count;
}

void Transaction::Impl::set_push(std::uint32_t feed, std::uint32_t record,
                                 const std::optional<AgencyId>& origin, bool held) {
  const std::string place = row_key(feed, record);
  if (const auto before = overlay.get(place)) {
    const PushRow row = decode_push_row(*before);
    overlay.erase(list_prefix(feed, row.state, row.origin) + encode_number4(record));
    overlay.erase(place);
    --ledger.pushes;
    if (row.state == Push::kGoesOn && (!origin || *origin != row.origin))
      answered.emplace(feed, row.origin);
  }
  if (!origin) return;
  const PushRow row{held ? Push::kHeld : Push::kGoesOn, *origin};
  overlay.put(place, encode(row));
  overlay.put(list_prefix(feed, row.state, *origin) + encode_number4(record), "");
  ++ledger.pushes;
}

// Once all is settled: of those offices that were answered, as many go on as there is room for.
void Transaction::Impl::go_on_with_pushes() {
  for (const auto& [feed, origin] : std::exchange(answered, {})) {
    const std::size_t going = count_pushes(feed, origin);
    const std::string prefix = list_prefix(feed, Push::kHeld, origin);
    std::vector<std::uint32_t> next;
    if (going < kPushedCountMax)
      overlay.scan(prefix, prefix, [&](std::string_view k, std::string_view) {
        next.push_back(decode_number4(k.substr(prefix.size())));
        return next.size() < kPushedCountMax - going;
      });
    for (const std::uint32_t number : next)
      if (OpenRecord* record = find(number); record != nullptr) touch(*record, number);
  }
}

// Whether the record stays out of that feed for now. What lies in it already is not taken out.
bool Transaction::Impl::is_held_back(const OpenRecord& record, std::uint32_t number,
                                     const AgencyId& reader, std::uint32_t feed) {
  const bool fed = std::ranges::any_of(record.row.feeds, [&](const FedFeed& each) {
    return each.feed == feed && !each.places.empty();
  });
  const auto before = ledger.pushes > 0 ? overlay.get(row_key(feed, number)) : std::nullopt;
  if (fed && !before && record.state.offered.is_zero()) return false;
  const auto push = open_push(record.state);
  const bool rationed = push && is_rationed(*push, reader);
  if (!rationed) {
    if (before) set_push(feed, number, std::nullopt, false);
    return false;
  }
  const auto known = before ? std::optional(decode_push_row(*before)) : std::nullopt;
  const bool same = known && known->origin == push->from;
  if (same && known->state == Push::kGoesOn) return false;
  const bool held = !fed && count_pushes(feed, push->from) >= kPushedCountMax;
  if (!same || !held) set_push(feed, number, push->from, held);
  return held;
}

// ---- what is shown ----

std::vector<HeldPush> Replica::held_pushes() const {
  std::vector<HeldPush> out;
  const auto ledger = impl_->ledger();
  std::map<std::uint32_t, AgencyId> readers;
  for (const auto& [agency, meta] : ledger->feeds) readers.emplace(meta.number, agency);
  std::map<std::pair<std::uint32_t, AgencyId>, std::uint64_t> counts;
  impl_->database->scan("wr", "wr", [&](std::string_view k, std::string_view value) {
    const PushRow row = decode_push_row(value);
    if (row.state == Push::kHeld) ++counts[{decode_number4(k.substr(2, 4)), row.origin}];
    return true;
  });
  for (const auto& [place, count] : counts)
    out.push_back({place.second, readers[place.first], count});
  return out;
}

std::optional<AgencyId> Replica::held_back_from(const RecordId& record) const {
  const auto number = record_number(*impl_->database, record);
  if (!number) return std::nullopt;
  for (const auto& [agency, meta] : impl_->ledger()->feeds)
    if (const auto row = impl_->database->get(row_key(meta.number, *number));
        row && decode_push_row(*row).state == Push::kHeld)
      return agency;
  return std::nullopt;
}

}  // namespace lienthong::store
