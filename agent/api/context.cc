#include "agent/api/context.h"

#include <algorithm>
#include <charconv>

#include "agent/json/fields.h"
#include "agent/json/operation.h"
#include "store/office/dossier.h"
#include "store/office/meant.h"
#include "store/office/reading.h"
#include "store/text/plain.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;
using texts::Language;

constexpr std::size_t kPieceBytes = 32 * 1024;  // collected before they are written

// Collects what is written into larger pieces.
class PieceWriter {
 public:
  PieceWriter(const ApiContext& api, httplib::DataSink& sink) : api_(api), sink_(sink) {}
  bool put(std::string_view text) {
    buffer_ += text;
    return buffer_.size() < kPieceBytes ? alive_ : flush();
  }
  bool flush() {
    if (api_.stopping) alive_ = false;
    if (alive_ && !buffer_.empty()) alive_ = sink_.write(buffer_.data(), buffer_.size());
    buffer_.clear();
    return alive_;
  }

 private:
  const ApiContext& api_;
  httplib::DataSink& sink_;
  std::string buffer_;
  bool alive_ = true;
};

}  // namespace

std::uint64_t OnlyHere::count(const Engine& engine) {
  constexpr std::chrono::milliseconds kShort{5};
  const std::lock_guard lock(mutex_);  // others wait for the same count
  const Instant begin = engine.clock().monotonic();
  if (begin < good_until_) return count_;
  count_ = engine.replica().only_here();
  const Instant end = engine.clock().monotonic();
  if (end - begin > kShort) good_until_ = end + 20 * (end - begin);
  return count_;
}

int http_status(Errc code) {
  switch (code) {
    case Errc::kTruncated:
    case Errc::kMalformed:
    case Errc::kNotCanonical:
    case Errc::kBadSignature:
    case Errc::kBadHash:
    case Errc::kBadVersion:
    case Errc::kUnknownCertificate:
    case Errc::kUnknownParent:
    case Errc::kUnknownAgency:
    case Errc::kInvalidArgument:
    case Errc::kOutOfOrder: return 400;
    case Errc::kNotAllowed:
    case Errc::kRevoked:
    case Errc::kExpired: return 403;
    case Errc::kNotFound: return 404;
    case Errc::kConflict: return 409;
    case Errc::kTooLarge: return 413;
    case Errc::kDiskFull:
    case Errc::kBusy:
    case Errc::kClosed:
    case Errc::kTimeout:
    case Errc::kUnclear: return 503;
    case Errc::kIo:
    case Errc::kCorrupt:
    case Errc::kNewerVersion: return 500;
  }
  return 500;
}

void set_language(const httplib::Request& request, httplib::Response& response) {
  auto language = texts::accepted_language(request.get_header_value("Accept-Language"));
  if (request.has_param("lang")) language = texts::language_of(request.get_param_value("lang"));
  response.set_header("Content-Language", texts::to_string(language.value_or(Language::kEnglish)));
}

Language language_of(const httplib::Response& response) {
  return texts::language_of(response.get_header_value("Content-Language"));
}

json error_json(std::string_view code, std::string_view message, std::string_view place,
                Language language) {
  json error = {{"code", code}, {"message", message}};
  if (const auto told = texts::tell(language, message)) {
    error["message"] = told->text;
    error["pattern"] = told->pattern;
    error["values"] = told->values;
  }
  if (!place.empty()) error["place"] = place;
  return error;
}

void send_error(httplib::Response& response, int status, std::string_view code,
                std::string_view message, std::string_view place) {
  response.status = status;
  if (status == 503) response.set_header("Retry-After", "5");
  const Language language = language_of(response);
  const json error = error_json(code, message, place, language);
  std::string title(code);
  if (const auto told = texts::tell(language, code)) title = told->text;
  json body = {{"type", "urn:lienthong:problem:" + std::string(code)},
               {"title", title},
               {"status", status},
               {"detail", error["message"]},
               {"code", code},
               {"error", error}};
  if (!place.empty()) body["place"] = place;
  response.set_content(to_text(body), kProblemType);
}

void send_error(httplib::Response& response, const Error& error, std::string_view place) {
  send_error(response, http_status(error.code()), to_string(error.code()), error.detail(), place);
}

