// bundle export, bundle import: carrying by hand.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "tools/lienthong/failure.h"
#include "tools/lienthong/file_names.h"
#include "tools/lienthong/output.h"
#include "tools/lienthong/shell.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr std::size_t kPieceBytes = 1U << 20;

struct BundleArgs {
  std::string to, out, since, file;
  bool full = false;
};

class Counter {  // bytes so far, on a terminal
 public:
  ~Counter() {
    if (drawn_) std::cerr << "\r\033[K" << std::flush;
  }
  void show(std::uint64_t bytes) {
    if (!shown_) return;
    drawn_ = true;
    std::cerr << '\r' << show_bytes(static_cast<std::int64_t>(bytes)) << "\033[K" << std::flush;
  }

 private:
  bool shown_ = isatty(STDERR_FILENO) != 0;
  bool drawn_ = false;
};

// What the agent says when the whole file has gone in, piece by piece.
Json take_in(const Client& client, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::error_code problem;
  const std::uint64_t size = std::filesystem::file_size(file, problem);
  if (!in || problem) throw Failure(kFailed, format("{} cannot be read", file));
  Counter counter;
  std::string name;
  for (std::uint64_t offset = 0;;) {
    std::string piece(kPieceBytes, '\0');
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<std::size_t>(in.gcount()));
    const bool last = offset + piece.size() >= size || piece.empty();
    Query query{{"offset", std::to_string(offset)}};
    if (!name.empty()) query.emplace_back("import", name);
    if (!last) query.emplace_back("more", "1");
    Json answer = client.upload("/v1/bundles/import", query, piece);
    offset += piece.size();
    if (last) return answer;
    name = text_of(answer, "import");
    counter.show(offset);
  }
}

int export_bundle(const Shell& shell, const BundleArgs& args) {
  const Client client = shell.client();
  if (!args.since.empty()) static_cast<void>(take_in(client, args.since));
  OutputFile out(args.out);
  std::uint64_t bytes = 0;
  {
    Counter counter;
    Query query{{"to", args.to}};
    if (args.full) query.emplace_back("full", "1");
    const auto write = [&](const char* data, std::size_t size) {
      out.stream().write(data, static_cast<std::streamsize>(size));
      counter.show(bytes += size);
      return static_cast<bool>(out.stream());
    };
    client.download("/v1/bundles/export", write, "POST", query);
  }
  out.finish();
  if (shell.json) {
    print_json(Json{{"to", args.to}, {"path", args.out}, {"size", bytes}});
  } else {
    print_line(
        format("{}: {} for {}", args.out, show_bytes(static_cast<std::int64_t>(bytes)), args.to));
  }
  return kDone;
}

int import_bundle(const Shell& shell, const BundleArgs& args) {
  const Json answer = take_in(shell.client(), args.file);
  if (shell.json) {
    print_json(answer);
  } else {
    print_line(format("from {}: {} new, {} known already, {} waiting, {} refused",
                      text_of(answer, "from"), number_of(answer, "added"),
                      number_of(answer, "duplicates"), number_of(answer, "waiting"),
                      number_of(answer, "refused")));
  }
  if (!answer.value("complete", false)) {
    throw Failure(kFailed, format("{} ends too early: what was whole is taken in, ask for the file "
                                  "again for the rest",
                                  args.file));
  }
  return kDone;
}

}  // namespace

void add_bundle(CLI::App& app, Shell& shell) {
  CLI::App* bundle = add_verb(app, "bundle", "carry changes by hand, in a file",
                              "lienthong bundle export --to H47.518 --out /media/usb/h47-518.ltb");
  bundle->require_subcommand(1);
  const auto args = std::make_shared<BundleArgs>();
  CLI::App* out = add_verb(*bundle, "export", "what an agency does not have yet, into a file",
                           "lienthong bundle export --to H47.518 --out /media/usb/h47-518.ltb");
  out->add_option("--to", args->to, tr("the agency that it is for"))->required();
  out->add_option("--out", args->out, tr("the file"))->required();
  CLI::Option* full =
      out->add_flag("--full", args->full, tr("everything, not only what was not heard of yet"));
  out->add_option("--since", args->since, tr("a bundle of theirs: it is taken in first"))
      ->excludes(full);
  out->callback(
      [&shell, args] { shell.run = [&shell, args] { return export_bundle(shell, *args); }; });
  CLI::App* in = add_verb(*bundle, "import", "take in such a file",
                          "lienthong bundle import /media/usb/h47-518.ltb");
  in->add_option("FILE", args->file, tr("the file"))->required();
  in->callback(
      [&shell, args] { shell.run = [&shell, args] { return import_bundle(shell, *args); }; });
}

}  // namespace lienthong::tools
