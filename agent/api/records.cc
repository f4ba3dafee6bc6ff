// Records that are no dossiers: feedback, documents, legs. Lists, one in full, the report on
// feedback, and the header of a document in edXML.
#include "store/office/records.h"

#include <map>

#include "agent/api/routes.h"
#include "agent/json/dossier.h"
#include "agent/json/edxml.h"
#include "agent/json/fields.h"
#include "agent/json/office_feedback.h"
#include "agent/json/text_check.h"
#include "agent/json/time.h"
#include "agent/json/work.h"
#include "protocol/record/registers.h"
#include "store/office/dossier.h"
#include "store/office/marks.h"
#include "store/office/reading.h"
#include "store/office/revision.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

struct RecordQuery {
  store::RecordFilter filter;
  std::string text;
  bool overdue = false;
  PageAsked page;
};

Result<std::optional<UnixMillis>> query_time(const httplib::Request& request, const char* name) {
  if (!request.has_param(name)) return std::optional<UnixMillis>();
  const auto time = read_moment(request.get_param_value(name));
  if (!time.ok())
    return Error(time.error().code(), std::string(name) + ": " + time.error().detail());
  return std::optional<UnixMillis>(*time);
}

Result<RecordQuery> read_record_query(const ApiCall& call) {
  const httplib::Request& request = call.request;
  RecordQuery out;
  const std::string kind = request.get_param_value("kind");
  if (kind == "feedback")
    out.filter.kind = RecordKind::kFeedback;
  else if (kind == "document")
    out.filter.kind = RecordKind::kDocument;
  else if (kind == "leg")
    out.filter.kind = RecordKind::kLeg;
  else
    return Error(Errc::kInvalidArgument, "kind must be feedback, document or leg");
  LT_TRY(out.filter.holder, query_agency(call, "holder"));
  LT_TRY(out.filter.from, query_time(request, "from"));
  LT_TRY(out.filter.to, query_time(request, "to"));
  LT_TRY(out.filter.year, query_number(request, "year", 9999));
  out.filter.status = request.get_param_value("status");
  out.filter.direction = request.get_param_value("direction");
  out.filter.book = request.get_param_value("register");
  out.filter.source = request.get_param_value("source");
  out.filter.topic = request.get_param_value("topic");
  out.filter.about = request.get_param_value("about");
  out.text = search_key(request.get_param_value("text"));
  out.overdue = query_flag(request, "overdue");
  LT_TRY(out.page, query_page(request));
  return out;
}

void put_value(json& out, std::string_view name, json value) {
  if (value.is_null()) return;
  if (const std::size_t dot = name.find('.'); dot != std::string_view::npos)
    out[std::string(name.substr(0, dot))][std::string(name.substr(dot + 1))] = std::move(value);
  else
    out[std::string(name)] = std::move(value);
}

json receipt_json(int receipt) {
  const std::string code = receipt == 0 ? "" : "0" + std::to_string(receipt);
  return {{"code", code}, {"state", store::receipt_name(receipt)}};
}

json copies_json(const store::Replica& replica, const RecordState& document,
                 const Registry& registry) {
  json list = json::array();
  for (const store::SentCopy& copy : store::copies_of(replica, document.record))
    list.push_back({{"code", copy.code},
                    {"record", copy.record.hex()},
                    {"to", agency_json(copy.to, registry)},
                    {"sent_at", format_time(copy.sent_at)},
                    {"since", format_time(copy.since)},
                    {"receipt_state", receipt_json(copy.receipt)}});
  return list;
}

// What only that kind of record has beside its fields.
void put_kind(json& out, const ApiContext& api, const RecordState& state) {
  const store::Replica& replica = api.replica();
  if (state.kind == RecordKind::kFeedback) {
    out["clocks"] =
        feedback_clocks_json(store::feedback_clocks(replica, state, api.calendar(), api.now()));
  } else if (state.kind == RecordKind::kDocument) {
    const json copies = copies_json(replica, state, *replica.registry());
    if (!copies.empty()) out["copies"] = copies;
    if (!state.lead.is_zero() || open_text(state, Field::kDirection) == "in")
      out["receipt_state"] = receipt_json(store::receipt_here(replica, state));
  }
  if (const auto about = open_text(state, Field::kAboutDossier))
    out["about_known"] = !replica.find_code(*about).empty();
}

