#include "store/desk/content.h"

#include <sodium/crypto_generichash.h>

#include <algorithm>
#include <tuple>

#include "protocol/record/codec.h"

namespace lienthong::store {
namespace {

// The values of each kind in an order that never changes; new ones go to the end.
auto values(const Event& v) { return std::tie(v.at, v.officer, v.unit, v.action, v.note); }
auto values(const Remark& v) { return std::tie(v.at, v.officer, v.note); }
auto values(const CreateDossier& v) { return std::tie(v.open, v.closed, v.history); }
auto values(const CreateLeg& v) {
  return std::tie(v.dossier, v.to, v.urgent, v.share, v.open, v.closed);
}
auto values(const CreateFeedback& v) { return std::tie(v.open, v.closed, v.history); }
auto values(const CreateDocument& v) { return std::tie(v.open, v.closed, v.history); }
auto values(const PublishProcedure& v) { return std::tie(v.open); }
auto values(const SetFields& v) { return std::tie(v.record, v.open, v.closed, v.event); }
auto values(const ChangeList& v) { return std::tie(v.record, v.list, v.act, v.at, v.entry); }
auto values(const AddEvent& v) { return std::tie(v.record, v.event); }
auto values(const AddNote& v) { return std::tie(v.record, v.remark); }
auto values(const SayCode& v) { return std::tie(v.record, v.code, v.system, v.withdraw, v.remark); }
auto values(const Offer& v) { return std::tie(v.record, v.to, v.urgent, v.remark); }
auto values(const Accept& v) { return std::tie(v.record, v.remark); }
auto values(const Decline& v) { return std::tie(v.record, v.remark); }
auto values(const Recall& v) { return std::tie(v.record, v.remark); }
auto values(const Reclaim& v) { return std::tie(v.record, v.remark); }
auto values(const Uphold& v) { return std::tie(v.record, v.branch, v.decision); }
auto values(const Erase& v) { return std::tie(v.record, v.decision); }
auto values(const Inspect& v) { return std::tie(v.record, v.remark); }
auto values(const Succeed& v) { return std::tie(v.record, v.remark); }
auto values(const Consult& v) { return std::tie(v.record, v.to, v.deadline, v.remark); }
auto values(const Reply& v) { return std::tie(v.record, v.about, v.remark); }
auto values(const Share& v) { return std::tie(v.record, v.to, v.remark); }
auto values(const Adopt& v) { return std::tie(v.record, v.change); }
auto values(const Apologise& v) { return std::tie(v.record, v.due_at, v.remark); }
auto values(const FinishLeg& v) { return std::tie(v.record, v.outcome, v.remark); }
auto values(const ReturnHome& v) { return std::tie(v.record, v.urgent, v.remark); }
auto values(const SendDocument& v) { return std::tie(v.record, v.to, v.urgent); }

// A value that says nothing leaves no trace; the others bear their place, so that none is taken for
// another.
class Hasher {
 public:
  template <class What>
  void all(const What& what) {
    std::apply([this](const auto&... value) { (at(value), ...); }, values(what));
  }
  ByteView bytes() const { return out_.bytes(); }

 private:
  template <class Value>
  void at(const Value& value) {
    ++place_;
    const Bytes bytes = said(value);
    if (bytes.empty()) return;
    out_.varint(place_);
    out_.sized(bytes);
  }
  static Bytes said(const std::string& value) {
    ByteWriter out;
    out.raw(as_bytes(value));
    return out.take();
  }
  static Bytes said(Field value) { return said(static_cast<UnixMillis>(value)); }
  static Bytes said(ListAct value) { return said(static_cast<UnixMillis>(value)); }
  static Bytes said(const FieldValue& value) {
    if (std::holds_alternative<std::monostate>(value)) return {};
    return said(std::vector<FieldWrite>{{0, value}});
  }
  static Bytes said(bool value) { return value ? Bytes{1} : Bytes(); }
  static Bytes said(UnixMillis value) {
    ByteWriter out;
    if (value != 0) out.u64(static_cast<std::uint64_t>(value));
    return out.take();
  }
  template <class Tag>
  static Bytes said(const Id<Tag>& value) {
    return value.is_zero() ? Bytes() : to_bytes(value.view());
  }
  template <class Value>
  static Bytes said(const std::optional<Value>& value) {
    ByteWriter out;
    if (!value) return out.take();
    out.u8(1);  // there is one, though it may say nothing
    out.raw(said(*value));
    return out.take();
  }
  static Bytes said(std::vector<FieldWrite> writes) {
    if (writes.empty()) return {};
    std::ranges::sort(writes, {}, &FieldWrite::field);
    OpenBody body;
    body.writes = std::move(writes);
    return wire::encode(body);
  }
  static Bytes said(const std::vector<Event>& events) {
    ByteWriter out;
    for (const Event& event : events) out.sized(said(event));
    return out.take();
  }
  static Bytes said(const Event& value) { return inner(value); }
  static Bytes said(const Remark& value) { return inner(value); }
  template <class Value>
  static Bytes inner(const Value& value) {
    Hasher hasher;
    hasher.all(value);
    return to_bytes(hasher.bytes());
  }

