#include "store/office/arrival.h"

#include <algorithm>
#include <map>

namespace lienthong::store {

std::string_view to_string(KnownBy known) {
  switch (known) {
    case KnownBy::kNothing: return "nothing";
    case KnownBy::kNewestChange: return "newest-change";
    case KnownBy::kCaughtUp: return "caught-up";
    case KnownBy::kSelf: return "self";
  }
  return "nothing";
}

std::vector<Arrival> arrivals(const Report& report, const Replica& replica,
                              std::span<const Contact> contacts, UnixMillis now) {
  std::map<AgencyId, UnixMillis> heard;
  for (const auto& [agency, at] : OfficeReader(replica).heard()) heard.emplace(agency, at);
  std::vector<Arrival> out;
  for (const AgencyId& agency : report.agencies) {
    Arrival line;
    line.agency = agency;
    if (const auto found = heard.find(agency); found != heard.end()) {
      line.until = found->second;
      line.known_by = KnownBy::kNewestChange;
      line.doubtful = is_doubtful(line.until, now);
      if (line.doubtful) line.until = now;
    }
    const auto direct = std::ranges::find(contacts, agency, &Contact::agency);
    if (direct != contacts.end()) {
      const UnixMillis caught_up = direct->in_sync ? now : direct->caught_up_at;
      if (caught_up != 0 && caught_up >= line.until) {
        line.until = caught_up;
        line.known_by = KnownBy::kCaughtUp;
      }
    }
    if (agency == replica.identity().agency) {
      line.until = now;
      line.known_by = KnownBy::kSelf;
    }
    line.behind = line.until < report.as_of;
    out.push_back(line);
  }
  return out;
}

}  // namespace lienthong::store
