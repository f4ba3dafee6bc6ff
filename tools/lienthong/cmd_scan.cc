// dossier attach, dossier fetch: files into the agent and out of it.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/file_names.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr std::size_t kUploadPieceBytes = 1U << 20;
constexpr std::size_t kDigestChars = 66;  // a digest that names a file of the agent's
constexpr auto kPollPause = std::chrono::milliseconds(300);

struct ScanArgs {
  std::string code, file, name, kind = "digital", media_type, component, out;
  std::string timeout = "10m";
  Wait wait;
};

// One line on a terminal that is drawn over.
class ProgressLine {
 public:
  explicit ProgressLine(std::string name) : name_(std::move(name)) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void show(std::uint64_t bytes, std::uint64_t size, const std::string& more) {
    if (!shown_) return;
    drawn_ = true;
    const std::string share = size > 0 ? fmt::format("{:3}% ", bytes * 100 / size) : "";
    std::cerr << '\r' << share << name_ << "  " << show_bytes(static_cast<std::int64_t>(bytes));
    if (size > 0) std::cerr << " / " << show_bytes(static_cast<std::int64_t>(size));
    if (!more.empty()) std::cerr << "  " << more;
    std::cerr << "\033[K" << std::flush;
  }
  void clear() {
    if (drawn_) std::cerr << "\r\033[K" << std::flush;
    drawn_ = false;
  }

 private:
  std::string name_;
  bool shown_ = isatty(STDERR_FILENO) != 0;
  bool drawn_ = false;
};

// A file as it was when it was looked at.
struct Seen {
  std::uint64_t size = 0;
  std::filesystem::file_time_type changed_at;
  bool operator==(const Seen&) const = default;
};
Seen look_at(const std::string& file) {
  std::error_code problem;
  if (std::filesystem::is_directory(file, problem))
    throw Failure(kFailed, format("{} is a folder; attach its files one by one", file));
  Seen out;
  out.size = std::filesystem::file_size(file, problem);
  if (!problem) out.changed_at = std::filesystem::last_write_time(file, problem);
  if (problem) throw Failure(kFailed, format("{} cannot be read", file));
  return out;
}

// Sends the file in pieces; the agent's answer names it by its digest. A file that is written to
// meanwhile (a scanner at work, a document being saved) is none that anybody has seen: refused.
Json upload(const Client& client, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const Seen before = look_at(file);
  const std::uint64_t size = before.size;
  if (!in) throw Failure(kFailed, format("{} cannot be read", file));
  if (size == 0) throw Failure(kFailed, format("{} is empty", file));
  ProgressLine progress(std::filesystem::path(file).filename().string());
  std::string piece(kUploadPieceBytes, '\0');
  std::string name;
  for (std::uint64_t offset = 0;;) {
    in.read(piece.data(), static_cast<std::streamsize>(
                              std::min<std::uint64_t>(kUploadPieceBytes, size - offset)));
    const auto count = static_cast<std::size_t>(in.gcount());
    const bool last = offset + count >= size;
    if (count == 0 || (last && look_at(file) != before))
      throw Failure(
          kFailed, format("{} was changed while it was read; attach it once it is finished", file));
    Query query{{"offset", std::to_string(offset)}};
    if (!name.empty()) query.emplace_back("upload", name);
    if (!last) query.emplace_back("more", "1");
    const Json answer = client.upload("/v1/blobs", query, piece.substr(0, count));
    if (last) return answer;
    name = text_of(answer, "upload");
    offset += count;
    progress.show(offset, size, "");
  }
}

int attach(const Shell& shell, const ScanArgs& args) {
  const Client client = shell.client();
  const Json before = client.get("/v1/dossiers/" + encode(args.code));
  const Json blob = upload(client, args.file);
  const std::filesystem::path path(args.file);
  const Json component{
      {"name", args.name.empty() ? path.stem().string() : args.name},
      {"kind", args.kind},
      {"copies", 1},
      {"digest", text_of(blob, "digest")},
      {"size", number_of(blob, "size")},
      {"media_type", args.media_type.empty() ? media_type_of(path) : args.media_type}};
  // The agent adds it to the list as it is then: whoever adds another at the same time loses none.
  const Json operation{
      {"op", "add"}, {"code", text_of(before, "record")}, {"component", component}};
  return run_operation(shell, operation, args.wait, "attached");
}

// ---- fetch ----

// The components with a file of ours; by name, place from 1, or start of the digest.
std::vector<Json> chosen(const Json& dossier, const std::string& wanted) {
  std::vector<Json> files;
  for (const Json& component : list_of(dossier, "components"))
    if (text_of(component, "digest").size() == kDigestChars) files.push_back(component);
  if (wanted.empty()) return files;
  std::vector<Json> out;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const bool matches = text_of(files[i], "name") == wanted || std::to_string(i + 1) == wanted ||
                         (wanted.size() >= 8 && text_of(files[i], "digest").starts_with(wanted));
    if (matches) out.push_back(files[i]);
  }
  return out;
}

