// What peers send: verified, entered into the graph, left waiting in the pen, or refused with a
// reason.
#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/record/codec.h"
#include "protocol/wire/standing.h"
#include "store/replica/places_there.h"
#include "store/replica/transaction_impl.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kFurtherSealsMax = 16;  // of one update

Refusal refusal(const UpdateId& id, const Error& error) {
  return {id, error.code(), error.detail()};
}

}  // namespace

Result<ReceiveOutcome> Transaction::receive(FeedKind kind, const NodeId& from,
                                            const AgencyId& from_agency, const EncodedPart& part,
                                            Beginning beginning) {
  Impl& tx = *impl_;
  const auto settled = [&tx](std::uint32_t number) {
    OpenRecord* record = tx.find(number);
    if (record != nullptr && record->unsettled) tx.settle_all();
    return static_cast<const OpenRecord*>(record);
  };
  const auto names = receiver_names(tx.overlay, tx.ledger.registry, settled);
  const PlacesThere there(tx.overlay, tx.ledger, settled, from, from_agency);
  names->seals = &tx.replica.recent_seals;
  auto body = wire::decode_part(RootOf(tx.ledger.registry), part.body, names.get(), &there);
  if (!body.ok() && body.error().code() == Errc::kUnclear) {
    const auto row = tx.overlay.get(key::cursor(kind, from));
    ReceiveOutcome outcome;
    outcome.cursor = row ? decode_cursor_row(*row) : Cursor{};
    outcome.unclear = true;
    return outcome;
  }
  if (!body.ok()) return body.error();
  FeedPart decoded;
  decoded.units = std::move(body->units);
  decoded.statements = std::move(body->statements);
  const bool stray =
      kind == FeedKind::kRegistry ? !decoded.units.empty() : !decoded.statements.empty();
  if (stray) return Error(Errc::kMalformed, "feed part of the other kind");
  decoded.epoch = part.epoch;
  decoded.covered = part.covered;
  using Naming = Impl::Naming;
  const Naming naming = wire::names_shortly(part.body) ? Naming::kShort : Naming::kInFull;
  return tx.receive(kind, from, from_agency, decoded, naming, beginning, body->facts);
}

Result<ReceiveOutcome> Transaction::receive(FeedKind kind, const NodeId& from,
                                            const AgencyId& from_agency, const FeedPart& part) {
  return impl_->receive(kind, from, from_agency, part, Impl::Naming::kInFull, Beginning::kKnown);
}

Result<ReceiveOutcome> Transaction::Impl::receive(FeedKind kind, const NodeId& from,
                                                  const AgencyId& from_agency, const FeedPart& part,
                                                  Naming naming, Beginning beginning, Facts facts) {
  ReceiveOutcome outcome;
  pen_full.reset();
  const std::uint32_t source = node_number(from);
  const std::string row_key = key::cursor(kind, from);
  const auto row = overlay.get(row_key);
  outcome.cursor = row ? decode_cursor_row(*row) : Cursor{};
  // A sender that guessed may repeat itself; then nothing of it is new.
  const bool fresh = outcome.cursor.mark.number == 0 && outcome.cursor.ranges.empty();
  if (fresh && kind == FeedKind::kUpdates && !ledger.exchanged.contains(from)) note_backfill(from);
  const bool may_repeat = beginning == Beginning::kGuess && !part.covered.empty() &&
                          part.epoch == outcome.cursor.mark.epoch &&
                          part.covered.back().last <= outcome.cursor.mark.number;
  // Healing sets a lost cursor once all is here that it names; until then it stays.
  const bool stays =
      beginning == Beginning::kBesideHealing && !fresh && part.epoch != outcome.cursor.mark.epoch;
  if (!may_repeat && !stays) note_new_beginning(kind, from, from_agency, outcome.cursor.mark, part);
  const std::uint64_t came_before = came_first;
  if (const auto backfill = overlay.get(key::backfill(from)))
    came_first = std::min(came_first, decode_number(*backfill));
  // What comes back to an older copy comes at once, from the first one that it did not hold.
  if (ledger.restored_below != 0) came_first = std::min(came_first, ledger.restored_below + 1);
  if (kind == FeedKind::kRegistry)
    receive_statements(part.statements, from, from_agency, source, outcome);
  else
    receive_units(part.units, from, source, naming, facts, outcome);
  came_first = came_before;
  // What has come whole is taken in any case, and so is the registry: it may be what others wait
  // for.
  if (pen_full.value_or(false))
    return Error(Errc::kBusy, "too much of this neighbour's waits for something that is not here");
  bind_numbers_used_twice();
  settle_all();
  honour_recalls();
  for (const Refusal& refused : outcome.refused)
    refuse(from, from_agency, refused.id,
           std::string(to_string(refused.code)) + ": " + refused.detail);
  // What short names led elsewhere comes again, in full: the cursor stays.
  if (outcome.unclear) return outcome;
  if (may_repeat && (outcome.added > 0 || outcome.waiting > 0))
    note_new_beginning(kind, from, from_agency, outcome.cursor.mark, part);
  if (stays) return outcome;
  for (const CursorRange& stretch : part.covered)
    outcome.cursor.add(part.epoch, stretch.first, stretch.last, stretch.hash);
  overlay.put(row_key, encode_cursor_row(outcome.cursor));
  return outcome;
}

