#include "tests/simulation/writer.h"

#include <algorithm>

namespace lienthong::sim {

void Writer::post(store::Job job, store::Done done, store::Urgency urgency) {
  add({std::move(job), nullptr, std::move(done)}, urgency);
}

void Writer::write(store::Job job, store::Done committed) {
  add({std::move(job), std::move(committed), nullptr}, store::Urgency::kNow);
}

Result<void> Writer::write_now(store::Job job) {
  if (stopped_) return Error(Errc::kClosed, "the writer has stopped");
  bool taken = false;
  const auto take = [&]() -> std::optional<store::JobQueues::Taken> {
    if (std::exchange(taken, true)) return std::nullopt;
    return store::JobQueues::Taken{{job, nullptr, nullptr}, store::Sync::kYes};
  };
  const auto group = store::commit_group(replica_, hooks_.clock(), take, hooks_.refusal());
  if (group.committed) hooks_.committed();
  if (group.spoiled || !group.committed) {
    failing_ = true;
    stopped_ = !group.committed;
    timeline_.after(Duration(0), [self = shared_from_this(), spoiled = group.spoiled] {
      if (!std::exchange(self->failing_, false)) return;  // the machine has stopped meanwhile
      if (spoiled) return self->hooks_.spoiled(*spoiled);
      self->hooks_.failed();
    });
  } else if (group.changed) {
    timeline_.after(Duration(0), [self = shared_from_this()] {
      if (!self->stopped_) self->hooks_.guard([&] { self->hooks_.changed(); });
    });
  }
  return group.jobs.front().second;
}

void Writer::add(store::QueuedJob job, store::Urgency urgency) {
  if (stopped_) return;
  ++waiting_;
  queues_.add(std::move(job), urgency);
  start();
}

void Writer::start() {
  queues_.set_unfinished(replica_.unfinished());
  if (running_ || (queues_.empty() && !queues_.due())) return;
  if (queues_.due()) return run_after(Duration(dice_.between(0, 20)));
  if (patient_) return;
  patient_ = true;
  timeline_.after(store::kHintPatience, [self = shared_from_this()] {
    self->patient_ = false;
    if (!self->stopped_ && !self->running_ && !self->queues_.empty()) self->run_after(Duration(0));
  });
}

void Writer::run_after(Duration wait) {
  running_ = true;
  timeline_.after(wait + hooks_.slowness(), [self = shared_from_this()] {
    if (!self->stopped_) self->hooks_.guard([&] { self->commit_group(); });
  });
}

void Writer::commit_group() {
  queues_.begin_group();
  auto group = store::commit_group(
      replica_, hooks_.clock(), [this] { return queues_.take(); }, hooks_.refusal());
  if (group.committed) hooks_.committed();
  for (const auto& [job, result] : group.jobs)
    if (job.at_once) job.at_once(result);
  if (group.spoiled) hooks_.spoiled(*group.spoiled);
  if (stopped_) return;
  if (!group.committed) {
    stopped_ = true;
    return hooks_.failed();
  }
  answered_at_ = std::max(answered_at_, timeline_.now() + Duration(dice_.between(0, 5)));
  const bool changed = group.changed;
  timeline_.at(answered_at_, [self = shared_from_this(), answers = std::move(group.jobs), changed] {
    self->waiting_ -= answers.size();
    self->hooks_.guard([&] {
      for (const auto& [job, result] : answers)
        if (!self->stopped_ && job.later) job.later(result);
      if (!self->stopped_ && changed) self->hooks_.changed();
    });
  });
  running_ = false;
  start();
}

}  // namespace lienthong::sim
