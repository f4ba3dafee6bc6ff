// dossier audit, verify-evidence: a record's signed history, and its proof without an agent.
#include <cctype>
#include <filesystem>
#include <fstream>

#include "agent/json/evidence.h"
#include "agent/json/time.h"
#include "protocol/evidence/evidence.h"
#include "protocol/record/fields.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

struct AuditArgs {
  std::string code, file, root;
  std::vector<std::string> disclose, files;
};

std::string kind_name(std::int64_t kind) {
  return link_name(to_string(static_cast<UpdateKind>(kind)));
}

std::string name_of(const Json& report, const std::string& agency) {
  for (const Json& named : list_of(report, "agencies"))
    if (text_of(named, "id") == agency)
      return text_of(named, "code") + " " + text_of(named, "name");
  return show_id(agency);
}

std::string closed_name(const std::string& closed) {
  return closed == "shown" ? tr("shown") : closed == "withheld" ? tr("hash only") : "–";
}

// By which right it was written, where that can be said without the full rules.
std::string right_name(const Json& update) {
  const std::string right = text_of(update, "right");
  return right.empty()     ? "?"
         : right == "held" ? tr("had the right")
                           : tr("no right") + (": " + right);
}

void print_shown(const Json& update, std::size_t number) {
  if (!update.contains("shown")) return;
  const Json& shown = update["shown"];
  print_line(format("Closed part of change {}:", number));
  Table table({"", ""});
  const auto row = [&table](const std::string& label, const std::string& value) {
    if (!value.empty()) table.add({label, value});
  };
  row(tr("officer"), text_of(shown, "officer"));
  row(tr("account"), text_of(shown, "account"));
  row(tr("action"), text_of(shown, "action"));
  row(tr("note"), text_of(shown, "note"));
  for (const Json& write : list_of(shown, "writes")) {
    const auto field = static_cast<std::uint16_t>(number_of(write, "field"));
    const FieldInfo* info = find_field(field);
    const std::string value = write.contains("text")      ? text_of(write, "text")
                              : write.contains("integer") ? text_of(write, "integer")
                                                          : text_of(write, "data");
    row(info != nullptr ? std::string(info->json) : std::to_string(field), value);
  }
  table.print("  ");
}

void print_chain(const Json& report) {
  Table table({"", tr("SIGNED BY"), tr("MACHINE"), tr("SEAL"), tr("CHANGE"), tr("CLOCK SAID"),
               tr("RIGHT"), tr("CLOSED PART")});
  std::size_t number = 0;
  for (const Json& update : list_of(report, "updates")) {
    std::string kind = kind_name(number_of(update, "kind"));
    const std::string target = text_of(update, "target");
    if (!target.empty()) kind += " → " + name_of(report, target);
    const Json& seal = list_of(update, "seals").front();
    const auto clock = static_cast<UnixMillis>(update.value("clock", std::uint64_t{0}) >> 16);
    table.add({std::to_string(++number), name_of(report, text_of(update, "agency")),
               show_id(text_of(update, "node")),
               show_id(text_of(seal, "id")) + " / " + text_of(seal, "leaf"), kind,
               show_time(agent::format_time(clock)), right_name(update),
               closed_name(text_of(update, "closed"))});
  }
  table.print();
  number = 0;
  for (const Json& update : list_of(report, "updates")) print_shown(update, ++number);
}

void print_holder(const Json& report) {
  const Json custody = report.value("custody", Json::object());
  const std::string holder = text_of(custody, "holder");
  const std::string offered = text_of(custody, "offered");
  print_line(holder.empty() ? std::string(tr("Nobody holds it: who began it is not believed."))
                            : format("Held by {}.", name_of(report, holder)));
  if (!offered.empty()) print_line(format("Offered to {}.", name_of(report, offered)));
  for (const Json& fork : list_of(custody, "forks"))
    print_line(format("Custody forks after {}; the branch of {} stands.",
                      show_id(text_of(fork, "link")), show_id(text_of(fork, "stands"))));
  const std::string erased = text_of(custody, "erased_by");
  if (!erased.empty()) print_line(format("Closed parts erased by {}.", show_id(erased)));
}

// ---- dossier audit ----

// Numbers as the table has them, ids or their first digits, or "all".
std::string disclosed(const Json& audit, const std::vector<std::string>& words) {
  std::string out;
  const Json& updates = list_of(audit, "updates");
  for (const std::string& word : words) {
    if (word == "all") return word;
    std::string id;
    const bool digits = word.find_first_not_of("0123456789") == std::string::npos;
    if (!word.empty() && digits && word.size() < 8) {
      const std::size_t number = std::stoul(word);
      if (number >= 1 && number <= updates.size()) id = text_of(updates[number - 1], "id");
    }
    for (const Json& update : updates)
      if (id.empty() && word.size() >= 8 && text_of(update, "id").starts_with(word))
        id = text_of(update, "id");
    if (id.empty()) throw Failure(kNotThere, format("no change {} in the chain", word));
    out += (out.empty() ? "" : ",") + id;
  }
  return out;
}

void save_evidence(const Client& client, const AuditArgs& args, const Json& audit) {
  const std::string path = "/v1/dossiers/" + encode(args.code) + "/evidence";
  const std::string disclose = disclosed(audit, args.disclose);
  const Query query = disclose.empty() ? Query() : Query{{"disclose", disclose}};
  std::string bytes;
  const auto take = [&bytes](const char* data, std::size_t size) {
    bytes.append(data, size);
    return true;
  };
  client.download(path, take, "POST", query);
  const auto evidence = decode_evidence(as_bytes(bytes));
  if (!evidence.ok()) throw Failure(kFailed, tell_reason(evidence.error().message()));
  const std::filesystem::path part = args.file + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  std::error_code problem;
  if (out) std::filesystem::rename(part, args.file, problem);
  if (!out || problem) throw Failure(kFailed, format("{} cannot be written", args.file));
}

