// backup, restore: a copy of a running machine, encrypted to a key kept elsewhere, and back.
//
// backup asks the agent. The rest works without one: restore builds the folder that an agent is to
// start on, and the secret half of the administrator's key is made, read and used here alone, so
// that no agent ever holds it.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/config/restore.h"
#include "agent/engine/clock.h"
#include "agent/json/time.h"
#include "protocol/crypto/secret_file.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

namespace fs = std::filesystem;

struct BackupArgs {
  std::string folder, key, name, out, passphrase_file, data, scratch;
  std::int64_t keep = 14;
};

template <class T>
T checked(Result<T> result) {
  if (result.ok()) return *std::move(result);
  throw Failure(kFailed, reason_of(Json{{"code", to_string(result.error().code())},
                                        {"message", result.error().detail()}}));
}

void save_new(const std::string& path, const std::string& text, fs::perms mode) {
  if (fs::exists(path)) throw Failure(kFailed, format("{} is there already", path));
  std::ofstream stream(path, std::ios::binary);
  std::error_code problem;
  fs::permissions(path, mode, problem);
  stream << text;
  stream.close();
  if (!stream || problem) throw Failure(kFailed, format("cannot write {}", path));
}

int make_key(const Shell& shell, const BackupArgs& args) {
  init_crypto();
  const std::string passphrase = read_passphrase(args.passphrase_file, true);
  agent::SystemEntropy entropy;
  const agent::MadeBackupKey key = agent::make_backup_key(passphrase, entropy);
  save_new(args.out, key.text, fs::perms(0600));
  save_new(args.out + ".pub", key.public_text, fs::perms(0644));
  if (shell.json) {
    print_json({{"key", args.out}, {"public", args.out + ".pub"}});
  } else {
    print_line(
        format("{}: keep it away from the machines, with its passphrase on paper; without it "
               "no backup can be read",
               args.out));
    print_line(format("{}.pub: for the machines", args.out));
  }
  return kDone;
}

Json public_key(const std::string& file) {
  const auto key = checked(agent::parse_backup_public(read_file(file)));
  return to_hex(key);
}

void print_counts(const Json& counts) {
  print_line(format("{} dossiers and other records, {} changes", number_of(counts, "records"),
                    number_of(counts, "updates")));
  print_line(format("on no other machine: {} changes, {} files", number_of(counts, "only_here"),
                    number_of(counts, "files_only_here")));
}

int make(const Shell& shell, const BackupArgs& args) {
  if (args.folder.empty()) throw Failure(kUsage, tr("backup needs a folder"));
  if (args.key.empty()) throw Failure(kUsage, tr("backup needs --key with the public key"));
  const Json made = shell.client().post(
      "/v1/backup", Json{{"folder", fs::absolute(args.folder).lexically_normal().string()},
                         {"key", public_key(args.key)},
                         {"keep", args.keep}});
  if (shell.json) {
    print_json(made);
    return kDone;
  }
  print_line(format("{}: {} in {} files, {} new", text_of(made, "name"),
                    show_bytes(number_of(made, "bytes")), number_of(made, "files"),
                    show_bytes(number_of(made, "new_bytes"))));
  print_counts(made.value("counts", Json::object()));
  return kDone;
}

DhKey secret_key(const BackupArgs& args) {
  init_crypto();
  const std::string text = read_file(args.key);
  const std::string passphrase = read_passphrase(args.passphrase_file, false);
  return DhKey(checked(open_secret(text, passphrase)));
}

Json inside_json(const agent::OpenedBackup& opened) {
  const store::BackupCounts& counts = opened.inside.counts;
  return {{"name", opened.inside.name},
          {"at", agent::format_time(opened.inside.at)},
          {"machine", opened.inside.machine},
          {"files", opened.inside.files},
          {"bytes", opened.inside.bytes},
          {"counts",
           {{"records", counts.records},
            {"updates", counts.updates},
            {"only_here", counts.only_here},
            {"files_only_here", counts.files_only_here},
            {"last_change", counts.last_change},
            {"last_number", counts.last_number}}}};
}

