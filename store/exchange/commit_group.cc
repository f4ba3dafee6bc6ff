#include "store/exchange/commit_group.h"

#include <exception>
#include <string>

namespace lienthong::store {
namespace {

Error unexpected(const std::exception& problem) {
  return Error(Errc::kCorrupt, std::string("a write ended unexpectedly: ") + problem.what());
}

Result<void> run_job(const Job& job, Transaction& transaction) {
  try {
    return job(transaction);
  } catch (const std::exception& problem) {  // the rest of the group must not pay for it
    return unexpected(problem);
  }
}

}  // namespace

void JobQueues::add(QueuedJob job, Urgency urgency) {
  auto& queue = urgency == Urgency::kNow      ? pressing_
                : urgency == Urgency::kInTurn ? in_turn_
                                              : hints_;
  queue.push_back(std::move(job));
}

void JobQueues::begin_group() { in_turn_first_ = !std::exchange(turn_taken_, false); }

std::optional<JobQueues::Taken> JobQueues::take() {
  const bool turn = !in_turn_.empty() && ((in_turn_first_ && !turn_taken_) || pressing_.empty());
  auto& from = turn ? in_turn_ : !pressing_.empty() ? pressing_ : hints_;
  if (from.empty()) return std::nullopt;
  Taken taken{std::move(from.front()), &from == &hints_ ? Sync::kNo : Sync::kYes};
  from.pop_front();
  turn_taken_ = turn_taken_ || turn;
  return taken;
}

std::deque<QueuedJob> JobQueues::take_all() {
  std::deque<QueuedJob> all;
  for (auto* queue : {&pressing_, &in_turn_, &hints_}) {
    for (QueuedJob& job : *queue) all.push_back(std::move(job));
    queue->clear();
  }
  return all;
}

CommittedGroup commit_group(Replica& replica, UnixMillis now,
                            const std::function<std::optional<JobQueues::Taken>()>& take,
                            const std::optional<Error>& refusal) {
  CommittedGroup group;
  const auto registry_before = replica.registry();
  const std::uint64_t change_before = replica.last_change();
  bool entered = false, any = false;
  Sync sync = Sync::kNo;
  try {
    Transaction transaction(replica, now);
    while (group.jobs.size() < kGroupJobsMax && transaction.bytes() < kGroupBytesMax) {
      auto taken = take();
      if (!taken) break;
      auto& [job, result] = group.jobs.emplace_back(std::move(taken->job), Result<void>());
      transaction.savepoint();
      result = refusal ? Result<void>(*refusal) : run_job(job.job, transaction);
      if (result) {
        any = true;
        if (taken->sync == Sync::kYes) sync = Sync::kYes;
      } else {
        transaction.rollback();
      }
    }
    if (!refusal && replica.unfinished() && transaction.bytes() < kGroupBytesMax) {
      transaction.savepoint();
      (void)transaction.go_on();
      any = true;
    }
    entered = !transaction.entered().empty();
    group.bytes = transaction.bytes();
    if (any) group.committed = transaction.commit(entered ? Sync::kYes : sync);
  } catch (const std::exception& problem) {  // before anything was written
    group.spoiled = unexpected(problem);
  }
  const Result<void> outcome = group.spoiled ? Result<void>(*group.spoiled) : group.committed;
  if (!outcome) {
    for (auto& [job, result] : group.jobs)
      if (result) result = outcome;
  }
  // What the replica has left to do may be what cannot be read: it waits for the next job.
  group.unfinished = outcome && replica.unfinished();
  group.changed =
      outcome && (replica.last_change() != change_before || replica.registry() != registry_before);
  return group;
}

}  // namespace lienthong::store
