#include "protocol/record/codec.h"

#include "protocol/record/codec_common.h"

namespace lienthong::wire {
namespace {

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
    if (!body.official_code.empty()) out.setOfficialCode(to_text(body.official_code));
    if (!body.code_system.empty()) out.setCodeSystem(to_text(body.code_system));
    out.setCodeWithdrawn(body.code_withdrawn);
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
        body.official_code = text_or_none([&] { return in.getOfficialCode(); });
        body.code_system = text_or_none([&] { return in.getCodeSystem(); });
        body.code_withdrawn = in.getCodeWithdrawn();
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
    if (!body.account.empty()) out.setAccount(to_text(body.account));
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
        LT_TRY(body.account, text(in.getAccount(), "account"));
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

}  // namespace lienthong::wire
