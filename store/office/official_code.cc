#include "store/office/official_code.h"

#include <algorithm>

#include "protocol/base/bytes.h"
#include "store/office/projections.h"
#include "store/replica/raw.h"
#include "store/text/plain.h"

namespace lienthong::store {
namespace {

// The rows of one record under change. They are read when they are first needed.
class OfficialCodesDraft final : public RecordDraft {
 public:
  OfficialCodesDraft(OwnRows& rows, std::uint32_t record) : rows_(rows), record_(record) {}

  // A note about a code is rare, and it may have come late: the whole record says what holds.
  bool extended(const RecordState&, const GraphUpdate& update, const ClosedBody&) override {
    return update.open.official_code.empty();
  }
  void refolded(const RecordState& state, std::span<const GraphUpdate> updates) override {
    codes_ = codes_of(state, updates);
    dirty_ = true;
  }
  void flush(const RecordState&) override {
    if (!std::exchange(dirty_, false)) return;
    const std::vector<OfficialCode> before = official_codes_at(rows_, record_);
    if (before == codes_) return;
    for (const OfficialCode& code : before)
      rows_.erase(key::official_code(official_code_key(code.code), record_));
    for (const OfficialCode& code : codes_)
      rows_.put(key::official_code(official_code_key(code.code), record_), "");
    if (codes_.empty())
      rows_.erase(key::official_codes(record_));
    else
      rows_.put(key::official_codes(record_), encode(codes_));
  }

  static std::vector<OfficialCode> codes_of(const RecordState& state,
                                            std::span<const GraphUpdate> updates) {
    OfficialCodes out;
    if (std::ranges::none_of(updates, says_code)) return {};
    for (const UpdateId& id : state.timeline) {
      const auto at = std::ranges::find(updates, id, &GraphUpdate::id);
      if (at != updates.end() && says_code(*at)) out.take(at->open);
    }
    return out.list();
  }

 private:
  static bool says_code(const GraphUpdate& update) {
    return update.open.kind == UpdateKind::kNote && !update.open.official_code.empty();
  }

  OwnRows& rows_;
  const std::uint32_t record_;
  std::vector<OfficialCode> codes_;
  bool dirty_ = false;
};

class OfficialCodesWriter final : public ProjectionWriter {
 public:
  explicit OfficialCodesWriter(OwnRows rows) : rows_(rows) {}
  std::unique_ptr<RecordDraft> open(std::uint32_t record, const RecordState*) override {
    return std::make_unique<OfficialCodesDraft>(rows_, record);
  }

 private:
  OwnRows rows_;
};

class OfficialCodesProjection final : public Projection {
 public:
  std::string_view name() const override { return "codes"; }
  unsigned version() const override { return 1; }
  std::string_view letters() const override { return key::kCodeLetters; }
  std::unique_ptr<ProjectionWriter> begin(OwnRows rows) override {
    return std::make_unique<OfficialCodesWriter>(rows);
  }
  bool agrees(const Database& database, std::uint32_t record, const RecordState& state,
              std::span<const GraphUpdate> updates) const override {
    const auto codes = OfficialCodesDraft::codes_of(state, updates);
    const auto has = [&](const OfficialCode& code) {
      return database.get(key::official_code(official_code_key(code.code), record)).has_value();
    };
    return official_codes_at(database, record) == codes && std::ranges::all_of(codes, has);
  }
};

}  // namespace

std::string official_code_key(std::string_view code) {
  const auto tidy = tidy_code(code);
  return id_key(tidy.ok() ? *tidy : std::string(code));
}

void OfficialCodes::take(const OpenBody& note) {
  const std::string wanted = official_code_key(note.official_code);
  if (wanted.empty()) return;
  const auto same = [&wanted](const OfficialCode& code) {
    return official_code_key(code.code) == wanted;
  };
  const auto at = std::ranges::find_if(codes_, same);
  if (note.code_withdrawn) {
    if (at != codes_.end()) codes_.erase(at);
  } else if (at != codes_.end()) {
    *at = {note.official_code, note.code_system};
  } else {
    codes_.push_back({note.official_code, note.code_system});
  }
}

std::string encode(std::span<const OfficialCode> codes) {
  ByteWriter out;
  for (const OfficialCode& code : codes) {
    out.sized(code.code);
    out.sized(code.system);
  }
  const Bytes bytes = out.take();
  return std::string(as_text(bytes));
}

std::vector<OfficialCode> decode_official_codes(std::string_view bytes) {
  std::vector<OfficialCode> out;
  ByteReader in(as_bytes(bytes));
  while (!in.empty()) {
    const auto code = in.sized(bytes.size()), system = in.sized(bytes.size());
    if (!code.ok() || !system.ok()) throw std::runtime_error("stored codes of a record");
    out.push_back({std::string(as_text(*code)), std::string(as_text(*system))});
  }
  return out;
}

std::vector<OfficialCode> official_codes(const Replica& replica, const RecordId& record) {
  const Database& database = RawReplica(replica).database();
  const auto number = record_number(database, record);
  return number ? official_codes_at(database, *number) : std::vector<OfficialCode>();
}

void for_each_with_official_code(const Replica& replica,
                                 const std::function<bool(const RecordId&)>& visit) {
  for (const RecordId& id : replica.find_rows(key::official_codes_prefix()))
    if (!visit(id)) return;
}

std::unique_ptr<Projection> official_codes_projection() {
  return std::make_unique<OfficialCodesProjection>();
}

}  // namespace lienthong::store
