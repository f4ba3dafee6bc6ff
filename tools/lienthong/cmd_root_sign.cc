// root sign, root import: what a root key is to say goes out and comes in as a file. The keys are
// read here and never reach the agent.
#include <fmt/args.h>

#include <fstream>

#include "agent/config/root_signing.h"
#include "agent/engine/clock.h"
#include "tools/lienthong/consent.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/root_words.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct SignArgs {
  std::string file, key, paper, passphrase_file, out;
  Consent consent;
};

std::string signed_file(const agent::RootPlan& plan, const SignArgs& args) {
  if (!args.paper.empty()) return given(agent::sign_by_root_paper(plan, read_file(args.paper)));
  return given(agent::sign_by_root_key(plan, read_file(args.key),
                                       read_passphrase(args.passphrase_file, false)));
}

// Without a key it is only told what would be signed.
int sign_file(const Shell& shell, const SignArgs& args) {
  const agent::RootPlan plan = given(agent::plan_root_file(read_file(args.file)));
  if (plan.file.is_signed())
    throw Failure(kFailed,
                  format("{} is signed already: lienthong root import {}", args.file, args.file));
  const bool signs = !args.key.empty() || !args.paper.empty();
  if (signs && args.out.empty()) throw Failure(kUsage, format("this step needs {}", "--out"));
  Json words = Json::array();
  for (const agent::RootWord& word : plan.words) words.push_back(sentence(word));
  if (!shell.json) {
    print_line(format("the root {} would say:", plan.root));
    for (const Json& word : words) print_line("  " + word.get<std::string>());
  }
  const bool goes_on = signs && is_agreed(shell, args.consent);
  if (goes_on) save_file(args.out, signed_file(plan, args));
  if (shell.json) {
    print_json({{"root", plan.root},
                {"words", words},
                {"file", goes_on ? Json(args.out) : Json(nullptr)}});
  } else if (goes_on) {
    print_line(format("{}: carry it to the topmost office; there: lienthong root import {}",
                      args.out, args.out));
  }
  return kDone;
}

int import_file(const Shell& shell, const std::string& file) {
  const std::string bytes = read_file(file);
  if (!given(agent::plan_root_file(bytes)).file.is_signed())
    throw Failure(kFailed, format("{} is not signed yet: lienthong root sign {}", file, file));
  const Json answer = shell.client().upload("/v1/registry", {}, bytes);
  if (shell.json) {
    print_json(answer);
  } else {
    print_line(format("{} statements are new; the root {} writes the tree, which is in version {}",
                      number_of(answer, "added"), text_of(answer, "root"),
                      number_of(answer, "tree_version")));
  }
  return kDone;
}

// ---- another key in use ----

struct RenewArgs {
  std::string registry, paper, passphrase_file, note, key_out, out;
  std::optional<unsigned> after;
};

int renew(const Shell& shell, const RenewArgs& args) {
  const std::string registry = read_file(args.registry), paper = read_file(args.paper);
  const std::string passphrase = read_passphrase(args.passphrase_file, true);
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  agent::RootRenewal renewal{registry, paper, passphrase};
  if (args.after) renewal.after = *args.after;
  renewal.note = args.note;
  renewal.now = clock.now();
  const agent::RenewedRoot made = given(agent::renew_root_key(renewal, entropy));
  save_file(args.key_out, made.key);
  save_file(args.out, made.file);
  if (shell.json) {
    print_json({{"key", args.key_out},
                {"file", args.out},
                {"public_key", made.public_key},
                {"tree_version", made.version}});
    return kDone;
  }
  print_line(format("{}: the root key in use from version {} of the tree on; lock it away",
                    args.key_out, made.version));
  print_line(format("{}: carry it to the topmost office; there: lienthong root import {}", args.out,
                    args.out));
  return kDone;
}

// The pattern is translated, and has a place for each value.
std::string fill_pattern(const char* pattern, const std::vector<std::string>& values) {
  fmt::dynamic_format_arg_store<fmt::format_context> store;
  for (const std::string& value : values) store.push_back(value);
  return fmt::vformat(pattern, store);
}