int audit(const Shell& shell, const AuditArgs& args) {
  const Client client = shell.client();
  if (args.file.empty() && !args.disclose.empty())
    throw Failure(kUsage, tr("--disclose says what the file of --evidence shows"));
  if (!args.file.empty()) {
    // Nothing is sealed before the file is asked for, so the numbers may not be there yet.
    Json before = Json::object();
    if (!args.disclose.empty() && args.disclose.front() != "all")
      before = client.get("/v1/dossiers/" + encode(args.code) + "/audit");
    save_evidence(client, args, before);
  }
  const Json report = client.get("/v1/dossiers/" + encode(args.code) + "/audit");
  if (shell.json) {
    print_json(report);
    return kDone;
  }
  print_line(format("Record {}", text_of(report, "record")));
  print_line(format("Root {}", text_of(report, "root")));
  print_chain(report);
  print_holder(report);
  if (const auto unsealed = number_of(report, "unsealed"); unsealed > 0)
    print_error(format("{} changes have not left this machine and are not signed yet", unsealed));
  if (!args.file.empty())
    print_line(format("{}: check it anywhere with lienthong verify-evidence", args.file));
  return kDone;
}

// ---- verify-evidence ----

Json judged(const std::string& file, const std::string& root) {
  const std::string bytes = read_file(file);
  const auto refused = [&file](const Error& error) {
    return Json{{"file", file}, {"verified", false}, {"reason", error.message()}};
  };
  const auto evidence = decode_evidence(as_bytes(bytes));
  if (!evidence.ok()) return refused(evidence.error());
  if (!root.empty() && evidence->root.hex() != root)
    return refused(Error(Errc::kBadHash, "it goes back to another root, " + evidence->root.hex()));
  const auto proved = prove(*evidence);
  if (!proved.ok()) return refused(proved.error());
  Json out{{"file", file}, {"verified", true}};
  const Json report(agent::evidence_json(*proved));
  for (const auto& [name, value] : report.items()) out[name] = value;
  out["custody"] = Json(agent::full_rules_json(*proved));
  return out;
}

void print_verdict(const Json& report, bool root_given) {
  if (!report.value("verified", false)) {
    print_error(format("{}: NOT VERIFIED, nothing in it is to be believed: {}",
                       text_of(report, "file"), tell_reason(text_of(report, "reason"))));
    return;
  }
  print_line(format("{}: verified", text_of(report, "file")));
  print_line(format("Record {}", text_of(report, "record")));
  print_line(format("Root {}", text_of(report, "root")));
  print_chain(report);
  print_holder(report);
  print_line(
      tr("Proved: these changes were signed by the machines named, which were certified up to "
         "this root; their order, and that none was put in, taken out or altered before the "
         "last; who had the right and who holds the record; that the closed parts shown are "
         "those that were signed."));
  print_line(
      tr("Not proved: when (times are the word of each machine's clock); that nothing came "
         "later (ask several offices); who sat at the machine."));
  if (!root_given)
    print_line(
        tr("Not proved: that the root is the right one. Compare its fingerprint with the "
           "sheet of its keeper, or give it with --root."));
}

int verify_evidence(const Shell& shell, const AuditArgs& args) {
  std::string root = args.root;
  for (char& letter : root)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  if (!root.empty() &&
      (root.size() != 64 || root.find_first_not_of("0123456789abcdef") != std::string::npos))
    throw Failure(kUsage, tr("--root: 64 hexadecimal digits"));
  init_crypto();
  bool all = true;
  for (const std::string& file : args.files) {
    const Json report = judged(file, root);
    all = all && report.value("verified", false);
    if (shell.json)
      print_line(report.dump(-1, ' ', false, Json::error_handler_t::replace));
    else
      print_verdict(report, !root.empty());
  }
  return all ? kDone : kFailed;
}

}  // namespace

void add_audit(CLI::App& dossier, Shell& shell) {
  const auto args = std::make_shared<AuditArgs>();
  CLI::App* verb =
      add_verb(dossier, "audit", "the signed chain of a dossier, and its proof in a file",
               "lienthong dossier audit H47.518-230401-0001 --evidence ho-so.lte "
               "--disclose 1,3");
  verb->add_option("CODE", args->code, tr("code of the dossier"))->required();
  verb->add_option("--evidence", args->file, tr("file for whoever is to check it without us"));
  verb->add_option("--disclose", args->disclose,
                   tr("changes whose closed parts it shows, by number, or all; else none"))
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->callback([&shell, args] { shell.run = [&shell, args] { return audit(shell, *args); }; });
}

void add_verify_evidence(CLI::App& app, Shell& shell) {
  const auto args = std::make_shared<AuditArgs>();
  CLI::App* verb = add_verb(app, "verify-evidence", "check an evidence file, without an agent",
                            "lienthong verify-evidence ho-so.lte --root 5f0c…");
  verb->add_option("FILE", args->files, tr("the file"))->required();
  verb->add_option("--root", args->root, tr("fingerprint of the root that it must go back to"));
  verb->callback(
      [&shell, args] { shell.run = [&shell, args] { return verify_evidence(shell, *args); }; });
}

}  // namespace lienthong::tools
