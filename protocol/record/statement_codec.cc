#include <algorithm>

#include "protocol/record/codec.h"
#include "protocol/record/codec_common.h"

namespace lienthong::wire {

// ---- statements ----

namespace {

void fill(schema::Genesis::Builder out, const Genesis& in) {
  out.setKeyInUse(to_data(in.key_in_use));
  out.setKeyOnPaper(to_data(in.key_on_paper));
  out.setCreatedAt(in.created_at);
  out.setNonce(to_data(in.nonce));
}
void fill(schema::AgencyDeclaration::Builder out, const AgencyDeclaration& in) {
  out.setParent(to_data_or_none(in.parent));
  out.setCode(to_text(in.code));
  out.setName(to_text(in.name));
  out.setTier(to_text(in.tier));
  out.setDeclaredAt(in.declared_at);
  out.setNonce(to_data(in.nonce));
  out.setTreeVersion(in.tree_version);
}
void fill(schema::TreeChange::Builder out, const TreeChange& in) {
  out.setNumber(in.number);
  out.setPrevious(to_data(in.previous));
  auto list = out.initChanges(static_cast<unsigned>(in.changes.size()));
  for (unsigned i = 0; i < in.changes.size(); ++i) {
    auto item = list[i];
    item.setAgency(to_data(in.changes[i].agency));
    auto change = item.getChange();
    if (const auto* reparent = std::get_if<Reparent>(&in.changes[i].change)) {
      change.setParent(to_data(reparent->parent));
    } else if (const auto* dissolve = std::get_if<Dissolve>(&in.changes[i].change)) {
      fill_ids(change.initDissolved(static_cast<unsigned>(dissolve->successors.size())),
               dissolve->successors);
    } else if (const auto* rename = std::get_if<Rename>(&in.changes[i].change)) {
      auto renamed = change.initRenamed();
      renamed.setCode(to_text(rename->code));
      renamed.setName(to_text(rename->name));
    }
  }
  out.setDecidedAt(in.decided_at);
  out.setNote(to_text(in.note));
  out.setKeyInUse(to_data_or_none(in.key_in_use));
  out.setKeyOnPaper(to_data_or_none(in.key_on_paper));
}
void fill(schema::Certificate::Builder out, const Certificate& in) {
  out.setAgency(to_data(in.agency));
  out.setSignKey(to_data(in.node));
  out.setDhKey(to_data(ByteView(in.dh_key)));
  out.setMayIssue(in.may_issue);
  out.setThousand(in.thousand);
  out.setRenewBy(in.renew_by);
  out.setIssuedAt(in.issued_at);
  out.setReplaces(to_data_or_none(in.replaces));
  out.setTreeVersion(in.tree_version);
  out.setPossession(to_data(ByteView(in.possession)));
}
void fill(schema::Withdrawal::Builder out, const Withdrawal& in) {
  out.setAgency(to_data(in.agency));
  out.setReason(to_text(in.reason));
  out.setDecidedAt(in.decided_at);
  out.setTreeVersion(in.tree_version);
}
void fill(schema::Adoption::Builder out, const Adoption& in) {
  out.setNumber(in.number);
  out.setAdopter(to_data(in.adopter));
  out.setPrevious(to_data(in.previous));
  out.setAdopted(to_data(in.adopted));
  out.setAdoptedPrevious(to_data(in.adopted_previous));
  out.setPlace(to_data(in.place));
  fill_ids(out.initKept(static_cast<unsigned>(in.kept.size())), in.kept);
  out.setDecidedAt(in.decided_at);
  out.setNote(to_text(in.note));
}
void fill_cuts(capnp::List<schema::Cut>::Builder out, const std::vector<Cut>& in) {
  for (unsigned i = 0; i < in.size(); ++i) {
    out[i].setIncarnation(in[i].incarnation);
    out[i].setNumber(in[i].number);
    out[i].setSealHash(to_data_or_none(in[i].seal));
    if (in[i].except.empty()) continue;
    auto except = out[i].initExcept(static_cast<unsigned>(in[i].except.size()));
    for (unsigned j = 0; j < in[i].except.size(); ++j) {
      except[j].setFirst(in[i].except[j].first);
      except[j].setLast(in[i].except[j].last);
      except[j].setSealHash(to_data_or_none(in[i].except[j].seal));
    }
  }
}
void fill(schema::Revocation::Builder out, const Revocation& in) {
  out.setNode(to_data(in.node));
  fill_cuts(out.initCuts(static_cast<unsigned>(in.cuts.size())), in.cuts);
  out.setReason(to_text(in.reason));
  out.setDecidedAt(in.decided_at);
  fill_ids(out.initAfter(static_cast<unsigned>(in.after.size())), in.after);
  out.setTreeVersion(in.tree_version);
  out.setFirst(in.stretch.first);
  out.setLast(in.stretch.last);
}
void fill(schema::Closing::Builder out, const Closing& in) {
  out.setNode(to_data(in.node));
  out.setVersion(in.version);
  fill_cuts(out.initCuts(static_cast<unsigned>(in.cuts.size())), in.cuts);
  out.setDecidedAt(in.decided_at);
  fill_ids(out.initAfter(static_cast<unsigned>(in.after.size())), in.after);
  out.setTreeVersion(in.tree_version);
  out.setFirst(in.stretch.first);
  out.setLast(in.stretch.last);
}

// An id that must be there.
template <class IdType>
Result<IdType> full_id(capnp::Data::Reader reader, const char* what) {
  LT_TRY(const IdType value, id<IdType>(reader, what));
  if (value.is_zero()) return Error(Errc::kMalformed, std::string(what) + " is missing");
  return value;
}
Result<Bytes> nonce(capnp::Data::Reader reader) {
  if (reader.size() != 16) return Error(Errc::kMalformed, "nonce is not 16 bytes");
  return to_bytes(reader);
}

Result<UnixMillis> moment(std::int64_t time, const char* what) {
  if (is_time(time)) return time;
  return Error(Errc::kMalformed, std::string(what) + " lies outside the years 1900 to 2199");
}

Result<StatementBody> read(schema::Genesis::Reader in) {
  Genesis out;
  LT_TRY(out.key_in_use, full_id<NodeId>(in.getKeyInUse(), "key in use"));
  LT_TRY(out.key_on_paper, full_id<NodeId>(in.getKeyOnPaper(), "key on paper"));
  LT_TRY(out.created_at, moment(in.getCreatedAt(), "createdAt"));
  LT_TRY(out.nonce, nonce(in.getNonce()));
  return StatementBody(std::move(out));
}
Result<StatementBody> read(schema::AgencyDeclaration::Reader in) {
  AgencyDeclaration out;
  LT_TRY(out.parent, id<AgencyId>(in.getParent(), "parent"));
  LT_TRY(out.code, text(in.getCode(), "code"));
  LT_TRY(out.name, text(in.getName(), "name"));
  LT_TRY(out.tier, text(in.getTier(), "tier"));
  if (out.code.empty() || out.name.empty() || out.tier.empty())
    return Error(Errc::kMalformed, "an agency needs code, name and tier");
  LT_TRY(out.declared_at, moment(in.getDeclaredAt(), "declaredAt"));
  LT_TRY(out.nonce, nonce(in.getNonce()));
  out.tree_version = in.getTreeVersion();
  return StatementBody(std::move(out));
}
Result<AgencyChange> read_change(schema::AgencyChange::Reader in) {
  AgencyChange out;
  LT_TRY(out.agency, full_id<AgencyId>(in.getAgency(), "agency"));
  const auto change = in.getChange();
  switch (change.which()) {
    case schema::AgencyChange::Change::PARENT: {
      Reparent reparent;
      LT_TRY(reparent.parent, full_id<AgencyId>(change.getParent(), "parent"));
      out.change = reparent;
      break;
    }
    case schema::AgencyChange::Change::DISSOLVED: {
      Dissolve dissolve;
      LT_TRY(dissolve.successors, id_list<AgencyId>(change.getDissolved(), "successor"));
      out.change = std::move(dissolve);
      break;
    }
    case schema::AgencyChange::Change::RENAMED: {
      Rename rename;
      LT_TRY(rename.code, text(change.getRenamed().getCode(), "code"));
      LT_TRY(rename.name, text(change.getRenamed().getName(), "name"));
      out.change = std::move(rename);
      break;
    }
    default: return Error(Errc::kMalformed, "change of an agency");
  }
  return out;
}
Result<StatementBody> read(schema::TreeChange::Reader in) {
  TreeChange out;
  out.number = in.getNumber();
  if (out.number == 0) return Error(Errc::kMalformed, "tree versions are numbered from 1");
  LT_TRY(out.previous, full_id<StatementId>(in.getPrevious(), "previous"));
  for (const auto change : in.getChanges()) {
    LT_TRY(AgencyChange value, read_change(change));
    out.changes.push_back(std::move(value));
  }
  LT_TRY(out.decided_at, moment(in.getDecidedAt(), "decidedAt"));
  LT_TRY(out.note, text(in.getNote(), "note"));
  LT_TRY(out.key_in_use, id<NodeId>(in.getKeyInUse(), "key in use"));
  LT_TRY(out.key_on_paper, id<NodeId>(in.getKeyOnPaper(), "key on paper"));
  return StatementBody(std::move(out));
}
Result<StatementBody> read(schema::Certificate::Reader in) {
  Certificate out;
  LT_TRY(out.agency, full_id<AgencyId>(in.getAgency(), "agency"));
  LT_TRY(out.node, full_id<NodeId>(in.getSignKey(), "signing key"));
  LT_TRY(const Hash256 dh_key, full_id<Hash256>(in.getDhKey(), "X25519 key"));
  out.dh_key = dh_key.bytes;
  out.may_issue = in.getMayIssue();
  out.thousand = in.getThousand();
  if (out.thousand > 9) return Error(Errc::kMalformed, "thousand over 9");
  LT_TRY(out.renew_by, moment(in.getRenewBy(), "renewBy"));
  LT_TRY(out.issued_at, moment(in.getIssuedAt(), "issuedAt"));
  LT_TRY(out.replaces, id<CertificateId>(in.getReplaces(), "replaces"));
  out.tree_version = in.getTreeVersion();
  const auto possession = in.getPossession();
  if (possession.size() != out.possession.size())
    return Error(Errc::kMalformed, "a certificate bears 64 bytes of its machine's signature");
  std::copy(possession.begin(), possession.end(), out.possession.begin());
  return StatementBody(std::move(out));
}
Result<StatementBody> read(schema::Withdrawal::Reader in) {
  Withdrawal out;
  LT_TRY(out.agency, full_id<AgencyId>(in.getAgency(), "agency"));
  LT_TRY(out.reason, text(in.getReason(), "reason"));
  out.decided_at = in.getDecidedAt();
  out.tree_version = in.getTreeVersion();
  return StatementBody(std::move(out));
}
Result<StatementBody> read(schema::Adoption::Reader in) {
  Adoption out;
  out.number = in.getNumber();
  if (out.number == 0) return Error(Errc::kMalformed, "tree versions are numbered from 1");
  LT_TRY(out.adopter, full_id<RootFingerprint>(in.getAdopter(), "adopter"));
  LT_TRY(out.previous, full_id<StatementId>(in.getPrevious(), "previous"));
  LT_TRY(out.adopted, full_id<RootFingerprint>(in.getAdopted(), "adopted"));
  if (out.adopter == out.adopted) return Error(Errc::kMalformed, "a root adopts itself");
  LT_TRY(out.adopted_previous,
         full_id<StatementId>(in.getAdoptedPrevious(), "previous of the adopted"));
  LT_TRY(out.place, full_id<AgencyId>(in.getPlace(), "place"));
  LT_TRY(out.kept, id_list<StatementId>(in.getKept(), "statement kept"));
  if (std::ranges::adjacent_find(out.kept, std::greater_equal<>()) != out.kept.end())
    return Error(Errc::kMalformed, "statements kept are not in ascending order");
  LT_TRY(out.decided_at, moment(in.getDecidedAt(), "decidedAt"));
  LT_TRY(out.note, text(in.getNote(), "note"));
  return StatementBody(std::move(out));
}
Result<Cut> read_cut(schema::Cut::Reader in) {
  Cut cut;
  cut.incarnation = in.getIncarnation();
  cut.number = in.getNumber();
  LT_TRY(cut.seal, id<SealId>(in.getSealHash(), "seal"));
  std::uint32_t next = 1;  // the lowest number that may be named
  for (const auto from : in.getExcept()) {
    CutException except;
    except.first = from.getFirst();
    except.last = from.getLast();
    LT_TRY(except.seal, id<SealId>(from.getSealHash(), "seal"));
    if (except.first < next || except.first > except.last || except.last >= cut.number ||
        (!except.seal.is_zero() && except.first != except.last))
      return Error(Errc::kMalformed, "exceptions of a cut");
    next = except.last + 1;
    cut.except.push_back(except);
  }
  return cut;
}
Result<std::vector<Cut>> read_cuts(capnp::List<schema::Cut>::Reader in, const Stretch& stretch) {
  if (stretch.first > stretch.last)
    return Error(Errc::kMalformed, "a stretch that ends before it begins");
  std::vector<Cut> out;
  for (const auto from : in) {
    LT_TRY(Cut cut, read_cut(from));
    if (!out.empty() && out.back().incarnation >= cut.incarnation)
      return Error(Errc::kMalformed, "cuts are not in ascending order");
    if (!stretch.contains(cut.incarnation))
      return Error(Errc::kMalformed, "a cut outside the stretch that is spoken of");
    out.push_back(std::move(cut));
  }
  return out;
}
Result<StatementBody> read(schema::Revocation::Reader in) {
  Revocation out;
  LT_TRY(out.node, full_id<NodeId>(in.getNode(), "node"));
  out.stretch = {in.getFirst(), in.getLast()};
  LT_TRY(out.cuts, read_cuts(in.getCuts(), out.stretch));
  LT_TRY(out.reason, text(in.getReason(), "reason"));
  LT_TRY(out.decided_at, moment(in.getDecidedAt(), "decidedAt"));
  LT_TRY(out.after, id_list<StatementId>(in.getAfter(), "revocation"));
  out.tree_version = in.getTreeVersion();
  return StatementBody(std::move(out));
}
Result<StatementBody> read(schema::Closing::Reader in) {
  Closing out;
  LT_TRY(out.node, full_id<NodeId>(in.getNode(), "node"));
  out.version = in.getVersion();
  if (out.version == 0) return Error(Errc::kMalformed, "tree versions are numbered from 1");
  out.stretch = {in.getFirst(), in.getLast()};
  LT_TRY(out.cuts, read_cuts(in.getCuts(), out.stretch));
  out.decided_at = in.getDecidedAt();
  LT_TRY(out.after, id_list<StatementId>(in.getAfter(), "closing"));
  out.tree_version = in.getTreeVersion();
  if (out.tree_version < out.version)
    return Error(Errc::kMalformed, "a closing under a tree older than the one it holds to");
  return StatementBody(std::move(out));
}

}  // namespace

Bytes encode(const StatementBody& body) {
  return canonical_bytes<schema::Statement>([&](schema::Statement::Builder out) {
    if (const auto* genesis = std::get_if<Genesis>(&body))
      fill(out.initGenesis(), *genesis);
    else if (const auto* agency = std::get_if<AgencyDeclaration>(&body))
      fill(out.initAgency(), *agency);
    else if (const auto* tree = std::get_if<TreeChange>(&body))
      fill(out.initTree(), *tree);
    else if (const auto* certificate = std::get_if<Certificate>(&body))
      fill(out.initCertificate(), *certificate);
    else if (const auto* revocation = std::get_if<Revocation>(&body))
      fill(out.initRevocation(), *revocation);
    else if (const auto* closing = std::get_if<Closing>(&body))
      fill(out.initClosing(), *closing);
    else if (const auto* withdrawal = std::get_if<Withdrawal>(&body))
      fill(out.initWithdrawal(), *withdrawal);
    else
      fill(out.initAdoption(), std::get<Adoption>(body));
  });
}

Result<StatementBody> decode_statement(ByteView bytes) {
  return with_root<schema::Statement>(bytes, kStatementBytesMax,
                                      [](schema::Statement::Reader in) -> Result<StatementBody> {
                                        switch (in.which()) {
                                          case schema::Statement::GENESIS:
                                            return read(in.getGenesis());
                                          case schema::Statement::AGENCY:
                                            return read(in.getAgency());
                                          case schema::Statement::TREE: return read(in.getTree());
                                          case schema::Statement::CERTIFICATE:
                                            return read(in.getCertificate());
                                          case schema::Statement::REVOCATION:
                                            return read(in.getRevocation());
                                          case schema::Statement::CLOSING:
                                            return read(in.getClosing());
                                          case schema::Statement::WITHDRAWAL:
                                            return read(in.getWithdrawal());
                                          case schema::Statement::ADOPTION:
                                            return read(in.getAdoption());
                                        }
                                        return Error(Errc::kMalformed, "kind of statement");
                                      });
}

}  // namespace lienthong::wire
