// Files: how records name them, what they are, and how they are written.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

namespace lienthong::tools {

// By the ending of the name; "application/octet-stream" where it is not known.
std::string media_type_of(const std::filesystem::path& file);
// ".pdf"; empty: not known.
std::string ending_of(std::string_view media_type);

// A name of a record as the name of a file: in normal form, at most 240 bytes, cut between letters
// and with its ending kept, or with the one that the media type has; without signs that some file
// system does not take (/ \\ : * ? " < > |), control characters, dots in front, dots and blanks at
// the end, and names that some systems keep for devices (con, nul, com1).
std::string file_name_of(std::string_view name, std::string_view media_type);
// Such a name in the folder that `taken` does not know yet: "2-Tờ khai.pdf".
std::filesystem::path place_in(const std::filesystem::path& folder, const std::string& name,
                               const std::function<bool(const std::filesystem::path&)>& taken);

// A file that is written beside its place and takes it only when it is whole: what was there stays
// until then. What is no plain file (a device, a pipe) is written to as it is. Throws Failure
// kFailed.
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path place);
  ~OutputFile();  // not finished: nothing is left behind
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  std::ostream& stream() { return stream_; }
  // Of what is written meanwhile, for libraries that open files by themselves.
  const std::filesystem::path& path() const { return beside_; }
  bool is_plain() const { return beside_ != place_; }
  void finish();

 private:
  std::filesystem::path place_, beside_;  // the same: written in place
  std::ofstream stream_;
  bool finished_ = false;
};

}  // namespace lienthong::tools
