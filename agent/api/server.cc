#include "agent/api/server.h"

#include <sodium/utils.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <regex>
#include <thread>

#include "agent/api/context.h"
#include "agent/api/gate.h"
#include "agent/api/mirror.h"
#include "agent/api/request_bytes.h"
#include "agent/api/socket.h"

namespace lienthong::agent {

struct ApiToken {  // of the file of tokens
  std::string text;
  Roles roles;
  std::string name;  // of its line; empty: its number is
};

namespace {

constexpr std::size_t kTokenCharsMin = 16;
constexpr std::size_t kTokenNameCharsMax = 64;
constexpr std::size_t kPathCharsMax = 2048;
constexpr std::chrono::seconds kCallerKept{2};
constexpr std::size_t kCallersMax = 256;

// "ROLES TOKEN" of a further line, as "look,desk 0123456789abcdef", or "ROLES NAME TOKEN".
Result<ApiToken> read_further_token(const std::string& line, const std::string& path) {
  ApiToken out;
  const auto blank = line.find(' '), last = line.rfind(' ');
  const std::string names = line.substr(0, blank);
  for (std::size_t at = 0; at <= names.size();) {
    const auto end = std::min(names.find(',', at), names.size());
    const auto role = role_named(std::string_view(names).substr(at, end - at));
    if (!role || blank == std::string::npos)
      return Error(Errc::kInvalidArgument,
                   "the token file " + path +
                       ": a further line has roles and a token, as \"look,desk 0123456789abcdef\"");
    out.roles.add(*role);
    at = end + 1;
  }
  out.text = line.substr(last + 1);
  if (last != blank) out.name = line.substr(blank + 1, last - blank - 1);
  const bool plain = std::ranges::all_of(out.name, [](char c) { return c > ' ' && c < 0x7f; });
  if (out.name.size() > kTokenNameCharsMax || !plain)
    return Error(Errc::kInvalidArgument,
                 "the token file " + path +
                     ": the name of a token is up to 64 letters, digits and marks without blanks");
  if (out.text.size() < kTokenCharsMin)
    return Error(Errc::kInvalidArgument, "the token file " + path +
                                             " must have tokens of at least " +
                                             std::to_string(kTokenCharsMin) + " characters");
  return out;
}

// The first line is a token with all roles; further ones name theirs.
Result<std::vector<ApiToken>> read_tokens(const std::string& path) {
  struct stat found {};
  if (path.empty() || ::stat(path.c_str(), &found) != 0)
    return Error(Errc::kInvalidArgument,
                 "api.listen needs a readable token_file, \"" + path + "\" is none");
  if ((found.st_mode & S_IRWXO) != 0)
    return Error(Errc::kInvalidArgument,
                 "the token file " + path + " must not be open to everybody: chmod o= it");
  std::ifstream in(path);
  std::vector<ApiToken> tokens;
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (tokens.empty()) {
      tokens.push_back({line, Roles::all(), {}});
    } else if (!line.empty() && !line.starts_with('#')) {
      LT_TRY(ApiToken further, read_further_token(line, path));
      tokens.push_back(std::move(further));
    }
  }
  if (tokens.empty() || tokens.front().text.size() < kTokenCharsMin)
    return Error(Errc::kInvalidArgument, "the token file " + path +
                                             " must have a first line of at least " +
                                             std::to_string(kTokenCharsMin) + " characters");
  return tokens;
}

struct TcpPlace {
  std::string host;
  int port = 0;
};

// "127.x.y.z:port", "localhost:port" or "[::1]:port".
Result<TcpPlace> read_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  TcpPlace place;
  if (colon != std::string::npos) {
    place.host = text.substr(0, colon);
    const char* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data() + colon + 1, end, place.port);
    const bool loopback =
        place.host.starts_with("127.") || place.host == "localhost" || place.host == "[::1]";
    if (failed == std::errc() && stop == end && place.port >= 0 && place.port <= 65'535 &&
        loopback) {
      if (place.host == "[::1]") place.host = "::1";
      return place;
    }
  }
  return Error(Errc::kInvalidArgument, "api.listen \"" + text +
                                           "\" must be a loopback address and a port, "
                                           "as 127.0.0.1:7411");
}

bool is_token(std::string_view given, const std::string& token) {
  const std::string wanted = "Bearer " + token;
  return given.size() == wanted.size() &&
         sodium_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
}

// A POST without a body (curl -X POST) has no length; httplib would wait for one.
bool read_body(const httplib::Request& request, const httplib::ContentReader& reader,
               std::string& body) {
  if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding"))
    return true;
  if (request.is_multipart_form_data()) return false;
  return reader([&body](const char* data, std::size_t size) {
    if (body.size() + size > kApiBodyBytesMax) return false;
    body.append(data, size);
    return true;
  });
}

}  // namespace

