#include "tests/unit/golden_database.h"

#include <rocksdb/db.h>

#include <stdexcept>

#include "protocol/record/codec.h"
#include "protocol/record/registers.h"
#include "store/office/keys.h"
#include "store/office/projections.h"
#include "store/replica/raw.h"
#include "store/replica/registry_copy.h"
#include "store/replica/rows.h"
#include "store/scans/blobs.h"
#include "tests/support/deployment.h"

namespace lienthong::golden {
namespace {

constexpr std::string_view kScanLetters = "bcdgmnpruwx";  // store/scans/blobs_rows.h

template <std::size_t N>
std::array<std::uint8_t, N> array_of(const Item& item, std::string_view part) {
  ByteReader in(item[part]);
  return in.array<N>().value();
}

std::string cursor_text(const Cursor& cursor) {
  std::string out = std::to_string(cursor.mark.epoch) + ' ' + std::to_string(cursor.mark.number) +
                    ' ' + std::to_string(cursor.mark.hash);
  for (const CursorRange& range : cursor.ranges)
    out += ", " + std::to_string(range.first) + '-' + std::to_string(range.last);
  return out;
}

class Telling {
 public:
  // `recorded`: what the file says of it, nothing yet where it is being recorded.
  Telling(store::Replica& replica, const Item& recorded, Item& out)
      : replica_(replica), registry_(replica.registry()), recorded_(recorded), out_(out) {}

  void all() {
    rows();
    counts();
    registry();
    records();
    updates();
    feeds();
    waiting();
    scans();
  }

 private:
  std::string agency(const AgencyId& id) const {
    const AgencyInfo* info = registry_->find_agency(id);
    return id.is_zero() ? "nobody" : info == nullptr ? id.hex() : info->code;
  }
  std::string node(const NodeId& id) const {
    const auto certificate = registry_->certificate_of(id);
    if (!certificate) return id.short_hex();
    return agency(registry_->find_certificate(*certificate)->agency) + '/' + id.short_hex();
  }

