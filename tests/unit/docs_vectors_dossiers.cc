#include "tests/unit/docs_vectors_dossiers.h"

namespace lienthong::vectors {
namespace {

constexpr std::uint64_t kCommuneIncarnation = 0x4455667788990011;
constexpr std::uint64_t kProvinceIncarnation = 0x5566778899001122;
constexpr const char* kApplicants[] = {"Nguyễn Văn An", "Trần Thị Bình", "Lê Văn Cường",
                                       "Phạm Thị Dung", "Nguyễn Văn Em"};

FieldWrite text(std::uint16_t field, std::string value) { return {field, std::move(value)}; }
FieldWrite number(std::uint16_t field, std::int64_t value) { return {field, value}; }

wire::Component component(std::uint8_t number) {
  return {"Tờ khai", "original", 1, to_hex(Bytes(33, number)), 70'000U + number, "image/jpeg"};
}

}  // namespace

Dossiers::Dossiers(const Example& example) : example_(example) {
  std::vector<Update> updates;
  write_created(updates);
  created = seal(example.commune, kCommuneIncarnation, 1, {}, updates);
  by_province = seal(example.province, kProvinceIncarnation, 1, {}, write_by_province());
  SealEvidence evidence(by_province.seal);
  std::vector<IndexedLeaf> indexed;
  for (const SealedLeaf& leaf : by_province.leaves)
    indexed.push_back({leaf.index, id_cast<Hash256>(id_of(example, leaf))});
  LT_CHECK(evidence.absorb(example.root, indexed, {}).ok());
  by_province.leaves.erase(by_province.leaves.begin() + 1);
  by_province.proof = evidence.prove(example.root, std::array<std::uint16_t, 2>{0, 2});
  later = seal(example.commune, kCommuneIncarnation, 2, seal_id(example.root, created.seal),
               write_later());
}

// The first update of dossier `number`, and what is remembered of it.
Update Dossiers::begin(std::uint8_t number_of) {
  Record& record = records_[number_of];
  record.secret = filled<16>(static_cast<std::uint8_t>(0x60 + number_of));
  OpenBody open;
  open.kind = UpdateKind::kCreated;
  open.writes = {text(1, "H47.12.05-230401-000" + std::to_string(number_of + 1)),
                 text(2, "1.004222"),
                 text(3, "Đăng ký khai sinh"),
                 number(5, number_of % 3 + 1),
                 number(6, clock_ / 60'000 * 60'000),
                 number(9, kNow + 3 * 86'400'000 + 10 * 3'600'000),
                 number(12, 1),
                 {13, to_bytes(example_.commune.agency.view())}};
  if (number_of == 1)
    open.writes.push_back({16, wire::encode(std::vector<wire::Fee>{
                                   {"Lệ phí", 8'000, "cash", clock_ / 1000 * 1000, "BL-0007"}})});
  open.closed_fields = {0x4001, 0x4003, 0x4004, 0x4009};
  open.action = "receive";
  open.at = clock_ / 1000 * 1000 - 5000;
  if (number_of == 3) open.lead = records_[0].id;
  if (number_of == 4) open.deadline = kNow + 5 * 86'400'000;
  ClosedBody closed;
  if (number_of == 2) closed.key_hash = to_bytes(filled<16>(0x70));
  closed.writes = {text(0x4001, kApplicants[number_of]),
                   text(0x4003, "04909900123" + std::to_string(number_of)),
                   text(0x4004, "091234567" + std::to_string(number_of)),
                   {0x4009, wire::encode(std::vector<wire::Component>{component(number_of)})}};
  closed.officer = "Võ Thị Hoa";
  Update update;
  update.envelope.certificate = example_.commune.certificate;
  update.envelope.hlc = Hlc::at(clock_);
  clock_ += 61'000;
  update.open = wire::encode(open);
  update.closed = wire::encode(closed);
  update.secret = record.secret;
  update.closed_hash = closed_part_hash(example_.root, record.secret,
                                        encode_envelope(update.envelope), update.closed);
  record.head = record.link = update_id(example_.root, update);
  record.id = id_cast<RecordId>(record.head);
  return update;
}

Update Dossiers::write(Record& record, const Office& author, const OpenBody& open,
                       const ClosedBody* closed) {
  Update update;
  update.envelope.record = record.id;
  update.envelope.certificate = author.certificate;
  update.envelope.hlc = Hlc::at(clock_, static_cast<std::uint16_t>(clock_ / 1000 % 2));
  clock_ += 7'000;
  update.envelope.deps = {record.head};
  update.envelope.link = record.link;
  update.open = wire::encode(open);
  if (closed != nullptr) {
    update.closed = wire::encode(*closed);
    update.closed_hash = closed_part_hash(example_.root, record.secret,
                                          encode_envelope(update.envelope), update.closed);
  }
  record.head = update_id(example_.root, update);
  if (is_link(open.kind)) record.link = record.head;
  return update;
}

void Dossiers::write_created(std::vector<Update>& out) {
  for (std::uint8_t i = 0; i < records_.size(); ++i) out.push_back(begin(i));
  for (std::size_t i = 0; i < records_.size(); ++i) {
    OpenBody open;
    open.kind = UpdateKind::kSet;
    open.writes = {number(12, static_cast<std::int64_t>(i % 2 == 0 ? 2 : 4))};
    if (i == 4) open.writes.push_back({15, std::monostate()});
    if (i == 3) open.writes.push_back({0x3fff, Bytes{1, 2, 3}});  // a field of a later version
    open.action = i % 2 == 0 ? "assign" : "process";
    open.at = clock_ / 1000 * 1000;
    ClosedBody closed;
    closed.note = "Hồ sơ số 12/2023";
    out.push_back(write(records_[i], example_.commune, open, i == 1 ? &closed : nullptr));
  }
  OpenBody offer;
  offer.kind = UpdateKind::kOffer;
  offer.target = example_.province.agency;
  offer.urgent = true;
  for (const std::size_t i : {0, 2}) out.push_back(write(records_[i], example_.commune, offer));
}

std::vector<Update> Dossiers::write_by_province() {
  OpenBody accept;
  accept.kind = UpdateKind::kAccept;
  accept.at = clock_ / 1000 * 1000;
  std::vector<Update> out{write(records_[0], example_.province, accept)};
  OpenBody note;
  note.kind = UpdateKind::kNote;
  note.action = "remind";
  out.push_back(write(records_[1], example_.province, note));
  out.push_back(write(records_[2], example_.province, accept));
  return out;
}

std::vector<Update> Dossiers::write_later() {
  std::vector<Update> out;
  OpenBody set;
  set.kind = UpdateKind::kSet;
  set.writes = {number(12, 5)};
  set.action = "supplement";
  out.push_back(write(records_[3], example_.commune, set));
  OpenBody consult;
  consult.kind = UpdateKind::kConsult;
  consult.target = example_.province.agency;
  consult.deadline = kNow + 6 * 86'400'000;
  out.push_back(write(records_[4], example_.commune, consult));
  OpenBody erase;
  erase.kind = UpdateKind::kErase;
  erase.references = {records_[1].head, records_[1].link};
  erase.decision = "QĐ 15/QĐ-UBND";
  out.push_back(write(records_[1], example_.commune, erase));
  out.push_back(write(records_[3], example_.commune, set));
  return out;
}

SealedUnit Dossiers::seal(const Office& author, std::uint64_t incarnation, std::uint32_t number_of,
                          const SealId& previous, const std::vector<Update>& updates) const {
  SealedUnit unit;
  std::vector<Hash256> leaves;
  for (const Update& update : updates) {
    unit.leaves.push_back({static_cast<std::uint16_t>(unit.leaves.size()), update});
    leaves.push_back(id_cast<Hash256>(update_id(example_.root, update)));
  }
  unit.seal = make_seal(example_.root, author.key, author.certificate, incarnation, number_of,
                        previous, leaves);
  return unit;
}

void Dossiers::print(const SealedUnit& unit, const std::string& name, const Example& example,
                     Theme& out) {
  out.input(name + ".seal", encode_seal(unit.seal));
  ByteWriter proof;
  for (const Hash256& hash : unit.proof) proof.raw(hash.view());
  out.input(name + ".proof", proof.bytes());
  for (const SealedLeaf& leaf : unit.leaves) {
    const std::string update = name + '.' + std::to_string(leaf.index);
    out.input(update + ".envelope", encode_envelope(leaf.update.envelope));
    out.input(update + ".open", leaf.update.open);
    if (!leaf.update.closed.empty()) out.input(update + ".closed", leaf.update.closed);
    out.result(update + ".id", id_of(example, leaf));
  }
}

}  // namespace lienthong::vectors
