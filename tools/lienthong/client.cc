#include "tools/lienthong/client.h"

#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr const char* kLinesType = "application/x-ndjson";
constexpr int kBusyTriesMax = 20;
constexpr auto kBusyPause = std::chrono::milliseconds(250);
constexpr auto kAnswerTimeout = std::chrono::minutes(10);  // an import of 8 MB on an old disk
constexpr auto kBackupTimeout = std::chrono::hours(24);    // the first one of many scans

httplib::Client connect(const std::string& socket, const std::string& path = {}) {
  httplib::Client client(socket);
  client.set_address_family(AF_UNIX);
  httplib::Headers headers{{"Host", "localhost"}};
  client.set_default_headers(headers);
  client.set_url_encode(false);  // encode() did
  client.set_read_timeout(path == "/v1/backup" ? std::chrono::seconds(kBackupTimeout)
                                               : std::chrono::seconds(kAnswerTimeout));
  client.set_write_timeout(kAnswerTimeout);
  return client;
}

std::string address(const std::string& path, const Query& query) {
  std::string text = path;
  char mark = '?';
  for (const auto& [name, value] : query) {
    text += mark + name + "=" + encode(value);
    mark = '&';
  }
  return text;
}

[[noreturn]] void no_agent(const std::string& socket, const std::string& why) {
  // There it is, and somebody else's.
  if (::access(socket.c_str(), W_OK) != 0 && errno == EACCES)
    throw Failure(kNoAgent,
                  format("{} is not open to this account; whoever works with the agent is in "
                         "the group lienthong: adduser NAME lienthong, then log in again",
                         socket));
  throw Failure(kNoAgent, format("no agent answers on {} ({})", socket, why) + "\n" +
                              tr("start it with: lienthongd --config FILE; or name another socket "
                                 "with --socket"));
}

[[noreturn]] void refuse(int status, const std::string& body) {
  const Json answer = Json::parse(body, nullptr, false);
  if (answer.is_object() && answer.contains("error")) {
    const Json& error = answer["error"];
    throw Failure(status == 404 ? kNotThere : kFailed, reason_of(error), error.value("code", ""));
  }
  throw Failure(status == 404 ? kNotThere : kFailed,
                format("the agent answered {} without a reason", status));
}

Json parse(const std::string& body) {
  Json value = Json::parse(body, nullptr, false);
  if (value.is_discarded()) throw Failure(kFailed, tr("the agent's answer is not JSON"));
  return value;
}

}  // namespace

struct Client::Reply {
  int status = 0;
  std::string body;
};

std::string encode(std::string_view text) {
  static constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return out;
}

std::string reason_of(const Json& error) {
  const std::string code = error.value("code", "");
  const std::string message = error.value("message", "");
  const std::string place = error.value("place", "");
  std::string text = tell_reason(code);
  if (!message.empty()) text += (text.empty() ? "" : ": ") + tell_reason(message);
  if (!place.empty()) text += " (" + tell_reason(place) + ")";
  return text;
}

int exit_code_of(const Json& error) {
  return error.value("code", "") == "not-found" ? kNotThere : kFailed;
}

Client::Reply Client::send(const char* method, const std::string& path, const std::string& body,
                           const char* type) const {
  for (int attempt = 1;; ++attempt) {
    httplib::Client client = connect(socket_, path);
    const httplib::Result result =
        std::string_view(method) == "GET" ? client.Get(path) : client.Post(path, body, type);
    if (!result) no_agent(socket_, httplib::to_string(result.error()));
    if (result->status != 503 || attempt == kBusyTriesMax) return {result->status, result->body};
    std::this_thread::sleep_for(kBusyPause);
  }
}

Json Client::get(const std::string& path, const Query& query) const {
  const Reply reply = send("GET", address(path, query), "", "");
  if (reply.status != 200) refuse(reply.status, reply.body);
  return parse(reply.body);
}

