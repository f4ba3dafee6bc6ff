// What the changes of a dossier say about its clock and its steps, read for deadline.h and step.h:
// from a replica when somebody looks, from a transaction when somebody writes.
// Any thread that may read what it is given.
#pragma once

#include <functional>

#include "store/office/step.h"
#include "store/replica/replica.h"

namespace lienthong::store {

using FindRecord = std::function<std::optional<RecordEntry>(const RecordId&)>;

struct Work {
  DeadlineInput clock;  // without limit where no version is pinned
  std::vector<PlaceEvent> places;
  std::optional<Procedure> version;  // the one pinned, where it is here
  std::optional<Status> status;      // the last
};

// Takes the changes of one dossier, in the order in which they stand.
class WorkReader {
 public:
  WorkReader(const Registry& registry, FindRecord find_record)
      : registry_(registry), find_record_(std::move(find_record)) {}
  void take(const StoredUpdate& update);
  const Work& work() const { return out_; }

 private:
  void take_clock(const StoredUpdate& update, UnixMillis at, std::optional<Status> status,
                  std::optional<std::string> outside);
  std::optional<std::string> take_place(const StoredUpdate& update, UnixMillis at,
                                        std::optional<Status> status);
  void take_limit(const std::vector<FieldWrite>& writes, ClockEvent& event);

  const Registry& registry_;
  FindRecord find_record_;
  Work out_;
  std::optional<std::int64_t> channel_;
  std::optional<Limit> limit_;
  StepPlace place_;
  bool outside_ = false;
};

// Takes what `read` hands its visitor, the updates of the record in any order, in the order of the
// timeline, and none that does not stand there.
void take_all(WorkReader& reader, const RecordState& state,
              const std::function<void(const std::function<void(StoredUpdate&&)>&)>& read);

struct DueAppointment {
  std::string name;
  std::optional<UnixMillis> due_at;
};

// Each of them when the citizen is to come, counted as the whole is.
std::vector<DueAppointment> due_appointments(const Work& work, const Calendar& calendar);

Work read_work(const Replica& replica, const RecordState& state);

struct Explanation {
  Deadline deadline;                         // its trace begins with the version and the limit
  std::vector<DueAppointment> appointments;  // where the citizen comes more than once
  std::optional<CurrentStep> step;
};
Explanation explain(const Work& work, const RecordState& state, UnixMillis now,
                    const Calendar& calendar);

}  // namespace lienthong::store