// A feed that does not go on where we are comes from a disk that went back. What that node
// delivered before is carried back to it, up to where our feed for it ends now, however often the
// session is cut.
void Transaction::Impl::note_new_beginning(FeedKind kind, const NodeId& from,
                                           const AgencyId& agency, const FeedMark& mark,
                                           const FeedPart& part) {
  if (part.covered.empty() || mark.number == 0) return;
  if (part.epoch == mark.epoch && part.covered.front().first > mark.number) return;
  note_backfill(from);
  carry_back(kind, from, agency);
}

void Transaction::Impl::carry_back(FeedKind kind, const NodeId& node, const AgencyId& agency) {
  const auto feed_of_reader = ledger.feeds.find(agency);
  const std::uint64_t end = kind == FeedKind::kRegistry            ? ledger.statements
                            : feed_of_reader == ledger.feeds.end() ? 0
                                                                   : feed_of_reader->second.end;
  overlay.put(key::carry(kind, node), encode_number(end));
}

// Parents may lie in a later unit of the same part: what misses one is tried again when that has
// entered, and waits in the pen if it has not.
void Transaction::Impl::receive_units(const std::vector<SealedUnit>& units, const NodeId& from,
                                      std::uint32_t source, Naming naming, Facts facts,
                                      ReceiveOutcome& outcome) {
  std::vector<PendingLeaf> pending;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const wire::UnitFacts* known = i < facts.size() ? &facts[i] : nullptr;
    for (const VerifiedLeaf& leaf : verify_unit(units[i], from, naming, known, outcome))
      pending.push_back({&units[i], leaf});
  }
  enter_or_wait(pending, from, source, outcome);
  wake();
}

// Each is tried once, and once more for each parent that comes after it.
void Transaction::Impl::enter_or_wait(const std::vector<PendingLeaf>& arrived, const NodeId& from,
                                      std::uint32_t source, ReceiveOutcome& outcome) {
  std::map<UpdateId, std::vector<std::size_t>> missing;  // what waits for it, by place
  std::vector<bool> waits(arrived.size(), false);
  for (std::size_t next = 0; next < arrived.size(); ++next) {
    for (std::vector<std::size_t> due = {next}; !due.empty();) {
      const std::size_t place = due.back();
      const auto& [unit, verified] = arrived[place];
      due.pop_back();
      const auto refused = receive_leaf(*unit, verified, from, source, outcome);
      waits[place] = refused && refused->code == Errc::kUnknownParent;
      if (waits[place]) {
        missing[missing_parent(verified.leaf->update)].push_back(place);
      } else if (refused) {
        outcome.refused.push_back(*refused);
      } else if (const auto freed = missing.extract(verified.id)) {
        due.insert(due.end(), freed.mapped().rbegin(), freed.mapped().rend());
      }
    }
  }
  for (std::size_t place = 0; place < arrived.size(); ++place) {
    if (!waits[place]) continue;
    const auto& [unit, verified] = arrived[place];
    wait(*unit, *verified.leaf, verified.id, missing_parent(verified.leaf->update),
         "a parent is missing", from);
    ++outcome.waiting;
  }
  pen_unit = nullptr;
}

