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
#include "store/exchange/lives.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLimitMax = 10'000;
constexpr std::uint64_t kLimitDefault = 1'000;
constexpr std::uint64_t kWaitSecondsMax = 30;
constexpr std::uint64_t kEventsAtOnce = 200;  // read, and held, together
constexpr auto kStep =
    std::chrono::milliseconds(500);     // how soon a waiter sees that the agent stops
constexpr int kStepsBetweenSigns = 30;  // a comment at least every 15 s keeps the stream alive

// `kind`: of an update its own kind, else what happened without one.
const char* kind_of(const store::ChangeEvent& event) {
  switch (event.kind) {
    case store::ChangeKind::kUpdate: return to_string(event.update_kind);
    case store::ChangeKind::kWithdrawn: return "withdrawn";
    case store::ChangeKind::kRefolded: return "refolded";
  }
  return "refolded";
}

json event_json(const store::ChangeEvent& event, const std::string& code,
                const Registry& registry) {
  json out = {{"number", event.number}, {"record", event.record.hex()},
              {"code", code},           {"kind", kind_of(event)},
              {"by", nullptr},          {"at", format_time(event.at)},
              {"update", nullptr}};
  if (event.kind == store::ChangeKind::kRefolded) return out;
  out["by"] = agency_code(event.by, registry);
  out["update"] = event.update.hex();
  if (event.kind == store::ChangeKind::kWithdrawn)
    out["withdrawn"] = {{"number", event.update_number}, {"kind", to_string(event.update_kind)}};
  return out;
}

// ---- where a reader goes on ----

// A place is told as number and epoch: the number means something only in the life of the database
// that gave it. A database that was put back to an older copy, copied, salvaged or filled anew has
// another life since then.
struct Place {
  std::optional<std::uint64_t> epoch;  // not said: the number is taken for one of this life
  std::uint64_t number = 0;
};

std::string epoch_text(std::uint64_t epoch) {
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; epoch >>= 4) out[i] = "0123456789abcdef"[epoch & 15];
  return out;
}

std::optional<std::uint64_t> parse(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failed != std::errc() || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  return value;
}

// "EPOCH-NUMBER", as in the id of an event, or a number alone.
std::optional<Place> parse_event_id(std::string_view text) {
  Place place;
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    place.epoch = parse(text.substr(0, dash), 16);
    if (!place.epoch) return std::nullopt;
    text.remove_prefix(dash + 1);
  }
  const auto number = parse(text, 10);
  if (!number) return std::nullopt;
  place.number = *number;
  return place;
}

std::uint64_t epoch_of(std::span<const store::Start> starts) {
  return starts.empty() ? 0 : starts.back().number;
}

bool of_this_life(const store::Replica& replica, std::span<const store::Start> starts,
                  const Place& place) {
  if (place.number == 0 && !place.epoch) return true;
  const std::uint64_t last = replica.last_change();
  if (!place.epoch) return place.number <= last;
  return store::told_by_this_life(starts, *place.epoch, place.number, last);
}

void send_gone(ApiCall& call, std::span<const store::Start> starts) {
  send_error(
      call.response, 410, "another-life",
      "the place where this reader stands was told by another life of the database (it was "
      "put back to an older copy, copied, salvaged or filled anew): read every dossier again, "
      "then go on from since=0 without an epoch");
  json body = json::parse(call.response.body);
  body["epoch"] = epoch_text(epoch_of(starts));
  body["last"] = call.api.replica().last_change();
  call.response.body = body.dump();
}

struct Page {
  std::vector<json> changes;
  std::uint64_t last = 0;  // the next goes on after it
};

// Reads changes page by page.
class ChangeReader {
 public:
  ChangeReader(const store::Replica& replica, std::uint64_t since)
      : replica_(replica), since_(since) {}

  // At most so many, and few at once; none: there are no more now.
  Page next(std::uint64_t limit) {
    const auto registry = replica_.registry();
    const store::ChangePage found = replica_.change_events(since_, std::min(limit, kEventsAtOnce));
    Page out;
    out.last = since_ = found.last;
    for (const store::ChangeEvent& event : found.events)
      out.changes.push_back(event_json(event, code_of(event.record), *registry));
    if (codes_.size() > kCodesMax) codes_.clear();
    return out;
  }

 private:
  static constexpr std::size_t kCodesMax = 4 * kEventsAtOnce;

  const std::string& code_of(const RecordId& record) {
    const auto [known, added] = codes_.try_emplace(record);
    if (!added) return known->second;
    if (const auto entry = replica_.find_record(record))
      known->second = open_text(entry->state, Field::kCode).value_or("");
    return known->second;
  }

  const store::Replica& replica_;
  std::uint64_t since_;
  std::map<RecordId, std::string> codes_;
};