std::string why_waiting(const Json& blob) {
  const std::string why = text_of(blob, "why");
  if (why == "no-neighbour") return tr("no neighbour that may have it is connected");
  if (why == "not-here") return tr("the neighbours do not have all of it yet");
  if (why == "not-now") return tr("budget or hours hold it back");
  if (why == "no-right") return tr("the neighbours say that this agency has no right to it");
  if (why == "erased") return tr("it was erased");
  if (why == "bad") return tr("what came did not verify");
  return tr("it is waited for");
}

// Until the whole file is on this machine.
Json wait_for(const Client& client, const Json& component, std::chrono::seconds timeout) {
  const std::string address = "/v1/blobs/" + text_of(component, "digest");
  Json blob = client.post(address + "/fetch");
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  ProgressLine progress(text_of(component, "name"));
  while (text_of(blob, "state") != "here") {
    std::string more = why_waiting(blob);
    if (text_of(blob, "state") == "fetching") {
      more = format("{}/s", show_bytes(number_of(blob, "rate")));
      if (blob.contains("eta_seconds"))
        more += "  " + format("{} left", show_age(number_of(blob, "eta_seconds")));
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      progress.clear();
      throw Failure(kFailed, format("{} is not here after {} s ({}); it goes on by itself",
                                    text_of(component, "name"), timeout.count(), more));
    }
    progress.show(static_cast<std::uint64_t>(number_of(blob, "held_bytes")),
                  static_cast<std::uint64_t>(number_of(blob, "size")), more);
    std::this_thread::sleep_for(kPollPause);
    blob = client.get(address);
  }
  return blob;
}

void save(const Client& client, const Json& blob, const std::filesystem::path& path) {
  OutputFile out(path);
  std::uint64_t written = 0;
  client.download("/v1/blobs/" + text_of(blob, "digest") + "/content",
                  [&](const char* data, std::size_t size) {
                    out.stream().write(data, static_cast<std::streamsize>(size));
                    written += size;
                    return static_cast<bool>(out.stream());
                  });
  if (!out.stream() || written != static_cast<std::uint64_t>(number_of(blob, "size")))
    throw Failure(kFailed, format("{} could not be written whole", path.string()));
  out.finish();
}

int fetch(const Shell& shell, const ScanArgs& args) {
  const auto timeout = parse_duration(args.timeout);
  const Client client = shell.client();
  const Json dossier = client.get("/v1/dossiers/" + encode(args.code));
  const std::vector<Json> files = chosen(dossier, args.component);
  if (files.empty()) {
    throw Failure(kNotThere, args.component.empty()
                                 ? format("{} names no file", args.code)
                                 : format("{} has no file {}", args.code, args.component));
  }
  const bool folder = std::filesystem::is_directory(args.out);
  if (!folder && files.size() > 1)
    throw Failure(kUsage, format("there are {} files: --out must be a folder", files.size()));
  Json results = Json::array();
  for (const Json& component : files) {
    const Json blob = wait_for(client, component, timeout);
    const std::filesystem::path path =
        folder
            ? place_in(args.out,
                       file_name_of(text_of(component, "name"), text_of(component, "media_type")),
                       [](const auto& place) { return std::filesystem::exists(place); })
            : std::filesystem::path(args.out);
    save(client, blob, path);
    results.push_back(Json{{"name", text_of(component, "name")},
                           {"digest", text_of(blob, "digest")},
                           {"size", number_of(blob, "size")},
                           {"received_bytes", number_of(blob, "received_bytes")},
                           {"path", path.string()}});
    if (!shell.json) print_line(path.string() + "  " + show_bytes(number_of(blob, "size")));
  }
  if (shell.json) print_json(Json{{"code", text_of(dossier, "code")}, {"files", results}});
  return kDone;
}

}  // namespace

void add_scans(CLI::App& dossier, Shell& shell) {
  const auto args = std::make_shared<ScanArgs>();
  CLI::App* put = add_verb(dossier, "attach", "put a file (a scan) to a dossier held here",
                           "lienthong dossier attach H47.518-230401-0001 to-khai.pdf "
                           "--name \"Tờ khai\"");
  put->add_option("CODE", args->code, tr("code of the dossier"))->required();
  put->add_option("FILE", args->file, tr("the file"))->required();
  put->add_option("--name", args->name, tr("name of the component (default: of the file)"));
  put->add_option("--kind", args->kind, tr("original, certified, copy or digital"));
  put->add_option("--media-type", args->media_type, tr("such as application/pdf"));
  args->wait.add_to(*put);
  put->callback([&shell, args] { shell.run = [&shell, args] { return attach(shell, *args); }; });

  CLI::App* get =
      add_verb(dossier, "fetch", "get the files of a dossier, from neighbours if need be",
               "lienthong dossier fetch H47.518-230401-0001 --out /tmp");
  get->add_option("CODE", args->code, tr("code of the dossier"))->required();
  get->add_option("COMPONENT", args->component,
                  tr("one component: its name, its place from 1, or its digest"));
  get->add_option("--out", args->out, tr("a file, or a folder for all of them"))->required();
  get->add_option("--timeout", args->timeout, tr("how long to wait for each, such as 10m"));
  get->callback([&shell, args] { shell.run = [&shell, args] { return fetch(shell, *args); }; });
}

}  // namespace lienthong::tools
