#include "agent/joining/enrolment_server.h"

#include <asio/write.hpp>

#include "agent/net/net.h"
#include "protocol/enrolment/enrolment.h"
#include "store/exchange/invitation.h"
#include "store/trust/replacing.h"

namespace lienthong::agent {
namespace {

using asio::ip::tcp;
using Need = EnrolmentParent::Need;

struct Conversation {
  Conversation(tcp::socket& s, Engine& e, const DhKey& dh_key, Entropy& entropy,
               const EnrolmentPatience& p)
      : socket(s),
        engine(e),
        patience(p),
        step(s),
        whole(s),
        parent(e.replica().root(), dh_key, DhKey(entropy.array<32>())) {}
  bool too_slow() const { return step.barked() || whole.barked(); }

  tcp::socket& socket;
  Engine& engine;
  EnrolmentPatience patience;
  Watchdog step, whole;
  EnrolmentParent parent;
};

asio::awaitable<Result<void>> send(Conversation& talk, Bytes bytes) {
  talk.step.renew(talk.patience.step);
  auto [problem, size] = co_await asio::async_write(talk.socket, asio::buffer(bytes), as_result);
  if (problem) co_return Error(Errc::kClosed, talk.too_slow() ? "too slow" : problem.message());
  LT_CHECK(size == bytes.size());
  co_return Result<void>();
}

// Reads until the machine needs something else than bytes.
asio::awaitable<Result<void>> listen(Conversation& talk) {
  std::array<std::uint8_t, kEnrolmentRequestBytes + 2> chunk;  // more is never due at once
  talk.step.renew(talk.parent.proved() ? talk.patience.stored : talk.patience.step);
  while (talk.parent.need() == Need::kBytes) {
    auto [problem, size] = co_await talk.socket.async_read_some(asio::buffer(chunk), as_result);
    if (problem) co_return Error(Errc::kClosed, talk.too_slow() ? "no answer" : problem.message());
    const auto fed = talk.parent.on_bytes(ByteView(chunk).first(size));
    if (!fed) co_return fed;
  }
  co_return Result<void>();
}

asio::awaitable<Result<void>> refuse(Conversation& talk, Error error) {
  auto frame = talk.parent.refuse(to_refusal(error.code()));
  if (!frame) co_return frame.error();
  const auto sent = co_await send(talk, *std::move(frame));
  if (!sent) co_return sent;
  asio::error_code ignored;
  talk.socket.shutdown(tcp::socket::shutdown_send, ignored);
  co_return error;
}

asio::awaitable<Result<void>> answer(Conversation& talk) {
  const auto invitation = store::invitation_for(talk.engine.replica(), talk.parent.invite(),
                                                talk.parent.machine(), talk.engine.clock().now());
  if (!invitation) {
    const auto refused = co_await refuse(talk, invitation.error());
    co_return refused;
  }
  auto frame = talk.parent.answer(invitation->secret, invitation->agency);
  if (!frame) co_return frame.error();
  const auto sent = co_await send(talk, *std::move(frame));
  co_return sent;
}

// The job, and in the same commit the machine revoked in whose place the newcomer comes.
store::Job replacing(const Conversation& talk, store::Job certify) {
  return [replica = &talk.engine.replica(), invite = to_hex(talk.parent.invite()),
          newcomer = talk.parent.machine().node,
          certify = std::move(certify)](store::Transaction& transaction) -> Result<void> {
    LT_TRY_VOID(certify(transaction));
    return store::revoke_replaced(transaction, *replica, invite, newcomer);
  };
}

// Certifies the machine, whose secret is proved, and hands the machine what it is to send.
asio::awaitable<Result<void>> grant(Conversation& talk) {
  talk.step.renew(talk.patience.step);
  const auto certificate = std::make_shared<CertificateId>();
  const auto job =
      replacing(talk, store::redeem_into(certificate, talk.parent.invite(), talk.parent.machine(),
                                         talk.parent.possession()));
  Result<void> granted = co_await commit(talk.engine, job);
  if (granted)
    granted = talk.parent.stream(store::grant_source(talk.engine.replica(), *certificate));
  if (granted) co_return granted;
  const auto refused = co_await refuse(talk, granted.error());
  co_return refused;
}

asio::awaitable<Result<void>> send_piece(Conversation& talk) {
  auto piece = talk.parent.next_piece();
  if (!piece) co_return piece.error();
  const auto sent = co_await send(talk, *std::move(piece));
  co_return sent;
}

}  // namespace

asio::awaitable<Result<NodeId>> serve_enrolment(tcp::socket& socket, Bytes first, Engine& engine,
                                                const DhKey& dh_key, Entropy& entropy,
                                                EnrolmentPatience patience,
                                                std::function<void()> proved) {
  Conversation talk(socket, engine, dh_key, entropy, patience);
  talk.whole.renew(patience.unproved);
  bool known = false;
  Result<void> step = talk.parent.on_bytes(first);
  while (step && talk.parent.need() != Need::kNothing) {
    if (!known && talk.parent.proved()) {
      known = true;
      talk.whole.renew(patience.whole);
      if (proved) proved();
    }
    switch (talk.parent.need()) {
      case Need::kBytes: step = co_await listen(talk); break;
      case Need::kInvitation: step = co_await answer(talk); break;
      case Need::kGrant: step = co_await grant(talk); break;
      case Need::kSending: step = co_await send_piece(talk); break;
      case Need::kNothing: break;
    }
  }
  if (!step) co_return step.error();
  LT_CHECK(talk.parent.enrolled());
  co_return talk.parent.machine().node;
}

}  // namespace lienthong::agent
