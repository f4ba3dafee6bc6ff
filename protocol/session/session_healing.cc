// Healing within a session: its messages go in the lane of history, in their order, and the feeds
// that it has taken over wait.
#include "protocol/session/session_impl.h"

namespace lienthong {
namespace {

constexpr std::chrono::seconds kQuietUnasked{10};

}  // namespace

void Session::Impl::begin_healing() {
  if ((peer_hello.features & config.features & kFeatureHealing) == 0) return;
  HealingConfig heal;
  heal.root = config.root;
  heal.leads = config.initiator;
  heal.short_names = (peer_hello.features & config.features & kFeatureShortHealing) != 0;
  heal.accounts = (peer_hello.features & config.features & kFeatureAccounts) != 0;
  heal.agency = peer->agency;
  const DhPublic fresh = config.ephemeral.public_key();
  for (unsigned i = 0; i < 8; ++i) heal.nonce |= static_cast<std::uint64_t>(fresh[i]) << (8 * i);
  heal.entry_count_min = config.heal_entry_count_min;
  heal.part_bytes_max = std::min(kHealedPartBytes * part_bytes, kHealedPartBytesMax);
  heal.send_window = std::min<std::size_t>(heal.window_bytes, peer_hello.window_bytes);
  if (config.heal_memory) heal.memory = config.heal_memory(peer->node);
  heal.quiet_unasked = kQuietUnasked;
  heal.quiet = [this](FeedKind kind) { return is_quiet(kind); };
  heal.flows_from = [this](FeedKind kind) { return outbox(kind).acked() + 1; };
  healing.emplace(view, std::move(heal));
}

// All that was sent or announced in either direction is durable.
bool Session::Impl::is_quiet(FeedKind kind) const {
  const Outbox& out = outboxes[index_of(kind)];
  return live && out.drained() && out.at_end() && out.unacked_bytes() == 0 &&
         inboxes[index_of(kind)].drained();
}

Result<void> Session::Impl::on_heal(const wire::HealMessage& message, Instant now) {
  if (!healing) return {};  // we have not said that we can
  LT_TRY_VOID(healing->on_message(message.body, now));
  perform_healing(now);
  return {};
}

// Carries out what healing asks; what it sends waits in its queue for pump().
void Session::Impl::perform_healing(Instant now) {
  if (!healing || is_closed) return;
  for (HealAction& action : healing->take_actions()) {
    if (auto* message = std::get_if<SendHeal>(&action)) {
      heal_queue.emplace_back().bulk = message->bulk;
      Outgoing& out = heal_queue.back().out;
      out.lane = wire::Lane::kHistory;
      out.dense = message->dense;
      out.message = wire::encode_message(wire::HealMessage{std::move(message->body)});
    } else if (auto* store = std::get_if<StoreHealed>(&action)) {
      actions.emplace_back(
          StorePart(store->token | kHealTokenBit, store->kind, std::move(store->part)));
    } else if (auto* set = std::get_if<SetCursor>(&action)) {
      set->beside = inbox(set->kind).beyond(set->mark);
      actions.emplace_back(std::move(*set));
    } else {
      renew_cursor(std::get<HealReport>(action), now);
      actions.emplace_back(std::get<HealReport>(action));
    }
  }
  if (!healing->has_work() || std::exchange(heal_work_due, true)) return;
  actions.emplace_back(HealWork{});
}

// What came beside healing was acknowledged, but the cursor on the disk is still the one before.
void Session::Impl::renew_cursor(const HealReport& report, Instant now) {
  if (!inbox(report.kind).ahead_of_disk() || is_closed) return;
  inbox(report.kind).set_durable(view.cursor(report.kind, peer->node));
  send(wire::CursorMessage{report.kind, inbox(report.kind).durable()}, now);
}

// While updates wait for healing, what is new goes beside it, but not before the peer knows: a
// cursor that is lost must stay so on its disk until what it lacks is there.
bool Session::Impl::flows_beside_healing() const {
  const bool told = heal_queue.empty() || heal_queue.front().bulk;
  return told && healing->runs(FeedKind::kUpdates);
}

Result<std::optional<Outgoing>> Session::Impl::next_beside_healing() {
  if (flows_beside_healing()) {
    LT_TRY(auto next,
           outbox(FeedKind::kUpdates)
               .next(RootOf(view.registry(), config.root), allowance(FeedKind::kUpdates)));
    if (next) return next;
  }
  return next_healing();
}

std::optional<Outgoing> Session::Impl::next_healing() {
  if (heal_queue.empty() || !allowance(FeedKind::kUpdates).lane_open(wire::Lane::kHistory))
    return std::nullopt;
  const bool overtaken = !feed_waits(FeedKind::kUpdates) && outbox(FeedKind::kUpdates).has_urgent();
  if (overtaken) return std::nullopt;
  Outgoing out = std::move(heal_queue.front().out);
  heal_queue.pop_front();
  return out;
}

// ---- the door ----

void Session::on_heal_work(Instant now) {
  impl_->heal_work_due = false;
  if (impl_->is_closed || !impl_->healing) return;
  impl_->healing->work(now);
  impl_->perform_healing(now);
  impl_->pump(now);
}

void Session::on_cursor_set(FeedKind kind, const Cursor& cursor, Instant now) {
  if (impl_->is_closed || !impl_->healing) return;
  impl_->inbox(kind).set_durable(cursor);
  // Both sides hold the same: what the peer delivered it still has, though the beginning of its
  // feed that was heard last did not join on.
  impl_->outbox(kind).carry_no_more();
  impl_->outbox(kind).set_echo(Echo::kPassOver);
  impl_->send(wire::CursorMessage{kind, cursor}, now);
  impl_->healing->on_cursor_set(kind, now);
  impl_->perform_healing(now);
  impl_->pump(now);
}

void Session::on_cursor_not_set(FeedKind kind, Instant now) {
  if (impl_->is_closed || !impl_->healing) return;
  impl_->healing->on_cursor_not_set(kind, now);
  impl_->perform_healing(now);
  impl_->pump(now);
}

void Session::doubt_feeds(Instant now) {
  if (impl_->is_closed || !impl_->healing) return;
  for (const FeedKind kind : kFeedKinds) impl_->doubt(kind);
  impl_->healing->on_tick(now);
  impl_->perform_healing(now);
  impl_->pump(now);
}

bool Session::compare_feeds(Instant now) {
  if (impl_->is_closed || !impl_->live || !impl_->healing) return false;
  for (const FeedKind kind : kFeedKinds) impl_->healing->request(kind);
  impl_->healing->on_tick(now);
  impl_->perform_healing(now);
  impl_->pump(now);
  return true;
}

}  // namespace lienthong
