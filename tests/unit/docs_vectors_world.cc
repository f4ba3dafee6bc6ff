#include "tests/unit/docs_vectors_world.h"

namespace lienthong::vectors {
namespace {

constexpr UnixMillis kTwoYears = 730LL * 24 * 3600 * 1000;

Certificate certificate_of(const RootFingerprint& root, const Office& office, UnixMillis at) {
  Certificate body;
  body.agency = office.agency;
  body.node = office.id();
  body.dh_key = office.dh_key.public_key();
  body.may_issue = true;
  body.renew_by = at + kTwoYears;
  body.issued_at = at;
  body.possession = sign_possession(root, office.agency, office.key, body.dh_key);
  return body;
}

}  // namespace

Example::Example()
    : in_use((init_crypto(), seed_of(1))),
      on_paper(seed_of(2)),
      province{{}, {}, SigningKey(seed_of(5)), DhKey(seed_of(6))},
      commune{{}, {}, SigningKey(seed_of(0x15)), DhKey(seed_of(0x16))} {
  statements.push_back(make_genesis(in_use, on_paper, kNow, filled<16>(3)));
  root = root_fingerprint(statements[0].body);
  declare_province();
  declare_commune();
  write_record();
}

void Example::declare_province() {
  AgencyDeclaration declaration;
  declaration.code = "H47";
  declaration.name = "Quảng Nam";
  declaration.tier = "province";
  declaration.declared_at = kNow;
  declaration.nonce = to_bytes(filled<16>(4));
  statements.push_back(sign_by_root(root, in_use, StatementBody(declaration)));
  province.agency = id_cast<AgencyId>(statement_id(root, statements.back()));
  statements.push_back(
      sign_by_root(root, in_use, StatementBody(certificate_of(root, province, kNow))));
  province.certificate = id_cast<CertificateId>(statement_id(root, statements.back()));
}

void Example::declare_commune() {
  AgencyDeclaration declaration;
  declaration.parent = province.agency;
  declaration.code = "H47.12.05";
  declaration.name = "Tam Dân";
  declaration.tier = "commune";
  declaration.declared_at = kNow + 60'000;
  declaration.nonce = to_bytes(filled<16>(0x14));
  statements.push_back(sign_by_node(root, province.key, province.certificate, kStatementIncarnation,
                                    1, SealId{}, StatementBody(declaration)));
  commune.agency = id_cast<AgencyId>(statement_id(root, statements.back()));
  const SealId before = seal_id(root, std::get<Seal>(statements.back().authority));
  statements.push_back(sign_by_node(root, province.key, province.certificate, kStatementIncarnation,
                                    2, before,
                                    StatementBody(certificate_of(root, commune, kNow + 60'000))));
  commune.certificate = id_cast<CertificateId>(statement_id(root, statements.back()));
}

void Example::write_record() {
  OpenBody open;
  open.kind = UpdateKind::kCreated;
  open.record_kind = RecordKind::kDossier;
  open.writes = {{1, std::string("H47-230401-0001")}, {12, std::int64_t{2}}};
  open.closed_fields = {0x4001};
  ClosedBody closed;
  closed.writes = {{0x4001, std::string("Nguyễn Văn A")}};
  first.envelope.certificate = province.certificate;
  first.envelope.hlc = Hlc::at(kNow + 1000);
  first.open = wire::encode(open);
  first.closed = wire::encode(closed);
  first.secret = secret();
  first.closed_hash =
      closed_part_hash(root, secret(), encode_envelope(first.envelope), first.closed);

  OpenBody note;
  note.kind = UpdateKind::kNote;
  note.action = "forward";
  second.envelope.record = id_cast<RecordId>(first_id());
  second.envelope.certificate = province.certificate;
  second.envelope.hlc = Hlc::at(kNow + 2000);
  second.envelope.deps = {first_id()};
  second.envelope.link = first_id();
  second.open = wire::encode(note);

  const std::array<Hash256, 2> leaves{id_cast<Hash256>(first_id()), id_cast<Hash256>(second_id())};
  seal = make_seal(root, province.key, province.certificate, kIncarnation, 1, SealId{}, leaves);
}

std::shared_ptr<const Registry> Example::registry(std::size_t statement_count) const {
  const auto grown = Registry::create(root, statements[0])
                         ->with(std::span(statements).subspan(1, statement_count - 1));
  LT_CHECK(grown.ok());
  return *grown;
}

FeedPart Example::part() const {
  FeedPart part;
  part.epoch = kEpoch;
  part.covered = {
      {1, 2, next_feed_hash(root, next_feed_hash(root, 0, first_id().view()), second_id().view())}};
  part.units.push_back(SealedUnit{seal, {SealedLeaf{0, first}, SealedLeaf{1, second}}, {}});
  return part;
}

Cursor Example::cursor() const {
  Cursor cursor;
  cursor.mark = FeedMark{kEpoch, 2, part().covered[0].hash};
  cursor.ranges = {CursorRange{5, 9, 0x1111111111111111}};
  return cursor;
}

}  // namespace lienthong::vectors
