// Dossiers: lists with filters, one in full, export, and what replicas compare.
#include <algorithm>

#include "agent/api/routes.h"
#include "agent/json/dossier.h"
#include "agent/json/fields.h"
#include "agent/json/portal.h"
#include "agent/json/text_check.h"
#include "agent/json/time.h"
#include "agent/json/work.h"
#include "protocol/record/registers.h"
#include "store/office/dossier.h"
#include "store/office/rows.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::uint64_t kSecondsMax = 10ULL * 366 * 24 * 3600;

struct Filter {
  std::optional<AgencyId> holder, agency;
  std::optional<std::int64_t> status;
  std::optional<UnixMillis> due_before, since;
  bool late = false;
  std::string procedure, text, after;  // text: in search form
  std::size_t limit = 0;               // 0: all
};

Result<Filter> read_filter(const ApiCall& call) {
  const httplib::Request& request = call.request;
  Filter out;
  LT_TRY(out.holder, query_agency(call, "holder"));
  LT_TRY(out.agency, query_agency(call, "agency"));
  if (request.has_param("status")) {
    const auto status = status_from_json(request.get_param_value("status"));
    if (!status) return Error(Errc::kInvalidArgument, "status must be one of the ten states");
    out.status = static_cast<std::int64_t>(*status);
  }
  LT_TRY(const auto due_within, query_number(request, "due_within", kSecondsMax));
  if (due_within) out.due_before = call.api.now() + static_cast<UnixMillis>(*due_within) * 1000;
  if (request.has_param("since")) {
    out.since = parse_time(request.get_param_value("since"));
    if (!out.since) return Error(Errc::kInvalidArgument, "since must be a moment as in RFC 3339");
  }
  LT_TRY(const auto limit, query_number(request, "limit", 1'000'000'000));
  out.limit = static_cast<std::size_t>(limit.value_or(0));
  out.late = query_flag(request, "late");
  out.procedure = request.get_param_value("procedure");
  out.text = search_form(request.get_param_value("text"));
  out.after = request.get_param_value("after");
  return out;
}

// Time of the newest change, from the heads.
UnixMillis updated_at(const store::Replica& replica, const RecordState& state) {
  UnixMillis newest = 0;
  for (const UpdateId& id : state.heads)
    if (const auto update = replica.find_update(id))
      newest = std::max(newest, update->update.envelope.hlc.millis());
  return newest;
}

bool is_running(const store::Facts& facts) {
  return facts.status != Status::kRefused && facts.status != Status::kWithdrawn &&
         facts.status != Status::kDone && facts.status != Status::kReturned;
}

// As is_late() says it of a state.
bool is_late(const store::Facts& facts, UnixMillis now) {
  if (!facts.last_due) return false;
  auto end = facts.finished ? facts.finished : facts.returned;
  if (!end) {
    if (facts.status == Status::kRefused || facts.status == Status::kWithdrawn ||
        facts.status == Status::kStopped)
      return false;
    end = now;
  }
  return store::day_at(*end) > store::day_at(*facts.last_due);
}

struct Match {
  std::string code;
  std::uint32_t record = 0;
  auto operator<=>(const Match&) const = default;
};

// Answers a list from office rows (store/office/row.h); full records are read only of what is
// shown.
class Selection {
 public:
  Selection(const Filter& filter, const ApiContext& api)
      : filter_(filter),
        api_(api),
        reader_(api.replica()),
        snapshot_(reader_.snapshot()),
        now_(api.now()) {
    const store::NameTable& names = reader_.names();
    if (filter.holder) holder_ = agency_number(names, *filter.holder);
    if (filter.agency) agency_ = agency_number(names, *filter.agency);
    if (!filter.procedure.empty())
      procedure_ = names.find(store::NameKind::kText, filter.procedure);
  }

  // By code, then in the order of arrival; at most `limit`.
  std::vector<Match> run() {
    if (!filter_.text.empty()) find_text();
    if (filter_.text.empty() || !found_by_text_.empty())
      reader_.scan(snapshot_, 1, snapshot_.last_record,
                   [this](std::uint32_t record, std::string_view row) {
                     look(record, store::view_office_row(row));
                     return !api_.stopping;
                   });
    std::ranges::sort(found_);
    if (filter_.limit != 0 && found_.size() > filter_.limit) found_.resize(filter_.limit);
    return std::move(found_);
  }
  std::optional<store::RecordEntry> record(const Match& match) const {
    return reader_.record(match.record);
  }

 private:
  static std::uint32_t agency_number(const store::NameTable& names, const AgencyId& agency) {
    return names.find(store::NameKind::kAgency, as_text(agency.view()));
  }

  void find_text() {
    reader_.scan_search(snapshot_, 1, snapshot_.last_record,
                        [this](std::uint32_t record, std::string_view text) {
                          if (text.find(filter_.text) != std::string_view::npos)
                            found_by_text_.push_back(record);
                          return !api_.stopping;
                        });
  }

  void look(std::uint32_t record, const store::RowView& row) {
    if (!filter_.text.empty() && !std::ranges::binary_search(found_by_text_, record)) return;
    if (filter_.holder && (holder_ == 0 || row.holder != holder_)) return;
    if (filter_.since && row.updated < *filter_.since) return;
    if (!filter_.after.empty() && row.code <= filter_.after) return;
    const bool full = filter_.limit != 0 && found_.size() >= 2 * filter_.limit;
    if (full) shrink();
    if (!last_.empty() && row.code > last_) return;
    if (filter_.agency && (agency_ == 0 || !store::has_participant(row, agency_))) return;
    if (needs_facts() && !passes(store::facts_at(row, store::kEver))) return;
    found_.push_back({std::string(row.code), record});
  }
  bool needs_facts() const {
    return filter_.status || filter_.late || filter_.due_before || !filter_.procedure.empty();
  }
  bool passes(const store::Facts& facts) const {
    if (filter_.status && facts.status != static_cast<Status>(*filter_.status)) return false;
    if (!filter_.procedure.empty() && (procedure_ == 0 || facts.procedure != procedure_))
      return false;
    if (filter_.late && !is_late(facts, now_)) return false;
    return !filter_.due_before ||
           (facts.last_due && *facts.last_due <= *filter_.due_before && is_running(facts));
  }
  // Keeps the first `limit`; what comes after the last of them need not be looked at.
  void shrink() {
    const auto middle = found_.begin() + static_cast<std::ptrdiff_t>(filter_.limit - 1);
    std::ranges::nth_element(found_, middle);
    last_ = middle->code;
    found_.resize(filter_.limit);
  }

  const Filter& filter_;
  const ApiContext& api_;
  store::OfficeReader reader_;
  store::OfficeSnapshot snapshot_;
  UnixMillis now_;
  std::uint32_t holder_ = 0, agency_ = 0, procedure_ = 0;  // local numbers
  std::vector<std::uint32_t> found_by_text_;               // ascending
  std::vector<Match> found_;
  std::string last_;  // code beyond which nothing is shown; empty: not known yet
};

json short_with_summary(const ApiContext& api, const Registry& registry, const RecordState& state) {
  json line = short_json(state, registry, api.now(), updated_at(api.replica(), state));
  if (!state.closed_fields.contains(static_cast<std::uint16_t>(Field::kSummary))) return line;
  const auto values = store::read_values(api.replica(), state);
  const auto summary = values.find(Field::kSummary);
  if (summary != values.end())
    if (const auto* text = std::get_if<std::string>(&summary->second)) line["summary"] = *text;
  return line;
}

void export_to_portal(ApiCall& call, Filter filter) {
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = std::move(filter)](const LineSink& put) {
    const auto registry = api->replica().registry();
    const store::SyncView sync(api->replica());
    Selection selection(wanted, *api);
    for (const Match& match : selection.run()) {
      const auto entry = selection.record(match);
      if (!entry) continue;
      const auto source = store::read_form_source(api->replica(), entry->state.record);
      if (!source.ok()) continue;
      if (!put(portal_json(*source, *registry, sync.of(source->dossier.state)))) return;
    }
  });
}

}  // namespace

