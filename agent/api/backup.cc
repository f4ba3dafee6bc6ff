// A backup of the running database, and what is known of the last one. docs/operations.md,
// "Backup".
#include "agent/api/backup.h"

#include <filesystem>
#include <mutex>

#include "agent/api/routes.h"
#include "agent/files/blob_keeper.h"
#include "agent/joining/identity_files.h"
#include "agent/json/time.h"
#include "store/replica/local_names.h"

namespace lienthong::agent {
namespace {

using nlohmann::json;

std::mutex making;  // one at a time, whichever door it came by

std::vector<std::pair<std::string, std::string>> files_beside(const std::string& data_dir) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string_view name : {kNodeKeyFile, kNodeCertFile, kRootPinFile, kConfigFile}) {
    auto text = read_file(std::filesystem::path(data_dir) / name);
    if (text.ok()) out.emplace_back(name, *std::move(text));
  }
  return out;
}

Result<BackupOrder> read_request(const ApiCall& call) {
  LT_TRY(const json object, read_object(call.body, " folder key keep "));
  BackupOrder out;
  LT_TRY(out.folder, object_text(object, "folder", true));
  if (!std::filesystem::path(out.folder).is_absolute())
    return Error(Errc::kInvalidArgument, "folder: an absolute path on this machine");
  LT_TRY(const std::string key, object_text(object, "key", true));
  const auto bytes = from_hex(key);
  if (!bytes.ok() || bytes->size() != out.key.size())
    return Error(Errc::kInvalidArgument, "key: 64 hexadecimal digits, as backup key made them");
  std::ranges::copy(*bytes, out.key.begin());
  LT_TRY_VOID(check_dh_key(out.key));
  if (object.contains("keep")) {
    const auto keep = object["keep"].is_number_integer() ? object["keep"].get<std::int64_t>() : 0;
    if (keep < 1 || keep > 10'000)
      return Error(Errc::kInvalidArgument, "keep: a whole number from 1 to 10000");
    out.keep = static_cast<std::size_t>(keep);
  }
  return out;
}

json counts_json(const store::BackupCounts& counts) {
  return {{"records", counts.records},         {"updates", counts.updates},
          {"only_here", counts.only_here},     {"files_only_here", counts.files_only_here},
          {"last_change", counts.last_change}, {"last_number", counts.last_number}};
}

}  // namespace

json backup_json(const ApiContext& api) {
  const auto last = api.replica().local_value(store::local::kLastBackup);
  if (!last) return {};
  json out = json::parse(as_text(*last), nullptr, false);
  if (!out.is_object()) return {};
  const auto at = parse_time(out.value("at", ""));
  if (at) out["age_seconds"] = std::max<UnixMillis>(0, api.now() - *at) / 1000;
  return out;
}

Result<json> make_backup(ApiContext& api, const BackupOrder& order) {
  const std::unique_lock lock(making, std::try_to_lock);
  if (!lock.owns_lock()) return Error(Errc::kBusy, "another backup is being made");
  store::BackupRequest request;
  request.folder = order.folder;
  request.key = order.key;
  request.keep = order.keep;
  const Registry& registry = *api.replica().registry();
  const AgencyInfo* agency = registry.find_agency(api.replica().identity().agency);
  request.machine = agency != nullptr ? agency->code + " " + agency->name : "-";
  request.now = api.now();
  request.beside = files_beside(api.config.data_dir);
  if (api.config.blobs != nullptr)
    request.files_only_here = api.config.blobs->blobs().counts().only_here;
  LockedEntropy entropy(api);
  LT_TRY(const auto made, store::make_backup(api.replica(), entropy, request));
  const std::string at = format_time(request.now);
  LT_TRY_VOID(api.engine.write([&](store::Transaction& transaction) -> Result<void> {
    transaction.set_local_value(std::string(store::local::kBackupFolder) + order.folder,
                                to_bytes(as_bytes(at)));
    return {};
  }));
  return json{{"name", made.name},
              {"folder", order.folder},
              {"at", at},
              {"files", made.files},
              {"bytes", made.bytes},
              {"new_files", made.new_files},
              {"new_bytes", made.new_bytes},
              {"counts", counts_json(made.counts)}};
}

json backup_folders_json(const ApiContext& api) {
  json out = json::array();
  for (const auto& [name, at] : api.replica().local_values(store::local::kBackupFolder)) {
    const std::string folder = name.substr(store::local::kBackupFolder.size());
    std::error_code ignored;
    out.push_back({{"folder", folder},
                   {"last", std::string(as_text(at))},
                   {"reachable", std::filesystem::is_directory(folder, ignored)}});
  }
  return out;
}

void post_backup(ApiCall& call) {
  const auto order = read_request(call);
  if (!order.ok()) return send_error(call.response, order.error());
  const auto made = make_backup(call.api, *order);
  if (!made.ok() && made.error().code() == Errc::kBusy)
    return send_error(call.response, 503, "busy", made.error().detail());
  if (!made.ok()) return send_error(call.response, made.error());
  const std::string text = made->dump(-1, ' ', false, json::error_handler_t::replace);
  const auto noted = call.api.engine.write([&](store::Transaction& transaction) -> Result<void> {
    transaction.set_local_value(store::local::kLastBackup, to_bytes(as_bytes(text)));
    return {};
  });
  if (!noted.ok()) return send_error(call.response, noted.error());
  send_json(call.response, *made);
}

}  // namespace lienthong::agent