json record_line(const ApiContext& api, const Registry& registry, const RecordState& state,
                 const std::map<Field, FieldValue>& values) {
  json out = {{"record", state.record.hex()},
              {"holder", agency_json(state.holder, registry)},
              {"offered_to", agency_json(state.offered, registry)},
              {"conflict", has_conflict(state)}};
  for (const auto& [field, value] : values)
    if (const FieldInfo* info = find_field(static_cast<std::uint16_t>(field)))
      put_value(out, info->json, write_field(*info, value, registry));
  put_kind(out, api, state);
  return out;
}

// Of a page; in the order of matches.
std::string key_of(const store::RecordMatch& match) {
  return match.book + '\0' + key_part(static_cast<std::uint64_t>(match.year)) +
         key_part(static_cast<std::uint64_t>(match.number)) + match.code + '\0' +
         match.record.hex();
}

// Only feedback has clocks.
bool is_overdue(const ApiContext& api, const RecordState& state) {
  return state.kind == RecordKind::kFeedback &&
         store::is_overdue(store::feedback_clocks(api.replica(), state, api.calendar(), api.now()));
}

}  // namespace

void get_records(ApiCall& call) {
  auto query = read_record_query(call);
  if (!query.ok()) return send_error(call.response, query.error());
  const ApiContext* api = &call.api;
  const PageAsked page = query->page;
  send_page(call, page, [api, wanted = *std::move(query)](const KeyedSink& put) {
    const store::Replica& replica = api->replica();
    const auto registry = replica.registry();
    const auto matches =
        store::find_records(replica, wanted.filter, [api] { return api->stopping.load(); });
    for (std::size_t i = 0; i < matches.size(); ++i) {
      const std::string key = key_of(matches[i]);
      if (!wanted.page.after.empty() && key <= wanted.page.after) continue;
      const auto entry = replica.find_record(matches[i].record);
      if (!entry) continue;
      auto values = store::read_values(replica, entry->state);
      if (!store::takes_part(replica, entry->state)) store::withhold(values);
      if (!store::has_text(values, wanted.text)) continue;
      if (wanted.overdue && !is_overdue(*api, entry->state)) continue;
      const auto make = [&] {
        json line = record_line(*api, *registry, entry->state, values);
        if (store::is_twice(matches, i)) line["conflict"] = true;
        return line;
      };
      if (!put(key, make)) return;
    }
  });
}

void get_record(ApiCall& call) {
  const auto record = find_one(call.api.replica(), call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  auto dossier = store::read_dossier(call.api.replica(), *record);
  if (!dossier.ok()) return send_error(call.response, dossier.error());
  if (is_known(call, "\"" + store::revision_of(dossier->state) + "\"")) return;
  const bool shown = may_read(call.api, call.caller, dossier->state);
  if (!shown) store::withhold(*dossier);
  json out = dossier_json(*dossier, *call.api.replica().registry());
  if (!shown) out["withheld"] = true;
  put_work(out, call.api.replica(), dossier->state, call.api.now());
  put_kind(out, call.api, dossier->state);
  send_json(call.response, out);
}

void get_feedback_report(ApiCall& call) {
  const auto from = query_time(call.request, "from");
  if (!from.ok()) return send_error(call.response, from.error());
  const auto to = query_time(call.request, "to");
  if (!to.ok()) return send_error(call.response, to.error());
  if (!*from || !*to || **from >= **to)
    return send_error(call.response,
                      Error(Errc::kInvalidArgument,
                            "a period needs from and to, RFC 3339, from before to (exclusive)"));
  const auto agency = query_agency(call, "agency");
  if (!agency.ok()) return send_error(call.response, agency.error());
  const store::Replica& replica = call.api.replica();
  json out = feedback_report_json(
      store::report_feedback(replica, **from, **to, *agency, call.api.calendar(), call.api.now()));
  out["form"] = "II.05";
  out["from"] = format_time(**from);
  out["to"] = format_time(**to);
  out["agency"] = agency_json(agency->value_or(replica.identity().agency), *replica.registry());
  send_json(call.response, out);
}

void get_document_edxml(ApiCall& call) {
  const store::Replica& replica = call.api.replica();
  const auto record = find_one(replica, call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  const auto document = store::read_dossier(replica, *record);
  if (!document.ok()) return send_error(call.response, document.error());
  if (document->state.kind != RecordKind::kDocument)
    return send_error(call.response,
                      Error(Errc::kInvalidArgument, document->code() + " is not a document"));
  if (!may_read(call.api, call.caller, document->state))
    return send_error(call.response, not_inspected(document->state));
  const auto to = query_agency(call, "to");
  if (!to.ok()) return send_error(call.response, to.error());
  call.response.set_content(edxml_header(*document, replica, *to), "application/xml");
}

}  // namespace lienthong::agent
