// GET /v1/handoffs: what was handed over or asked: offers of custody, requests to have one back,
// legs and consultations; the oldest first.
#include <algorithm>

#include "agent/api/routes.h"
#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "protocol/record/registers.h"
#include "store/office/between.h"
#include "store/office/marks.h"
#include "store/office/rows.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

struct HandoffFilter {
  bool pending = false;
  std::int64_t older_than_seconds = 0;
  std::string direction;  // "in", "out", or empty: both and others'
  PageAsked page;
};

Result<HandoffFilter> read_handoff_filter(const httplib::Request& request) {
  HandoffFilter out;
  out.pending = query_flag(request, "pending");
  LT_TRY(const auto older, query_number(request, "older_than", kSecondsMax));
  out.older_than_seconds = static_cast<std::int64_t>(older.value_or(0));
  out.direction = request.get_param_value("direction");
  if (!out.direction.empty() && out.direction != "in" && out.direction != "out")
    return Error(Errc::kInvalidArgument, "direction must be in or out");
  LT_TRY(out.page, query_page(request));
  return out;
}

struct HandoffLine {
  std::string key;
  json line;
};

json handoff_json(const store::Handoff& handoff, const RecordState& state, std::int64_t age,
                  const Registry& registry) {
  json line = {{"what", to_string(handoff.what)},
               {"code", code_or_empty(state)},
               {"record", state.record.hex()},
               {"from", agency_json(handoff.from, registry)},
               {"to", agency_json(handoff.to, registry)},
               {"offered_at", format_time(handoff.since)},
               {"age_seconds", age},
               {"urgent", handoff.urgent},
               {"recall_requested", handoff.recall_requested},
               {"overdue", handoff.overdue},
               {"state", handoff.state}};
  if (handoff.deadline != 0) line["deadline"] = format_time(handoff.deadline);
  if (handoff.question) line["id"] = handoff.question->hex();
  return line;
}

// Writes down what was handed over or asked of one record after the other, as far as the filter
// wants it.
class Collector {
 public:
  // `direct`: lines go there at once, in the order of the records; null: they are kept for sorting.
  Collector(const ApiContext& api, const HandoffFilter& filter, const KeyedSink* direct)
      : replica_(api.replica()),
        office_(api.replica()),
        registry_(replica_.registry()),
        filter_(filter),
        direct_(direct),
        ours_(replica_.identity().agency),
        now_(api.now()) {}

  void add(const RecordState& state) {
    std::uint64_t place = 0;
    for (const store::Handoff& handoff : store::handoffs_of(replica_, state, filter_.pending, now_))
      put(handoff, state, place++);
  }
  bool wanted() const { return wanted_; }  // false: whoever asked has gone
  std::vector<HandoffLine> take() {
    std::ranges::sort(lines_, {}, &HandoffLine::key);
    return std::move(lines_);
  }

 private:
  void put(const store::Handoff& handoff, const RecordState& state, std::uint64_t place) {
    const std::int64_t age = std::max<std::int64_t>(0, (now_ - handoff.since) / 1000);
    if (age < filter_.older_than_seconds) return;
    if (filter_.direction == "in" && handoff.to != ours_) return;
    if (filter_.direction == "out" && handoff.from != ours_) return;
    // What waits by its age; the rest in the order in which records came here.
    const std::uint64_t first = direct_ == nullptr ? static_cast<std::uint64_t>(handoff.since)
                                                   : office_.number_of(state.record).value_or(0);
    const std::string key = key_part(first) + state.record.hex() + key_part(place);
    const auto make = [&] {
      json line = handoff_json(handoff, state, age, *registry_);
      put_person(line, replica_, state, {Field::kApplicantName});
      return line;
    };
    if (direct_ == nullptr)
      lines_.push_back({key, make()});
    else if (wanted_)
      wanted_ = (*direct_)(key, make);
  }

  const store::Replica& replica_;
  const store::OfficeReader office_;
  std::shared_ptr<const Registry> registry_;
  const HandoffFilter& filter_;
  const KeyedSink* direct_;
  bool wanted_ = true;
  AgencyId ours_;
  UnixMillis now_;
  std::vector<HandoffLine> lines_;
};

}  // namespace

void get_handoffs(ApiCall& call) {
  auto filter = read_handoff_filter(call.request);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const ApiContext* api = &call.api;
  const PageAsked page = filter->page;
  send_page(call, page, [api, wanted = *std::move(filter)](const KeyedSink& put) {
    // What waits is little and sorted; the whole history of a province is neither.
    Collector collector(*api, wanted, wanted.pending ? nullptr : &put);
    const auto look = [&](const store::RecordEntry& entry) {
      collector.add(entry.state);
      return collector.wanted() && !api->stopping;
    };
    using store::Mark;
    if (wanted.pending)
      store::for_each_marked(api->replica(), {Mark::kOffered, Mark::kAsked, Mark::kLeg}, look);
    else
      api->replica().for_each_record(look);
    for (const HandoffLine& line : collector.take())
      if (!put(line.key, [&line] { return line.line; })) return;
  });
}

}  // namespace lienthong::agent
