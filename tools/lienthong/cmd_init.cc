// init, enroll, refill: how a data folder comes into being. These call agent/config/setup.h instead
// of the local API, because no agent runs on the folder yet that could answer.
#include <cstdlib>
#include <fstream>

#include "agent/config/preflight.h"
#include "agent/config/setup.h"
#include "agent/engine/clock.h"
#include "store/text/plain.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/installed.h"
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
    verb.add_option("--data", data,
                    tr("data folder of the agent (default: /var/lib/lienthong, with its account "
                       "and service)"));
    verb.add_option("--listen", listen,
                    tr("address to be reached at, such as 10.20.0.1:7410; none: nowhere"))
        ->allow_extra_args(false);
    verb.add_option("--socket", socket, tr("socket of the local API (default: DIR/agent.sock)"));
  }
  // The office of this machine that the package's unit runs.
  bool is_installed() const { return data.empty() || data == kInstalledData; }
  agent::SetupPlace setup(bool replace = false) const {
    if (!is_installed()) return {data, listen, socket, replace, {}};
    return {kInstalledData, listen, socket.empty() ? kInstalledSocket : socket, replace,
            kInstalledSettings};
  }
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

constexpr UnixMillis kClockSlack = 5LL * 60 * 1000;

// Everything that is wrong at once, each with what to do; then nothing has been touched.
void look_beforehand(const Shell& shell, const agent::SetupPlace& place, const std::string& token) {
  const agent::SystemClock clock;
  const auto look = shell.accept_clock ? agent::ClockLook::kTaken : agent::ClockLook::kHeld;
  std::string text;
  for (const Error& problem : agent::preflight(place, token, clock, look)) {
    const Json error{{"code", to_string(problem.code())}, {"message", problem.detail()}};
    text += (text.empty() ? "" : "\n") + reason_of(error);
  }
  if (!text.empty()) throw Failure(kFailed, text);
}

// Of the agent that the package runs: that it runs, too.
void print_outcome(const Shell& shell, const Place& place, const agent::SetupOutcome& outcome) {
  Started started;
  if (place.is_installed()) {
    started = start_installed(Client(place.setup().socket));
  } else {
    started.said = format("Start the agent: lienthongd --config {}", outcome.config.string());
  }
  Json document{{"agency", outcome.agency_code},     {"agency_name", outcome.agency_name},
                {"node", outcome.node.hex()},        {"root", outcome.root.hex()},
                {"config", outcome.config.string()}, {"listen", outcome.listen}};
  if (place.is_installed()) document["running"] = started.answers;
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
  if (outcome.listen.empty())
    print_line(tr("Nobody can dial this machine; it dials the office above by itself."));
  if (std::abs(outcome.clock_ahead) > kClockSlack)
    print_line(
        format("The clock of this machine and that of the office above are {} apart: set "
               "the one that is wrong (timedatectl).",
               show_age(std::abs(outcome.clock_ahead) / 1000)));
  print_line(started.said);
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
  const auto set_up = [&] {
    const AsAgent as_agent(args.place.is_installed());
    agent::SetupPlace planned = request.place;
    if (planned.listen.empty()) planned.listen.emplace_back(agent::kDefaultListen);
    look_beforehand(shell, planned, {});
    return value_or_throw(agent::init_deployment(request, clock, entropy));
  };
  print_outcome(shell, args.place, set_up());
  return kDone;
}

int write_request(const Shell& shell, const Enroll& args) {
  agent::SystemEntropy entropy;
  const auto make = [&] {
    const AsAgent as_agent(args.place.is_installed());
    const agent::SetupPlace place = args.place.setup(args.replace);
    look_beforehand(shell, place, args.token);
    return value_or_throw(agent::make_request(place, args.token, entropy));
  };
  const std::string text = make();
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
  const std::string certificate =
      args.certificate.empty() ? std::string() : read_file(args.certificate);
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  const auto set_up = [&] {
    const AsAgent as_agent(args.place.is_installed());
    const agent::SetupPlace place = args.place.setup(args.replace);
    look_beforehand(shell, place, args.token);
    return value_or_throw(args.certificate.empty()
                              ? agent::enroll_with_token(place, args.token, clock, entropy)
                              : agent::enroll_with_certificate(place, certificate, clock, entropy));
  };
  print_outcome(shell, args.place, set_up());
  return kDone;
}

int refill(const Shell& shell, const std::string& data) {
  const agent::SystemClock clock;
  agent::SystemEntropy entropy;
  const auto begin_anew = [&] {
    const AsAgent as_agent(data == kInstalledData);
    return value_or_throw(agent::refill_store(data, clock, entropy));
  };
  const auto outcome = begin_anew();
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
  const auto data = std::make_shared<std::string>(kInstalledData);
  CLI::App* verb =
      add_verb(app, "refill", "begin a new database where it is gone, which the neighbours fill",
               "lienthong refill");
  verb->add_option("--data", *data, tr("data folder of the agent (default: /var/lib/lienthong)"));
  verb->callback([&shell, data] { shell.run = [&shell, data] { return refill(shell, *data); }; });
}

void add_init(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<Init>();
  CLI::App* verb =
      add_verb(app, "init", "found a new root: its keys, first agency and first machine",
               "lienthong init --agency H17 --name \"Thành phố Đà Nẵng\" --tier province");
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
               "lienthong enroll lt1-…");
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