void get_dossiers(ApiCall& call) {
  auto filter = read_filter(call);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = *std::move(filter)](const LineSink& put) {
    const auto registry = api->replica().registry();
    Selection selection(wanted, *api);
    for (const Match& match : selection.run()) {
      const auto entry = selection.record(match);
      if (entry && !put(short_with_summary(*api, *registry, entry->state))) return;
    }
  });
}

void get_export(ApiCall& call) {
  auto filter = read_filter(call);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const std::string format = call.request.get_param_value("format");
  if (format == "portal") return export_to_portal(call, *std::move(filter));
  if (!format.empty() && format != "json")
    return send_error(call.response,
                      Error(Errc::kInvalidArgument, "format must be one of json, portal"));
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = *std::move(filter)](const LineSink& put) {
    const auto registry = api->replica().registry();
    Selection selection(wanted, *api);
    for (const Match& match : selection.run()) {
      const auto entry = selection.record(match);
      if (!entry) continue;
      const auto dossier = store::read_dossier(api->replica(), entry->state.record);
      if (dossier.ok() && !put(dossier_json(*dossier, *registry))) return;
    }
  });
}

void get_dossier(ApiCall& call) {
  const auto record = find_one(call.api.replica(), call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  const auto dossier = store::read_dossier(call.api.replica(), *record);
  if (!dossier.ok()) return send_error(call.response, dossier.error());
  json out = dossier_json(*dossier, *call.api.replica().registry());
  if (dossier->state.kind == RecordKind::kDossier) {
    json why = explanation_json(call.api, dossier->state);
    if (why.contains("step")) out["step"] = why["step"];
    if (query_flag(call.request, "explain")) out["explanation"] = std::move(why["trace"]);
  }
  put_work(out, call.api.replica(), dossier->state, call.api.now());
  send_json(call.response, out);
}

void get_digest(ApiCall& call) {
  const ApiContext* api = &call.api;
  send_lines(call, [api](const LineSink& put) {
    const auto registry = api->replica().registry();
    const RootFingerprint root = api->replica().root();
    api->replica().for_each_record([&](const store::RecordEntry& entry) {
      const RecordState& state = entry.state;
      json line = {{"record", state.record.hex()},
                   {"digest", state_digest(root, state).hex()},
                   {"holder", agency_json(state.holder, *registry)},
                   {"offered_to", agency_json(state.offered, *registry)}};
      if (const auto code = open_text(state, Field::kCode)) line["code"] = *code;
      return put(line);
    });
  });
}

}  // namespace lienthong::agent
