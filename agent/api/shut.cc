#include "agent/api/shut.h"

#include <mutex>
#include <thread>

#include "agent/api/context.h"
#include "agent/api/gate.h"
#include "agent/api/socket.h"
#include "agent/json/reasons.h"

namespace lienthong::agent {
namespace {

constexpr std::size_t kThreads = 4;

nlohmann::json finding_json(const Error& why) {
  const bool full = why.code() == Errc::kDiskFull;
  const bool damaged = why.code() == Errc::kCorrupt;
  const bool newer = why.code() == Errc::kNewerVersion;
  nlohmann::json out = reason_json(full      ? texts::Reason::kShutDiskFull
                                   : damaged ? texts::Reason::kShutDamaged
                                   : newer   ? texts::Reason::kShutNewer
                                             : texts::Reason::kShutReopening,
                                   {damaged || newer ? why.detail() : why.message()});
  out["level"] = "critical";
  return out;
}

}  // namespace

struct ShutApi::Impl {
  std::unique_ptr<GatedServer> server;
  SocketFile file;
  std::thread thread;
  std::mutex mutex;
  Error why{Errc::kClosed, ""};

  void answer(const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex);
    set_language(request, response);
    if (request.path == "/healthz") return send_json(response, {{"ok", true}});
    if (request.path == "/v1/check")
      return send_json(response, {{"state", 2}, {"messages", {finding_json(why)}}});
    if (why.code() == Errc::kCorrupt || why.code() == Errc::kNewerVersion)
      return send_error(response, 503, to_string(why.code()), why.detail());
    send_error(response, 503, to_string(why.code()),
               "the database is being opened again: " + why.detail());
  }
};

ShutApi::ShutApi() : impl_(std::make_unique<Impl>()) {}
ShutApi::~ShutApi() { stop(); }

Result<void> ShutApi::start(const std::string& socket, const Error& why) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->why = why;
  }
  if (impl_->server) return {};
  auto server = std::make_unique<GatedServer>(
      GateLimits{.threads = kThreads, .body_bytes = kApiBodyBytesMax});
  server->set_pre_routing_handler(
      [impl = impl_.get()](const httplib::Request& request, httplib::Response& response) {
        impl->answer(request, response);
        return httplib::Server::HandlerResponse::Handled;
      });
  LT_TRY_VOID(impl_->file.open(*server, socket));
  impl_->server = std::move(server);
  impl_->thread = std::thread([impl = impl_.get()] { impl->server->listen_after_bind(); });
  while (!impl_->server->is_running()) std::this_thread::yield();
  return {};
}

void ShutApi::stop() {
  if (!impl_->server) return;
  impl_->file.remove();
  impl_->server->stop();
  impl_->thread.join();
  impl_->server.reset();
}

}  // namespace lienthong::agent
