// Whether a neighbour holds exactly what we hold for each other: the live comparison behind
// `verify --against`.
#include <condition_variable>

#include "agent/api/routes.h"
#include "agent/json/fields.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr auto kWaitMax = std::chrono::seconds(25);
constexpr auto kLookEvery = std::chrono::milliseconds(200);  // whether the agent stops

struct Answer {
  std::mutex mutex;
  std::condition_variable there;
  std::optional<Comparison> comparison;
};

// Waits for the links; the callback may come after we have gone.
Comparison wait_for(ApiContext& api, const AgencyId& agency) {
  const auto answer = std::make_shared<Answer>();
  api.links.compare(agency, [answer](const Comparison& comparison) {
    const std::lock_guard lock(answer->mutex);
    answer->comparison = comparison;
    answer->there.notify_all();
  });
  const auto until = std::chrono::steady_clock::now() + kWaitMax;
  std::unique_lock lock(answer->mutex);
  while (!answer->comparison && !api.stopping && std::chrono::steady_clock::now() < until)
    answer->there.wait_for(lock, kLookEvery);
  if (answer->comparison) return *answer->comparison;
  Comparison out;
  out.outcome = "timeout";
  return out;
}

json count_json(const std::optional<std::uint64_t>& count) {
  return count ? json(*count) : json(nullptr);
}

}  // namespace

void post_compare(ApiCall& call) {
  const auto object = read_object(call.body, " agency ");
  if (!object.ok()) return send_error(call.response, object.error());
  const auto code = object_text(*object, "agency", true);
  if (!code.ok()) return send_error(call.response, code.error());
  const auto registry = call.api.replica().registry();
  const auto named = registry->agency_named(*code);
  if (!named.ok()) return send_error(call.response, no_such(named.error()));
  const AgencyInfo* agency = *named;
  const WaiterPlace place(call.door);
  if (!place.ok())
    return send_error(call.response, 503, to_string(Errc::kBusy), "too many requests are waiting");
  const Comparison found = wait_for(call.api, agency->id);
  send_json(call.response, {{"agency", agency->code},
                            {"outcome", found.outcome},
                            {"same", found.outcome == "equal"},
                            {"our_updates", count_json(found.our_updates)},
                            {"their_updates", count_json(found.their_updates)},
                            {"missing_here", count_json(found.missing_here)},
                            {"missing_there", count_json(found.missing_there)}});
}

}  // namespace lienthong::agent
