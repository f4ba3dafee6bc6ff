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
#include "store/office/find.h"
#include "store/office/reading.h"
#include "store/office/revision.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

Result<store::Filter> read_filter(const ApiCall& call) {
  const httplib::Request& request = call.request;
  store::Filter out;
  LT_TRY(out.holder, query_agency(call, "holder"));
  LT_TRY(out.agency, query_agency(call, "agency"));
  if (request.has_param("status")) {
    out.status = status_from_json(request.get_param_value("status"));
    if (!out.status) return Error(Errc::kInvalidArgument, "status must be one of the ten states");
  }
  LT_TRY(const auto due_within, query_number(request, "due_within", kSecondsMax));
  if (due_within) out.due_before = call.api.now() + static_cast<UnixMillis>(*due_within) * 1000;
  if (request.has_param("since")) {
    const auto since = read_moment(request.get_param_value("since"));
    if (!since.ok()) return Error(since.error().code(), "since: " + since.error().detail());
    out.since = *since;
  }
  LT_TRY(const auto limit, query_number(request, "limit", 1'000'000'000));
  out.limit = static_cast<std::size_t>(limit.value_or(0));
  out.late = query_flag(request, "late");
  LT_TRY(out.procedure, tidy_code(request.get_param_value("procedure")));
  out.text = search_key(request.get_param_value("text"));
  out.after = request.get_param_value("after");
  if (request.has_param("after_record")) {
    const auto record = from_hex(request.get_param_value("after_record"));
    const auto number =
        record.ok() && record->size() == RecordId::kSize
            ? store::OfficeReader(call.api.replica()).number_of(RecordId::from(*record))
            : std::nullopt;
    if (!number)
      return Error(Errc::kInvalidArgument,
                   "after_record must be the record id of a dossier that is here");
    out.after_record = *number;
  }
  return out;
}

// Words that stand only in closed parts find nothing where our office takes no part.
bool may_be_found(const ApiContext& api, const store::Filter& filter, const RecordState& state) {
  if (filter.text.empty() || store::takes_part(api.replica(), state)) return true;
  return search_key(code_or_empty(state)).find(filter.text) != std::string::npos;
}

// Hands each dossier that is meant to `visit`, until that answers false. Nothing of the database is
// held meanwhile but a page of codes: whoever reads slowly keeps nothing from being given back.
void for_each_meant(const ApiContext& api, const store::Filter& filter,
                    const std::function<bool(const store::RecordEntry&)>& visit) {
  store::Selection selection(api.replica(), filter, api.now(),
                             [&api] { return api.stopping.load(); });
  for (auto page = selection.next(); !page.empty(); page = selection.next())
    for (const store::Match& match : page)
      if (const auto entry = selection.record(match);
          entry && may_be_found(api, filter, entry->state) && !visit(*entry))
        return;
}

json short_with_summary(const ApiContext& api, const Registry& registry, const RecordState& state) {
  json line = short_json(state, registry, api.now(), store::updated(api.replica(), state));
  if (!state.closed_fields.contains(static_cast<std::uint16_t>(Field::kSummary))) return line;
  if (!store::takes_part(api.replica(), state)) return line;
  const auto values = store::read_values(api.replica(), state);
  const auto summary = values.find(Field::kSummary);
  if (summary != values.end())
    if (const auto* text = std::get_if<std::string>(&summary->second)) line["summary"] = *text;
  return line;
}

void export_to_portal(ApiCall& call, store::Filter filter) {
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = std::move(filter)](const LineSink& put) {
    const auto registry = api->replica().registry();
    const store::SyncView sync(api->replica());
    for_each_meant(*api, wanted, [&](const store::RecordEntry& entry) {
      auto source = store::read_form_source(api->replica(), entry.state.record);
      if (source.ok() && !store::takes_part(api->replica(), entry.state)) {
        store::withhold(source->dossier);
        for (store::FormChange& change : source->changes) store::withhold(change.entry);
      }
      return !source.ok() || put(portal_json(*source, *registry, sync.of(source->dossier.state)));
    });
  });
}

// The others that bear its code: who typed it may have meant one of them.
json same_code(const store::Replica& replica, const Registry& registry, const RecordState& state) {
  json out = json::array();
  for (const RecordId& id : replica.find_code(code_or_empty(state))) {
    const auto other = replica.find_record(id);
    if (id == state.record || !other) continue;
    out.push_back({{"record", id.hex()}, {"begun_by", agency_json(other->state.origin, registry)}});
  }
  return out;
}

// By whom and by which decision its closed parts were removed.
void put_erasure(json& out, const store::Replica& replica, const Registry& registry,
                 const RecordState& state) {
  if (state.erased_by.is_zero()) return;
  const auto erasure = replica.find_update(state.erased_by);
  if (!erasure) return;
  out["erased"] = {{"by", agency_json(erasure->agency, registry)},
                   {"decision", erasure->open.decision},
                   {"at", format_time(erasure->update.envelope.hlc.millis())}};
}

}  // namespace

void get_dossiers(ApiCall& call) {
  auto filter = read_filter(call);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = *std::move(filter)](const LineSink& put) {
    const auto registry = api->replica().registry();
    for_each_meant(*api, wanted, [&](const store::RecordEntry& entry) {
      return put(short_with_summary(*api, *registry, entry.state));
    });
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
    for_each_meant(*api, wanted, [&](const store::RecordEntry& entry) {
      auto dossier = store::read_dossier(api->replica(), entry.state.record);
      if (!dossier.ok()) return true;
      const bool shown = store::takes_part(api->replica(), entry.state);
      if (!shown) store::withhold(*dossier);
      json line = dossier_json(*dossier, *registry);
      if (!shown) line["withheld"] = true;
      return put(line);
    });
  });
}

void get_dossier(ApiCall& call) {
  const auto record = find_one(call.api.replica(), call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  auto dossier = store::read_dossier(call.api.replica(), *record);
  if (!dossier.ok()) return send_error(call.response, dossier.error());
  const auto registry = call.api.replica().registry();
  const bool shown = may_read(call.api, call.caller, dossier->state);
  if (!shown) store::withhold(*dossier);
  json out = dossier_json(*dossier, *registry);
  if (!shown) out["withheld"] = true;
  const auto others = same_code(call.api.replica(), *registry, dossier->state);
  if (!others.empty()) out["same_code"] = others;
  if (dossier->state.kind == RecordKind::kDossier) {
    json why = explanation_json(call.api, dossier->state);
    if (why.contains("step")) out["step"] = why["step"];
    if (query_flag(call.request, "explain")) out["explanation"] = std::move(why["trace"]);
  }
  put_work(out, call.api.replica(), dossier->state, call.api.now());
  call.response.set_header("ETag", "\"" + store::revision_of(dossier->state) + "\"");
  put_erasure(out, call.api.replica(), *registry, dossier->state);
  send_json(call.response, out);
}

void get_digest(ApiCall& call) {
  const ApiContext* api = &call.api;
  send_lines(call, [api](const LineSink& put) {
    const auto registry = api->replica().registry();
    // Whichever of them was pinned, offices compare what they hold.
    const RootFingerprint root = std::ranges::min(registry->roots());
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