namespace {

// The methods that an address knows, "GET, HEAD, POST"; empty: there is no such address.
std::string methods_of(const std::string& path) {
  std::string out;
  for (const ApiRoute& route : api_routes())
    if (std::regex_match(path, std::regex(route_pattern(route.path))))
      out += (out.empty() ? "" : ", ") + std::string(route.method == "GET" ? "GET, HEAD" : "POST");
  return out;
}

}  // namespace

struct ApiServer::Impl {
  struct Door : ApiDoor {
    Door(std::size_t threads, std::vector<ApiToken> asked)
        : tokens(std::move(asked)),
          server({.threads = threads, .body_bytes = kApiBodyBytesMax},
                 [this](std::string_view head) {
                   return tokens.empty() ||
                          find_token(header_of(head, "Authorization").value_or("")) != nullptr;
                 }) {}
    // All are compared, so that time tells nothing of which it was.
    const ApiToken* find_token(std::string_view given) const {
      const ApiToken* found = nullptr;
      for (const ApiToken& token : tokens)
        if (is_token(given, token.text)) found = &token;
      return found;
    }
    const std::vector<ApiToken> tokens;  // none: none is asked for
    GatedServer server;
    std::thread thread;
    int listener = -1;  // owned by the server
  };

  ApiContext context;
  Door unix_door{kApiThreadCount, {}};
  std::unique_ptr<Door> tcp_door;
  int port = 0;
  SocketFile socket_file;
  bool started = false;
  std::optional<Mirror> mirror;
  struct KnownCaller {
    Caller caller;
    std::chrono::steady_clock::time_point until;
  };
  std::mutex callers_mutex;
  std::map<std::pair<uid_t, gid_t>, KnownCaller> callers;

  Impl(Engine& engine, Links& links, ApiServerConfig settings)
      : context{engine, links, std::move(settings), {}, {}} {}

  void prepare(Door& door);
  void add_routes(Door& door);
  Caller caller_at(const Door& door, const httplib::Request& request);
  Caller known_caller(uid_t user, gid_t group);
  void answer(Door& door, const ApiRoute& route, const httplib::Request& request,
              httplib::Response& response, const std::string& body);
  void note_use(const httplib::Request& request);
  Result<void> open_unix();
  Result<void> open_tcp();
  static void run(Door& door);
  static void close(Door& door);
};

// Monitoring and those who follow changes ask day and night: they are no people.
void ApiServer::Impl::note_use(const httplib::Request& request) {
  for (const char* path : {"/metrics", "/healthz", "/readyz", "/v1/check", "/v1/changes"}) {
    if (request.path == path) return;
  }
  context.links.people_here();
}

// Who an account is, and its groups, lie in files or at another machine, which are read anew after
// a while: asked at each call it was a twentieth of what a write costs.
Caller ApiServer::Impl::known_caller(uid_t user, gid_t group) {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(callers_mutex);
    const auto at = callers.find({user, group});
    if (at != callers.end() && now < at->second.until) return at->second.caller;
  }
  Caller caller = caller_of(context.config.roles, user, group);
  const std::lock_guard lock(callers_mutex);
  if (callers.size() >= kCallersMax) callers.clear();
  callers.insert_or_assign({user, group}, KnownCaller{caller, now + kCallerKept});
  return caller;
}

Caller ApiServer::Impl::caller_at(const Door& door, const httplib::Request& request) {
  if (const ApiToken* token = door.find_token(request.get_header_value("Authorization")))
    return {"token " + (token->name.empty() ? std::to_string(token - door.tokens.data() + 1)
                                            : token->name),
            token->roles};
  const auto peer = peer_of_this_request();
  if (!peer) return {"?", context.config.roles.others};
  return known_caller(peer->user, peer->group);
}

void ApiServer::Impl::answer(Door& door, const ApiRoute& route, const httplib::Request& request,
                             httplib::Response& response, const std::string& body) {
  const Caller caller = caller_at(door, request);
  const bool watched = route.path == "/healthz" || route.path == "/readyz";
  if (const Role role = role_for(route); !watched && !caller.roles.has(role))
    return send_error(response, lacks_role(caller, role));
  // httplib would cut any answer to a Range; only bytes of files have parts.
  if (!route.path.ends_with("/content")) const_cast<httplib::Request&>(request).ranges.clear();
  if (const auto fine = check_query(route, request); !fine.ok())
    return send_error(response, fine.error());
  ApiCall call{context, door, request, response, body, caller};
  route.handler(call);
}

void ApiServer::Impl::add_routes(Door& door) {
  for (const ApiRoute& route : api_routes()) {
    const std::string pattern = route_pattern(route.path);
    if (route.method == "GET") {
      door.server.Get(pattern, [this, &door, &route](const httplib::Request& request,
                                                     httplib::Response& response) {
        answer(door, route, request, response, request.body);
      });
      continue;
    }
    door.server.Post(pattern, [this, &door, &route](const httplib::Request& request,
                                                    httplib::Response& response,
                                                    const httplib::ContentReader& reader) {
      std::string body;
      if (!read_body(request, reader, body)) {
        if (response.status == 413 || body.size() >= kApiBodyBytesMax / 2)
          return send_error(response, 413, "too-large",
                            "a body has at most " + std::to_string(kApiBodyBytesMax) + " bytes");
        return send_error(response, 400, "malformed",
                          "the body could not be read; send JSON, not a form");
      }
      answer(door, route, request, response, body);
    });
  }
}

