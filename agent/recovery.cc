#include "agent/recovery.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <future>

#include "agent/engine/clock.h"
#include "agent/engine/log.h"
#include "protocol/record/registry.h"
#include "store/replica/raw.h"
#include "store/replica/registry_copy.h"

namespace lienthong::agent {

Result<store::Damage> salvage_meanwhile(store::SalvageRequest request,
                                        const std::function<bool()>& turn) {
  std::atomic<bool> going_on{true};
  request.going_on = [&going_on](const store::SalvageProgress& progress) {
    spdlog::info("event=store_salvage updates={} of={}", progress.updates, progress.of);
    return going_on.load();
  };
  auto done = std::async(std::launch::async, [&request]() -> Result<store::Damage> {
    try {
      return store::salvage(std::move(request));
    } catch (const std::exception& problem) {
      return Error(Errc::kCorrupt, std::string("salvage: ") + problem.what());
    }
  });
  while (done.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
    if (!turn()) going_on = false;
  return done.get();
}

void log_damage(const store::Damage& damage) {
  for (const std::string& finding : damage.findings)
    spdlog::error("event=store_damaged_file finding={}", in_quotes(finding));
  const std::string writes =
      damage.writes_missing ? std::to_string(*damage.writes_missing) : "unknown";
  spdlog::error(
      "event=store_salvaged kept_as={} writes_missing={} first={} last={} updates_kept={} "
      "updates_missing={} statements_missing={} scans_missing={} note=\"check stays critical until "
      "lienthong damage seen\"",
      in_quotes(damage.kept_as), writes, damage.first_write, damage.last_write, damage.updates_kept,
      damage.updates_missing, damage.statements_missing, damage.scans_missing);
}

void log_made_anew(const store::Replica& replica) {
  for (const std::string& file : store::RawReplica(replica).database().made_anew())
    spdlog::warn(
        "event=store_file_made_anew file={} note=\"it was damaged or missing; nothing was "
        "lost with it\"",
        file);
}

Result<NodeFiles> sure_identity(const std::filesystem::path& data_dir,
                                const std::string& database_path, const IdentityFiles& files,
                                const Error& why) {
  SystemEntropy entropy;
  NodeFiles out = files.provisional(entropy);
  const auto statements = store::read_registry_copy(database_path);
  const auto first = statements.ok() && !statements->empty()
                         ? Registry::create(files.root, statements->front())
                         : Result<Registry>(Error(Errc::kNotFound, "no copy of the registry"));
  if (!first.ok()) {
    if (files.keys && files.card) return out;
    return Error(Errc::kCorrupt, why.detail() + "; before it is salvaged: " +
                                     (files.keys ? files.card_error : files.key_error).detail());
  }
  std::vector<std::optional<Error>> failed;
  const auto registry = first->grow(*statements, failed);
  const IdentityCheck check = check_identity(data_dir, files, *registry);
  if (const IdentityFinding* wrong = check.critical(); wrong != nullptr)
    return Error(Errc::kCorrupt,
                 why.detail() + "; before it is salvaged: " + wrong->error.detail());
  if (check.card) out.card = *check.card;
  return out;
}

Error why_not_opened(const Error& error, const std::filesystem::path& data_dir) {
  switch (error.code()) {
    case Errc::kBusy: return Error(Errc::kBusy, "another agent runs on " + data_dir.string());
    case Errc::kBadHash:
      return Error(Errc::kCorrupt,
                   (data_dir / kRootPinFile).string() +
                       ": the database was begun under another root; the fingerprint stands on the "
                       "sheet of the root and at the office above: put the file back");
    case Errc::kNotFound:
      return Error(Errc::kCorrupt,
                   error.detail() +
                       "; to begin a new one under the same key, which the neighbours fill: "
                       "lienthong refill --data " +
                       data_dir.string());
    default: return error;
  }
}

}  // namespace lienthong::agent