// Signature and Merkle path. The leaves that may be entered; the others are refused or wait.
std::vector<Transaction::Impl::VerifiedLeaf> Transaction::Impl::verify_unit(
    const SealedUnit& unit, const NodeId& from, Naming naming, const wire::UnitFacts* facts,
    ReceiveOutcome& outcome) {
  std::vector<IndexedLeaf> indexed;
  std::vector<UpdateId> ids;
  if (facts != nullptr) ids = facts->ids;
  for (const SealedLeaf& leaf : unit.leaves) {
    if (facts == nullptr) ids.push_back(update_id(registry(), leaf.update));
    indexed.push_back({leaf.index, id_cast<Hash256>(ids[indexed.size()])});
  }
  const auto refuse_all = [&](const Error& error) {
    if (naming == Naming::kShort) {
      outcome.unclear = true;
      return std::vector<VerifiedLeaf>{};
    }
    for (const UpdateId& id : ids) outcome.refused.push_back(refusal(id, error));
    if (ids.empty()) outcome.refused.push_back(refusal(UpdateId{}, error));
    return std::vector<VerifiedLeaf>{};
  };
  const RootFingerprint& root = registry().root_of(unit.seal.certificate);
  const SealId id = seal_id(root, unit.seal);
  if (facts == nullptr || !facts->root_computed) {
    const auto merkle = merkle_root_from_part(root, unit.seal.count, indexed, unit.proof);
    if (!merkle.ok()) return refuse_all(merkle.error());
    if (*merkle != unit.seal.root)
      return refuse_all(Error(Errc::kBadHash, "the seal does not cover the update"));
  }
  const Certificate* signer = registry().find_certificate(unit.seal.certificate);
  if (signer == nullptr) {
    if (naming == Naming::kShort) {  // nothing shows yet whether the names led to the right thing
      outcome.unclear = true;
      return {};
    }
    for (std::size_t i = 0; i < ids.size(); ++i)
      keep_unverified(unit, unit.leaves[i], ids[i], from, outcome);
    return {};
  }
  const auto known = seal_number(overlay, id);
  if (!known) {
    if (auto verified = verify_seal(root, unit.seal, signer->node); !verified.ok())
      return refuse_all(verified.error());
    if (signer->node == replica.identity.node) forgotten_own_seal();
  }
  const auto numbers = numbers_of(ids);
  const bool all_here =
      std::ranges::all_of(numbers, [](const auto& number) { return number.has_value(); });
  if (!known && registry().beyond_revocation(unit.seal, id) &&
      hold_back(unit, ids, numbers, from, outcome))
    return {};
  const std::uint32_t row =
      known && all_here ? *known : store_seal(unit.seal, id, indexed, unit.proof);
  replica.recent_seals.note(unit.seal, id);
  std::vector<VerifiedLeaf> out;
  for (std::size_t i = 0; i < ids.size(); ++i)
    out.push_back({&unit.leaves[i], ids[i], row, numbers[i],
                   facts == nullptr ? std::nullopt : facts->secrets[i]});
  return out;
}