  ByteWriter out_;
  std::uint64_t place_ = 0;
};

// The word of an operations file, and what the update with its key can be.
struct Kind {
  std::string_view word;
  UpdateKind first;
  std::optional<RecordKind> begins{};
};
Kind kind_of(const CreateDossier&) {
  return {"create dossier", UpdateKind::kCreated, RecordKind::kDossier};
}
Kind kind_of(const CreateLeg&) { return {"create leg", UpdateKind::kCreated, RecordKind::kLeg}; }
Kind kind_of(const CreateFeedback&) {
  return {"create feedback", UpdateKind::kCreated, RecordKind::kFeedback};
}
Kind kind_of(const CreateDocument&) {
  return {"create document", UpdateKind::kCreated, RecordKind::kDocument};
}
Kind kind_of(const PublishProcedure&) {
  return {"create procedure", UpdateKind::kCreated, RecordKind::kProcedure};
}
Kind kind_of(const SetFields&) { return {"set", UpdateKind::kSet}; }
Kind kind_of(const ChangeList& what) {
  return {what.act == ListAct::kAdd       ? "add"
          : what.act == ListAct::kReplace ? "replace"
                                          : "remove",
          UpdateKind::kSet};
}
Kind kind_of(const AddEvent&) { return {"event", UpdateKind::kSet}; }
Kind kind_of(const AddNote&) { return {"note", UpdateKind::kNote}; }
Kind kind_of(const SayCode& what) {
  return {what.withdraw ? "code withdraw" : "code add", UpdateKind::kNote};
}
Kind kind_of(const Offer&) { return {"offer", UpdateKind::kOffer}; }
Kind kind_of(const Accept&) { return {"accept", UpdateKind::kAccept}; }
Kind kind_of(const Decline&) { return {"decline", UpdateKind::kDecline}; }
Kind kind_of(const Recall&) { return {"recall", UpdateKind::kRecallRequest}; }
Kind kind_of(const Reclaim&) { return {"reclaim", UpdateKind::kReclaim}; }
Kind kind_of(const Uphold&) { return {"uphold", UpdateKind::kUphold}; }
Kind kind_of(const Erase&) { return {"erase", UpdateKind::kErase}; }
Kind kind_of(const Inspect&) { return {"inspect", UpdateKind::kInspect}; }
Kind kind_of(const Succeed&) { return {"succeed", UpdateKind::kSucceed}; }
Kind kind_of(const Consult&) { return {"consult", UpdateKind::kConsult}; }
Kind kind_of(const Reply&) { return {"reply", UpdateKind::kReply}; }
Kind kind_of(const Share&) { return {"share", UpdateKind::kShare}; }
Kind kind_of(const Adopt&) { return {"adopt", UpdateKind::kAdopt}; }
Kind kind_of(const Apologise&) { return {"apologise", UpdateKind::kSet}; }
Kind kind_of(const FinishLeg&) { return {"finish", UpdateKind::kOffer}; }
Kind kind_of(const ReturnHome&) { return {"return", UpdateKind::kOffer}; }
Kind kind_of(const SendDocument&) { return {"send", UpdateKind::kCreated, RecordKind::kDocument}; }

}  // namespace

Bytes content_hash(const Deed& deed) {
  ByteWriter out;
  std::visit(
      [&out](const auto& what) {
        out.sized(kind_of(what).word);
        Hasher hasher;
        hasher.all(what);
        out.raw(hasher.bytes());
      },
      deed);
  Bytes hash(crypto_generichash_BYTES_MIN);
  crypto_generichash(hash.data(), hash.size(), out.bytes().data(), out.bytes().size(), nullptr, 0);
  hash.resize(kContentHashSize);
  return hash;
}

std::string told(const Deed& deed) {
  return std::visit(
      [](const auto& what) {
        std::string out(kind_of(what).word);
        if constexpr (requires { what.record; }) out += " " + what.record;
        if constexpr (requires { what.dossier; }) out += " of " + what.dossier;
        return out;
      },
      deed);
}

const std::string* target_of(const Deed& deed) {
  return std::visit(
      [](const auto& what) -> const std::string* {
        if constexpr (requires { what.record; }) return &what.record;
        return nullptr;
      },
      deed);
}

bool may_write(const Deed& deed, UpdateKind kind, RecordKind record_kind) {
  return std::visit(
      [&](const auto& what) {
        const Kind wanted = kind_of(what);
        if (wanted.word == "finish" && kind == UpdateKind::kSet) return true;  // has both
        return wanted.first == kind && (!wanted.begins || *wanted.begins == record_kind);
      },
      deed);
}

}  // namespace lienthong::store