// True: there is something after `since`.
bool wait_for_more(const ApiContext& api, std::uint64_t since, std::chrono::milliseconds time) {
  for (; time.count() > 0 && !api.stopping; time -= kStep)
    if (api.engine.wait_for_change(since, std::min(time, kStep))) return true;
  return api.replica().last_change() > since;
}

// The body of one event stream. The place is given back when the connection ends.
class EventStream {
 public:
  EventStream(const ApiContext& api, std::shared_ptr<WaiterPlace> place, std::string epoch,
              std::uint64_t since)
      : api_(api), place_(std::move(place)), epoch_(std::move(epoch)), since_(since) {}

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
    const Page page = ChangeReader(api_.replica(), since_).next(kEventsAtOnce);
    for (const json& change : page.changes) {
      text += "id: " + epoch_ + "-" + change.at("number").dump() + "\nevent: change\ndata: ";
      text += to_text(change) + "\n\n";
    }
    since_ = page.last;
    return text.empty() || send(sink, text);
  }

 private:
  static bool send(httplib::DataSink& sink, const std::string& text) {
    return sink.write(text.data(), text.size());
  }

  const ApiContext& api_;
  std::shared_ptr<WaiterPlace> place_;
  std::string epoch_;
  std::uint64_t since_;
  int quiet_steps_ = 0;
};

void too_many(ApiCall& call) {
  send_error(
      call.response, 503, "busy",
      "as many event streams and long polls as there are places wait already; try again later");
}

void stream_events(ApiCall& call, Place from) {
  auto place = std::make_shared<WaiterPlace>(call.door);
  if (!place->ok()) return too_many(call);
  const std::string last = call.request.get_header_value("Last-Event-ID");
  if (const auto resumed = parse_event_id(last)) from = *resumed;
  const auto starts = store::starts_of(call.api.replica());
  if (!of_this_life(call.api.replica(), starts, from)) return send_gone(call, starts);
  const auto stream = std::make_shared<EventStream>(call.api, std::move(place),
                                                    epoch_text(epoch_of(starts)), from.number);
  call.response.set_header("Cache-Control", "no-store");
  call.response.set_chunked_content_provider(
      "text/event-stream", [api = &call.api, stream](std::size_t, httplib::DataSink& sink) {
        return write_guarded(*api, [&] { return stream->next(sink); });
      });
}

// One object: "changes", then what is known only behind them.
void send_changes(ApiCall& call, std::uint64_t since, std::uint64_t limit, std::string epoch) {
  const ApiContext* api = &call.api;
  send_text(call, "application/json",
            [api, since, limit, epoch = std::move(epoch)](const TextSink& put) {
              ChangeReader reader(api->replica(), since);
              std::uint64_t last = since, left = limit;
              const char* before = "{\"changes\":[";
              for (Page page = reader.next(left);; page = reader.next(left)) {
                last = page.last;
                for (const json& change : page.changes)
                  if (!put(std::exchange(before, ",") + to_text(change))) return;
                left -= page.changes.size();
                if (left == 0 || page.changes.empty()) break;
              }
              if (*before != ',') put(before);
              put("],\"epoch\":\"" + epoch + "\",\"last\":" + std::to_string(last) + "}");
            });
}

}  // namespace

void get_changes(ApiCall& call) {
  const auto since = query_number(call.request, "since", UINT64_MAX);
  const auto limit = query_number(call.request, "limit", kLimitMax);
  const auto wait = query_number(call.request, "wait", kWaitSecondsMax);
  for (const auto* number : {&since, &limit, &wait})
    if (!number->ok()) return send_error(call.response, number->error());
  const std::uint64_t from = since->value_or(0);
  Place place{std::nullopt, from};
  if (const std::string epoch = call.request.get_param_value("epoch"); !epoch.empty()) {
    place.epoch = parse(epoch, 16);
    if (!place.epoch)
      return send_error(call.response, Error(Errc::kInvalidArgument,
                                             "epoch is to be one that an answer has named"));
  }
  if (call.request.get_header_value("Accept").find("text/event-stream") != std::string::npos)
    return stream_events(call, place);
  const store::Replica& replica = call.api.replica();
  const auto starts = store::starts_of(replica);
  if (!of_this_life(replica, starts, place)) return send_gone(call, starts);
  if (wait->value_or(0) != 0 && replica.last_change() <= from) {
    const WaiterPlace waiter(call.door);
    if (!waiter.ok()) return too_many(call);
    wait_for_more(call.api, from, std::chrono::seconds(**wait));
  }
  send_changes(call, from, limit->value_or(kLimitDefault), epoch_text(epoch_of(starts)));
}

}  // namespace lienthong::agent
