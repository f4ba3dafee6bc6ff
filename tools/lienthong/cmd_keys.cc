// rotate-key, root enroll: other keys for a machine that is there, and a machine of the topmost
// office. These work on the data folder while no agent runs on it, as enroll does.
#include "agent/config/root_signing.h"
#include "agent/config/rotation.h"
#include "agent/config/setup.h"
#include "agent/engine/clock.h"
#include "store/text/plain.h"
#include "tools/lienthong/consent.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/root_words.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

// ---- rotate-key ----

struct RotateArgs {
  std::string token, data;
  bool exchange_only = false;
};

int rotate(const Shell& shell, const RotateArgs& args) {
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  const agent::RotationOutcome done =
      given(agent::rotate_keys({args.data, args.token, args.exchange_only}, clock, entropy));
  if (shell.json) {
    print_json({{"before", done.before.hex()}, {"node", done.node.hex()}});
    return kDone;
  }
  if (done.before == done.node) {
    print_line(tr("The key of conversations is another one. Start the agent."));
    return kDone;
  }
  print_line(format("The machine is {} now. Start the agent.", done.node.hex()));
  print_line(
      format("What was {} counts on; where the invitation did not say --replace, revoke it "
             "at the office above: lienthong revoke {}",
             done.before.short_hex(), done.before.short_hex()));
  return kDone;
}

// ---- root enroll ----

struct RootEnrollArgs {
  std::string registry, agency, data, socket, key, paper, passphrase_file, request, signed_file;
  std::vector<std::string> listen;
  bool replace = false;
  Consent consent;

  agent::SetupPlace place(bool aside) const {
    agent::SetupPlace out;
    out.data_dir = data;
    out.listen = listen;
    out.socket = socket;
    out.replace = aside && replace;
    return out;
  }
};

int finish(const Shell& shell, const RootEnrollArgs& args, const std::string& registry,
           const std::string& signed_file) {
  agent::SystemEntropy entropy;
  const auto done = given(agent::enroll_by_root(args.place(false), registry, signed_file, entropy));
  if (shell.json) {
    print_json({{"agency", done.agency_code},
                {"node", done.node.hex()},
                {"root", done.root.hex()},
                {"config", done.config.string()}});
    return kDone;
  }
  print_line(format("{} {} is set up.", done.agency_code, done.agency_name));
  print_line(
      tr("Name the offices below in its configuration, or let them dial it at its old address: "
         "they give everything back. Then revoke the machine before with revoke --root-file."));
  print_line(format("Start the agent: lienthongd --config {}", done.config.string()));
  return kDone;
}

int enroll_by_root(const Shell& shell, const RootEnrollArgs& args) {
  const std::string registry = read_file(args.registry);
  if (!args.signed_file.empty()) return finish(shell, args, registry, read_file(args.signed_file));
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  const std::string request =
      given(agent::make_root_request(args.place(true), registry, args.agency, clock, entropy));
  if (!args.request.empty()) {
    save_file(args.request, request);
    if (shell.json) {
      print_json({{"request", args.request}});
    } else {
      print_line(
          format("{}: where the root key is, lienthong root sign {} --root-key FILE --out "
                 "signed.root; then here: lienthong root enroll … --signed signed.root",
                 args.request, args.request));
    }
    return kDone;
  }
  const agent::RootPlan plan = given(agent::plan_root_file(request));
  if (!shell.json) {
    print_line(format("the root {} would say:", plan.root));
    for (const agent::RootWord& word : plan.words) print_line("  " + sentence(word));
  }
  if (!is_agreed(shell, args.consent)) return kDone;
  return finish(shell, args, registry,
                args.paper.empty()
                    ? given(agent::sign_by_root_key(plan, read_file(args.key),
                                                    read_passphrase(args.passphrase_file, false)))
                    : given(agent::sign_by_root_paper(plan, read_file(args.paper))));
}

}  // namespace

void add_rotate_key(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<RotateArgs>();
  CLI::App* verb = add_verb(app, "rotate-key", "other keys for this machine, while its agent rests",
                            "lienthong rotate-key lt1-… --data /var/lib/lienthong");
  CLI::Option* token =
      verb->add_option("TOKEN", args->token, tr("the token that the parent's invite printed"))
          ->required();
  token->transform(CLI::Validator(
      [](std::string& text) {
        if (const auto tidy = store::tidy_code(text); tidy.ok()) text = *tidy;
        return std::string();
      },
      ""));
  verb->add_option("--data", args->data, tr("data folder of the agent"))->required();
  verb->add_flag("--exchange-only", args->exchange_only,
                 tr("the key of conversations (X25519) alone: the machine stays the same"));
  verb->callback([&shell, args] { shell.run = [&shell, args] { return rotate(shell, *args); }; });
}

void add_root_enroll(CLI::App& root, Shell& shell) {
  const auto args = std::make_shared<RootEnrollArgs>();
  CLI::App* verb = add_verb(root, "enroll", "a machine of the topmost office, by the root key",
                            "lienthong root enroll h47.registry --root-key /media/key/root.key "
                            "--data /var/lib/lienthong");
  verb->add_option("REGISTRY", args->registry, tr("the registry: root offer at any office"))
      ->required();
  verb->add_option("--data", args->data, tr("data folder of the agent; made when missing"))
      ->required();
  verb->add_option("--agency", args->agency, tr("code of the topmost office"));
  verb->add_option("--listen", args->listen, tr("address to be reached at, such as 10.20.0.1:7410"))
      ->allow_extra_args(false);
  verb->add_option("--socket", args->socket,
                   tr("socket of the local API (default: DIR/agent.sock)"));
  verb->add_flag("--replace", args->replace,
                 tr("put what is left of the machine before aside, into DIR/replaced-1"));
  CLI::Option_group* way = verb->add_option_group(tr("Way"));
  CLI::Option* key = way->add_option("--root-key", args->key, tr("file of the root key in use"));
  way->add_option("--root-paper", args->paper, tr("file of the root key on paper"));
  way->add_option("--request", args->request, tr("write what the root is to sign, to be carried"));
  way->add_option("--signed", args->signed_file, tr("what came back signed"));
  way->require_option(1);
  verb->add_option("--passphrase-file", args->passphrase_file, tr("file with its passphrase"))
      ->needs(key);
  verb->add_flag("--yes,-y", args->consent.yes, tr("do not ask first on a terminal"));
  verb->callback(
      [&shell, args] { shell.run = [&shell, args] { return enroll_by_root(shell, *args); }; });
}

}  // namespace lienthong::tools
