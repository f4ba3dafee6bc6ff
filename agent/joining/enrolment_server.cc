#include "agent/joining/enrolment_server.h"

#include <asio/write.hpp>

#include "agent/joining/invitation.h"
#include "agent/net/net.h"
#include "protocol/enrolment/enrolment.h"

namespace lienthong::agent {
namespace {

using asio::ip::tcp;

constexpr std::chrono::seconds kStepPatience{60};

struct Conversation {
  Conversation(tcp::socket& s, LinkHost& h)
      : socket(s),
        host(h),
        watchdog(s),
        parent(h.engine().replica().root(), h.dh_key(), DhKey(h.entropy().array<32>())) {}
  tcp::socket& socket;
  LinkHost& host;
  Watchdog watchdog;
  EnrolmentParent parent;
};

asio::awaitable<Result<void>> send(Conversation& talk, Bytes bytes) {
  constexpr std::size_t kStep = 32 * 1024;  // the watchdog wants progress, not speed
  for (std::size_t sent = 0; sent < bytes.size();) {
    talk.watchdog.renew(kStepPatience);
    const auto piece = asio::buffer(bytes.data() + sent, std::min(kStep, bytes.size() - sent));
    auto [problem, size] = co_await asio::async_write(talk.socket, piece, as_result);
    if (problem) co_return Error(Errc::kClosed, problem.message());
    sent += size;
  }
  co_return Result<void>();
}

// Reads until the machine needs something else than bytes.
asio::awaitable<Result<void>> listen(Conversation& talk) {
  Bytes chunk(4096);
  while (talk.parent.need() == EnrolmentParent::Need::kBytes) {
    talk.watchdog.renew(kStepPatience);
    auto [problem, size] = co_await talk.socket.async_read_some(asio::buffer(chunk), as_result);
    if (problem)
      co_return Error(Errc::kClosed, talk.watchdog.barked() ? "no answer" : problem.message());
    const auto fed = talk.parent.on_bytes(ByteView(chunk).first(size));
    if (!fed) co_return fed;
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> refuse(Conversation& talk, Error error) {
  Bytes bytes = talk.parent.refuse(to_refusal(error.code()));
  const auto sent = co_await send(talk, std::move(bytes));
  if (!sent) co_return sent;
  asio::error_code ignored;
  talk.socket.shutdown(tcp::socket::shutdown_send, ignored);
  co_return error;
}

// The secret of the invitation asked for, if this machine may still use it.
Result<Psk> secret_for(const Conversation& talk) {
  const Engine& engine = talk.host.engine();
  const auto stored = engine.replica().local_value(invitation_key(talk.parent.invite()));
  if (!stored) return Error(Errc::kNotFound, "unknown invitation");
  LT_TRY(const Invitation invitation, decode_invitation(*stored));
  if (invitation.used_by && *invitation.used_by != talk.parent.machine()) {
    return Error(Errc::kConflict, "the invitation was used by another machine");
  }
  if (engine.clock().now() > invitation.expires_at)
    return Error(Errc::kExpired, "the invitation has expired");
  return invitation.secret;
}

asio::awaitable<Result<void>> grant(Conversation& talk) {
  Engine& engine = talk.host.engine();
  const auto certificate = std::make_shared<CertificateId>();
  const InviteNumber number = talk.parent.invite();
  const MachineKeys machine = talk.parent.machine();
  const auto job = [=](store::Transaction& transaction) -> Result<void> {
    LT_TRY(*certificate, redeem(transaction, number, machine));
    return {};
  };
  const auto written = co_await commit(engine, job);
  if (!written) {
    const auto refused = co_await refuse(talk, written.error());
    co_return refused;
  }
  const auto bytes =
      talk.parent.grant(encode_grant(make_grant(*engine.replica().registry(), *certificate)));
  if (!bytes) co_return bytes.error();
  const auto sent = co_await send(talk, *bytes);
  co_return sent;
}

}  // namespace

asio::awaitable<Result<NodeId>> serve_enrolment(tcp::socket& socket, Bytes first, LinkHost& host) {
  Conversation talk(socket, host);
  Result<void> step = talk.parent.on_bytes(first);
  while (step) {
    const auto need = talk.parent.need();
    if (need == EnrolmentParent::Need::kNothing) co_return talk.parent.machine().node;
    if (need == EnrolmentParent::Need::kBytes) {
      step = co_await listen(talk);
    } else if (need == EnrolmentParent::Need::kGrant) {
      step = co_await grant(talk);
    } else if (const auto secret = secret_for(talk); !secret) {
      step = co_await refuse(talk, secret.error());
    } else {
      const auto answer = talk.parent.answer(*secret);
      if (!answer) co_return answer.error();
      step = co_await send(talk, *answer);
    }
  }
  co_return step.error();
}

}  // namespace lienthong::agent
