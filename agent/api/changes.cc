// GET /v1/changes: how office software follows along, by long poll or server-sent events.
#include <algorithm>
#include <charconv>
#include <map>
#include <memory>

#include "agent/api/routes.h"
#include "agent/json/dossier.h"
#include "agent/json/fields.h"
#include "agent/json/time.h"
#include "protocol/record/registers.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLimitMax = 10'000;
constexpr std::uint64_t kLimitDefault = 1'000;
constexpr std::uint64_t kWaitSecondsMax = 30;
constexpr std::uint64_t kEventsAtOnce = 200;
constexpr auto kStep =
    std::chrono::milliseconds(500);     // how soon a waiter sees that the agent stops
constexpr int kStepsBetweenSigns = 30;  // a comment at least every 15 s keeps the stream alive

std::vector<json> read_changes(const store::Replica& replica, std::uint64_t since,
                               std::size_t limit) {
  const auto registry = replica.registry();
  std::map<RecordId, std::string> codes;
  std::vector<json> out;
  for (const store::StoredUpdate& update : replica.changes(since, limit)) {
    const RecordId record = record_of(update.update, update.id);
    auto known = codes.find(record);
    if (known == codes.end()) {
      const auto entry = replica.find_record(record);
      known = codes.emplace(record, entry ? open_text(entry->state, Field::kCode).value_or("") : "")
                  .first;
    }
    const UnixMillis at =
        update.open.at != 0 ? update.open.at : update.update.envelope.hlc.millis();
    out.push_back({{"number", update.number},
                   {"record", record.hex()},
                   {"code", known->second},
                   {"kind", to_string(update.open.kind)},
                   {"by", agency_code(update.agency, *registry)},
                   {"at", format_time(at)},
                   {"update", update.id.hex()}});
  }
  return out;
}

// True: there is something after `since`.
bool wait_for_more(const ApiContext& api, std::uint64_t since, std::chrono::milliseconds time) {
  for (; time.count() > 0 && !api.stopping; time -= kStep)
    if (api.engine.wait_for_change(since, std::min(time, kStep))) return true;
  return api.replica().last_change() > since;
}

// The body of one event stream. The place is given back when the connection ends.
class EventStream {
 public:
  EventStream(const ApiContext& api, std::shared_ptr<WaiterPlace> place, std::uint64_t since)
      : api_(api), place_(std::move(place)), since_(since) {}

  bool next(httplib::DataSink& sink) {
    if (api_.stopping) return false;
    if (api_.replica().last_change() <= since_ && !api_.engine.wait_for_change(since_, kStep)) {
      if (!sink.is_writable()) return false;
      if (++quiet_steps_ < kStepsBetweenSigns) return true;
      quiet_steps_ = 0;
      return send(sink, ": here\n\n");
    }
    quiet_steps_ = 0;
    std::string text;
    for (const json& change : read_changes(api_.replica(), since_, kEventsAtOnce)) {
      since_ = change.at("number").get<std::uint64_t>();
      text += "id: " + std::to_string(since_) + "\nevent: change\ndata: ";
      text += change.dump(-1, ' ', false, json::error_handler_t::replace) + "\n\n";
    }
    return text.empty() || send(sink, text);
  }

 private:
  static bool send(httplib::DataSink& sink, const std::string& text) {
    return sink.write(text.data(), text.size());
  }

  const ApiContext& api_;
  std::shared_ptr<WaiterPlace> place_;
  std::uint64_t since_;
  int quiet_steps_ = 0;
};

void too_many(ApiCall& call) {
  send_error(
      call.response, 503, "busy",
      "as many event streams and long polls as there are places wait already; try again later");
}

void stream_events(ApiCall& call, std::uint64_t since) {
  auto place = std::make_shared<WaiterPlace>(call.door);
  if (!place->ok()) return too_many(call);
  const std::string last = call.request.get_header_value("Last-Event-ID");
  std::uint64_t resumed = 0;
  const auto [end, failed] = std::from_chars(last.data(), last.data() + last.size(), resumed);
  if (failed == std::errc() && end == last.data() + last.size()) since = resumed;
  const auto stream = std::make_shared<EventStream>(call.api, std::move(place), since);
  call.response.set_header("Cache-Control", "no-store");
  call.response.set_chunked_content_provider(
      "text/event-stream",
      [stream](std::size_t, httplib::DataSink& sink) { return stream->next(sink); });
}

}  // namespace

void get_changes(ApiCall& call) {
  const auto since = query_number(call.request, "since", UINT64_MAX);
  const auto limit = query_number(call.request, "limit", kLimitMax);
  const auto wait = query_number(call.request, "wait", kWaitSecondsMax);
  for (const auto* number : {&since, &limit, &wait})
    if (!number->ok()) return send_error(call.response, number->error());
  const std::uint64_t from = since->value_or(0);
  if (call.request.get_header_value("Accept").find("text/event-stream") != std::string::npos)
    return stream_events(call, from);
  const store::Replica& replica = call.api.replica();
  if (wait->value_or(0) != 0 && replica.last_change() <= from) {
    const WaiterPlace place(call.door);
    if (!place.ok()) return too_many(call);
    wait_for_more(call.api, from, std::chrono::seconds(**wait));
  }
  const auto changes = read_changes(replica, from, limit->value_or(kLimitDefault));
  const std::uint64_t last =
      changes.empty() ? from : changes.back().at("number").get<std::uint64_t>();
  send_json(call.response, {{"changes", changes}, {"last", last}});
}

}  // namespace lienthong::agent