void ApiServer::Impl::prepare(Door& door) {
  door.server.set_pre_routing_handler(
      [this, &door](const httplib::Request& request, httplib::Response& response) {
        set_language(request, response);
        if (!door.tokens.empty() && !door.find_token(request.get_header_value("Authorization"))) {
          response.set_header("WWW-Authenticate", "Bearer");
          send_error(response, 401, "not-allowed",
                     "this port asks for Authorization: Bearer and the token of its file");
          return httplib::Server::HandlerResponse::Handled;
        }
        if (request.path.size() > kPathCharsMax) {
          send_error(response, 404, "not-found", "the path is too long");
          return httplib::Server::HandlerResponse::Handled;
        }
        note_use(request);
        return httplib::Server::HandlerResponse::Unhandled;
      });
  door.server.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty()) return;
    const int status = response.status;
    const std::string allowed = status == 404 || status == 400 ? methods_of(request.path) : "";
    if (!allowed.empty() && allowed.find(request.method) == std::string::npos) {
      response.set_header("Allow", allowed);
      return send_error(response, 405, "invalid-argument",
                        "this address takes " + allowed + ", not " + request.method);
    }
    if (status == 404)
      return send_error(response, 404, "not-found",
                        "no such thing: " + request.method + " " + request.path);
    if (status == 413) return send_error(response, 413, "too-large", "the request is too large");
    send_error(response, status, "malformed", "the request could not be read");
  });
  door.server.set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, const std::exception_ptr& problem) {
        try {
          std::rethrow_exception(problem);
        } catch (const std::exception& error) {
          send_error(response, 500, "io", error.what());
        } catch (...) {
          send_error(response, 500, "io", "an unknown exception");
        }
      });
  add_routes(door);
}

Result<void> ApiServer::Impl::open_unix() {
  unix_door.waiters_max = kApiWaiterCountMax;
  prepare(unix_door);
  return socket_file.open(unix_door.server, context.config.socket);
}

Result<void> ApiServer::Impl::open_tcp() {
  if (context.config.listen.empty()) return {};
  LT_TRY(const TcpPlace place, read_listen(context.config.listen));
  LT_TRY(auto tokens, read_tokens(context.config.token_file));
  auto door = std::make_unique<Door>(kApiTcpThreadCount, std::move(tokens));
  door->waiters_max = kApiTcpWaiterCountMax;
  prepare(*door);
  Door* const opened = door.get();
  door->server.set_socket_options(
      [opened](int fd) {  // not SO_REUSEPORT: two agents must not share a port
        const int yes = 1;
        opened->listener = fd;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      });
  port = place.port;
  if (port == 0) {
    port = door->server.bind_to_any_port(place.host);
  } else if (!door->server.bind_to_port(place.host, port)) {
    port = -1;
  }
  if (port < 0) {
    port = 0;
    return Error(Errc::kIo,
                 "cannot listen on " + context.config.listen + ": " + std::strerror(errno));
  }
  ::listen(door->listener, kApiBacklog);
  tcp_door = std::move(door);
  return {};
}

void ApiServer::Impl::run(Door& door) {
  door.thread = std::thread([&door] { door.server.listen_after_bind(); });
  while (!door.server.is_running()) std::this_thread::yield();
}

void ApiServer::Impl::close(Door& door) {
  if (!door.thread.joinable()) return;
  door.server.stop();
  door.thread.join();
}

ApiServer::ApiServer(Engine& engine, Links& links, ApiServerConfig config)
    : impl_(std::make_unique<Impl>(engine, links, std::move(config))) {
  LT_CHECK(impl_->context.config.entropy != nullptr);
}

ApiServer::~ApiServer() { stop(); }

Result<void> ApiServer::start() {
  LT_CHECK(!impl_->started);
  LT_TRY_VOID(impl_->open_tcp());
  if (auto opened = impl_->open_unix(); !opened.ok()) {
    impl_->tcp_door.reset();
    impl_->port = 0;
    return opened;
  }
  Impl::run(impl_->unix_door);
  if (impl_->tcp_door) Impl::run(*impl_->tcp_door);
  impl_->started = true;
  impl_->mirror.emplace(impl_->context);
  return {};
}

void ApiServer::stop() {
  if (!impl_->started) return;
  impl_->started = false;
  impl_->context.stopping = true;
  impl_->mirror.reset();
  impl_->socket_file.remove();
  if (impl_->tcp_door) Impl::close(*impl_->tcp_door);
  Impl::close(impl_->unix_door);
}

int ApiServer::tcp_port() const { return impl_->port; }

}  // namespace lienthong::agent
