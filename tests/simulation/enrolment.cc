#include "tests/simulation/enrolment.h"

#include "store/exchange/invitation.h"

namespace lienthong::sim {

// ---- the parent ----

Door::Door(std::shared_ptr<Stream> stream, const store::Replica& replica, Writer& writer,
           const DhKey& ours, const DhKey& ephemeral, std::function<UnixMillis()> clock,
           Guard guard)
    : stream_(std::move(stream)),
      replica_(replica),
      writer_(writer),
      parent_(replica.root(), ours, ephemeral),
      clock_(std::move(clock)),
      guard_(std::move(guard)) {}

void Door::start(ByteView first) {
  stream_->on_bytes = [self = shared_from_this()](ByteView bytes) {
    self->guard_([&] { self->on_bytes(bytes); });
  };
  stream_->on_end = [self = shared_from_this()] { self->end(); };
  on_bytes(first);
}

void Door::on_bytes(ByteView bytes) {
  if (!parent_.on_bytes(bytes)) return end();
  perform();
}

void Door::perform() {
  for (;;) {
    switch (parent_.need()) {
      case EnrolmentParent::Need::kBytes: return;
      case EnrolmentParent::Need::kInvitation: answer(); break;
      case EnrolmentParent::Need::kGrant: return grant();
      case EnrolmentParent::Need::kSending: {
        const auto piece = parent_.next_piece();
        if (!piece) return end();
        stream_->send(*piece);
        break;
      }
      case EnrolmentParent::Need::kNothing: return end();
    }
  }
}

void Door::answer() {
  const auto invitation =
      store::invitation_for(replica_, parent_.invite(), parent_.machine(), clock_());
  if (!invitation) return refuse(invitation.error().code());
  const auto frame = parent_.answer(invitation->secret, invitation->agency);
  if (!frame) return end();
  stream_->send(*frame);
}

void Door::grant() {
  if (std::exchange(granting_, true)) return;
  const auto certificate = std::make_shared<CertificateId>();
  const auto granted = [self = shared_from_this(), certificate](const Result<void>& result) {
    if (self->parent_.need() != EnrolmentParent::Need::kGrant) return;
    if (!result) return self->refuse(result.error().code());
    LT_CHECK(self->parent_.stream(store::grant_source(self->replica_, *certificate)).ok());
    self->guard_([&] { self->perform(); });
  };
  writer_.post(
      store::redeem_into(certificate, parent_.invite(), parent_.machine(), parent_.possession()),
      granted);
}

void Door::refuse(Errc why) {
  stream_->send(*parent_.refuse(to_refusal(why)));
  end();
}

void Door::end() {
  const auto self = shared_from_this();  // the callbacks hold the rest
  stream_->on_bytes = nullptr;
  stream_->on_end = nullptr;
  stream_->close();
}

// ---- the newcomer ----

Knock::Knock(std::shared_ptr<Stream> stream, const Token& token, const NodeKeys& keys,
             const DhKey& ephemeral, Done done)
    : stream_(std::move(stream)),
      token_(token),
      machine_{keys.signing.public_key(), keys.dh.public_key()},
      child_(token, keys, ephemeral),
      reader_(token.root, machine_),
      done_(std::move(done)) {}

void Knock::start() {
  stream_->on_bytes = [self = shared_from_this()](ByteView bytes) { self->on_bytes(bytes); };
  stream_->on_end = [self = shared_from_this()] { self->end(nullptr); };
  stream_->send(*child_.start());
}

void Knock::on_bytes(ByteView bytes) {
  const auto answer = child_.on_bytes(bytes);
  if (!answer) return end(nullptr);
  if (!reader_.take(child_.take_grant())) return end(nullptr);
  if (!answer->empty()) stream_->send(*answer);
  if (!child_.complete()) return;
  const auto node = reader_.finish();
  if (!node) return end(nullptr);
  stream_->send(*child_.stored());
  end(&*node);
}

void Knock::end(const GrantedNode* node) {
  const auto self = shared_from_this();
  stream_->on_bytes = nullptr;
  stream_->on_end = nullptr;
  stream_->close();
  if (done_) std::exchange(done_, nullptr)(node);
}

}  // namespace lienthong::sim
