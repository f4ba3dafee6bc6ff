#include "store/office/marks.h"

#include <algorithm>

#include "protocol/record/registers.h"
#include "store/office/keys.h"
#include "store/office/projections.h"
#include "store/replica/raw.h"
#include "store/replica/reads.h"

namespace lienthong::store {
namespace {

Marks mark_of_kind(RecordKind kind) {
  switch (kind) {
    case RecordKind::kDossier: return 0;
    case RecordKind::kLeg: return bit_of(Mark::kLeg);
    case RecordKind::kFeedback: return bit_of(Mark::kFeedback);
    case RecordKind::kDocument: return bit_of(Mark::kDocument);
    case RecordKind::kProcedure: return bit_of(Mark::kProcedure);
  }
  return 0;  // of a later version
}

class MarksDraft final : public RecordDraft {
 public:
  MarksDraft(OwnRows& rows, std::uint32_t record, const RecordState* stored)
      : rows_(rows), record_(record), written_(stored != nullptr ? marks_of(*stored) : Marks()) {}

  bool extended(const RecordState&, const GraphUpdate&, const ClosedBody&) override { return true; }
  void refolded(const RecordState&, std::span<const GraphUpdate>) override {}
  void flush(const RecordState& state) override {
    const Marks marks = marks_of(state);
    const unsigned changed = marks ^ std::exchange(written_, marks);
    if (changed == 0) return;
    for (const Mark mark : kMarks) {
      if ((changed & bit_of(mark)) == 0) continue;
      if ((marks & bit_of(mark)) != 0)
        rows_.put(key::marked(mark, record_), "");
      else
        rows_.erase(key::marked(mark, record_));
    }
  }

 private:
  OwnRows& rows_;
  const std::uint32_t record_;
  Marks written_;
};

class MarksWriter final : public ProjectionWriter {
 public:
  explicit MarksWriter(OwnRows rows) : rows_(rows) {}
  std::unique_ptr<RecordDraft> open(std::uint32_t record, const RecordState* stored) override {
    return std::make_unique<MarksDraft>(rows_, record, stored);
  }

 private:
  OwnRows rows_;
};

class MarksProjection final : public Projection {
 public:
  std::string_view name() const override { return "marks"; }
  unsigned version() const override { return 1; }
  std::string_view letters() const override { return key::kMarkLetters; }
  std::unique_ptr<ProjectionWriter> begin(OwnRows rows) override {
    return std::make_unique<MarksWriter>(rows);
  }
  bool agrees(const Database& database, std::uint32_t record, const RecordState& state,
              std::span<const GraphUpdate>) const override {
    const Marks marks = marks_of(state);
    return std::ranges::all_of(kMarks, [&](Mark mark) {
      return database.get(key::marked(mark, record)).has_value() == ((marks & bit_of(mark)) != 0);
    });
  }
};

}  // namespace

Marks marks_of(const RecordState& state) {
  Marks marks = mark_of_kind(state.kind);
  const auto set = [&marks](bool holds, Mark mark) {
    if (holds) marks = static_cast<Marks>(marks | bit_of(mark));
  };
  set(!state.offered.is_zero(), Mark::kOffered);
  set(std::ranges::any_of(state.invitations,
                          [](const Invitation& i) { return i.kind == UpdateKind::kConsult; }),
      Mark::kAsked);
  set(has_conflict(state) || !open_set_aside(state).empty() || !state.forks.empty(),
      Mark::kConflict);
  set(!state.inert.empty(), Mark::kInert);
  return marks;
}

std::unique_ptr<Projection> marks_projection() { return std::make_unique<MarksProjection>(); }

void for_each_marked(const Replica& replica, std::initializer_list<Mark> marks,
                     const std::function<bool(const RecordEntry&)>& visit) {
  const RawReplica raw(replica);
  std::vector<std::uint32_t> numbers;
  for (const Mark mark : marks) {
    const std::string prefix = key::marked_prefix(mark);
    raw.database().scan(prefix, prefix, [&](std::string_view k, std::string_view) {
      numbers.push_back(decode_number4(k.substr(prefix.size())));
      return true;
    });
  }
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  for (const std::uint32_t number : numbers) {
    const auto entry = read_record(raw.database(), number);
    if (entry && !visit(*entry)) return;  // none: changed meanwhile
  }
}

}  // namespace lienthong::store
