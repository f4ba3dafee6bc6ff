#include "agent/links/dialler.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "agent/engine/log.h"
#include "agent/links/link.h"
#include "agent/links/neighbour.h"
#include "store/exchange/calling.h"

namespace lienthong::agent {
namespace {

// A SYN is repeated after 1, 3 and 7 seconds, by newer kernels after 1, 2 and 3. Where people wait,
// a fresh attempt comes sooner: every other one when the kernel has repeated it once.
constexpr std::chrono::milliseconds kConnectPatience{10'000};
constexpr std::chrono::milliseconds kConnectPatienceShort{4'000};
constexpr std::chrono::milliseconds kConnectPatienceOnce{2'000};
constexpr std::chrono::seconds kFreshAfter{1};  // when the kernel repeats a SYN
constexpr std::size_t kSealFirstMax = 512;      // updates, two seals; 12 KB of them are some 400
// While work waits attempts overlap, for so long at an address if there are others.
constexpr std::chrono::milliseconds kRingPatienceOfSeveral{3'000};
// An attempt that ended sooner than that was not ended by silence: it is begun anew after a pause.
constexpr std::chrono::seconds kRangMin{1};
constexpr std::chrono::seconds kLookAgain{5};  // for an agency that is not in the registry yet

bool refused_as_replay(const Link& link) {
  return store::refused_as_replay(link.close_code(), link.closed_by_peer());
}

LinkFault fault_of(const Error& dialling) {
  switch (dialling.code()) {
    case Errc::kNotFound: return LinkFault::kName;
    case Errc::kClosed: return LinkFault::kClosed;
    default: return LinkFault::kOther;
  }
}

LinkFault fault_of(const Link& link) {
  switch (link.close_code()) {
    case CloseCode::kBadVersion:
      return link.close_detail() == kNoAgentThere ? LinkFault::kNoAgent : LinkFault::kVersion;
    case CloseCode::kWrongRoot:
    case CloseCode::kNoCertificate:
    case CloseCode::kNotBelieved:
    case CloseCode::kWrongAgency: return LinkFault::kTurnedAway;
    default: return LinkFault::kOther;
  }
}

// The answer to the handshake makes us take the session for established; that the number of a
// restored machine did not rise comes after it.
bool came_up(const Link& link) { return link.established() && !refused_as_replay(link); }

}  // namespace

Dialler::Dialler(NeighbourConfig neighbour, LinkHost& host)
    : neighbour_(std::move(neighbour)),
      host_(host),
      backoff_(host.limits().backoff_max),
      plan_(neighbour_.addresses.size()),
      timer_(host.executor()),
      beside_timer_(host.executor()) {}

Instant Dialler::now() const { return host_.engine().clock().monotonic(); }

void Dialler::start() {
  host_.keep("dialler " + neighbour_.agency, [self = shared_from_this()] { return run(self); });
}

void Dialler::stop() {
  stopped_ = true;
  for (const Dialled* dialled : {&current_, &beside_}) {
    const auto link = dialled->link;  // closing it may lead back here
    if (link) link->close(CloseCode::kGoingAway, "no longer a neighbour");
  }
  look_again();
}

void Dialler::look_again() {
  timer_.cancel();
  beside_timer_.cancel();
}

void Dialler::dial_now() {
  next_attempt_ = Steady::time_point{};
  backoff_.reset();
  at_once_ = under_way_->give_up(kFreshAfter);
  timer_.cancel();
}

bool Dialler::waits_long() const { return next_attempt_ > Steady::now() + Ringing().every; }

void Dialler::hurry() {
  const auto agency = find_agency();
  if (!agency || host_.connected(*agency) || !host_.people_wait(*agency)) return;
  const auto longest = rings(*agency) ? Ringing().every : host_.limits().backoff_max;
  if (next_attempt_ <= Steady::now() + longest) return;
  plan(agency, rings(*agency) ? std::chrono::milliseconds(0)
                              : draw(host_.limits().backoff_max, host_.entropy()));
  timer_.cancel();
}

void Dialler::network_changed(const std::vector<asio::ip::address>& ours) {
  plan_.network_changed(now());
  if (const auto agency = find_agency())
    host_.table().with(*agency, [](NeighbourStatus& status) {
      status.small_segments = false;
      status.forgotten_count = 0;
    });
  if (current_.link && !current_.local.is_unspecified()) {
    current_.moved = std::find(ours.begin(), ours.end(), current_.local) == ours.end();
  }
  dial_now();
}

std::optional<AgencyId> Dialler::find_agency() {
  const auto registry = host_.engine().replica().registry();
  const AgencyId& ours = host_.engine().replica().identity().agency;
  // Whoever else calls himself like our parent, it is our parent that is meant.
  const auto parent = registry->parent(ours, registry->newest());
  const AgencyInfo* above = parent ? registry->find_agency(*parent) : nullptr;
  if (above != nullptr && above->code == neighbour_.agency) {
    host_.table().forget_unknown(neighbour_.agency);
    return above->id;
  }
  const auto agency = registry->agency_named(neighbour_.agency);
  if (!agency.ok()) {
    host_.table().with_unknown(neighbour_.agency, [&](NeighbourStatus& status) {
      status.address = neighbour_.addresses.front();
      status.last_error = agency.error().detail();
    });
    return std::nullopt;
  }
  host_.table().forget_unknown(neighbour_.agency);
  return (*agency)->id;
}

void Dialler::failed(const AgencyId& agency, const std::string& address, const std::string& why,
                     LinkFault fault) {
  host_.table().with(agency, [&](NeighbourStatus& status) {
    ++status.failures;
    status.last_error = why;
    status.fault_count = status.fault == fault ? status.fault_count + 1 : 1;
    status.fault = fault;
  });
  spdlog::debug("agency={} address={} event=dial_failed reason={}", neighbour_.agency, address,
                in_quotes(why));
}

void Dialler::plan(const std::optional<AgencyId>& agency, std::chrono::milliseconds wait) {
  next_attempt_ = Steady::now() + wait;
  const UnixMillis at = host_.engine().clock().now() + wait.count();
  const auto note = [&](NeighbourStatus& status) {
    if (status.state != LinkState::kConnected) status.state = LinkState::kDown;
    status.next_attempt = at;
  };
  if (agency) {
    host_.table().with(*agency, note);
  } else {
    host_.table().with_unknown(neighbour_.agency, note);
  }
}

asio::awaitable<void> Dialler::pause(asio::steady_timer& timer, Steady::time_point until) {
  timer.expires_at(until);
  co_await timer.async_wait(as_result);
}

asio::awaitable<void> Dialler::run(std::shared_ptr<Dialler> self) {
  const LinkConfig& limits = self->host_.limits();
  bool was_connected = false;
  while (!self->stopped_) {
    const auto agency = self->find_agency();
    if (!agency) {
      self->plan(agency, kLookAgain);
    } else if (self->host_.connected(*agency)) {
      self->backoff_.reset();
      was_connected = true;
      self->next_attempt_ = Steady::now();
      co_await pause(self->timer_, Steady::time_point::max());
      continue;
    } else if (std::exchange(was_connected, false)) {
      // Everybody whose session ended with ours would dial at this moment.
      self->plan(agency, self->backoff_.next(self->host_.entropy()));
    } else if (Steady::now() >= self->next_attempt_) {
      const auto begun = Steady::now();
      const bool was_up = co_await attempt(self, *agency);
      if (was_up) self->backoff_.reset();
      if (self->stopped_) break;
      if (std::exchange(self->at_once_, false)) continue;
      self->backoff_.set_cap_max(self->host_.people_wait(*agency) ? limits.backoff_max
                                                                  : limits.backoff_idle_max);
      auto wait = self->backoff_.next(self->host_.entropy());
      if (!was_up && self->rang_ && Steady::now() - begun >= kRangMin) wait = {};
      if (!self->host_.connected(*agency)) self->plan(agency, wait);
      continue;
    }
    co_await pause(self->timer_, self->next_attempt_);
  }
}

asio::awaitable<bool> Dialler::attempt(std::shared_ptr<Dialler> self, AgencyId agency) {
  for (std::size_t i = 0; i < self->neighbour_.addresses.size(); ++i) {
    if (self->stopped_ || self->at_once_ || self->host_.connected(agency)) break;
    self->host_.table().with(agency, [&](NeighbourStatus& status) {
      status.state = LinkState::kDialling;
      status.address = self->neighbour_.addresses[i];
      status.next_attempt = 0;
    });
    const bool was_up = co_await attempt_at(self, agency, i);
    if (was_up) co_return true;
  }
  co_return false;
}

// Somebody's work waits, and the day's budget is not nearly spent: the path is looked for all the
// time, so that it is met as soon as it is back.
bool Dialler::rings(const AgencyId& agency) const {
  return host_.work_waits(agency) &&
         host_.lane_gate(static_cast<std::size_t>(wire::Lane::kUpdates)) != LaneGate::kBudget;
}

DialOptions Dialler::dial_options(const AgencyId& agency) {
  DialOptions options;
  const auto soon =
      std::exchange(patient_, !patient_) ? kConnectPatienceShort : kConnectPatienceOnce;
  options.patience = host_.people_wait(agency) ? soon : kConnectPatience;
  options.spent = [self = shared_from_this()](std::uint64_t bytes) {
    if (!self->stopped_) self->host_.spend(bytes);
  };
  if (plan_.small_segments()) options.segment_bytes_max = PathPlan::kSmallSegmentBytes;
  return options;
}

asio::awaitable<std::optional<std::uint64_t>> Dialler::take_number(std::shared_ptr<Dialler> self) {
  if (self->number_) co_return std::exchange(self->number_, std::nullopt);
  const auto number = std::make_shared<std::uint64_t>(0);
  const auto job = store::take_session_number(number);
  const auto persisted = co_await commit(self->host_.engine(), job);
  if (!persisted) co_return std::nullopt;
  co_return *number;
}

Dialler::Dialled Dialler::adopt(asio::ip::tcp::socket socket, const AgencyId& agency,
                                std::size_t address, std::uint64_t number) {
  Dialled dialled;
  asio::error_code ignored;
  dialled.local = plain_address(socket.local_endpoint(ignored).address());
  dialled.address = address;
  const auto callee =
      without_key_ ? std::nullopt : store::callee_of(host_.engine().replica(), agency);
  dialled.named_key = callee.has_value();
  dialled.link = host_.adopt(std::move(socket), true, callee, agency, number, Bytes());
  dialled.link->when_ended([self = shared_from_this()] { self->look_again(); });
  return dialled;
}

void Dialler::note_up(const Dialled& dialled) {
  without_key_ = false;
  plan_.up(dialled.address, now(), host_.entropy());
}

void Dialler::post_seal(const AgencyId& agency, std::size_t limit) {
  host_.engine().post(store::seal_at_most(agency, limit), nullptr);
}

asio::awaitable<bool> Dialler::seal(std::shared_ptr<Dialler> self, AgencyId agency,
                                    std::size_t limit) {
  const auto job = store::seal_at_most(agency, limit);
  const auto sealed = co_await commit(self->host_.engine(), job);
  co_return sealed.ok();
}

asio::awaitable<bool> Dialler::attempt_at(std::shared_ptr<Dialler> self, AgencyId agency,
                                          std::size_t address) {
  const std::string name = self->neighbour_.addresses[address];
  // Whole seals gain nothing by waiting: they are made while the path answers. Not later than this
  // it is known what waits, for counting takes a while.
  const std::size_t unsealed = self->host_.engine().replica().counts().unsealed;
  const std::size_t whole = std::min(unsealed - unsealed % kSealFirstMax, store::kSealAtOnceMax);
  if (whole > 0) self->post_seal(agency, whole);
  // Taken before the path is there, so that the first frame goes out with the acknowledgement.
  self->number_ = co_await take_number(self);
  DialOptions options = self->dial_options(agency);
  options.under_way = self->under_way_;
  self->rang_ = self->rings(agency);
  if (self->rang_) {
    options.ringing = ringing_for(self->round_trip_);
    options.patience =
        self->neighbour_.addresses.size() == 1 ? kConnectPatience : kRingPatienceOfSeveral;
  }
  const LinkConfig& limits = self->host_.limits();
  auto socket = co_await dial(name, limits.congestion, limits.dead_after, options);
  if (!socket) {
    self->failed(agency, name, socket.error().detail(), fault_of(socket.error()));
    co_return false;
  }
  self->at_once_ = self->rang_ = false;
  if (!self->number_ || self->stopped_) co_return false;
  // What waits is sealed now that it can leave, and goes with the first message as far as that has
  // room; the other side waits meanwhile.
  if (unsealed > 0) {
    const bool sealed = co_await seal(self, agency, whole > 0 ? 0 : unsealed);
    if (!sealed || self->stopped_) co_return false;
  }
  const std::uint64_t number = *std::exchange(self->number_, std::nullopt);
  self->current_ = self->adopt(std::move(*socket), agency, address, number);
  const auto link = self->current_.link;
  // The rest while the answer is under way.
  if (unsealed > whole) self->post_seal(agency, store::kSealAtOnceMax);
  bool noted = false;
  while (!link->ended()) {
    if (link->established() && !noted) {
      noted = true;
      self->note_up(self->current_);
    }
    co_await pause(self->timer_, Steady::time_point::max());
  }
  const bool up = came_up(*link);
  const bool still_ours = self->current_.link == link;  // no second session took its place
  const Dialled ended = still_ours ? std::exchange(self->current_, Dialled()) : Dialled();
  if (!up && still_ours) co_await learn(self, agency, link, ended);
  co_return up;
}

asio::awaitable<void> Dialler::learn(std::shared_ptr<Dialler> self, AgencyId agency,
                                     std::shared_ptr<Link> kept, Dialled ended) {
  const Link& link = *kept;
  std::string why =
      link.close_code() == CloseCode::kNone ? "" : std::string(to_string(link.close_code()));
  if (!link.close_detail().empty()) why += (why.empty() ? "" : ": ") + link.close_detail();
  self->failed(agency, self->neighbour_.addresses[ended.address], why, fault_of(link));
  // Replaced, rotated or a sibling machine: it cannot read what was meant for the key that we know,
  // and hangs up. A path that swallows everything says nothing of the key; to go without it would
  // cost the next session a round trip and the changes in its first message.
  self->without_key_ =
      ended.named_key && !ended.swallowed && link.close_code() != CloseCode::kReplay;
  if (refused_as_replay(link)) {
    const auto job = store::skip_session_numbers(link.close_detail());
    const auto skipped = co_await commit(self->host_.engine(), job);
    if (!skipped)
      spdlog::warn("event=numbers_not_skipped error={}", in_quotes(skipped.error().message()));
  }
}

// ---- beside a session that is up ----

void Dialler::note_small_segments() {
  const auto agency = plan_.small_segments() ? find_agency() : std::nullopt;
  if (agency)
    host_.table().with(*agency, [](NeighbourStatus& status) { status.small_segments = true; });
}

void Dialler::note_forgotten(const AgencyId& agency, std::chrono::nanoseconds quiet) {
  if (quiet < PathPlan::kForgetsAfterMin) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(quiet);
  const UnixMillis at = host_.engine().clock().now();
  host_.table().with(agency, [&](NeighbourStatus& status) {
    const bool first = status.forgotten_count++ == 0;
    status.forgotten_after = first ? seconds : std::min(status.forgotten_after, seconds);
    status.forgotten_last = at;
  });
}

// True: it stands still at this moment.
bool Dialler::note_stall(Dialled& dialled, Instant at) {
  const PathWatch* watch = host_.watch(*dialled.link);
  if (watch == nullptr || watch->silent(at) < watch->patience()) return false;
  if (!dialled.stall_noted) {
    dialled.stall_noted = true;
    plan_.stalled(watch->info().acknowledged, watch->info().segment_bytes);
    spdlog::info("agency={} address={} event=silent small_segments={}", neighbour_.agency,
                 neighbour_.addresses[dialled.address], plan_.small_segments());
    note_small_segments();
  }
  return true;
}

void Dialler::tick(Instant at) {
  if (stopped_ || !current_.link) return;
  if (current_.link->ended()) {  // one that took another's place: nobody waits for its end
    if (current_.link->established()) current_ = Dialled();
    return;
  }
  const bool stands = note_stall(current_, at);
  const PathWatch* watch = host_.watch(*current_.link);
  if (watch == nullptr) return;
  if (watch->info().rtt.count() > 0) round_trip_ = watch->info().min_rtt;
  if (!current_.link->established()) {
    // Its first message is swallowed; the next attempt comes after a pause of its own.
    if (!stands) return;
    current_.swallowed = true;
    current_.link->abort();
    return;
  }
  PathPlan::Facts facts;
  facts.silent = watch->silent(at);
  facts.patience = watch->patience();
  facts.moved = current_.moved;
  const auto what = plan_.look(facts, at);
  if (!what) return;
  const AgencyId agency = current_.link->peer().agency;
  host_.spawn("second connection to " + neighbour_.agency,
              beside(shared_from_this(), agency, *what),
              [self = shared_from_this()] { self->beside_failed(); });
}

asio::awaitable<void> Dialler::beside(std::shared_ptr<Dialler> self, AgencyId agency,
                                      PathPlan::Beside what) {
  spdlog::debug("agency={} address={} event=second_connection why={}", self->neighbour_.agency,
                self->neighbour_.addresses[what.address], to_string(what.why));
  const bool live = co_await try_beside(self, agency, what);
  self->plan_.beside_ended(live, self->now(), self->host_.entropy());
  if (live) self->note_up(self->current_);
}

void Dialler::beside_failed() {
  if (const auto link = std::exchange(beside_, Dialled()).link) link->abort();
  plan_.beside_ended(false, now(), host_.entropy());
}

asio::awaitable<bool> Dialler::try_beside(std::shared_ptr<Dialler> self, AgencyId agency,
                                          PathPlan::Beside what) {
  const auto number = co_await take_number(self);
  DialOptions options = self->dial_options(agency);
  std::chrono::nanoseconds patience = PathWatch::kPatienceMin;
  const auto silent = self->current_.link;
  std::chrono::nanoseconds quiet{0};  // before the silence, where the address is the same
  if (const PathWatch* watch = silent ? self->host_.watch(*silent) : nullptr) {
    options.patience = watch->answer_within();
    patience = watch->patience();
    if (what.why == PathPlan::Why::kSilent && what.address == self->current_.address)
      quiet = watch->quiet_before();
  }
  const LinkConfig& limits = self->host_.limits();
  auto socket = co_await dial(self->neighbour_.addresses[what.address], limits.congestion,
                              limits.dead_after, options);
  if (!number) co_return false;
  if (!socket || self->stopped_ || !self->current_.link || self->current_.link->ended()) {
    self->number_ = number;
    co_return false;
  }
  const PathWatch* watch = self->host_.watch(*self->current_.link);
  if (what.why == PathPlan::Why::kSilent && watch != nullptr &&
      watch->silent(self->now()) == std::chrono::nanoseconds(0)) {
    self->number_ = number;
    co_return false;  // it has come back meanwhile
  }
  self->beside_ = self->adopt(std::move(*socket), agency, what.address, *number);
  const auto link = self->beside_.link;
  const auto until = Steady::now() + 2 * patience;
  while (!link->ended() && !link->established()) {
    co_await pause(self->beside_timer_, until);
    if (Steady::now() < until || link->established()) continue;
    self->note_stall(self->beside_, self->now());
    self->beside_.swallowed = true;
    link->abort();
  }
  const Dialled ended = std::exchange(self->beside_, Dialled());
  if (!came_up(*link)) {
    co_await learn(self, agency, link, ended);
    co_return false;
  }
  if (!link->ended()) self->current_ = ended;  // the other one ends as replaced
  self->note_forgotten(agency, quiet);
  co_return !link->ended();
}

}  // namespace lienthong::agent
