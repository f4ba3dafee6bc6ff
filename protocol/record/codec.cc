#include "protocol/record/codec.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>

#include "lienthong.capnp.h"
#include "protocol/base/limits.h"

namespace lienthong::wire {
namespace {

// ---- canonical bytes ----

template <class Schema, class Fill>
Bytes canonical_bytes(const Fill& fill) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<Schema>();
  fill(root);
  const auto words = capnp::canonicalize(root.asReader());
  const auto bytes = words.asBytes();
  return Bytes(bytes.begin(), bytes.end());
}

// Runs `read` over the root of a canonical single-segment message. kj throws on bad pointers: here,
// and only here, that becomes an Error.
template <class Schema, class Read>
auto with_root(ByteView bytes, std::size_t bytes_max, const Read& read)
    -> decltype(read(std::declval<typename Schema::Reader>())) {
  if (bytes.size() > bytes_max) return Error(Errc::kTooLarge, "body over its limit");
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0)
    return Error(Errc::kMalformed, "body is not whole words");
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.begin(), bytes.data(), bytes.size());
  capnp::ReaderOptions options;
  options.traversalLimitInWords = kTraversalWordsMax;
  options.nestingLimit = kNestingDepthMax;
  const kj::ArrayPtr<const capnp::word> segments[] = {words.asPtr()};
  std::optional<decltype(read(std::declval<typename Schema::Reader>()))> result;
  const auto thrown = kj::runCatchingExceptions([&] {
    capnp::SegmentArrayMessageReader message(kj::arrayPtr(segments, 1), options);
    if (!message.isCanonical()) {
      result.emplace(Error(Errc::kNotCanonical, "body is not in canonical form"));
      return;
    }
    result.emplace(read(message.getRoot<Schema>()));
  });
  if (thrown != nullptr || !result) return Error(Errc::kMalformed, "body has bad pointers");
  return *std::move(result);
}

// ---- pieces ----

// Whole: from a std::string it would end at the first NUL.
capnp::Text::Reader to_text(const std::string& text) { return {text.c_str(), text.size()}; }

capnp::Data::Reader to_data(ByteView bytes) { return {bytes.data(), bytes.size()}; }
template <class Tag>
capnp::Data::Reader to_data(const Id<Tag>& id) {
  return to_data(id.view());
}
Bytes to_bytes(capnp::Data::Reader reader) { return Bytes(reader.begin(), reader.end()); }

bool valid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const unsigned size = lead < 0x80    ? 1
                          : lead >= 0xf0 ? 4
                          : lead >= 0xe0 ? 3
                          : lead >= 0xc2 ? 2
                                         : 0;
    if (size == 0 || lead > 0xf4 || i + size > text.size()) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7fU >> size);
    for (unsigned k = 1; k < size; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
    if (overlong || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += size;
  }
  return true;
}

Result<std::string> text(capnp::Text::Reader reader, const char* what) {
  std::string value(reader.begin(), reader.size());
  if (value.size() > kTextBytesMax) return Error(Errc::kTooLarge, what);
  if (!valid_utf8(value)) return Error(Errc::kMalformed, std::string(what) + " is not UTF-8");
  return value;
}

// An id, or none where zero-length stands for none.
template <class IdType>
Result<IdType> id(capnp::Data::Reader reader, const char* what) {
  if (reader.size() == 0) return IdType{};
  if (reader.size() != IdType::kSize)
    return Error(Errc::kMalformed, std::string(what) + " is not 32 bytes");
  return IdType::from(ByteView(reader.begin(), reader.size()));
}

template <class IdType, class List>
Result<std::vector<IdType>> id_list(const List& list, const char* what) {
  if (list.size() > kReferenceCountMax) return Error(Errc::kTooLarge, what);
  std::vector<IdType> out;
  for (const auto item : list) {
    LT_TRY(const IdType value, id<IdType>(item, what));
    if (value.is_zero()) return Error(Errc::kMalformed, std::string(what) + " is empty");
    out.push_back(value);
  }
  return out;
}

template <class IdType, class Builder>
void fill_ids(Builder list, const std::vector<IdType>& ids) {
  for (unsigned i = 0; i < ids.size(); ++i) list.set(i, to_data(ids[i]));
}

template <class IdType>
capnp::Data::Reader to_data_or_none(const IdType& value) {
  return value.is_zero() ? capnp::Data::Reader() : to_data(value);
}

