#include "tests/simulation/office_link.h"

namespace lienthong::sim {
namespace {

constexpr Duration kLingerMax{2000};

}  // namespace

OfficeLink::OfficeLink(std::shared_ptr<Stream> stream, SessionConfig config, LinkHost& host)
    : stream_(std::move(stream)),
      session_(host.replica(), config, host.now()),
      host_(host),
      initiator_(config.initiator),
      heard_at_(host.now()) {}

void OfficeLink::start() {
  const auto weak = weak_from_this();
  stream_->on_bytes = [weak](ByteView bytes) {
    const auto self = weak.lock();
    if (!self || self->ended_) return;
    self->heard_at_ = self->host_.now();
    if (self->closing_) return;
    (void)self->session_.on_bytes(bytes, self->host_.now()).ok();  // the close action says why
    self->perform();
  };
  stream_->on_end = [weak] {
    if (const auto self = weak.lock()) self->end();
  };
  perform();
}

void OfficeLink::perform() {
  if (ended_ || performing_) return;
  const auto self = shared_from_this();
  performing_ = true;
  for (;;) {
    auto actions = session_.take_actions();
    if (actions.empty() || ended_) break;
    for (Action& action : actions) perform(action);
  }
  performing_ = false;
  if (closing_ && !ended_ && closed_by_peer_) end();
}

void OfficeLink::perform(Action& action) {
  if (auto* send = std::get_if<SendBytes>(&action)) {
    stream_->send(send->bytes);
  } else if (auto* part = std::get_if<StorePart>(&action)) {
    on_part(std::move(*part));
  } else if (auto* fact = std::get_if<Established>(&action)) {
    on_established(std::move(*fact));
  } else if (std::holds_alternative<Live>(action)) {
    live_ = true;
    host_.link_established(shared_from_this());
  } else if (auto* heard = std::get_if<PeerCursor>(&action)) {
    on_cursor(std::move(*heard));
  } else if (const auto* refused = std::get_if<PeerRefused>(&action)) {
    note_refused(*refused);
  } else if (const auto* set = std::get_if<SetCursor>(&action)) {
    on_set_cursor(*set);
  } else if (std::holds_alternative<HealWork>(action)) {
    host_.soon([self = shared_from_this()] {
      if (self->ended_) return;
      self->session_.on_heal_work(self->host_.now());
      self->perform();
    });
  } else if (const auto* report = std::get_if<HealReport>(&action)) {
    host_.healed(*report);
  } else if (const auto* close = std::get_if<CloseSession>(&action)) {
    close_code_ = close->code;
    closed_by_peer_ = close->by_peer;
    close_detail_ = close->detail;
    closing_ = true;
    closing_since_ = host_.now();
  }
}

void OfficeLink::on_established(Established fact) {
  peer_ = std::move(fact);
  const auto self = shared_from_this();
  const auto job = [self, seen = !initiator_](store::Transaction& transaction) -> Result<void> {
    const Established& peer = *self->peer_;
    for (const Statement& statement : peer.presented)
      if (auto added = transaction.add_statement(statement); !added.ok()) return added.error();
    if (seen) transaction.note_session_number_seen(peer.node, peer.session_number);
    LT_TRY_VOID(transaction.ensure_feed(peer.agency));
    if (auto sealed = transaction.seal_pending(peer.agency); !sealed.ok()) return sealed.error();
    return {};
  };
  host_.writer().post(job, [self](const Result<void>& result) {
    if (self->ended_) return;
    if (!result) return self->close(CloseCode::kGoingAway, result.error().message());
    self->feed_grown();
  });
}

void OfficeLink::on_part(StorePart part) {
  struct Work {
    StorePart part;
    store::ReceiveOutcome outcome;
  };
  host_.saw_part(*this, part.kind, part.part);
  const auto work = std::make_shared<Work>(Work{std::move(part), {}});
  const auto self = shared_from_this();
  const auto job = [work, node = peer_->node,
                    agency = peer_->agency](store::Transaction& transaction) -> Result<void> {
    LT_TRY(work->outcome, transaction.receive(work->part.kind, node, agency, work->part.part));
    return {};
  };
  host_.writer().post(job, [self, work](const Result<void>& result) {
    if (self->ended_) return;
    if (!result) {
      self->session_.on_store_failed(work->part.token, result.error(), self->host_.now());
      return self->perform();
    }
    if (work->outcome.unclear) {
      self->session_.on_unclear(work->part.token, self->host_.now());
      return self->perform();
    }
    std::vector<UpdateId> ids;
    for (const store::Refusal& refusal : work->outcome.refused) ids.push_back(refusal.id);
    const std::string reason = ids.empty() ? "" : work->outcome.refused.front().detail;
    self->session_.on_stored(work->part.token, work->outcome.cursor, std::move(ids), reason,
                             self->host_.now());
    self->perform();
  });
}

void OfficeLink::on_set_cursor(const SetCursor& set) {
  const auto cursor = std::make_shared<Cursor>();
  const auto job = [cursor, set, node = peer_->node](store::Transaction& transaction) {
    *cursor = transaction.set_cursor(set.kind, node, set.mark, set.beside);
    return Result<void>();
  };
  host_.writer().post(job, [self = shared_from_this(), cursor, set](const Result<void>& result) {
    if (self->ended_ || !result) return;
    self->session_.on_cursor_set(set.kind, *cursor, self->host_.now());
    self->perform();
  });
}

void OfficeLink::on_cursor(PeerCursor heard) {
  heard_[heard.kind] = std::move(heard.cursor);
  if (!noting_) note_cursors();
}

void OfficeLink::note_cursors() {
  const auto self = shared_from_this();
  const auto job = [node = peer_->node,
                    heard = std::exchange(heard_, {})](store::Transaction& transaction) {
    for (const auto& [kind, cursor] : heard) transaction.note_heard_cursor(kind, node, cursor);
    return Result<void>();
  };
  noting_ = true;
  host_.writer().post(job, [self](const Result<void>& result) {
    self->noting_ = false;
    if (result && !self->heard_.empty()) self->note_cursors();
  });
}

void OfficeLink::note_refused(const PeerRefused& refused) {
  const auto job = [node = peer_->node, agency = peer_->agency,
                    refused](store::Transaction& transaction) {
    for (const UpdateId& id : refused.ids)
      transaction.note_refused(node, agency, id, refused.reason);
    return Result<void>();
  };
  host_.writer().post(job, nullptr);
}

void OfficeLink::tick() {
  if (ended_) return;
  if (closing_) {
    if (host_.now() - closing_since_ > kLingerMax) end();
    return;
  }
  session_.on_tick(host_.now());
  perform();
}

void OfficeLink::feed_grown() {
  if (ended_ || closing_ || !peer_) return;
  session_.on_feed_grown(host_.now());
  perform();
}

void OfficeLink::close(CloseCode code, const std::string& detail) {
  if (ended_ || closing_) return;
  session_.close(code, detail, host_.now());
  perform();
}

void OfficeLink::abandon() {
  ended_ = true;
  stream_->on_bytes = nullptr;
  stream_->on_end = nullptr;
}

void OfficeLink::end() {
  if (ended_) return;
  ended_ = true;
  stream_->on_bytes = nullptr;
  stream_->on_end = nullptr;
  stream_->close();
  host_.link_ended(shared_from_this());
}

}  // namespace lienthong::sim
