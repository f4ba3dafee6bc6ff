#include "store/replica/places_there.h"

#include <algorithm>

#include "store/replica/reads.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kNewestMax = 64;  // updates of a record that are looked at
constexpr std::size_t kPlacesMax = 16;  // of one record

bool covers(const Cursor& cursor, std::uint64_t place) {
  return place <= cursor.mark.number ||
         std::ranges::any_of(cursor.ranges, [place](const CursorRange& range) {
           return range.first <= place && place <= range.last;
         });
}

wire::RecordPlace here(const RecordState& state) {
  return {state.heads, state.chain.empty() ? std::nullopt : std::optional(state.tip())};
}

// Without those, nothing that stays follows one of them: heads are what stays of the heads, and of
// the parents of what is left out those that have no other child.
template <class Recent>
wire::RecordPlace without(const RecordState& state, const std::vector<Recent>& newest,
                          const std::set<UpdateId>& left_out) {
  wire::RecordPlace place = here(state);
  std::set<UpdateId> heads;
  for (const UpdateId& head : place.heads)
    if (!left_out.contains(head)) heads.insert(head);
  std::set<UpdateId> named;  // by what stays
  for (const Recent& update : newest)
    if (!left_out.contains(update.id)) named.insert(update.parents.begin(), update.parents.end());
  for (const Recent& update : newest) {
    if (!left_out.contains(update.id)) continue;
    for (const UpdateId& parent : update.parents)
      if (!left_out.contains(parent) && !named.contains(parent)) heads.insert(parent);
  }
  place.heads.assign(heads.begin(), heads.end());
  const auto& chain = state.chain;
  const auto link = std::find_if(chain.rbegin(), chain.rend(),
                                 [&](const auto& one) { return !left_out.contains(one.id); });
  place.link = link == chain.rend() ? std::nullopt : std::optional(link->id);
  return place;
}

}  // namespace

PlacesThere::PlacesThere(const Overlay& overlay, const Ledger& ledger, FindRecord record,
                         const NodeId& node, const AgencyId& agency)
    : overlay_(overlay), ledger_(ledger), record_(std::move(record)) {
  if (const auto known = ledger.node_numbers.find(node); known != ledger.node_numbers.end())
    source_ = known->second;
  const auto feed = ledger.feeds.find(agency);
  if (feed == ledger.feeds.end()) return;
  feed_ = feed->second.number;
  const auto row = overlay.get(key::heard(FeedKind::kUpdates, node));
  if (!row) return;
  Cursor had = decode_cursor_row(*row);
  if (had.mark.epoch == feed->second.epoch) had_ = std::move(had);
}

const OpenRecord* PlacesThere::find(const RecordId& id) const {
  const auto number = record_number(overlay_, id);
  const OpenRecord* record = number ? record_(*number) : nullptr;
  return record != nullptr && record->row.id == id ? record : nullptr;
}

bool PlacesThere::proves(const Seal& seal) const {
  const Certificate* signer = ledger_.registry->find_certificate(seal.certificate);
  if (signer == nullptr) return false;
  const RootFingerprint& root = ledger_.registry->root_of(seal.certificate);
  return seal_number(overlay_, seal_id(root, seal)) || verify_seal(root, seal, signer->node).ok();
}

PlacesThere::Recent PlacesThere::read(const OpenRecord& record, std::size_t nth) const {
  const auto bytes = overlay_.get(key::update(record.row.updates[nth]));
  if (!bytes) throw std::runtime_error("update of a record is missing");
  UpdateRow row = decode_update_row(*bytes);
  Recent out;
  out.id = row.id;
  out.parents = std::move(row.update.envelope.deps);
  out.clock = row.update.envelope.hlc;
  out.theirs = row.source != 0 && row.source == source_;
  const auto fed = std::ranges::find(record.row.feeds, feed_, &FedFeed::feed);
  out.had = feed_ != 0 && fed != record.row.feeds.end() && nth < fed->places.size() &&
            covers(had_, fed->places[nth]);
  return out;
}

// The newest first.
std::vector<PlacesThere::Recent> PlacesThere::newest(const OpenRecord& record) const {
  std::vector<Recent> out;
  for (std::size_t nth = record.row.updates.size(); nth-- > 0 && out.size() < kNewestMax;)
    out.push_back(read(record, nth));
  return out;
}

std::optional<wire::Standing::Place> PlacesThere::likeliest(const RecordId& id, Hlc clock) const {
  const OpenRecord* found = find(id);
  if (found == nullptr) return std::nullopt;
  const OpenRecord& record = *found;
  Place out{here(record.state), false};
  const auto& updates = record.row.updates;
  std::size_t heads = 0;
  bool all_had = true;
  for (std::size_t nth = updates.size();
       nth-- > 0 && heads < out.place.heads.size() && updates.size() - nth <= kNewestMax;) {
    const Recent update = read(record, nth);
    if (!std::ranges::binary_search(out.place.heads, update.id)) continue;
    ++heads;
    out.doubtful = out.doubtful || !update.theirs;
    all_had = all_had && (update.theirs || (update.had && update.clock < clock));
  }
  if (all_had) return out;
  // What the sender had, and all that came before that, was there; the rest was not.
  const std::vector<Recent> recent = newest(record);
  std::set<UpdateId> was_there, left_out;
  for (const Recent& update : recent) {
    const bool known = update.theirs || (update.had && update.clock < clock);
    if (known || was_there.contains(update.id))
      was_there.insert(update.parents.begin(), update.parents.end());
    else
      left_out.insert(update.id);
  }
  out.place = without(record.state, recent, left_out);
  return out;
}

std::vector<wire::RecordPlace> PlacesThere::places(const RecordId& id) const {
  const OpenRecord* found = find(id);
  if (found == nullptr) return {};
  const OpenRecord& record = *found;
  const std::vector<Recent> recent = newest(record);
  std::vector<wire::RecordPlace> out = {here(record.state)};
  std::set<UpdateId> was_there, left_out;
  for (const Recent& update : recent)
    if (update.theirs || was_there.contains(update.id))
      was_there.insert(update.parents.begin(), update.parents.end());
  for (const Recent& update : recent) {
    if (update.theirs || was_there.contains(update.id)) continue;
    left_out.insert(update.id);
    wire::RecordPlace place = without(record.state, recent, left_out);
    const auto same = [&](const wire::RecordPlace& other) {
      return other.heads == place.heads && other.link == place.link;
    };
    if (std::ranges::none_of(out, same)) out.push_back(std::move(place));
    if (out.size() == kPlacesMax) break;
  }
  return out;
}

}  // namespace lienthong::store