int verify_one(const Shell& shell, const BackupArgs& args) {
  const DhKey key = secret_key(args);
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  const std::string scratch =
      (args.scratch.empty() ? fs::path(args.folder) : fs::path(args.scratch)) /
      ("lienthong-try-" + std::to_string(::getpid()));
  const Json inside =
      inside_json(checked(agent::try_backup(args.folder, args.name, key, scratch, clock, entropy)));
  if (shell.json) {
    print_json(inside);
    return kDone;
  }
  print_line(format("{} of {}, {}: every byte is as it was written, and the database opens",
                    text_of(inside, "name"), text_of(inside, "machine"),
                    show_time(text_of(inside, "at"))));
  print_counts(inside.value("counts", Json::object()));
  return kDone;
}

int restore(const Shell& shell, const BackupArgs& args) {
  const DhKey key = secret_key(args);
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  const Json inside = inside_json(
      checked(agent::restore_backup(args.folder, args.name, key, args.data, clock, entropy)));
  if (shell.json) {
    print_json(inside);
    return kDone;
  }
  const std::string at = show_time(text_of(inside, "at"));
  print_line(format("{}: {} as it was at {}", args.data, text_of(inside, "machine"), at));
  print_counts(inside.value("counts", Json::object()));
  print_line(
      tr("Start the agent and keep it connected: what neighbours hold comes back, and until "
         "one has given everything back no dossier of then is passed on."));
  const std::string last = text_of(inside.value("counts", Json::object()), "last_number");
  print_line(last.empty()
                 ? format("Gone is what was written here after {} and had reached nobody.", at)
                 : format("Gone is what was written here after {} and had reached nobody: compare "
                          "dossiers numbered after {} with the paper register.",
                          at, last));
  return kDone;
}

void add_key(CLI::App& verb, BackupArgs& args) {
  verb.add_option("--key", args.key, tr("file of the secret key of backups"))->required();
  verb.add_option("--passphrase-file", args.passphrase_file,
                  tr("read the passphrase from this file instead of asking"));
  verb.add_option("--name", args.name, tr("which backup; else the newest"));
}

}  // namespace

void add_backup(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<BackupArgs>();
  CLI::App* backup = add_verb(app, "backup", "copy this machine, encrypted, while it runs",
                              "lienthong backup /media/disk/H47.12 --key backup.key.pub");
  backup->require_subcommand(0, 1);
  backup->add_option("DIR", args->folder, tr("folder of the backups, such as on a second disk"));
  backup->add_option("--key", args->key, tr("file of the public key that it is encrypted to"));
  backup->add_option("--keep", args->keep, tr("so many backups are kept"))
      ->check(CLI::Range(1, 10'000));
  backup->callback([&shell, args] {
    if (!shell.run) shell.run = [&shell, args] { return make(shell, *args); };
  });

  const auto key = std::make_shared<BackupArgs>();
  CLI::App* made = add_verb(*backup, "key", "make the keys of backups, once",
                            "lienthong backup key --out backup.key");
  made->add_option("--out", key->out, tr("file of the secret key; the public one beside it"))
      ->required();
  made->add_option("--passphrase-file", key->passphrase_file,
                   tr("read the passphrase from this file instead of asking"));
  made->callback([&shell, key] { shell.run = [&shell, key] { return make_key(shell, *key); }; });

  const auto tried = std::make_shared<BackupArgs>();
  CLI::App* verify = add_verb(*backup, "verify", "decrypt a backup, open it, and remove it again",
                              "lienthong backup verify /media/disk/H47.12 --key backup.key");
  verify->add_option("DIR", tried->folder, tr("folder of the backups"))->required();
  verify->add_option("--scratch", tried->scratch, tr("where there is room for it; else in DIR"));
  add_key(*verify, *tried);
  verify->callback(
      [&shell, tried] { shell.run = [&shell, tried] { return verify_one(shell, *tried); }; });
}

void add_restore(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<BackupArgs>();
  CLI::App* verb = add_verb(app, "restore", "bring a machine back out of a backup",
                            "lienthong restore /media/disk/H47.12 --key backup.key "
                            "--data /var/lib/lienthong");
  verb->add_option("DIR", args->folder, tr("folder of the backups"))->required();
  verb->add_option("--data", args->data, tr("data folder of the agent; empty or not there"))
      ->required();
  add_key(*verb, *args);
  verb->callback([&shell, args] { shell.run = [&shell, args] { return restore(shell, *args); }; });
}

}  // namespace lienthong::tools
