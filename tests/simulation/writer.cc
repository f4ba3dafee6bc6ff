#include "tests/simulation/writer.h"

#include <vector>

namespace lienthong::sim {
namespace {

constexpr std::size_t kGroupJobsMax = 256;

}  // namespace

void Writer::post(Job job, Done done, Done committed) {
  if (stopped_) return;
  queue_.push_back({std::move(job), std::move(done), std::move(committed)});
  start();
}

void Writer::start() {
  if (running_ || queue_.empty()) return;
  running_ = true;
  timeline_.after(Duration(dice_.between(0, 20)), [self = shared_from_this()] {
    if (!self->stopped_) self->commit_group();
  });
}

void Writer::commit_group() {
  std::vector<std::pair<Item, Result<void>>> group;
  const auto registry_before = replica_.registry();
  Result<void> committed;
  bool entered = false;
  {
    store::Transaction transaction(replica_, hooks_.clock());
    bool any = false;
    while (group.size() < kGroupJobsMax && !queue_.empty()) {
      Item item = std::move(queue_.front());
      queue_.pop_front();
      transaction.savepoint();
      Result<void> result = item.job(transaction);
      if (result)
        any = true;
      else
        transaction.rollback();
      group.emplace_back(std::move(item), std::move(result));
    }
    entered = !transaction.entered().empty();
    if (any) committed = transaction.commit();
  }
  for (auto& [item, result] : group) {
    if (result && !committed) result = committed;
    if (item.committed) item.committed(result);
  }
  if (!committed) {
    stopped_ = true;
    return hooks_.failed();
  }
  const bool changed = entered || replica_.registry() != registry_before;
  answered_at_ = std::max(answered_at_, timeline_.now() + Duration(dice_.between(0, 5)));
  timeline_.at(answered_at_, [self = shared_from_this(), answers = std::move(group), changed] {
    for (const auto& [item, result] : answers)
      if (!self->stopped_ && item.done) item.done(result);
    if (!self->stopped_ && changed && self->hooks_.changed) self->hooks_.changed();
  });
  running_ = false;
  start();
}

}  // namespace lienthong::sim