void fill_writes(capnp::List<schema::FieldWrite>::Builder list,
                 const std::vector<FieldWrite>& writes) {
  for (unsigned i = 0; i < writes.size(); ++i) {
    auto item = list[i];
    item.setField(writes[i].field);
    auto value = item.getValue();
    if (const auto* string = std::get_if<std::string>(&writes[i].value))
      value.setText(to_text(*string));
    else if (const auto* integer = std::get_if<std::int64_t>(&writes[i].value))
      value.setInteger(*integer);
    else if (const auto* bytes = std::get_if<Bytes>(&writes[i].value))
      value.setData(to_data(*bytes));
    else
      value.setCleared();
  }
}

Result<std::vector<FieldWrite>> read_writes(capnp::List<schema::FieldWrite>::Reader list) {
  if (list.size() > kReferenceCountMax) return Error(Errc::kTooLarge, "fields of an update");
  std::vector<FieldWrite> out;
  out.reserve(list.size());
  for (const auto item : list) {
    FieldWrite write;
    write.field = item.getField();
    if (!out.empty() && out.back().field >= write.field)
      return Error(Errc::kMalformed, "fields are not in ascending order");
    const auto value = item.getValue();
    switch (value.which()) {
      case schema::FieldWrite::Value::CLEARED: break;
      case schema::FieldWrite::Value::TEXT: {
        LT_TRY(std::string string, text(value.getText(), "text of a field"));
        write.value = std::move(string);
        break;
      }
      case schema::FieldWrite::Value::INTEGER: write.value = value.getInteger(); break;
      case schema::FieldWrite::Value::DATA: write.value = to_bytes(value.getData()); break;
      default: return Error(Errc::kMalformed, "value of a field");
    }
    out.push_back(std::move(write));
  }
  return out;
}

}  // namespace

// ---- bodies ----

Bytes encode(const OpenBody& body) {
  return canonical_bytes<schema::OpenBody>([&](schema::OpenBody::Builder out) {
    out.setKind(static_cast<std::uint16_t>(body.kind));
    out.setRecordKind(static_cast<std::uint16_t>(body.record_kind));
    if (!body.target.is_zero()) out.setTarget(to_data(body.target));
    out.setUrgent(body.urgent);
    if (!body.writes.empty())
      fill_writes(out.initWrites(static_cast<unsigned>(body.writes.size())), body.writes);
    if (!body.closed_fields.empty()) {
      auto list = out.initClosedFields(static_cast<unsigned>(body.closed_fields.size()));
      for (unsigned i = 0; i < body.closed_fields.size(); ++i) list.set(i, body.closed_fields[i]);
    }
    if (!body.action.empty()) out.setAction(to_text(body.action));
    out.setAt(body.at);
    if (!body.references.empty())
      fill_ids(out.initReferences(static_cast<unsigned>(body.references.size())), body.references);
    if (!body.lead.is_zero()) out.setLead(to_data(body.lead));
    out.setDeadline(body.deadline);
    if (!body.decision.empty()) out.setDecision(to_text(body.decision));
  });
}

Result<OpenBody> decode_open(ByteView bytes) {
  return with_root<schema::OpenBody>(
      bytes, kClosedBytesMax, [](schema::OpenBody::Reader in) -> Result<OpenBody> {
        OpenBody body;
        body.kind = static_cast<UpdateKind>(in.getKind());
        body.record_kind = static_cast<RecordKind>(in.getRecordKind());
        LT_TRY(body.target, id<AgencyId>(in.getTarget(), "target"));
        body.urgent = in.getUrgent();
        LT_TRY(body.writes, read_writes(in.getWrites()));
        if (in.getClosedFields().size() > kReferenceCountMax)
          return Error(Errc::kTooLarge, "closed fields");
        for (const std::uint16_t field : in.getClosedFields()) {
          if (!body.closed_fields.empty() && body.closed_fields.back() >= field)
            return Error(Errc::kMalformed, "closed fields are not in ascending order");
          body.closed_fields.push_back(field);
        }
        LT_TRY(body.action, text(in.getAction(), "action"));
        body.at = in.getAt();
        LT_TRY(body.references, id_list<UpdateId>(in.getReferences(), "reference"));
        LT_TRY(body.lead, id<RecordId>(in.getLead(), "lead"));
        body.deadline = in.getDeadline();
        LT_TRY(body.decision, text(in.getDecision(), "decision"));
        return body;
      });
}