void Client::lines(const std::string& path, const Query& query,
                   const std::function<void(const std::string&)>& visit) const {
  httplib::Client client = connect(socket_);
  int status = 0;
  std::string rest;
  const auto head = [&status](const httplib::Response& response) {
    status = response.status;
    return true;
  };
  const auto part = [&](const char* data, std::size_t size) {
    rest.append(data, size);
    if (status != 200) return true;  // the error is read whole
    std::size_t begin = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos;
         end = rest.find('\n', begin)) {
      if (end > begin) visit(rest.substr(begin, end - begin));
      begin = end + 1;
    }
    rest.erase(0, begin);
    return true;
  };
  const httplib::Result result = client.Get(address(path, query), head, part);
  if (!result) no_agent(socket_, httplib::to_string(result.error()));
  if (result->status != 200) refuse(result->status, rest);
  if (!rest.empty()) visit(rest);
}

Json Client::post(const std::string& path, const Json& body) const {
  const Reply reply = send("POST", path, body.dump(), "application/json");
  if (reply.status != 200 && reply.status != 201) refuse(reply.status, reply.body);
  return reply.body.empty() ? Json::object() : parse(reply.body);
}

Json Client::upload(const std::string& path, const Query& query, const std::string& bytes) const {
  const Reply reply = send("POST", address(path, query), bytes, "application/octet-stream");
  if (reply.status != 200) refuse(reply.status, reply.body);
  return parse(reply.body);
}

void Client::download(const std::string& path,
                      const std::function<bool(const char*, std::size_t)>& visit,
                      const char* method, const Query& query) const {
  httplib::Client client = connect(socket_);
  int status = 0;
  bool stopped = false;
  std::string problem;
  httplib::Request request;
  request.method = method;
  request.path = address(path, query);
  request.response_handler = [&status](const httplib::Response& response) {
    status = response.status;
    return true;
  };
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    if (status == 200) return !(stopped = !visit(data, size));
    problem.append(data, size);
    return true;
  };
  const httplib::Result result = client.send(request);
  if (status != 0 && status != 200) refuse(status, problem);
  if (result || stopped) return;
  if (status == 200) throw Failure(kFailed, tr("the agent's answer broke off"));
  no_agent(socket_, httplib::to_string(result.error()));
}

std::vector<Json> Client::operations(const std::string& body, bool atomic, bool dry_run) const {
  Query query{{"derive_keys", "1"}};
  if (dry_run) query.emplace_back("dry_run", "1");
  if (atomic) query.emplace_back("atomic", "1");
  if (accept_clock_) query.emplace_back("accept_clock", "1");
  return parse_lines(send("POST", address("/v1/operations", query), body, kLinesType));
}

std::vector<Json> Client::parse_lines(const Reply& reply) {
  // 409, 412: the one line was refused, and says why as lines do.
  if (reply.status != 200 && reply.status != 409 && reply.status != 412)
    refuse(reply.status, reply.body);
  std::vector<Json> results;
  std::size_t begin = 0;
  while (begin < reply.body.size()) {
    const std::size_t end = std::min(reply.body.find('\n', begin), reply.body.size());
    if (end > begin) results.push_back(parse(reply.body.substr(begin, end - begin)));
    begin = end + 1;
  }
  return results;
}

Json Client::operate(const Json& operation) const {
  Query query;
  if (accept_clock_) query.emplace_back("accept_clock", "1");
  const std::vector<Json> results = parse_lines(
      send("POST", address("/v1/operations", query), operation.dump() + "\n", kLinesType));
  if (results.size() != 1) throw Failure(kFailed, tr("the agent's answer is not JSON"));
  const Json& result = results.front();
  if (!result.value("ok", false)) {
    Json error = result.value("error", Json::object());
    // There is one line, so only the field is worth telling.
    const std::string place = error.value("place", "");
    error["place"] = place.starts_with("line 1, ") ? place.substr(8) : "";
    throw Failure(static_cast<ExitCode>(exit_code_of(error)), reason_of(error),
                  error.value("code", ""));
  }
  return result;
}

}  // namespace lienthong::tools
