// What one office hands to others unasked, by us as a relay: offers, legs among them, and
// consultations that wait for an answer, and what it shares or what spreads by itself, which none
// is due to and which counts for a day. Of one office so many go on to one neighbour at once, and
// of all that lie below another neighbour together some more; what follows is held back here and
// goes on as earlier ones are answered or a day old. docs/operations.md, "Handing on".
#include "store/replica/pushes.h"

#include <algorithm>
#include <limits>

#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

enum class Push : char { kGoesOn = '1', kHeld = '2' };

constexpr UnixMillis kShareCounts = 24LL * 3600 * 1000;
constexpr std::size_t kAtOnceMax = 64;  // records looked at in one commit
constexpr std::size_t kSideBytes = 16;

std::string row_key(std::uint32_t feed, std::uint32_t record) {  // on disk: never change
  return "wr" + encode_number4(feed) + encode_number4(record);
}
std::string feed_prefix(std::uint32_t feed, Push state) {
  return "wo" + encode_number4(feed) + static_cast<char>(state);
}
std::string list_prefix(std::uint32_t feed, Push state, const AgencyId& origin) {
  return feed_prefix(feed, state).append(as_text(origin.view().first(16)));
}

// Shares that went on, by when they count no more.
constexpr std::string_view kAging = "ws";
std::string aging_key(UnixMillis until, std::uint32_t feed, std::uint32_t record) {
  const auto time = static_cast<std::uint64_t>(std::max<UnixMillis>(until, 0));
  return std::string(kAging) + encode_number4(static_cast<std::uint32_t>(time >> 32)) +
         encode_number4(static_cast<std::uint32_t>(time)) + encode_number4(feed) +
         encode_number4(record);
}
UnixMillis until_of(std::string_view key) {
  const auto time = std::uint64_t{decode_number4(key.substr(2, 4))} << 32;
  return static_cast<UnixMillis>(time | decode_number4(key.substr(6, 4)));
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

// Whose the record was while that link was the last.
AgencyId holder_under(const RecordState& state, const UpdateId& link) {
  AgencyId holder;
  for (const LinkEntry& entry : state.chain) {
    if (entry.kind != UpdateKind::kOffer && entry.kind != UpdateKind::kDecline) holder = entry.by;
    if (entry.id == link) return holder;
  }
  return state.holder;
}

}  // namespace

// Whom offers, consultations without an answer and shares ask, and who asks. Shares last.
std::vector<Transaction::Impl::OpenPush> Transaction::Impl::open_pushes(const RecordState& state) {
  std::vector<OpenPush> out;
  if (state.chain.empty()) return out;
  if (!state.offered.is_zero()) out.push_back({state.holder, state.offered});
  std::map<UpdateId, OpenPush> asked;
  std::vector<OpenPush> shares;
  for (const Invitation& invitation : state.invitations) {
    if (invitation.kind == UpdateKind::kConsult)
      asked.emplace(invitation.id,
                    OpenPush{holder_under(state, invitation.link), invitation.target});
    else
      shares.push_back({holder_under(state, invitation.link), invitation.target, true});
  }
  if (!asked.empty()) {
    for (const UpdateId& id : state.timeline) {
      const auto number = update_number(overlay, id);
      if (!number) continue;
      const OpenBody body =
          decode_stored_open(decode_update_row(overlay.get(key::update(*number)).value()).update);
      if (body.kind == UpdateKind::kReply)
        for (const UpdateId& about : body.references) asked.erase(about);
    }
  }
  for (const auto& [id, push] : asked) out.push_back(push);
  out.insert(out.end(), shares.begin(), shares.end());
  return out;
}

// Superiors may hand down what they like, and nobody is between us and our own work.
bool Transaction::Impl::is_rationed(const OpenPush& push, const AgencyId& reader) const {
  const AgencyId& ours = replica.identity.agency;
  if (push.from == ours || push.to == ours || push.from == reader) return false;
  return !registry().above_or_equal(push.from, push.to, registry().newest()) &&
         leads_to(registry(), ours, reader, push.to) &&
         !leads_to(registry(), ours, reader, push.from);
}

// Who answers for an office: the neighbour below us that it is or lies below. Empty: none.
std::string Transaction::Impl::side_of(const AgencyId& origin) const {
  const AgencyId& ours = replica.identity.agency;
  const TreeVersion newest = registry().newest();
  if (!registry().above_or_equal(ours, origin, newest)) return {};
  AgencyId at = origin;
  for (auto above = registry().parent(at, newest); above && *above != ours;
       above = registry().parent(at, newest))
    at = *above;
  return std::string(as_text(at.view().first(kSideBytes)));
}

// Rows of that list, of one side or of all, up to so many.
std::size_t Transaction::Impl::count_pushes(const std::string& list, std::string_view side,
                                            std::size_t most) const {
  std::size_t count = 0;
  overlay.scan(list, list, [&](std::string_view, std::string_view of) {
    count += side.empty() || of == side ? 1 : 0;
    return count < most;
  });
  return count;
}

bool Transaction::Impl::has_room(std::uint32_t feed, const AgencyId& origin) const {
  const std::string own = list_prefix(feed, Push::kGoesOn, origin);
  if (count_pushes(own, {}, kPushedCountMax) >= kPushedCountMax) return false;
  if (ledger.pushes < kPushedBelowMax) return true;
  const std::string side = side_of(origin), all = feed_prefix(feed, Push::kGoesOn);
  return side.empty() || count_pushes(all, side, kPushedBelowMax) < kPushedBelowMax;
}