  // How many there are of each kind.
  void rows() {
    store::Database& database = store::RawReplica(replica_).database();
    std::map<std::string, std::uint64_t> count;
    const auto add = [&](rocksdb::ColumnFamilyHandle* family, const std::string& prefix) {
      const std::unique_ptr<rocksdb::Iterator> at(database.db().NewIterator({}, family));
      for (at->SeekToFirst(); at->Valid(); at->Next())
        ++count[prefix + std::string(1, at->key().data()[0])];
    };
    add(database.family_of("M"), "");
    add(database.family_of("U"), "");
    add(database.scans(), "scans/");
    std::set<std::string> recorded;  // a later program may keep more, and other notes of its own
    for (const std::string& row : recorded_.said("rows"))
      recorded.insert(row.substr(0, row.find(' ')));
    for (const auto& [letter, number] : count)
      if (recorded.empty() || recorded.contains(letter))
        out_.say("rows", letter + ' ' + (letter == "M" ? "some" : std::to_string(number)));
  }
  void counts() {
    const store::Counts counts = replica_.counts();
    out_.say("records", counts.records).say("updates", counts.updates);
    out_.say("waiting", counts.waiting).say("inert", counts.inert).say("refused", counts.refused);
    out_.say("unsealed", counts.unsealed).say("stripped", counts.stripped);
    out_.say("only-here", replica_.only_here()).say("last-change", replica_.last_change());
    out_.say("newest-time", time_text(replica_.newest_time()));
    out_.say("restored", replica_.restored() ? "yes" : "no");
    out_.say("unfinished", replica_.unfinished() ? "yes" : "no");
  }
  void registry() {
    out_.say("root", registry_->root()).say("registry", registry_->digest());
    out_.say("statements", registry_->size());
    const auto copy = store::read_registry_copy(store::RawReplica(replica_).database().path());
    out_.say("copy-of-the-registry",
             copy.ok() ? std::to_string(copy->size()) + " statements" : copy.error().message());
    out_.say("tree", std::to_string(registry_->tree_head().number));
    for (const AgencyInfo* info : registry_->agencies())
      out_.say("agency", info->code + ' ' + info->name + ", " +
                             std::to_string(registry_->certificates_of(info->id).size()) +
                             " machines believed");
  }
  void records() {
    replica_.for_each_record([&](const store::RecordEntry& entry) {
      const RecordState& state = entry.state;
      std::string line = state.record.short_hex() + ' ' + code_or_empty(state) + ", kind " +
                         std::to_string(static_cast<unsigned>(state.kind)) + ", holder " +
                         agency(state.holder) + ", offered " + agency(state.offered) + ", " +
                         std::to_string(entry.updates.size()) + " updates, " +
                         std::to_string(replica_.led_by(state.record).size()) + " led, state " +
                         state_digest(registry_->root(), state).short_hex();
      for (const InertEntry& inert : state.inert)
        line += ", inert " + inert.id.short_hex() + ' ' + to_string(inert.reason);
      for (const ForkEntry& fork : state.forks)
        line += ", fork stands " + fork.stands.short_hex() + ' ' + to_string(fork.line);
      if (!state.erased_by.is_zero()) line += ", erased";
      for (const AgencyId& reader : replica_.audience_of(state)) line += ' ' + agency(reader);
      const auto found = replica_.find_code(code_or_empty(state));
      const bool by_code = std::ranges::find(found, state.record) != found.end();
      out_.say("record", line + (by_code ? ", found by its code" : ""));
      return true;
    });
  }
  void updates() {
    for (const store::ChangeEvent& event : replica_.change_events(0, SIZE_MAX).events) {
      std::string line = std::to_string(event.number) + " event " +
                         std::to_string(static_cast<unsigned>(event.kind)) + " of " +
                         event.record.short_hex() + " at " + time_text(event.at);
      const auto stored = replica_.find_update(event.number);
      if (stored) line += ' ' + update_text(*stored);
      out_.say("change", line);
    }
  }
  std::string update_text(const store::StoredUpdate& stored) const {
    std::string out = std::string(to_string(stored.open.kind)) + ' ' + stored.id.hex() + " by " +
                      agency(stored.agency) + (stored.ours ? ", ours" : "") +
                      (stored.seal ? ", sealed" : ", not sealed");
    if (stored.update.closed_hash.is_zero()) return out;
    if (stored.update.closed.empty()) return out + ", closed part not here";
    const ClosedBody closed = wire::decode_closed(stored.update.closed).value();
    const auto shown = replica_.show_closed_part(stored.id);
    const bool good = shown && check_shown(registry_->root(), *shown).ok();
    for (const FieldWrite& write : closed.writes)
      if (const auto* text = std::get_if<std::string>(&write.value)) out += ", \"" + *text + '"';
    return out + ", note \"" + closed.note + "\", closed part " + (good ? "good" : "bad");
  }
  void feeds() {
    std::set<NodeId> nodes;
    for (const StatementId& id : registry_->statements())
      if (const auto* body = registry_->find_certificate(id_cast<CertificateId>(id)))
        nodes.insert(body->node);
    for (const FeedKind kind : {FeedKind::kRegistry, FeedKind::kUpdates}) {
      const std::string feed = kind == FeedKind::kRegistry ? "registry " : "updates ";
      for (const NodeId& one : nodes) {
        const Cursor ours = replica_.cursor(kind, one), heard = replica_.heard_cursor(kind, one);
        out_.say("cursor", feed + node(one) + ": here " + cursor_text(ours) + "; there " +
                               cursor_text(heard));
      }
      for (const AgencyInfo* info : registry_->agencies()) {
        const FeedMark end = replica_.feed_end(kind, info->id);
        const auto digest = replica_.feed_digest(kind, info->id);
        out_.say("feed", feed + info->code + ": " + std::to_string(end.epoch) + ' ' +
                             std::to_string(end.number) + ' ' + std::to_string(end.hash) +
                             (digest ? ", holds " + std::to_string(digest->count) + ' ' +
                                           to_hex(digest->sum)
                                     : ", not whole"));
      }
    }
    for (const NodeId& one : nodes)
      out_.say("session", node(one) + " seen " + std::to_string(replica_.session_number_seen(one)) +
                              (replica_.comes_at_once(one) ? ", comes at once" : ""));
  }
  void waiting() {
    for (const store::WaitingEntry& entry : replica_.waiting())
      out_.say("waits", entry.id.hex() + ' ' + entry.reason + " since " + time_text(entry.since));
    for (const store::RefusedEntry& entry : replica_.refused(100))
      out_.say("refusal", std::to_string(entry.number) + ' ' + entry.reason +
                              (entry.by_peer ? ", by the peer" : ""));
    for (const store::HeldPush& push : replica_.held_pushes())
      out_.say("held-push",
               agency(push.origin) + " to " + agency(push.to) + ' ' + std::to_string(push.count));
    for (const auto& [name, value] : replica_.local_values(""))
      out_.say("local", name + ' ' + to_hex(value));
  }
  void scans() {
    // Opening them takes away what no upload finished; the rows were counted before.
    const auto blobs = store::Blobs::open(replica_);
    if (!blobs.ok()) throw std::runtime_error(blobs.error().message());
    (*blobs)->for_each([&](const store::BlobInfo& info) {
      out_.say("scan", blob_text(info.id) + ", " + std::to_string(info.size) + " bytes, " +
                           std::to_string(info.held) + " of " + std::to_string(info.chunks) +
                           " chunks, " + std::to_string(info.holders.size()) + " holders, " +
                           std::to_string((*blobs)->records(info.id).size()) + " records");
      return true;
    });
    for (const store::BlobWant& want : (*blobs)->wants(100))
      out_.say("wanted-scan", blob_text(want.id) + " reasons " + std::to_string(want.reasons));
    for (const store::DamagedBlob& lost : (*blobs)->damaged(100))
      out_.say("damaged-scan", blob_text(lost.id) + " since " + time_text(lost.since));
    out_.say("scans-caught-up", (*blobs)->caught_up());
  }

  store::Replica& replica_;
  std::shared_ptr<const Registry> registry_;
  const Item& recorded_;
  Item& out_;
};

}  // namespace

std::set<std::string> letters_kept() {
  std::set<std::string> out;
  for (const std::string_view letters :
       {store::key::kLetters, store::key::kOfficeLetters, store::key::kMarkLetters})
    for (const char letter : letters) out.insert(std::string(1, letter));
  for (const char letter : kScanLetters) out.insert("scans/" + std::string(1, letter));
  return out;
}

OpenDatabase::OpenDatabase(const std::filesystem::path& folder, const Item& item)
    : entropy_(std::make_unique<test::SeededEntropy>(item.number("layout"))) {
  store::Identity identity{SigningKey(array_of<32>(item, "signing"))};
  identity.agency.bytes = array_of<32>(item, "agency");
  identity.certificate.bytes = array_of<32>(item, "certificate");
  store::Options options = store::office_options();
  options.path = folder.string();
  options.entropy = entropy_.get();
  auto opened = store::Replica::open(options, identity, RootFingerprint::from(item["root"]));
  if (!opened.ok()) throw std::runtime_error(opened.error().message());
  replica_ = *std::move(opened);
}

OpenDatabase::~OpenDatabase() = default;

Item read_database(OpenDatabase& open, const Item& item) {
  Item out;
  out.name = item.name;
  out.given = item.given;
  Telling(open.replica(), item, out).all();
  return out;
}

}  // namespace lienthong::golden
