// root offer, root adopt: how one root adopts the agencies of another. The files go by hand between
// those who keep the two root keys; the keys are read here and never reach the agent.
#include "agent/config/adoption.h"
#include "agent/engine/clock.h"
#include "tools/lienthong/consent.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/root_words.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr std::size_t kUploadBytes = 4U << 20;  // of statements in one call

struct RootArgs {
  std::string file, out, under, key, paper, passphrase_file, note;
  bool yes = false;
};

const std::string& needed(const std::string& value, const char* option) {
  if (value.empty()) throw Failure(kUsage, format("this step needs {}", option));
  return value;
}

void tell(const agent::AdoptionPlan& plan) {
  print_error(format("{} and all that is below, {} agencies, come below {} {}", plan.topmost,
                     plan.agencies, plan.place_code, plan.place_name));
  print_error(
      format("from then on the root {} alone writes the tree", plan.adoption.adopter.hex()));
  print_error(format("the keys of the root {} can do nothing more", plan.adoption.adopted.hex()));
}

void ask_first(const Shell& shell, const RootArgs& args) {
  Consent consent;
  consent.yes = args.yes;
  (void)is_agreed(shell, consent);
}

void carry_on(const Shell& shell, const std::string& file) {
  if (shell.json) {
    print_json({{"file", file}});
  } else {
    print_line(
        format("{}: carry it to the other root; there: lienthong root adopt {}", file, file));
  }
}

// The agent takes in the adoption and the other registry, in pieces that a call can bear.
void hand_over(const Shell& shell, const agent::AdoptionPlan& plan) {
  const Client client = shell.client();
  Json answer;
  std::uint64_t added = 0;
  for (const std::string& piece : agent::pieces_for_agent(plan, kUploadBytes)) {
    answer = client.upload("/v1/registry", {}, piece);
    added += answer.value("added", std::uint64_t{0});
  }
  answer["added"] = added;
  if (shell.json) {
    print_json(answer);
  } else {
    print_line(format("{} statements are new; the root {} writes the tree, which is in version {}",
                      added, text_of(answer, "root"), number_of(answer, "tree_version")));
  }
}

int offer_root(const Shell& shell, const RootArgs& args) {
  save_file(args.out, own_registry(shell.client()));
  carry_on(shell, args.out);
  return kDone;
}

int adopt(const Shell& shell, const RootArgs& args) {
  const agent::SystemClock clock;
  agent::AdoptionPlan plan = given(agent::plan_adoption(
      read_file(args.file), own_registry(shell.client()), args.under, args.note, clock.now()));
  using agent::AdoptionStep;
  if (plan.step != AdoptionStep::kTakeIn) needed(args.out, "--out");
  if (plan.step == AdoptionStep::kSign) needed(args.key, "--root-key");
  if (plan.step == AdoptionStep::kCountersign) needed(args.paper, "--root-paper");
  tell(plan);
  ask_first(shell, args);
  if (plan.step == AdoptionStep::kSign) {
    save_file(args.out,
              given(agent::sign_as_adopter(plan, read_file(args.key),
                                           read_passphrase(args.passphrase_file, false))));
    carry_on(shell, args.out);
    return kDone;
  }
  if (plan.step == AdoptionStep::kCountersign)
    save_file(args.out, given(agent::sign_as_adopted(plan, read_file(args.paper))));
  hand_over(shell, plan);
  if (plan.step == AdoptionStep::kCountersign && !shell.json) carry_on(shell, args.out);
  return kDone;
}

}  // namespace

void add_root(CLI::App& app, Shell& shell) {
  CLI::App* root = add_verb(app, "root", "what a root key says, and how roots are joined",
                            "lienthong root offer --out h49.adoption");
  root->require_subcommand(1);
  const auto args = std::make_shared<RootArgs>();
  CLI::App* offer = add_verb(*root, "offer", "the registry, for a root that is to adopt this one",
                             "lienthong root offer --out h49.adoption");
  offer->add_option("--out", args->out, tr("the file"))->required();
  offer->callback(
      [&shell, args] { shell.run = [&shell, args] { return offer_root(shell, *args); }; });
  CLI::App* next = add_verb(*root, "adopt", "the next step of an adoption, by what the file holds",
                            "lienthong root adopt h49.adoption --under H47 --root-key root.key "
                            "--out signed.adoption");
  next->add_option("FILE", args->file, tr("the file"))->required();
  next->add_option("--under", args->under, tr("adopter: the agency that they come below"));
  next->add_option("--root-key", args->key, tr("adopter: file of the root key in use"));
  next->add_option("--passphrase-file", args->passphrase_file, tr("file with its passphrase"));
  next->add_option("--root-paper", args->paper, tr("adopted root: file of the key on paper"));
  next->add_option("--note", args->note, tr("adopter: number of the decision"));
  next->add_option("--out", args->out, tr("the file to be carried on"));
  next->add_flag("--yes,-y", args->yes, tr("do not ask first on a terminal"));
  next->callback([&shell, args] { shell.run = [&shell, args] { return adopt(shell, *args); }; });
  add_root_signing(*root, shell);
  add_root_enroll(*root, shell);
}

}  // namespace lienthong::tools