void Transaction::Impl::set_push(std::uint32_t feed, std::uint32_t record,
                                 const std::optional<OpenPush>& push, bool held) {
  const std::string place = row_key(feed, record);
  if (const auto before = overlay.get(place)) {
    const PushRow row = decode_push_row(*before);
    overlay.erase(list_prefix(feed, row.state, row.origin) + encode_number4(record));
    overlay.erase(place);
    --ledger.pushes;
    if (row.state == Push::kGoesOn && (!push || push->from != row.origin))
      answered.emplace(feed, row.origin);
  }
  if (!push) return;
  const PushRow row{held ? Push::kHeld : Push::kGoesOn, push->from};
  overlay.put(place, encode(row));
  overlay.put(list_prefix(feed, row.state, push->from) + encode_number4(record),
              side_of(push->from));
  if (push->shared && !held) overlay.put(aging_key(now + kShareCounts, feed, record), "");
  ++ledger.pushes;
}

// Shares that are a day old count no more. A time beyond that was said by a clock that was wrong.
void Transaction::Impl::let_shares_age() {
  std::vector<std::string> aged;
  const auto look = [&](const std::string& from, UnixMillis last) {
    overlay.scan(kAging, from, [&](std::string_view key, std::string_view) {
      if (until_of(key) > last || aged.size() >= kAtOnceMax) return false;
      aged.emplace_back(key);
      return true;
    });
  };
  look(std::string(kAging), now);
  look(aging_key(now + kShareCounts + 1, 0, 0), std::numeric_limits<UnixMillis>::max());
  for (const std::string& key : aged) {
    overlay.erase(key);
    const std::uint32_t feed = decode_number4(std::string_view(key).substr(10, 4));
    const std::uint32_t number = decode_number4(std::string_view(key).substr(14, 4));
    const auto before = overlay.get(row_key(feed, number));
    const auto reader = std::ranges::find_if(
        ledger.feeds, [&](const auto& each) { return each.second.number == feed; });
    OpenRecord* record = before ? find(number) : nullptr;
    if (record == nullptr || decode_push_row(*before).state == Push::kHeld) continue;
    const auto push =
        reader == ledger.feeds.end() ? std::nullopt : rationed_push(record->state, reader->first);
    if (!push || push->shared) set_push(feed, number, std::nullopt, false);
  }
}

// Once all is settled: of those offices that were answered, or else of those that wait with them,
// as many go on as there is room for.
void Transaction::Impl::go_on_with_pushes() {
  if (ledger.pushes > 0) let_shares_age();
  for (const auto& [feed, origin] : std::exchange(answered, {})) {
    const std::size_t going =
        count_pushes(list_prefix(feed, Push::kGoesOn, origin), {}, kPushedCountMax);
    const std::string own = list_prefix(feed, Push::kHeld, origin);
    std::vector<std::uint32_t> next;
    const auto look = [&](const std::string& list, std::string_view side, std::size_t most) {
      if (most == 0) return;
      overlay.scan(list, list, [&](std::string_view key, std::string_view of) {
        if (side.empty() || of == side) next.push_back(decode_number4(key.substr(own.size())));
        return next.size() < most;
      });
    };
    look(own, {}, kPushedCountMax - going);
    const std::string side = side_of(origin);
    if (next.empty() && ledger.pushes >= kPushedBelowMax && !side.empty())
      look(feed_prefix(feed, Push::kHeld), side, kAtOnceMax);
    for (const std::uint32_t number : next)
      if (OpenRecord* record = find(number); record != nullptr) touch(*record, number);
  }
}

std::optional<Transaction::Impl::OpenPush> Transaction::Impl::rationed_push(
    const RecordState& state, const AgencyId& reader) {
  for (const OpenPush& push : open_pushes(state))
    if (is_rationed(push, reader)) return push;
  // A procedure goes to everybody and a leg to whoever reads its dossier, without having been asked
  // for by anybody there.
  const bool spreads = state.kind == RecordKind::kProcedure || !state.lead.is_zero();
  const AgencyId& origin = state.origin;
  if (!spreads || origin.is_zero() ||
      registry().above_or_equal(reader, origin, registry().newest()))
    return std::nullopt;
  const OpenPush push{origin, reader, true};
  return is_rationed(push, reader) ? std::optional(push) : std::nullopt;
}

// Whether the record stays out of that feed for now. What lies in it already is not taken out.
bool Transaction::Impl::is_held_back(const OpenRecord& record, std::uint32_t number,
                                     const AgencyId& reader, std::uint32_t feed) {
  const bool fed = std::ranges::any_of(record.row.feeds, [&](const FedFeed& each) {
    return each.feed == feed && !each.places.empty();
  });
  const auto before = ledger.pushes > 0 ? overlay.get(row_key(feed, number)) : std::nullopt;
  if (fed && !before && record.state.offered.is_zero()) return false;
  const auto push = rationed_push(record.state, reader);
  if (!push || (fed && !before && push->shared)) {
    if (before) set_push(feed, number, std::nullopt, false);
    return false;
  }
  const auto known = before ? std::optional(decode_push_row(*before)) : std::nullopt;
  const bool same = known && known->origin == push->from;
  if (same && known->state == Push::kGoesOn) return false;
  const bool held = !fed && !has_room(feed, push->from);
  if (!same || !held) set_push(feed, number, push, held);
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
