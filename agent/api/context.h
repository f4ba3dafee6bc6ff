// What handlers of the local API share; private to api_*.cc.
#pragma once

#include <httplib.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/server.h"
#include "agent/files/bundles.h"
#include "agent/joining/roles.h"
#include "agent/texts/catalogue.h"
#include "agent/texts/reasons.h"
#include "store/office/calendars.h"

namespace lienthong::agent {

// Replica::only_here() for those who ask often: where counting takes long, the last count is good
// for twenty times as long. Threads: any.
class OnlyHere {
 public:
  std::uint64_t count(const Engine& engine);

 private:
  std::mutex mutex_;
  std::uint64_t count_ = 0;
  Instant good_until_{};
};

struct ApiContext {
  Engine& engine;
  Links& links;
  ApiServerConfig config;
  std::mutex entropy_mutex;
  std::atomic<bool> stopping{false};
  OnlyHere only_here{};
  BundleDesk bundles{};
  mutable store::Calendars calendars{};

  const store::Replica& replica() const { return engine.replica(); }
  UnixMillis now() const { return engine.clock().now(); }
  // With what those above have published; lives as long as the server.
  const store::Calendar& calendar() const {
    return calendars.at(replica(), now(),
                        config.calendar ? *config.calendar : store::built_in_calendar(),
                        config.own_calendar);
  }
};

// What somebody should know of this machine, for check and /metrics; judge.h. kToWrite also writes
// something, which waits for the disk.
enum class Trying : std::uint8_t { kToWrite, kNothing };
std::vector<texts::Finding> find_all(ApiContext& api, Trying trying);

// One of the two doors, with its places for those who wait.
struct ApiDoor {
  std::size_t waiters_max = 0;
  std::atomic<std::size_t> waiters{0};
};

// A place among those who wait; none free: `ok()` is false.
class WaiterPlace {
 public:
  explicit WaiterPlace(ApiDoor& door)
      : door_(door), taken_(door.waiters.fetch_add(1) < door.waiters_max) {
    if (!taken_) door_.waiters.fetch_sub(1);
  }
  ~WaiterPlace() {
    if (taken_) door_.waiters.fetch_sub(1);
  }
  WaiterPlace(const WaiterPlace&) = delete;
  WaiterPlace& operator=(const WaiterPlace&) = delete;
  bool ok() const { return taken_; }

 private:
  ApiDoor& door_;
  bool taken_;
};

// One request. `parameter(0)` is the first {…} of the route's path.
struct ApiCall {
  ApiContext& api;
  ApiDoor& door;
  const httplib::Request& request;
  httplib::Response& response;
  const std::string& body;
  const Caller& caller;

  std::string parameter(std::size_t index) const {
    return request.matches[static_cast<int>(index) + 1].str();
  }
};

using ApiHandler = void (*)(ApiCall&);
struct ApiRoute {
  std::string_view method;  // GET or POST
  std::string_view path;    // as in OpenAPI: "/v1/dossiers/{code}"
  ApiHandler handler;
  // The names that a question may have beside lang, each between blanks: " holder late? ". One with
  // a question mark is answered by yes or no: 1, 0, true, false.
  std::string_view query = {};
};
std::span<const ApiRoute> api_routes();
// Which role a caller needs: to look for GET; of what changes something that which the table of
// roles.cc names, else to administer.
Role role_for(const ApiRoute& route);
// Of an operation, by the word of its line.
Role role_for_operation(std::string_view op);
// "this needs the role desk; hanh has look": kNotAllowed.
Error lacks_role(const Caller& caller, Role role);
// The path as a regular expression.
std::string route_pattern(std::string_view path);

// That of the configuration, which is used by one thread at a time.
class LockedEntropy final : public Entropy {
 public:
  explicit LockedEntropy(ApiContext& api) : api_(api) {}
  void fill(std::span<std::uint8_t> out) override {
    const std::lock_guard lock(api_.entropy_mutex);
    api_.config.entropy->fill(out);
  }