const char* pattern_of(agent::RootWord::What what) {
  using What = agent::RootWord::What;
  switch (what) {
    case What::kVersion: return tr("version {} of the tree {}");
    case What::kNewKeyInUse:
      return tr("the root key in use is {} from then on, the one before is over");
    case What::kNewKeyOnPaper: return tr("the root key on paper is {} from then on");
    case What::kRenamed: return tr("{} is called {}");
    case What::kMoved: return tr("{} comes from below {} to below {}");
    case What::kSucceeded: return tr("{} is dissolved; {} acts for it");
    case What::kSplit:
      return tr("{} is dissolved; its dossiers go to {}, each as the office above says");
    case What::kEnded: return tr("{} is dissolved, and nobody acts for it but the offices above");
    case What::kGoesAlong: return tr("{} goes with {}, below which it lies; {} acts for it");
    case What::kGoesAlongUndecided:
      return tr("{} goes with {}, below which it lies; nobody acts for it");
    case What::kClosed: return tr("machines of {} offices are held to the new tree");
    case What::kClosedByRoot:
      return tr("machine {} of {} is held to version {} beyond what is known of it");
    case What::kDeclared: return tr("{} is an agency, tier {}, with nobody above it");
    case What::kCertified: return tr("machine {} acts for {}");
    case What::kCertifiedToIssue: return tr("machine {} acts for {}, and certifies machines below");
    case What::kRevoked:
      return tr("machine {} of {} is revoked; what it sealed in {} starts counts on");
    case What::kWithdrawn: break;
  }
  return tr("the declaration of {} is taken back");
}

}  // namespace

std::string sentence(const agent::RootWord& word) {
  return fill_pattern(pattern_of(word.what), word.values);
}

void save_file(const std::string& path, const std::string& bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream << bytes;
  stream.close();
  if (!stream) throw Failure(kFailed, format("cannot write {}", path));
}

std::string own_registry(const Client& client) {
  std::string bytes;
  client.download("/v1/registry", [&](const char* data, std::size_t size) {
    bytes.append(data, size);
    return true;
  });
  return bytes;
}

void save_root_file(const Client& client, const std::vector<std::string>& bodies,
                    const std::string& path) {
  save_file(path, given(agent::make_root_file(own_registry(client), bodies)));
}

void tell_where_to_sign(const std::string& path) {
  print_line(
      format("{}: carry it to the root key; there: lienthong root sign {} --root-key FILE "
             "--out signed.root",
             path, path));
}

namespace {

void add_renew(CLI::App& root, Shell& shell) {
  const auto args = std::make_shared<RenewArgs>();
  CLI::App* verb =
      add_verb(root, "renew", "another root key in use, on the word of the key on paper",
               "lienthong root renew h47.registry --root-paper root-paper.txt --new-key root.key "
               "--out signed.root");
  verb->add_option("FILE", args->registry, tr("the registry, as root offer writes it"))->required();
  verb->add_option("--root-paper", args->paper, tr("file of the root key on paper"))->required();
  verb->add_option("--new-key", args->key_out, tr("where to write the new key"))->required();
  verb->add_option("--out", args->out, tr("the signed file"))->required();
  verb->add_option("--passphrase-file", args->passphrase_file, tr("file with its passphrase"));
  verb->add_option("--after", args->after,
                   tr("the last tree version that is right; what the old key said later falls"));
  verb->add_option("--note", args->note, tr("number of the decision"));
  verb->callback([&shell, args] { shell.run = [&shell, args] { return renew(shell, *args); }; });
}

}  // namespace

void add_root_signing(CLI::App& root, Shell& shell) {
  add_renew(root, shell);
  const auto args = std::make_shared<SignArgs>();
  CLI::App* verb = add_verb(root, "sign", "say in words what the root is to sign, and sign it",
                            "lienthong root sign 01-07.root --root-key root.key --out signed.root");
  verb->add_option("FILE", args->file, tr("the file"))->required();
  CLI::Option* key = verb->add_option("--root-key", args->key, tr("file of the root key in use"));
  verb->add_option("--passphrase-file", args->passphrase_file, tr("file with its passphrase"))
      ->needs(key);
  verb->add_option("--root-paper", args->paper, tr("file of the root key on paper"))->excludes(key);
  verb->add_option("--out", args->out, tr("the signed file"));
  verb->add_flag("--yes,-y", args->consent.yes, tr("do not ask first on a terminal"));
  verb->callback(
      [&shell, args] { shell.run = [&shell, args] { return sign_file(shell, *args); }; });
  const auto file = std::make_shared<std::string>();
  CLI::App* import = add_verb(root, "import", "take in what the root has signed",
                              "lienthong root import signed.root");
  import->add_option("FILE", *file, tr("the signed file"))->required();
  import->callback(
      [&shell, file] { shell.run = [&shell, file] { return import_file(shell, *file);
};
}  // namespace lienthong::tools
);
}

}  // namespace lienthong::tools
