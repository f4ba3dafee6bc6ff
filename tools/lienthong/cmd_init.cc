// init, enroll, refill: how a data folder comes into being. These call agent/config/setup.h instead
// of the local API, because no agent runs on the folder yet that could answer.
#include <fstream>

#include "agent/config/setup.h"
#include "agent/engine/clock.h"
#include "store/text/plain.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct Place {
  std::string data;
  std::vector<std::string> listen;
  std::string socket;

  void add_to(CLI::App& verb) {
    verb.add_option("--data", data, tr("data folder of the agent; made when missing"))->required();
    verb.add_option("--listen", listen, tr("address to be reached at, such as 10.20.0.1:7410"))
        ->allow_extra_args(false);
    verb.add_option("--socket", socket, tr("socket of the local API (default: DIR/agent.sock)"));
  }
  agent::SetupPlace setup(bool replace = false) const { return {data, listen, socket, replace}; }
};

struct Init {
  Place place;
  std::string code, name, tier, passphrase_file;
};

struct Enroll {
  Place place;
  std::string token, request, certificate;
  bool replace = false;
};

template <class T>
T value_or_throw(Result<T> result) {
  if (result.ok()) return *std::move(result);
  const Json error{{"code", to_string(result.error().code())},
                   {"message", result.error().detail()}};
  throw Failure(kFailed, reason_of(error));
}

void print_outcome(const Shell& shell, const agent::SetupOutcome& outcome) {
  Json document{{"agency", outcome.agency_code},
                {"agency_name", outcome.agency_name},
                {"node", outcome.node.hex()},
                {"root", outcome.root.hex()},
                {"config", outcome.config.string()}};
  if (!outcome.parent_code.empty()) document["parent"] = outcome.parent_code;
  if (!outcome.root_key.empty()) document["root_key"] = outcome.root_key.string();
  if (!outcome.root_paper.empty()) document["root_paper"] = outcome.root_paper.string();
  if (shell.json) {
    print_json(document);
    return;
  }
  print_line(format("{} {} is set up.", outcome.agency_code, outcome.agency_name));
  Table table({"", ""});
  table.add({tr("configuration"), outcome.config.string()});
  if (!outcome.parent_code.empty()) table.add({tr("parent"), outcome.parent_code});
  if (!outcome.root_key.empty()) table.add({tr("root key"), outcome.root_key.string()});
  if (!outcome.root_paper.empty()) table.add({tr("second root key"), outcome.root_paper.string()});
  table.add({tr("machine"), outcome.node.hex()});
  table.add({tr("root"), outcome.root.hex()});
  table.print("  ");
  if (!outcome.root_key.empty()) {
    print_line(
        tr("Move the root key to a stick and lock it away. Print the second one, lock the "
           "paper away elsewhere, and delete the file."));
  }
  print_line(format("Start the agent: lienthongd --config {}", outcome.config.string()));
}

int init(const Shell& shell, const Init& args) {
  agent::InitRequest request;
  request.place = args.place.setup();
  request.code = args.code;
  request.name = args.name;
  request.tier = args.tier;
  request.passphrase = read_passphrase(args.passphrase_file, true);
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  print_outcome(shell, value_or_throw(agent::init_deployment(request, clock, entropy)));
  return kDone;
}

int write_request(const Shell& shell, const Enroll& args) {
  agent::SystemEntropy entropy;
  const std::string text =
      value_or_throw(agent::make_request(args.place.setup(args.replace), args.token, entropy));
  std::ofstream stream(args.request, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) throw Failure(kFailed, format("cannot write {}", args.request));
  if (shell.json) {
    print_json({{"request", args.request}});
  } else {
    print_line(format("{}: the request. At the parent: lienthong issue {} --out certificate.txt",
                      args.request, args.request));
  }
  return kDone;
}

int enroll(const Shell& shell, const Enroll& args) {
  if (!args.request.empty()) return write_request(shell, args);
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  const agent::SetupPlace place = args.place.setup(args.replace);
  print_outcome(
      shell, value_or_throw(args.certificate.empty()
                                ? agent::enroll_with_token(place, args.token, clock, entropy)
                                : agent::enroll_with_certificate(place, read_file(args.certificate),
                                                                 clock, entropy)));
  return kDone;
}

int refill(const Shell& shell, const std::string& data) {
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  const auto outcome = value_or_throw(agent::refill_store(data, clock, entropy));
  if (shell.json) {
    print_json({{"writes", outcome.writes}});
    return kDone;
  }
  print_line(
      tr("A new database is there, under the same key. Start the agent and keep it connected: "
         "the neighbours fill it."));
  if (outcome.writes != 0)
    print_line(
        format("{} writes had been acknowledged in all; what was only here does not come back.",
               outcome.writes));
  return kDone;
}

}  // namespace

void add_refill(CLI::App& app, Shell& shell) {
  const auto data = std::make_shared<std::string>();
  CLI::App* verb =
      add_verb(app, "refill", "begin a new database where it is gone, which the neighbours fill",
               "lienthong refill --data /var/lib/lienthong");
  verb->add_option("--data", *data, tr("data folder of the agent"))->required();
  verb->callback([&shell, data] { shell.run = [&shell, data] { return refill(shell, *data); }; });
}

void add_init(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<Init>();
  CLI::App* verb =
      add_verb(app, "init", "found a new root: its keys, first agency and first machine",
               "lienthong init --data /var/lib/lienthong --agency H17 "
               "--name \"Thành phố Đà Nẵng\" --tier province");
  args->place.add_to(*verb);
  verb->add_option("--agency", args->code, tr("code of the agency"))->required();
  verb->add_option("--name", args->name, tr("name of the agency"))->required();
  verb->add_option("--tier", args->tier,
                   tr("kind of the agency, as province, commune, department or branch"))
      ->required()
      ->check(kind_of_agency());
  verb->add_option("--passphrase-file", args->passphrase_file,
                   tr("read the passphrase from this file instead of asking"));
  verb->callback([&shell, args] { shell.run = [&shell, args] { return init(shell, *args); }; });
}

void add_enroll(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<Enroll>();
  CLI::App* verb =
      add_verb(app, "enroll", "join this machine to an agency, with a token or by hand",
               "lienthong enroll lt1-… --data /var/lib/lienthong");
  args->place.add_to(*verb);
  CLI::Option_group* way = verb->add_option_group(tr("Way"));
  CLI::Option* token =
      way->add_option("TOKEN", args->token, tr("the token that the parent's invite printed"));
  // As it came over mail or a messenger: with line breaks, blanks and marks that nobody sees.
  token->transform(CLI::Validator(
      [](std::string& text) {
        if (const auto tidy = store::tidy_code(text); tidy.ok()) text = *tidy;
        return std::string();
      },
      ""));
  way->add_option("--certificate", args->certificate,
                  tr("by hand, second step: the certificate file that came back"));
  way->require_option(1);
  verb->add_option("--request", args->request,
                   tr("by hand, first step: write a request file for the parent's issue"))
      ->needs(token);
  verb->add_flag("--replace", args->replace,
                 tr("put what is left of the machine before aside, into DIR/replaced-1"));
  verb->callback([&shell, args] { shell.run = [&shell, args] { return enroll(shell, *args); }; });
}

}  // namespace lienthong::tools
