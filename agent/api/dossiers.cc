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
  LT_TRY(const PageAsked page, query_page(request));
  out.limit = page.limit == 0 ? 0 : page.limit + 1;  // whether there are more
  out.late = query_flag(request, "late");
  LT_TRY(out.procedure, tidy_code(request.get_param_value("procedure")));
  out.text = search_key(request.get_param_value("text"));
  out.after = request.get_param_value("after");
  std::string after_record = request.get_param_value("after_record");
  if (const std::size_t end = page.after.find('\0'); end != std::string::npos) {
    out.after = page.after.substr(0, end);
    after_record = page.after.substr(end + 1);
  }
  if (!after_record.empty()) {
    const auto record = from_hex(after_record);
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
  put_person(line, api.replica(), state, {Field::kApplicantName, Field::kSummary});
  return line;
}

// The line of each dossier that is meant, by code; `make` answers null for none. The selection
// begins behind the cursor by itself.
using MakeLine = std::function<json(const store::RecordEntry&)>;
void send_meant(ApiCall& call, store::Filter filter, MakeLine make) {
  const ApiContext* api = &call.api;
  PageAsked page;
  page.limit = filter.limit == 0 ? 0 : filter.limit - 1;
  send_page(call, page,
            [api, filter = std::move(filter), make = std::move(make)](const KeyedSink& put) {
              for_each_meant(*api, filter, [&](const store::RecordEntry& entry) {
                const std::string code = code_or_empty(entry.state);
                const json line = make(entry);
                return line.is_null() ||
                       put(code + '\0' + entry.state.record.hex(), [&line] { return line; });
              });
            });
}

MakeLine portal_lines(const ApiContext& api) {
  return
      [&api, registry = api.replica().registry(),
       sync = std::make_shared<store::SyncView>(api.replica())](const store::RecordEntry& entry) {
        auto source = store::read_form_source(api.replica(), entry.state.record);
        if (!source.ok()) return json();
        if (!store::takes_part(api.replica(), entry.state)) {
          store::withhold(source->dossier);
          for (store::FormChange& change : source->changes) store::withhold(change.entry);
        }
        return portal_json(*source, *registry, sync->of(source->dossier.state));
      };
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
  send_meant(
      call, *std::move(filter),
      [api = &call.api, registry = call.api.replica().registry()](const store::RecordEntry& entry) {
        return short_with_summary(*api, *registry, entry.state);
      });
}

void get_export(ApiCall& call) {
  auto filter = read_filter(call);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const std::string format = call.request.get_param_value("format");
  if (format == "portal") return send_meant(call, *std::move(filter), portal_lines(call.api));
  if (!format.empty() && format != "json")
    return send_error(call.response,
                      Error(Errc::kInvalidArgument, "format must be one of json, portal"));
  send_meant(
      call, *std::move(filter),
      [api = &call.api, registry = call.api.replica().registry()](const store::RecordEntry& entry) {
        auto dossier = store::read_dossier(api->replica(), entry.state.record);
        if (!dossier.ok()) return json();
        const bool shown = store::takes_part(api->replica(), entry.state);
        if (!shown) store::withhold(*dossier);
        json line = dossier_json(*dossier, *registry);
        if (!shown) line["withheld"] = true;
        return line;
      });
}

void get_dossier(ApiCall& call) {
  const auto record = find_one(call.api.replica(), call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  store::Work work;
  auto dossier = store::read_dossier(call.api.replica(), *record, &work);
  if (!dossier.ok()) return send_error(call.response, dossier.error());
  if (is_known(call, "\"" + store::revision_of(dossier->state) + "\"")) return;
  const auto registry = call.api.replica().registry();
  const bool shown = may_read(call.api, call.caller, dossier->state);
  if (!shown) store::withhold(*dossier);
  json out = dossier_json(*dossier, *registry);
  if (!shown) out["withheld"] = true;
  const auto others = same_code(call.api.replica(), *registry, dossier->state);
  if (!others.empty()) out["same_code"] = others;
  if (dossier->state.kind == RecordKind::kDossier) {
    json why = explanation_json(call.api, dossier->state, work);
    if (why.contains("step")) out["step"] = why["step"];
    if (why.contains("appointments")) out["appointments"] = why["appointments"];
    if (query_flag(call.request, "explain")) out["explanation"] = std::move(why["trace"]);
  }
  put_work(out, call.api.replica(), dossier->state, call.api.now());
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