Bytes encode(const ClosedBody& body) {
  return canonical_bytes<schema::ClosedBody>([&](schema::ClosedBody::Builder out) {
    if (!body.key_hash.empty()) out.setKeyHash(to_data(body.key_hash));
    if (!body.writes.empty())
      fill_writes(out.initWrites(static_cast<unsigned>(body.writes.size())), body.writes);
    if (!body.officer.empty()) out.setOfficer(to_text(body.officer));
    if (!body.note.empty()) out.setNote(to_text(body.note));
    if (!body.action.empty()) out.setAction(to_text(body.action));
  });
}

Result<ClosedBody> decode_closed(ByteView bytes) {
  return with_root<schema::ClosedBody>(
      bytes, kClosedBytesMax, [](schema::ClosedBody::Reader in) -> Result<ClosedBody> {
        ClosedBody body;
        body.key_hash = to_bytes(in.getKeyHash());
        if (!body.key_hash.empty() && body.key_hash.size() != 16)
          return Error(Errc::kMalformed, "key hash is not 16 bytes");
        LT_TRY(body.writes, read_writes(in.getWrites()));
        LT_TRY(body.officer, text(in.getOfficer(), "officer"));
        LT_TRY(body.note, text(in.getNote(), "note"));
        LT_TRY(body.action, text(in.getAction(), "action"));
        return body;
      });
}

Bytes encode(const std::vector<Component>& items) {
  return canonical_bytes<schema::ComponentList>([&](schema::ComponentList::Builder out) {
    auto list = out.initItems(static_cast<unsigned>(items.size()));
    for (unsigned i = 0; i < items.size(); ++i) {
      auto item = list[i];
      item.setName(to_text(items[i].name));
      item.setKind(to_text(items[i].kind));
      item.setCopies(items[i].copies);
      if (!items[i].digest.empty()) item.setDigest(to_text(items[i].digest));
      item.setSize(items[i].size);
      if (!items[i].media_type.empty()) item.setMediaType(to_text(items[i].media_type));
    }
  });
}

Result<std::vector<Component>> decode_components(ByteView bytes) {
  return with_root<schema::ComponentList>(
      bytes, kClosedBytesMax,
      [](schema::ComponentList::Reader in) -> Result<std::vector<Component>> {
        std::vector<Component> items;
        for (const auto from : in.getItems()) {
          Component item;
          LT_TRY(item.name, text(from.getName(), "component"));
          LT_TRY(item.kind, text(from.getKind(), "component"));
          item.copies = from.getCopies();
          LT_TRY(item.digest, text(from.getDigest(), "component"));
          item.size = from.getSize();
          LT_TRY(item.media_type, text(from.getMediaType(), "component"));
          items.push_back(std::move(item));
        }
        return items;
      });
}

Bytes encode(const std::vector<Fee>& items) {
  return canonical_bytes<schema::FeeList>([&](schema::FeeList::Builder out) {
    auto list = out.initItems(static_cast<unsigned>(items.size()));
    for (unsigned i = 0; i < items.size(); ++i) {
      auto item = list[i];
      item.setName(to_text(items[i].name));
      item.setAmount(items[i].amount);
      item.setPaid(to_text(items[i].paid));
      item.setPaidAt(items[i].paid_at);
      if (!items[i].receipt.empty()) item.setReceipt(to_text(items[i].receipt));
    }
  });
}

Result<std::vector<Fee>> decode_fees(ByteView bytes) {
  return with_root<schema::FeeList>(bytes, kClosedBytesMax,
                                    [](schema::FeeList::Reader in) -> Result<std::vector<Fee>> {
                                      std::vector<Fee> items;
                                      for (const auto from : in.getItems()) {
                                        Fee item;
                                        LT_TRY(item.name, text(from.getName(), "fee"));
                                        item.amount = from.getAmount();
                                        LT_TRY(item.paid, text(from.getPaid(), "fee"));
                                        item.paid_at = from.getPaidAt();
                                        LT_TRY(item.receipt, text(from.getReceipt(), "fee"));
                                        items.push_back(std::move(item));
                                      }
                                      return items;
                                    });
}

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
    else
      fill(out.initWithdrawal(), std::get<Withdrawal>(body));
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
                                        }
                                        return Error(Errc::kMalformed, "kind of statement");
                                      });
}

}  // namespace lienthong::wire
