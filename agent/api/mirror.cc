#include "agent/api/mirror.h"

#include <filesystem>

#include "agent/api/backup.h"
#include "agent/api/routes.h"
#include "agent/json/time.h"
#include "store/replica/local_names.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

constexpr auto kFirstLook = std::chrono::seconds(1);
constexpr auto kLooksEvery =
    std::chrono::seconds(5);  // whether it is due, or the stick is in again

json noted(const store::Replica& replica) {
  const auto last = replica.local_value(store::local::kLastMirror);
  json out = last ? json::parse(as_text(*last), nullptr, false) : json::object();
  return out.is_object() ? out : json::object();
}

void note(ApiContext& api, const json& what) {
  const std::string text = what.dump(-1, ' ', false, json::error_handler_t::replace);
  static_cast<void>(api.engine.write([&](store::Transaction& transaction) -> Result<void> {
    transaction.set_local_value(store::local::kLastMirror, to_bytes(as_bytes(text)));
    return {};
  }));
}

}  // namespace

Mirror::Mirror(ApiContext& api) : api_(api) {
  if (!api.config.mirror.folder.empty()) thread_ = std::thread([this] { run(); });
}

Mirror::~Mirror() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Mirror::run() {
  auto pause = kFirstLook;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, pause, [this] { return stopping_; })) return;
    }
    pause = kLooksEvery;
    try {
      if (due()) look();
    } catch (const std::exception& problem) {
      api_.engine.faults().note("mirror", problem.what(), api_.now());
    }
  }
}

// Something is not in it, and the last was long enough ago; or there is none that can be trusted to
// be there.
bool Mirror::due() const {
  if (api_.engine.refusal()) return false;
  const json last = noted(api_.replica());
  const auto at = parse_time(last.value("at", ""));
  if (!at || last.value("folder", "") != api_.config.mirror.folder || last.contains("problem"))
    return true;
  const UnixMillis age = api_.now() - *at;
  const auto every = std::chrono::milliseconds(api_.config.mirror.every).count();
  const json counts = last.value("counts", json::object());
  return age < 0 || (age >= every &&
                     api_.replica().last_change() != counts.value("last_change", std::uint64_t{0}));
}

void Mirror::look() {
  const MirrorConfig& config = api_.config.mirror;
  json last = noted(api_.replica());
  const std::string before = last.value("problem", "");
  std::error_code ignored;
  std::optional<Error> problem;
  // Never made: where a stick was taken out, its folder would lie on the very disk it stands in
  // for.
  if (!std::filesystem::is_directory(config.folder, ignored)) {
    problem = Error(Errc::kNotFound, "there is no folder " + config.folder);
  } else {
    const auto made = make_backup(api_, {config.folder, config.key, config.keep});
    if (made.ok()) return note(api_, *made);
    problem = made.error();
  }
  if (last.value("folder", "") != config.folder) last = {{"folder", config.folder}};
  last["problem"] = problem->detail();
  if (before != problem->detail()) note(api_, last);
}

json mirror_json(const ApiContext& api) {
  const MirrorConfig& config = api.config.mirror;
  if (config.folder.empty()) return {};
  json out = noted(api.replica());
  if (out.value("folder", "") != config.folder) out = {{"folder", config.folder}};
  const auto at = parse_time(out.value("at", ""));
  const json counts = out.value("counts", json::object());
  const std::uint64_t last = api.replica().last_change();
  const std::uint64_t held = counts.value("last_change", std::uint64_t{0});
  out["age_seconds"] = at ? json(std::max<UnixMillis>(0, api.now() - *at) / 1000) : json(nullptr);
  out["every_seconds"] = std::chrono::seconds(config.every).count();
  out["changes_not_in_it"] = last > held ? last - held : 0;
  return out;
}

}  // namespace lienthong::agent