void send_json(httplib::Response& response, const json& value) {
  response.status = 200;
  response.set_content(to_text(value), "application/json");
}

std::string to_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void send_text(ApiCall& call, const char* type, std::function<void(const TextSink&)> produce) {
  const ApiContext* api = &call.api;
  call.response.set_chunked_content_provider(
      type, [api, produce = std::move(produce)](std::size_t, httplib::DataSink& sink) {
        return write_guarded(*api, [&] {
          PieceWriter writer(*api, sink);
          produce([&writer](std::string_view text) { return writer.put(text); });
          if (!writer.flush()) return false;
          sink.done();
          return true;
        });
      });
}

void send_lines(ApiCall& call, std::function<void(const LineSink&)> produce) {
  send_text(call, kLinesType, [produce = std::move(produce)](const TextSink& put) {
    produce([&put](const json& line) { return put(to_text(line) + '\n'); });
  });
}

Result<std::optional<std::uint64_t>> query_number(const httplib::Request& request, const char* name,
                                                  std::uint64_t max) {
  if (!request.has_param(name)) return std::optional<std::uint64_t>();
  const std::string text = request.get_param_value(name);
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number > max)
    return Error(Errc::kInvalidArgument,
                 std::string(name) + " must be a whole number up to " + std::to_string(max));
  return std::optional(number);
}

bool query_flag(const httplib::Request& request, const char* name) {
  const std::string text = request.get_param_value(name);
  return text == "1" || text == "true";
}

Result<std::optional<AgencyId>> query_agency(const ApiCall& call, const char* name) {
  if (!call.request.has_param(name)) return std::optional<AgencyId>();
  LT_TRY(const AgencyId agency,
         read_agency(json(call.request.get_param_value(name)), *call.api.replica().registry()));
  return std::optional(agency);
}

Result<json> read_object(const std::string& body, std::string_view names) {
  LT_TRY(json object, parse_line(body));
  for (const auto& [name, unused] : object.items())
    if (names.find(" " + name + " ") == std::string_view::npos)
      return Error(Errc::kInvalidArgument, "unknown field \"" + name + "\"; there are" +
                                               std::string(names.substr(0, names.size() - 1)));
  return object;
}

Result<std::string> object_text(const json& object, const char* name, bool needed) {
  const auto at = object.find(name);
  std::string text;
  if (at != object.end() && !at->is_null()) {
    auto read = read_text(*at);
    if (!read.ok())
      return Error(read.error().code(), std::string(name) + ": " + read.error().detail());
    text = *std::move(read);
  }
  if (needed && text.empty()) return Error(Errc::kInvalidArgument, std::string(name) + ": missing");
  return text;
}

void put_person(json& line, const store::Replica& replica, const RecordState& state,
                std::initializer_list<Field> fields) {
  const bool any = std::ranges::any_of(fields, [&state](Field field) {
    return state.closed_fields.contains(static_cast<std::uint16_t>(field));
  });
  if (!any || !store::takes_part(replica, state)) return;
  const auto values = store::read_values(replica, state);
  for (const Field field : fields) {
    const auto value = values.find(field);
    if (value == values.end()) continue;
    if (const auto* text = std::get_if<std::string>(&value->second))
      line[field == Field::kApplicantName ? "applicant" : "summary"] = *text;
  }
}

Error no_such(const Error& error) {
  if (error.code() != Errc::kUnknownAgency) return error;
  return Error(Errc::kNotFound, error.detail());
}

Result<RecordId> find_one(const store::Replica& replica, const std::string& given) {
  LT_TRY(const std::string code, store::tidy_code(given));
  if (code.size() == 2 * RecordId::kSize) {
    if (const auto bytes = from_hex(code);
        bytes.ok() && replica.find_record(RecordId::from(*bytes)))
      return RecordId::from(*bytes);
  }
  const auto found =
      store::records_meant(replica, replica.identity().agency, *replica.registry(), code).best();
  if (found.empty()) return Error(Errc::kNotFound, "no dossier " + code + " on this machine");
  if (found.size() == 1) return found.front();
  std::string list;
  for (const RecordId& id : found) list += (list.empty() ? "" : ", ") + id.hex();
  return Error(Errc::kConflict,
               "several records bear the code " + code + "; name one by its record id: " + list);
}

}  // namespace lienthong::agent
