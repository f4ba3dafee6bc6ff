// Records that are no dossiers: feedback, documents, legs. Lists, one in full, the report on
// feedback, and the header of a document in edXML.
#include <algorithm>
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
#include "store/office/document.h"
#include "store/office/dossier.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

struct RecordFilter {
  RecordKind kind = RecordKind::kFeedback;
  std::optional<AgencyId> holder;
  std::optional<UnixMillis> from, to;
  std::optional<std::uint64_t> year;
  std::string status, direction, book, source, topic, about, text;
  bool overdue = false;
  std::size_t limit = 0;
};

Result<std::optional<UnixMillis>> query_time(const httplib::Request& request, const char* name) {
  if (!request.has_param(name)) return std::optional<UnixMillis>();
  const auto time = parse_time(request.get_param_value(name));
  if (!time)
    return Error(Errc::kInvalidArgument, std::string(name) + " must be a moment as in RFC 3339");
  return std::optional<UnixMillis>(*time);
}

Result<RecordFilter> read_record_filter(const ApiCall& call) {
  const httplib::Request& request = call.request;
  RecordFilter out;
  const std::string kind = request.get_param_value("kind");
  if (kind == "feedback")
    out.kind = RecordKind::kFeedback;
  else if (kind == "document")
    out.kind = RecordKind::kDocument;
  else if (kind == "leg")
    out.kind = RecordKind::kLeg;
  else
    return Error(Errc::kInvalidArgument, "kind must be feedback, document or leg");
  LT_TRY(out.holder, query_agency(call, "holder"));
  LT_TRY(out.from, query_time(request, "from"));
  LT_TRY(out.to, query_time(request, "to"));
  LT_TRY(out.year, query_number(request, "year", 9999));
  out.status = request.get_param_value("status");
  out.direction = request.get_param_value("direction");
  out.book = request.get_param_value("register");
  out.source = request.get_param_value("source");
  out.topic = request.get_param_value("topic");
  out.about = request.get_param_value("about");
  out.text = search_form(request.get_param_value("text"));
  out.overdue = query_flag(request, "overdue");
  LT_TRY(const auto limit, query_number(request, "limit", 1'000'000'000));
  out.limit = static_cast<std::size_t>(limit.value_or(0));
  return out;
}

bool same_text(const RecordState& state, Field field, const std::string& wanted) {
  return wanted.empty() || open_text(state, field).value_or("") == wanted;
}

// The moment that dates a record in lists and registers.
UnixMillis dated_at(const RecordState& state) {
  const bool out = open_text(state, Field::kDirection) == "out";
  const auto moment = open_integer(state, out ? Field::kSignedAt : Field::kReceivedAt);
  return moment ? *moment : state.chain.front().hlc.millis();
}

bool passes(const RecordFilter& filter, const RecordState& state) {
  if (state.kind != filter.kind || state.chain.empty()) return false;
  if (filter.holder && state.holder != *filter.holder) return false;
  if (!filter.status.empty()) {
    const auto status = status_from_json(filter.status);
    if (!status || open_integer(state, Field::kStatus) != static_cast<std::int64_t>(*status))
      return false;
  }
  if (filter.from && dated_at(state) < *filter.from) return false;
  if (filter.to && dated_at(state) >= *filter.to) return false;
  if (filter.year && store::office_year(dated_at(state)) != static_cast<int>(*filter.year))
    return false;
  return same_text(state, Field::kDirection, filter.direction) &&
         same_text(state, Field::kRegisterBook, filter.book) &&
         same_text(state, Field::kSource, filter.source) &&
         same_text(state, Field::kTopic, filter.topic) &&
         same_text(state, Field::kAboutDossier, filter.about);
}

bool has_text(const std::map<Field, FieldValue>& values, const std::string& wanted) {
  if (wanted.empty()) return true;
  return std::ranges::any_of(values, [&](const auto& value) {
    const auto* text = std::get_if<std::string>(&value.second);
    return text != nullptr && search_form(*text).find(wanted) != std::string::npos;
  });
}

void put_value(json& out, std::string_view name, json value) {
  if (value.is_null()) return;
  if (const std::size_t dot = name.find('.'); dot != std::string_view::npos)
    out[std::string(name.substr(0, dot))][std::string(name.substr(dot + 1))] = std::move(value);
  else
    out[std::string(name)] = std::move(value);
}

// It has arrived where it lies on this machine for us, or the receiving agency's machine has
// acknowledged everything up to its offer.
store::Arrived arrived(const store::Replica& replica, const RecordState& state) {
  if (state.offered.is_zero() || state.offered == replica.identity().agency)
    return store::Arrived::kYes;
  const auto registry = replica.registry();
  const auto position = replica.feed_position(state.offered, state.tip());
  if (!position) return store::Arrived::kNo;
  const std::uint64_t epoch = replica.feed_end(FeedKind::kUpdates, state.offered).epoch;
  for (const CertificateId& id : registry->certificates_of(state.offered)) {
    const Certificate* certificate = registry->find_certificate(id);
    if (certificate == nullptr) continue;
    const Cursor heard = replica.heard_cursor(FeedKind::kUpdates, certificate->node);
    if (heard.mark.epoch == epoch && heard.covers(*position)) return store::Arrived::kYes;
  }
  return store::Arrived::kNo;
}

json receipt_json(const store::Replica& replica, const RecordState& state) {
  const int receipt = store::receipt_of(state, arrived(replica, state));
  const std::string code = receipt == 0 ? "" : "0" + std::to_string(receipt);
  return {{"code", code}, {"state", store::receipt_name(receipt)}};
}

json copies_json(const store::Replica& replica, const RecordState& document,
                 const Registry& registry) {
  json list = json::array();
  for (const RecordId& id : replica.led_by(document.record)) {
    const auto copy = replica.find_record(id);
    if (!copy || copy->state.kind != RecordKind::kDocument || copy->state.chain.empty()) continue;
    const RecordState& state = copy->state;
    AgencyId to = state.offered.is_zero() ? state.holder : state.offered;
    for (const LinkEntry& link : state.chain)
      if (link.kind == UpdateKind::kOffer && link.by == state.origin) to = link.to;
    json line = {{"code", open_text(state, Field::kCode).value_or("")},
                 {"record", state.record.hex()},
                 {"to", agency_json(to, registry)},
                 {"sent_at", format_time(state.chain.front().hlc.millis())},
                 {"since", format_time(state.latest.millis())}};
    line["receipt_state"] = receipt_json(replica, state);
    list.push_back(std::move(line));
  }
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
      out["receipt_state"] = receipt_json(replica, state);
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

bool is_overdue(const json& line) {
  if (!line.contains("clocks")) return line.value("late", false);
  return std::ranges::any_of(line["clocks"],
                             [](const json& clock) { return clock["state"] == "overdue"; });
}

struct Match {
  std::string book;         // direction and register
  int year = 0;             // of documents
  std::int64_t number = 0;  // of documents
  std::string code;
  RecordId record;
  auto operator<=>(const Match&) const = default;
};

std::vector<Match> select(const RecordFilter& filter, const ApiContext& api) {
  std::vector<Match> found;
  const store::Mark mark = filter.kind == RecordKind::kFeedback   ? store::Mark::kFeedback
                           : filter.kind == RecordKind::kDocument ? store::Mark::kDocument
                                                                  : store::Mark::kLeg;
  api.replica().for_each_marked({mark}, [&](const store::RecordEntry& entry) {
    const RecordState& state = entry.state;
    if (passes(filter, state)) {
      Match match;
      match.code = open_text(state, Field::kCode).value_or("");
      match.record = state.record;
      if (state.kind == RecordKind::kDocument) {
        match.book = (state.lead.is_zero() ? "" : "~") +
                     open_text(state, Field::kDirection).value_or("") + "/" +
                     open_text(state, Field::kRegisterBook).value_or("");
        match.year = store::office_year(dated_at(state));
        match.number = open_integer(state, Field::kNumber).value_or(0);
      }
      found.push_back(std::move(match));
    }
    return !api.stopping;
  });
  std::ranges::sort(found);
  return found;
}

}  // namespace

void get_records(ApiCall& call) {
  auto filter = read_record_filter(call);
  if (!filter.ok()) return send_error(call.response, filter.error());
  const ApiContext* api = &call.api;
  send_lines(call, [api, wanted = *std::move(filter)](const LineSink& put) {
    const auto registry = api->replica().registry();
    const auto matches = select(wanted, *api);
    std::size_t sent = 0;
    for (std::size_t i = 0; i < matches.size(); ++i) {
      const auto entry = api->replica().find_record(matches[i].record);
      if (!entry) continue;
      const auto values = store::read_values(api->replica(), entry->state);
      if (!has_text(values, wanted.text)) continue;
      json line = record_line(*api, *registry, entry->state, values);
      const auto same = [&](std::size_t other) { return matches[other].code == matches[i].code; };
      if ((i > 0 && same(i - 1)) || (i + 1 < matches.size() && same(i + 1)))
        line["conflict"] = true;  // two machines gave out one number
      if (wanted.overdue && !is_overdue(line)) continue;
      if (!put(line)) return;
      if (++sent == wanted.limit) return;
    }
  });
}

void get_record(ApiCall& call) {
  const auto record = find_one(call.api.replica(), call.parameter(0));
  if (!record.ok()) return send_error(call.response, record.error());
  const auto dossier = store::read_dossier(call.api.replica(), *record);
  if (!dossier.ok()) return send_error(call.response, dossier.error());
  json out = dossier_json(*dossier, *call.api.replica().registry());
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
  const auto to = query_agency(call, "to");
  if (!to.ok()) return send_error(call.response, to.error());
  call.response.set_content(edxml_header(*document, replica, *to), "application/xml");
}

}  // namespace lienthong::agent
