// Dossiers: lists with filters, one in full, export, and what replicas compare.
#include <algorithm>

#include "agent/api_routes.h"
#include "agent/json_dossier.h"
#include "agent/json_fields.h"
#include "agent/json_time.h"
#include "agent/text_check.h"
#include "store/dossier.h"

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

bool is_running(const RecordState& state) {
  const auto status = open_integer(state, Field::kStatus);
  for (const Status ended :
       {Status::kRefused, Status::kWithdrawn, Status::kDone, Status::kReturned})
    if (status == static_cast<std::int64_t>(ended)) return false;
  return true;
}

bool has_text(const store::Replica& replica, const RecordState& state, const std::string& wanted) {
  for (const auto& [field, value] : store::read_values(replica, state)) {
    const auto* text = std::get_if<std::string>(&value);
    if (text != nullptr && search_form(*text).find(wanted) != std::string::npos) return true;
  }
  return false;
}

bool passes(const Filter& filter, const ApiContext& api, const RecordState& state) {
  if (state.kind != RecordKind::kDossier || state.chain.empty()) return false;
  if (filter.holder && state.holder != *filter.holder) return false;
  if (filter.agency && !std::ranges::binary_search(state.participants, *filter.agency))
    return false;
  if (filter.status && open_integer(state, Field::kStatus) != filter.status) return false;
  if (!filter.procedure.empty() && open_text(state, Field::kProcedure) != filter.procedure)
    return false;
  if (filter.late && !is_late(state, api.now())) return false;
  if (filter.due_before) {
    const auto due = open_integer(state, Field::kDueAt);
    if (!due || *due > *filter.due_before || !is_running(state)) return false;
  }
  if (filter.since && updated_at(api.replica(), state) < *filter.since) return false;
  return filter.text.empty() || has_text(api.replica(), state, filter.text);
}

struct Match {
  std::string code;
  RecordId record;
  auto operator<=>(const Match&) const = default;
};

// By code, then record.
std::vector<Match> select(const Filter& filter, const ApiContext& api) {
  std::vector<Match> found;
  api.replica().for_each_record([&](const store::RecordEntry& entry) {
    if (api.stopping) return false;
    const RecordState& state = entry.state;
    if (passes(filter, api, state))
      found.push_back({open_text(state, Field::kCode).value_or(""), state.record});
    return true;
  });
  std::ranges::sort(found);
  if (!filter.after.empty()) {
    const auto first = std::ranges::upper_bound(found, filter.after, {}, &Match::code);
    found.erase(found.begin(), first);
  }
  if (filter.limit != 0 && found.size() > filter.limit) found.resize(filter.limit);
  return found;
}

json short_with_summary(const ApiContext& api, const Registry& registry, const RecordState& state) {
  json line = short_json(state, registry, api.now(), updated_at(api.replica(), state));
  if (!state.closed_fields.contains(static_cast<std::uint16_t>(Field::kSummary))) return line;
  const auto values = store::read_values(api.replica(), state);
  const auto summary = values.find(Field::kSummary);
  if (summary != values.end())
    if (const auto* text = std::get_if<std::string>(&summary->second)) line["summary"] = *text;
  return line;
}

}  // namespace

void get_dossiers(ApiCall& call) {
  auto filter = read_filter(call);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = *std::move(filter)](const LineSink& put) {
    const auto registry = api->replica().registry();
    for (const Match& match : select(wanted, *api)) {
      const auto entry = api->replica().find_record(match.record);
      if (entry && !put(short_with_summary(*api, *registry, entry->state))) return;
    }
  });
}

void get_export(ApiCall& call) {
  auto filter = read_filter(call);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = *std::move(filter)](const LineSink& put) {
    const auto registry = api->replica().registry();
    for (const Match& match : select(wanted, *api)) {
      const auto dossier = store::read_dossier(api->replica(), match.record);
      if (dossier.ok() && !put(dossier_json(*dossier, *registry))) return;
    }
  });
}

void get_dossier(ApiCall& call) {
  const auto record = find_one(call.api.replica(), call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  const auto dossier = store::read_dossier(call.api.replica(), *record);
  if (!dossier.ok()) return send_error(call.response, dossier.error());
  send_json(call.response, dossier_json(*dossier, *call.api.replica().registry()));
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
