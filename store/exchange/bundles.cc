#include "store/exchange/bundles.h"

#include <algorithm>

#include "protocol/base/limits.h"
#include "protocol/wire/part.h"
#include "store/replica/local_names.h"

namespace lienthong::store {
namespace {

constexpr std::size_t kPartBytes = 64 * 1024;

std::vector<BundleRecipient> recipients_of(const Registry& registry, const AgencyId& agency) {
  std::vector<BundleRecipient> out;
  for (const CertificateId& id : registry.certificates_of(agency)) {
    const Certificate* certificate = registry.find_certificate(id);
    if (certificate == nullptr || !registry.may_connect(id)) continue;
    if (registry.certificate_of(certificate->node, agency) != id) continue;  // an older one
    if (out.size() < kBundleRecipientCountMax)
      out.push_back({certificate->node, certificate->dh_key});
  }
  return out;
}

// Of an import that is not whole yet: the number of the first update that came with it.
std::string import_key(const BundleHeader& header) {
  ByteWriter out;
  out.raw(as_bytes(local::kImport));
  out.raw(header.node.view());
  out.u64(static_cast<std::uint64_t>(header.at));
  return std::string(as_text(out.bytes()));
}

}  // namespace

// ---- out ----

Result<std::unique_ptr<BundleExport>> BundleExport::begin(const BundlePlace& place,
                                                          const AgencyId& target, bool full,
                                                          const Seed& file_key,
                                                          const Seed& ephemeral) {
  const Replica& replica = place.replica;
  if (target == replica.identity().agency)
    return Error(Errc::kNotAllowed, "a bundle is for another agency than our own");
  const auto recipients = recipients_of(*replica.registry(), target);
  if (recipients.empty())
    return Error(Errc::kNotFound, "no machine of that agency is enrolled, so nobody could read it");
  const auto prepared = place.write([&](Transaction& transaction) -> Result<void> {
    LT_TRY_VOID(transaction.ensure_feed(target));
    const auto sealed = transaction.seal_pending(target);
    return sealed.ok() ? Result<void>() : sealed.error();
  });
  if (!prepared.ok()) return prepared.error();
  auto out = std::unique_ptr<BundleExport>(new BundleExport(replica, target, full));
  for (const BundleRecipient& recipient : recipients) out->nodes_.push_back(recipient.node);
  out->registry_.kind = FeedKind::kRegistry;
  out->updates_.kind = FeedKind::kUpdates;
  for (Feed* feed : {&out->registry_, &out->updates_}) out->choose_start(*feed);
  BundleHeader header;
  header.root = replica.root();
  header.target = target;
  header.agency = replica.identity().agency;
  header.node = replica.identity().node;
  header.certificate = replica.identity().certificate;
  header.at = place.now();
  LT_TRY(out->writer_,
         BundleWriter::create(header, recipients, replica.identity().key, file_key, ephemeral));
  return out;
}

// From the least that a machine of theirs was heard to have; those never heard are passed over.
void BundleExport::choose_start(Feed& feed) const {
  feed.end = replica_.feed_end(feed.kind, target_);
  if (full_) return;
  std::optional<Cursor> least;
  for (const NodeId& node : nodes_) {
    const Cursor heard = replica_.heard_cursor(feed.kind, node);
    const FeedMark& mark = heard.mark;
    const bool fits = mark.epoch == feed.end.epoch && mark.number > 0 &&
                      mark.number <= feed.end.number &&
                      replica_.feed_hash(feed.kind, target_, mark.number) == mark.hash;
    if (fits && (!least || mark.number < least->mark.number)) least = heard;
  }
  if (!least) return;
  feed.first = least->mark.number + 1;
  for (const CursorRange& range : least->ranges)
    if (range.last <= feed.end.number) feed.held.push_back(range);
}

void BundleExport::collect_receipts() {
  for (const NodeId& node : nodes_) {
    for (const FeedKind kind : {FeedKind::kRegistry, FeedKind::kUpdates}) {
      Cursor cursor = replica_.cursor(kind, node);
      if (cursor.mark.number == 0 && cursor.ranges.empty()) continue;
      receipts_.push_back({kind, node, std::move(cursor)});
    }
  }
  std::ranges::reverse(receipts_);
}

// nullopt: nothing is left of that feed.
Result<std::optional<Bytes>> BundleExport::next_part(Feed& feed) {
  if (feed.first > feed.end.number) return std::optional<Bytes>();
  FeedRead what;
  what.kind = feed.kind;
  what.reader = target_;
  if (nodes_.size() == 1) what.reader_node = nodes_.front();
  what.echo = full_ ? Echo::kCarry : Echo::kPassOver;
  what.first = feed.first;
  what.last = feed.end.number;
  what.skip = feed.held;
  for (what.bytes_max = kPartBytes;; what.bytes_max /= 2) {
    LT_TRY(const auto part, replica_.read_feed(what));
    if (!part || part->covered.empty()) return std::optional<Bytes>();
    if (part->epoch != feed.end.epoch)
      return Error(Errc::kConflict, "a feed began anew while it was exported; export again");
    Bytes body = wire::encode_part_body(RootOf(replica_.registry()), *part);
    if (body.size() > kMessageBytesMax && what.bytes_max > 1) continue;
    BundlePart record{feed.kind, EncodedPart{part->epoch, part->covered, std::move(body)}};
    LT_TRY(Bytes bytes, writer_->add(std::move(record)));
    feed.first = part->covered.back().last + 1;
    ++parts_;
    return std::optional(std::move(bytes));
  }
}

Result<std::optional<Bytes>> BundleExport::next() {
  for (;;) {
    switch (stage_) {
      case Stage::kHead: stage_ = Stage::kRegistry; return std::optional(writer_->head());
      case Stage::kRegistry: {
        LT_TRY(auto bytes, next_part(registry_));
        if (bytes) return bytes;
        collect_receipts();
        stage_ = Stage::kReceipts;
        break;
      }
      case Stage::kReceipts: {
        if (receipts_.empty()) {
          stage_ = Stage::kUpdates;
          break;
        }
        LT_TRY(Bytes bytes, writer_->add(receipts_.back()));
        receipts_.pop_back();
        return std::optional(std::move(bytes));
      }
      case Stage::kUpdates: {
        LT_TRY(auto bytes, next_part(updates_));
        if (bytes) return bytes;
        stage_ = Stage::kEnd;
        break;
      }
      case Stage::kEnd: {
        stage_ = Stage::kDone;
        LT_TRY(Bytes bytes, writer_->add(BundleEnd{parts_}));
        return std::optional(std::move(bytes));
      }
      case Stage::kDone: return std::optional<Bytes>();
    }
  }
}

// ---- in ----

BundleImport::BundleImport(BundlePlace place, DhKey key)
    : place_(std::move(place)),
      reader_(place_.replica.registry()->roots(), place_.replica.identity().agency,
              place_.replica.identity().node, std::move(key)) {}

Result<void> BundleImport::add(ByteView bytes) {
  size_ += bytes.size();
  for (bool first = true;; first = false) {
    LT_TRY(const auto record, reader_.next(first ? bytes : ByteView()));
    outcome_.header = reader_.header();
    outcome_.complete = reader_.complete();
    if (!record) return {};
    LT_TRY_VOID(take(*record));
  }
}

// Of who made it, as far as the certificate that it names is believed here now.
std::optional<AgencyId> BundleImport::believed_agency() const {
  const auto registry = place_.replica.registry();
  const BundleHeader& header = *reader_.header();
  const Certificate* certificate = registry->find_certificate(header.certificate);
  if (certificate == nullptr || certificate->node != header.node) return std::nullopt;
  if (!registry->may_connect(header.certificate)) return std::nullopt;
  return certificate->agency;
}

Result<void> BundleImport::take(const BundleRecord& record) {
  if (std::holds_alternative<BundleEnd>(record)) {
    if (first_ == 0) return {};
    return place_.write([&](Transaction& transaction) -> Result<void> {
      transaction.set_local_value(import_key(*reader_.header()), std::nullopt);
      return {};
    });
  }
  const auto* part = std::get_if<BundlePart>(&record);
  const bool registry = part != nullptr && part->kind == FeedKind::kRegistry;
  // Statements prove themselves, and may be what lets us believe the exporter.
  if (!registry && !believed_agency())
    return Error(Errc::kUnknownCertificate,
                 "the machine that made the bundle is not known or not believed here; if it is "
                 "new, ask for a bundle made with --full");
  return part != nullptr ? take_part(*part) : take_receipt(std::get<BundleReceipt>(record));
}

// Places count only where they go on from what is noted here: an old bundle taken in again, or one
// of a feed that has begun anew since, changes nothing about them.
std::vector<CursorRange> BundleImport::places_to_note(const BundlePart& part) const {
  const Cursor cursor = place_.replica.cursor(part.kind, reader_.header()->node);
  const bool fresh = cursor.mark.number == 0 && cursor.ranges.empty();
  if (!fresh && cursor.mark.epoch != part.part.epoch) return {};
  std::vector<CursorRange> out;
  for (CursorRange range : part.part.covered) {
    if (range.last <= cursor.mark.number) continue;
    range.first = std::max(range.first, cursor.mark.number + 1);
    out.push_back(range);
  }
  return out;
}

// An import that was cut and is begun again is the same one: what it brings comes at once.
std::uint64_t BundleImport::begin_or_go_on(Transaction& transaction) const {
  const std::string key = import_key(*reader_.header());
  if (const auto before = transaction.local_value(key))
    if (const auto first = ByteReader(*before).u64(); first.ok()) return *first;
  const std::uint64_t first = transaction.next_number();
  ByteWriter out;
  out.u64(first);
  transaction.set_local_value(key, out.take());
  return first;
}

Result<void> BundleImport::take_part(const BundlePart& part) {
  const NodeId node = reader_.header()->node;
  const auto agency = believed_agency();
  EncodedPart noted{part.part.epoch, agency ? places_to_note(part) : std::vector<CursorRange>(),
                    part.part.body};
  ReceiveOutcome outcome;
  std::optional<Error> failed;
  LT_TRY_VOID(place_.write([&](Transaction& transaction) -> Result<void> {
    const AgencyId from = agency.value_or(reader_.header()->agency);
    transaction.savepoint();
    if (first_ == 0) first_ = begin_or_go_on(transaction);
    transaction.came_with(first_);  // the order within a bundle says nothing about who was first
    auto taken = transaction.receive(part.kind, node, from, noted);
    if (taken.ok() && !taken->refused.empty() && !noted.covered.empty()) {
      transaction.rollback();  // what does not verify moves no cursor
      noted.covered.clear();
      transaction.came_with(first_);
      taken = transaction.receive(part.kind, node, from, noted);
    }
    if (taken.ok()) {
      outcome = *std::move(taken);
    } else {
      transaction.rollback();
      failed = taken.error();
    }
    transaction.came_with(0);
    return {};
  }));
  if (failed) return *failed;
  ++outcome_.parts;
  outcome_.added += outcome.added;
  outcome_.duplicates += outcome.duplicates;
  outcome_.waiting += outcome.waiting;
  outcome_.refused += outcome.refused.size();
  return {};
}

// What they have of ours; an older word than the last one heard is passed over.
Result<void> BundleImport::take_receipt(const BundleReceipt& receipt) {
  const Replica& replica = place_.replica;
  const NodeId node = reader_.header()->node;
  if (receipt.writer != replica.identity().node) return {};
  const Cursor heard = replica.heard_cursor(receipt.kind, node);
  const bool older = heard.mark.epoch == receipt.cursor.mark.epoch
                         ? receipt.cursor.mark.number < heard.mark.number
                         : heard.mark.number != 0;
  if (older) return {};
  ++outcome_.receipts;
  return place_.write([&](Transaction& transaction) -> Result<void> {
    transaction.note_heard_cursor(receipt.kind, node, receipt.cursor);
    return {};
  });
}

}  // namespace lienthong::store