 private:
  ApiContext& api_;
};

// ---- answers ----

int http_status(Errc code);
// In the language of the answer: the request's `lang` (vi, en), else its Accept-Language, else
// English. Kept as Content-Language of the response.
void set_language(const httplib::Request& request, httplib::Response& response);
texts::Language language_of(const httplib::Response& response);
// The media type of what send_error() sends: problem details as in RFC 9457, and under `error` what
// error_json() makes.
inline constexpr const char* kProblemType = "application/problem+json";
// {"code":…,"message":…,"place":…}, and where the catalogue knows the message the pattern that it
// was made by with its values.
nlohmann::json error_json(std::string_view code, std::string_view message, std::string_view place,
                          texts::Language language);
void send_error(httplib::Response& response, int status, std::string_view code,
                std::string_view message, std::string_view place = {});
void send_error(httplib::Response& response, const Error& error, std::string_view place = {});
void send_json(httplib::Response& response, const nlohmann::json& value);

inline constexpr const char* kLinesType = "application/x-ndjson";

// Writes a piece of an answer: an exception (a row that cannot be read) cuts the connection, and is
// noted; httplib would end the process.
template <class Write>
bool write_guarded(const ApiContext& api, const Write& write) {
  try {
    return write();
  } catch (const std::exception& problem) {
    api.engine.faults().note("answer", problem.what(), api.now());
    return false;
  }
}

// Sends what `produce` hands to its argument, line by line, without holding it all; the argument
// answers false when the client has gone or the agent stops.
using LineSink = std::function<bool(const nlohmann::json&)>;
void send_lines(ApiCall& call, std::function<void(const LineSink&)> produce);
// A page of a list: at most `limit` lines (0: all) of those whose key is beyond `after`.
struct PageAsked {
  std::size_t limit = 0;
  std::string after;
};
// Larger ones are streamed, and say nothing of where to go on.
inline constexpr std::size_t kPageLinesMax = 10'000;
// limit and cursor of a question: kInvalidArgument.
Result<PageAsked> query_page(const httplib::Request& request);
// As send_lines(), of lines with a key each, ascending by it. Where a page was asked for and there
// are lines beyond it, the answer's Link (rel="next", RFC 8288) leads to them. `make` is called for
// lines that are sent alone.
using KeyedSink =
    std::function<bool(const std::string& key, const std::function<nlohmann::json()>& make)>;
void send_page(ApiCall& call, PageAsked page, std::function<void(const KeyedSink&)> produce);
// A number as a part of such keys, in their order.
std::string key_part(std::uint64_t number);

// Whether the caller has what `tag` (with its quotes) stands for, by If-None-Match: then it was
// answered 304. Else the answer bears the tag.
bool is_known(ApiCall& call, const std::string& tag);

// The same of text in pieces.
using TextSink = std::function<bool(std::string_view)>;
void send_text(ApiCall& call, const char* type, std::function<void(const TextSink&)> produce);
std::string to_text(const nlohmann::json& value);  // what is no UTF-8 in it is replaced

// ---- what a query says ----

inline constexpr std::uint64_t kSecondsMax = 10ULL * 366 * 24 * 3600;  // of a span: ten years

// kInvalidArgument: a name that the route does not know (those that it knows are named), one given
// twice, or no yes or no where that is asked for.
Result<void> check_query(const ApiRoute& route, const httplib::Request& request);
// Absent: nullopt. kInvalidArgument otherwise, unless a whole number up to `max`.
Result<std::optional<std::uint64_t>> query_number(const httplib::Request& request, const char* name,
                                                  std::uint64_t max);
bool query_flag(const httplib::Request& request, const char* name);  // 1 or true
Result<std::optional<AgencyId>> query_agency(const ApiCall& call, const char* name);
// A JSON object with no other names than those, each between blanks: " code name tier ".
Result<nlohmann::json> read_object(const std::string& body, std::string_view names);
// A text of such an object; kInvalidArgument when it is missing or empty and needed.
Result<std::string> object_text(const nlohmann::json& object, const char* name, bool needed);

// Whether what its closed parts say may be given out to the caller, see store/office/reading.h; and
// why not: kNotAllowed.
bool may_read(const ApiContext& api, const Caller& caller, const RecordState& state);
Error not_inspected(const RecordState& state);

// Of a line of a list: who applies and what it is about, where that is known and our office takes
// part.
void put_person(nlohmann::json& line, const store::Replica& replica, const RecordState& state,
                std::initializer_list<Field> fields);

// By code or record id. kNotFound, kConflict (several bear the code).
// The error of a name in the path or in a question: what is unknown is not found.
Error no_such(const Error& error);
Result<RecordId> find_one(const store::Replica& replica, const std::string& code);

}  // namespace lienthong::agent