// update_number() of each. Nearly always none is here.
std::vector<std::optional<std::uint64_t>> Transaction::Impl::numbers_of(
    std::span<const UpdateId> ids) const {
  std::vector<std::string> keys;
  for (const UpdateId& id : ids) keys.push_back(key::update_index(id));
  const auto rows = overlay.get_all(keys);
  std::vector<std::optional<std::uint64_t>> out(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (rows[i]) out[i] = update_number(overlay, ids[i]);
  return out;
}

// Shown a seal of ours that we do not remember: this disk is an older copy, or has a twin.
void Transaction::Impl::forgotten_own_seal() {
  mint_incarnation();
  if (ledger.restored_below == 0)
    ledger.restored_below = std::max<std::uint64_t>(ledger.updates, 1);
}

UpdateId Transaction::Impl::missing_parent(const Update& update) const {
  for (const UpdateId& dep : update.envelope.deps)
    if (!update_number(overlay, dep)) return dep;
  return UpdateId{};
}

// Refusal kUnknownParent: a parent is not here yet. nullopt: entered, known before, or in the pen.
std::optional<Refusal> Transaction::Impl::receive_leaf(const SealedUnit& unit,
                                                       const VerifiedLeaf& verified,
                                                       const NodeId& from, std::uint32_t source,
                                                       ReceiveOutcome& outcome) {
  ++leaves_tried;
  const auto& [leaf, id, seal_row, before, secret] = verified;
  const Update& sent = leaf->update;
  const bool whole = !sent.closed.empty() || sent.closed_hash.is_zero();
  // It may have entered since it was verified, from another unit of the part.
  const bool now_here = !before && overlay.changed(key::update_index(id));
  if (const auto number = now_here ? update_number(overlay, id) : before) {
    ++outcome.duplicates;
    const Certificate* of = registry().find_certificate(sent.envelope.certificate);
    if (of == nullptr || of->node != registry().find_certificate(unit.seal.certificate)->node)
      return std::nullopt;  // sealed by another than its author: as good as none
    if (overlay.get(key::unsealed(*number))) {  // ours, sealed in a life that we forgot
      overlay.put(key::update_seal(*number), encode(UpdateSeal{seal_row, leaf->index}));
      overlay.erase(key::unsealed(*number));
      --ledger.unsealed;
      if (registry().is_cut(unit.seal.certificate))  // it may lie within, unlike what has no seal
        mark_stale(decode_update_row(overlay.get(key::update(*number)).value()).record);
    } else {
      note_further_seal(*number, UpdateSeal{seal_row, leaf->index});
    }
    if (!sent.closed.empty() && ledger.stripped > 0 && overlay.get(key::stripped(*number)))
      fill_in(*number, sent);
    delivered.push_back({*number, 0, source, whole});
    return std::nullopt;
  }
  const Envelope& envelope = sent.envelope;
  auto body = check_form(sent);
  if (!body.ok()) return refusal(id, body.error());
  const Certificate* author = registry().find_certificate(envelope.certificate);
  const bool target_known =
      body->target.is_zero() || registry().find_agency(body->target) != nullptr;
  if (author == nullptr || envelope.tree_version > registry().newest() || !target_known) {
    wait(unit, *leaf, id, UpdateId{},
         author == nullptr ? "the author's certificate is not here"
         : !target_known   ? "the agency that it names is not here"
                           : "its tree version is not here",
         from);
    ++outcome.waiting;
    return std::nullopt;
  }
  if (author->node != registry().find_certificate(unit.seal.certificate)->node)
    return refusal(id, Error(Errc::kBadSignature, "sealed by another than its author"));
  if (!envelope.record.is_zero())
    if (const auto misplaced = check_parents(sent); !misplaced.ok())
      return refusal(id, misplaced.error());
  NewUpdate update;
  update.id = id;
  update.update = sent;
  update.body = *std::move(body);
  update.source = source;
  update.seal = UpdateSeal{seal_row, leaf->index};
  if (!closed_part_fits(update, secret)) return refusal(id, Error(Errc::kBadHash, "closed part"));
  if (update.body.kind == UpdateKind::kRecallRequest)
    recalls.push_back(record_of(update.update, id));
  const std::uint64_t number = enter(std::move(update));
  delivered.push_back({number, just_entered.back().record, source, whole});
  ++outcome.added;
  return std::nullopt;
}

// An update may be sealed again, by a machine that was restored: what lies beyond the cuts under
// every seal known of it may not under this one. That seal is the one then that goes out with it,
// and it goes out once more.
void Transaction::Impl::note_further_seal(std::uint64_t number, const UpdateSeal& seal) {
  UpdateRow row = decode_update_row(overlay.get(key::update(number)).value());
  const auto first = read_update_seal(overlay, row, number);
  if (!first || first->seal == seal.seal || overlay.get(key::further_seal(number, seal.seal)))
    return;
  std::size_t further = 0;
  const std::string prefix = key::further_seals(number);
  overlay.scan(prefix, prefix, [&](std::string_view, std::string_view) { return ++further > 0; });
  const GraphUpdate before = read_graph_update(overlay, ledger, number);
  if (counts_in_full(before)) {
    if (further < kFurtherSealsMax)
      overlay.put(key::further_seal(number, seal.seal), encode_number(seal.leaf));
    return;
  }
  overlay.put(key::further_seal(number, seal.seal), encode_number(seal.leaf));
  const GraphUpdate after = read_graph_update(overlay, ledger, number);
  const bool better = after.believed != before.believed || after.held_to != before.held_to;
  // One that brings it in is taken however many are here: others may hold that one alone.
  if (better || further >= kFurtherSealsMax) overlay.erase(key::further_seal(number, seal.seal));
  if (!better) return;
  overlay.put(key::further_seal(number, first->seal), encode_number(first->leaf));
  if (row.seal) {
    row.seal = seal;
    overlay.put(key::update(number), encode(row));
  } else {
    overlay.put(key::update_seal(number), encode(seal));
  }
  OpenRecord& record = *find(row.record);
  record.stale = record.judged_anew = true;
  touch(record, row.record);
  for (const FedFeed& fed : record.row.feeds)
    for (auto& [agency, meta] : ledger.feeds)
      if (meta.number == fed.feed)
        append(meta, number, {row.id, row.record, row.source, row.custody, false, true});
}

// Parents are here, and in the same record. The usual ones are its heads.
Result<void> Transaction::Impl::check_parents(const Update& update) {
  OpenRecord* record = find(update.envelope.record);
  for (const UpdateId& dep : update.envelope.deps) {
    if (record != nullptr && std::ranges::binary_search(record->state.heads, dep)) continue;
    const auto number = update_number(overlay, dep);
    if (!number) return Error(Errc::kUnknownParent, "a parent is not here");
    if (record == nullptr || !std::ranges::binary_search(record->row.updates, *number))
      return Error(Errc::kMalformed, "a parent belongs to another record");
  }
  return {};
}

// A sender who wants an offer back asks for it; the target's desk gives it back if it has not
// accepted.
void Transaction::Impl::honour_recalls() {
  for (const RecordId& id : std::exchange(recalls, {})) {
    const OpenRecord* record = find(id);
    if (record == nullptr || record->state.offered != replica.identity.agency || !is_desk())
      continue;
    const UpdateId tip = record->state.tip();
    const bool asked = std::ranges::any_of(record->state.timeline, [&](const UpdateId& entry) {
      const auto number = update_number(overlay, entry);
      const OpenBody body =
          decode_stored_open(decode_update_row(overlay.get(key::update(*number)).value()).update);
      return body.kind == UpdateKind::kRecallRequest && body.references.front() == tip;
    });
    if (!asked || ledger.restored_below != 0) continue;
    Draft draft;
    draft.record = id;
    draft.open.kind = UpdateKind::kDecline;
    draft.open.action = "recalled";
    if (!record->state.needs_newer_rules()) (void)write(std::move(draft)).ok();
  }
}

// The desk writes the agency's custody links: of its machines that are not revoked the one
// certified first.
bool Transaction::Impl::is_desk() const {
  const auto certificates = registry().certificates_of(replica.identity.agency);
  const auto first =
      std::find_if(certificates.rbegin(), certificates.rend(),
                   [this](const CertificateId& id) { return registry().may_connect(id); });
  return certificates.empty() ||
         (first != certificates.rend() &&
          registry().find_certificate(*first)->node == replica.identity.node);
}

}  // namespace lienthong::store
