#include "agent/joining/enrolment_client.h"

#include <asio/io_context.hpp>
#include <asio/write.hpp>

#include "agent/net/net.h"

namespace lienthong::agent {
namespace {

using asio::ip::tcp;
using Keep = std::function<Result<void>(const GrantedNode&)>;

constexpr std::chrono::seconds kStepPatience{60};

struct Attempt {
  Attempt(const Token& t, const NodeKeys& k, Entropy& e, const Keep& keep_grant)
      : token(t), keys(k), entropy(e), keep(keep_grant) {}
  const Token& token;
  const NodeKeys& keys;
  Entropy& entropy;
  const Keep& keep;
  bool answered = false;  // the parent has said something: another address would say the same
};

asio::awaitable<Result<void>> send(tcp::socket& socket, Bytes bytes) {
  auto [problem, size] = co_await asio::async_write(socket, asio::buffer(bytes), as_result);
  if (problem) co_return Error(Errc::kClosed, "the link broke: " + problem.message());
  LT_CHECK(size == bytes.size());
  co_return Result<void>();
}

asio::awaitable<Result<void>> talk(tcp::socket& socket, Attempt& attempt) {
  Watchdog watchdog(socket);
  GrantReader reader(attempt.token.root,
                     {attempt.keys.signing.public_key(), attempt.keys.dh.public_key()});
  EnrolmentChild child(attempt.token, attempt.keys, DhKey(attempt.entropy.array<32>()));
  auto request = child.start();
  if (!request) co_return request.error();
  watchdog.renew(kStepPatience);  // for the whole answer
  Result<void> step = co_await send(socket, *std::move(request));
  Bytes chunk(64 * 1024);
  while (step && !child.complete()) {
    if (child.answered()) watchdog.renew(kStepPatience);  // a large grant over a thin line
    auto [problem, size] = co_await socket.async_read_some(asio::buffer(chunk), as_result);
    if (problem && watchdog.barked()) co_return Error(Errc::kTimeout, "the parent does not answer");
    if (problem)
      co_return Error(Errc::kClosed,
                      "the link broke before the certificate was here; run the same command again");
    auto answer = child.on_bytes(ByteView(chunk).first(size));
    attempt.answered = child.answered();
    if (!answer) co_return answer.error();
    if (auto taken = reader.take(child.take_grant()); !taken) co_return taken;
    if (!answer->empty()) step = co_await send(socket, *std::move(answer));
  }
  if (!step) co_return step;
  const auto granted = reader.finish();
  if (!granted) co_return granted.error();
  if (auto kept = attempt.keep(*granted); !kept) co_return kept;
  auto last = child.stored();
  if (!last) co_return last.error();
  const auto told = co_await send(socket, *std::move(last));
  if (!told) co_return Result<void>();  // it is complete here; the parent only logs it
  asio::error_code ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  co_return Result<void>();
}

asio::awaitable<void> try_all(Attempt& attempt, Result<void>& outcome) {
  std::string unreached;  // what each address said
  Result<void> wrong;     // somebody answered who is not the office above, or we could not keep it
  for (const std::string& address : attempt.token.addresses) {
    const DialOptions options;
    auto socket = co_await dial(address, Congestion::kAuto, kStepPatience, options);
    if (!socket) {
      unreached += (unreached.empty() ? "" : "; ") + socket.error().detail();
      continue;
    }
    outcome = co_await talk(*socket, attempt);
    if (outcome || attempt.answered) co_return;
    const Errc code = outcome.error().code();
    if (code != Errc::kClosed && code != Errc::kTimeout && code != Errc::kIo) wrong = outcome;
    unreached += (unreached.empty() ? "" : "; ") + address + ": " + outcome.error().detail();
  }
  if (!wrong) {
    outcome = wrong;
    co_return;
  }
  outcome = Error(Errc::kClosed,
                  "the office above was not reached (" + unreached +
                      "): see that this machine has a line (ip route), knows the name (getent "
                      "hosts), and that the agent there runs and its port is let through");
}

}  // namespace

Result<void> enrol_over_network(const Token& token, const NodeKeys& keys, Entropy& entropy,
                                const Keep& keep) {
  if (token.addresses.empty()) return Error(Errc::kMalformed, "the token names no address");
  asio::io_context loop(1);
  Attempt attempt(token, keys, entropy, keep);
  Result<void> outcome = Error(Errc::kClosed, "nothing was tried");
  std::exception_ptr broken;
  asio::co_spawn(loop, try_all(attempt, outcome),
                 [&](std::exception_ptr problem) { broken = problem; });
  loop.run();
  if (broken) std::rethrow_exception(broken);
  return outcome;
}

}  // namespace lienthong::agent
