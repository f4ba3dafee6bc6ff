#include "store/office/catalogue.h"

#include <algorithm>
#include <tuple>

#include "store/office/marks.h"
#include "store/office/search_text.h"

namespace lienthong::store {
namespace {

// `first` to `last` are the versions of one code.
void judge(std::vector<Published>::iterator first, std::vector<Published>::iterator last,
           const AgencyId& ours, const Registry& registry, UnixMillis now) {
  std::vector<Procedure> versions;
  for (auto at = first; at != last; ++at) versions.push_back(at->version);
  const Procedure* best = choose_version(versions, ours, registry, now);
  for (auto at = first; at != last; ++at) {
    at->counts = best != nullptr && at->version.record == best->record;
    at->believed = is_believed(at->version, ours, registry);
  }
}

}  // namespace

std::vector<Published> published(const Replica& replica, const std::string& code, UnixMillis now,
                                 const std::function<bool()>& stopping) {
  std::vector<Published> out;
  const auto take = [&out](const RecordEntry& entry) {
    if (auto version = read_procedure(entry.state))
      out.push_back({*std::move(version), entry.state, false, false});
  };
  if (code.empty()) {
    for_each_marked(replica, {Mark::kProcedure}, [&](const RecordEntry& entry) {
      take(entry);
      return !stopping();
    });
  } else {
    for (const RecordId& id : replica.find_code(code))
      if (const auto entry = replica.find_record(id)) take(*entry);
  }
  std::ranges::sort(out, {}, [](const Published& one) {
    return std::tuple(one.version.code, one.version.effective_from.value_or(INT64_MIN),
                      one.version.record);
  });
  const auto registry = replica.registry();
  for (auto first = out.begin(); first != out.end();) {
    const auto last = std::find_if(first, out.end(), [&](const Published& other) {
      return other.version.code != first->version.code;
    });
    judge(first, last, replica.identity().agency, *registry, now);
    first = last;
  }
  return out;
}

bool has_text(const Published& published, const std::string& text) {
  const Procedure& version = published.version;
  return std::ranges::any_of(
      std::initializer_list<const std::string*>{&version.code, &version.name, &version.field,
                                                &version.decision},
      [&](const std::string* one) { return search_form(*one).find(text) != std::string::npos; });
}

}  // namespace lienthong::store
