// The agent's local API as the command line uses it: HTTP with JSON over a UNIX socket.
// Every call throws Failure: kNoAgent when nothing answers, kNotThere for 404, kFailed otherwise,
// with the agent's own reason. Busy (503) is tried again for a few seconds. Threads: one at a time.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lienthong::tools {

using Json = nlohmann::ordered_json;  // keeps the agent's order of fields
using Query = std::vector<std::pair<std::string, std::string>>;

class Client {
 public:
  // `accept_clock`: operations are dated by the machine's clock though the agent doubts it.
  explicit Client(std::string socket, bool accept_clock = false)
      : socket_(std::move(socket)), accept_clock_(accept_clock) {}
  const std::string& socket() const { return socket_; }

  Json get(const std::string& path, const Query& query = {}) const;
  // A JSON Lines answer, line by line as it comes.
  void lines(const std::string& path, const Query& query,
             const std::function<void(const std::string&)>& visit) const;
  Json post(const std::string& path, const Json& body = Json::object()) const;
  // Bytes as they are, at most 8 MB.
  Json upload(const std::string& path, const Query& query, const std::string& bytes) const;
  // The bytes of the answer as they come; `visit` answers false to stop. `method`: GET or POST.
  void download(const std::string& path, const std::function<bool(const char*, std::size_t)>& visit,
                const char* method = "GET", const Query& query = {}) const;
  // One operation (docs/operations.md, "Operations file"); the agent's line about it. A refusal of
  // the operation is thrown too.
  Json operate(const Json& operation) const;
  // Lines of operations, at most 8 MB. The agent's answer, one object a line. A line without a key
  // is its own: sending the same lines again changes nothing.
  std::vector<Json> operations(const std::string& body, bool atomic, bool dry_run = false) const;

 private:
  struct Reply;
  Reply send(const char* method, const std::string& path, const std::string& body,
             const char* type) const;
  static std::vector<Json> parse_lines(const Reply& reply);

  std::string socket_;
  bool accept_clock_ = false;
};

// What stands between slashes or after "=" in an address.
std::string encode(std::string_view text);
// The reason in an error object of the API, in the reader's language: {"code","message","place"}.
std::string reason_of(const Json& error);
// kNotThere for "not-found", kFailed otherwise.
int exit_code_of(const Json& error);

}  // namespace lienthong::tools
