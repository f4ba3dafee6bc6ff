// Offers to us that their senders want back: the desk gives one back as soon as it is asked
// (store/replica). What the desk leaves unanswered, since it is lost or was an older copy then, any
// machine of the office answers. docs/operations.md, "A second machine".
#pragma once

#include <functional>
#include <vector>

#include "store/replica/replica.h"

namespace lienthong::store {

// How long the desk has for it, by this machine's clock and when the request came here.
inline constexpr UnixMillis kRecallPatience = 8000;

struct WaitingRecall {
  RecordId record;
  UpdateId offer;
  UnixMillis due = 0;  // this machine answers from then on
};
// Requests that nobody has answered, in the order of local record numbers. Any thread.
std::vector<WaitingRecall> waiting_recalls(const Replica& replica,
                                           const std::function<bool()>& stopping);
// Gives the offer back if it still is what was asked for; true: it did. Nothing is written while
// this machine's custody rests (Transaction::restored()).
bool answer_recall(Transaction& transaction, const WaitingRecall& recall);

}  // namespace lienthong::store
