// The local API: HTTP/1.1 and JSON on a UNIX socket and, where configured, on loopback TCP with a
// token. conf/openapi.yaml describes it.
//
// Threads: each connection has a thread of a pool; start() and stop() are called from one thread,
// not the loop's. Handlers read the replica and write through the engine; they never touch a
// session.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/engine/engine.h"
#include "agent/joining/identity_check.h"
#include "agent/joining/roles.h"
#include "agent/json/needs.h"
#include "agent/links/links.h"
#include "protocol/crypto/noise.h"
#include "store/office/calendar.h"

namespace lienthong::agent {

class BlobKeeper;

struct ApiLogLine {
  UnixMillis at = 0;
  std::string level, text;
};

struct MirrorConfig {
  std::string folder;  // absolute; empty: none
  std::array<std::uint8_t, 32> key{};
  std::chrono::minutes every{60};
  std::size_t keep = 14;
};

struct ApiServerConfig {
  std::string socket;      // path, at most 107 bytes
  std::string listen;      // "127.0.0.1:7411", "[::1]:0"; empty: none
  std::string token_file;  // needed with `listen`
  std::string program_version;
  std::string data_dir;  // looked at by check; empty: none
  UnixMillis started_at = 0;
  DhPublic dh_key{};                // ours, for invitations
  Entropy* entropy = nullptr;       // required; outlives the server; used by one thread at a time
  std::optional<DhKey> bundle_key;  // ours, opens bundles; none: bundles are not taken
  std::shared_ptr<const store::Calendar> calendar;  // null: the one built in
  bool own_calendar = false;                        // it is the office's own table
  std::string calendar_problem = {};  // why it is not the one of the configuration; empty: it is
  Needs needs = {};                   // of a new dossier
  BlobKeeper* blobs = nullptr;        // outlives the server; null: no scans are kept
  MirrorConfig mirror = {};           // a copy on a second disk; without folder: none
  RoleRules roles = {};               // of those who call on the socket; else everybody has all
  std::vector<IdentityFinding> identity;  // what is wrong with the files that say who we are
  // The newest log lines, oldest first, at most that many; null: none are kept. Any thread.
  std::function<std::vector<ApiLogLine>(std::size_t)> recent_log;
};

inline constexpr std::size_t kApiThreadCount = 24;
inline constexpr std::size_t kApiWaiterCountMax =
    16;  // event streams and long polls, of the threads
inline constexpr std::size_t kApiTcpThreadCount = 8;
inline constexpr std::size_t kApiTcpWaiterCountMax = 4;
inline constexpr std::size_t kApiBodyBytesMax = 8U << 20;

class ApiServer {
 public:
  // `engine` and `links` outlive the server.
  ApiServer(Engine& engine, Links& links, ApiServerConfig config);
  ~ApiServer();  // stop()

  // Removes a stale socket file. Fails, leaving nothing behind: kBusy (another agent answers
  // there), kConflict (the path is no socket), kInvalidArgument (path too long; listen not
  // loopback; token file missing, short or readable by others), kIo.
  Result<void> start();
  // Ends event streams and long polls, finishes other calls, removes the socket file. Idempotent.
  void stop();
  // Port of loopback TCP; 0: none.
  int tcp_port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lienthong::agent
