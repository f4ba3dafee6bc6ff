#include "tools/lienthong/file_names.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "store/text/plain.h"
#include "tools/lienthong/failure.h"
#include "tools/lienthong/text.h"

namespace lienthong::tools {
namespace {

constexpr std::size_t kNameBytesMax = 240;  // of 255: there is room for "12-" and ".part"
constexpr std::size_t kEndingBytesMax = 10;

struct Type {
  std::string_view ending, media_type;
};
// What offices have; of several endings the first is given.
constexpr std::array kTypes = {
    Type{".pdf", "application/pdf"},
    Type{".jpg", "image/jpeg"},
    Type{".jpeg", "image/jpeg"},
    Type{".jpe", "image/jpeg"},
    Type{".jfif", "image/jpeg"},
    Type{".png", "image/png"},
    Type{".gif", "image/gif"},
    Type{".bmp", "image/bmp"},
    Type{".webp", "image/webp"},
    Type{".heic", "image/heic"},
    Type{".heif", "image/heif"},
    Type{".tif", "image/tiff"},
    Type{".tiff", "image/tiff"},
    Type{".svg", "image/svg+xml"},
    Type{".dwg", "image/vnd.dwg"},
    Type{".dxf", "image/vnd.dxf"},
    Type{".txt", "text/plain"},
    Type{".csv", "text/csv"},
    Type{".html", "text/html"},
    Type{".htm", "text/html"},
    Type{".xml", "application/xml"},
    Type{".json", "application/json"},
    Type{".zip", "application/zip"},
    Type{".rar", "application/vnd.rar"},
    Type{".7z", "application/x-7z-compressed"},
    Type{".doc", "application/msword"},
    Type{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    Type{".xls", "application/vnd.ms-excel"},
    Type{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    Type{".ppt", "application/vnd.ms-powerpoint"},
    Type{".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    Type{".odt", "application/vnd.oasis.opendocument.text"},
    Type{".ods", "application/vnd.oasis.opendocument.spreadsheet"},
    Type{".rtf", "application/rtf"},
    Type{".p7m", "application/pkcs7-mime"},
    Type{".p7s", "application/pkcs7-signature"},
    Type{".p7b", "application/x-pkcs7-certificates"},
    Type{".eml", "message/rfc822"},
    Type{".mp3", "audio/mpeg"},
    Type{".mp4", "video/mp4"},
};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return text;
}

// The ending that a name has, with its dot: short, of letters and digits.
std::string ending_in(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0 || name.size() - dot > kEndingBytesMax ||
      name.size() - dot < 2)
    return {};
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const std::string ending = name.substr(dot);
  const bool all = std::all_of(ending.begin() + 1, ending.end(), plain);
  const bool letters =
      std::any_of(ending.begin() + 1, ending.end(), [](char c) { return c > '9'; });
  return all && letters ? ending : std::string();
}

// Not within a letter, nor before the marks that belong to it.
std::string cut_to(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

bool is_device(std::string_view stem) {
  static constexpr std::array<std::string_view, 4> kNames = {"con", "prn", "aux", "nul"};
  const std::string name = lower(std::string(stem));
  if (std::ranges::find(kNames, name) != kNames.end()) return true;
  return name.size() == 4 && (name.starts_with("com") || name.starts_with("lpt")) &&
         name[3] >= '0' && name[3] <= '9';
}

}  // namespace

std::string media_type_of(const std::filesystem::path& file) {
  const std::string ending = lower(file.extension().string());
  for (const Type& type : kTypes)
    if (ending == type.ending) return std::string(type.media_type);
  return "application/octet-stream";
}

std::string ending_of(std::string_view media_type) {
  for (const Type& type : kTypes)
    if (media_type == type.media_type) return std::string(type.ending);
  return "";
}

std::string file_name_of(std::string_view given, std::string_view media_type) {
  const auto tidy = store::tidy_text(given);
  std::string name = tidy.ok() ? *tidy : std::string();
  std::ranges::replace_if(
      name,
      [](char c) {
        return static_cast<unsigned char>(c) < 0x20 ||
               std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
      },
      '_');
  std::string ending = ending_in(name);
  const std::string wanted = ending_of(media_type);
  // Another ending of the same kind is as good.
  const bool fits = wanted.empty() || media_type_of("x" + ending) == media_type;
  if (!ending.empty() && fits) {
    name.resize(name.size() - ending.size());
  } else {
    ending = wanted;
  }
  name = cut_to(std::move(name), kNameBytesMax - ending.size());
  while (name.ends_with(' ') || (ending.empty() && name.ends_with('.'))) name.pop_back();
  if (name.starts_with('.') || is_device(name.substr(0, name.find('.')))) name.insert(0, "_");
  if (name.empty()) name = "_";
  return name + ending;
}

std::filesystem::path place_in(const std::filesystem::path& folder, const std::string& name,
                               const std::function<bool(const std::filesystem::path&)>& taken) {
  std::filesystem::path path = folder / name;
  for (int i = 2; taken(path); ++i) path = folder / (std::to_string(i) + "-" + name);
  return path;
}

// ---- written beside ----

OutputFile::OutputFile(std::filesystem::path place) : place_(std::move(place)), beside_(place_) {
  std::error_code problem;
  const auto status = std::filesystem::status(place_, problem);
  if (std::filesystem::is_directory(status))
    throw Failure(kFailed, format("{} is a folder; name a file in it", place_.string()));
  const bool plain = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
  if (plain) {
    // Where the name is a link, the file that it leads to is replaced, not the link.
    if (std::filesystem::exists(status)) place_ = std::filesystem::canonical(place_, problem);
    beside_ = place_.parent_path() / ("." + cut_to(place_.filename().string(), kNameBytesMax - 24) +
                                      "." + std::to_string(getpid()) + ".part");
  }
  stream_.open(beside_, std::ios::binary | std::ios::trunc);
  if (!stream_) throw Failure(kFailed, format("cannot write {}", place_.string()));
}

OutputFile::~OutputFile() {
  if (finished_ || beside_ == place_) return;
  stream_.close();
  std::error_code ignored;
  std::filesystem::remove(beside_, ignored);
}

void OutputFile::finish() {
  stream_.close();
  std::error_code problem;
  if (stream_ && beside_ != place_) std::filesystem::rename(beside_, place_, problem);
  if (!stream_ || problem) throw Failure(kFailed, format("cannot write {}", place_.string()));
  finished_ = true;
}

}  // namespace lienthong::tools
