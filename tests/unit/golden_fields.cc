// A value for each field, as an office would write it.
#include <algorithm>
#include <array>

#include "protocol/base/check.h"
#include "protocol/blob/chunk_tree.h"
#include "tests/unit/golden_world.h"

namespace lienthong::golden {
namespace {

constexpr UnixMillis kMorning = 1'680'483'600'000;  // 2023-04-03T01:00:00Z
constexpr UnixMillis kDay = 86'400'000;

std::string scan_digest() {
  BlobId id;
  id.bytes.fill(0x5a);
  return blob_text(id);
}

const char* text_of(Field field) {
  switch (field) {
    case Field::kProcedure: return "1.001193";
    case Field::kProcedureName: return "Thủ tục đăng ký khai sinh";
    case Field::kFieldOfWork: return "Hộ tịch";
    case Field::kUnit: return "Tư pháp - Hộ tịch";
    case Field::kResultNumber: return "57/2023";
    case Field::kResultKind: return "KQ.G15.000031";
    case Field::kTopic: return "Phản ánh, kiến nghị về thủ tục hành chính";
    case Field::kAboutDossier: return "H47.518.20374-230403-0001";
    case Field::kSource: return "Cổng Dịch vụ công quốc gia";
    case Field::kDirection: return "in";
    case Field::kRegisterBook: return "Sổ công văn đến";
    case Field::kNotation: return "125/UBND-TP";
    case Field::kOrganization: return "Ủy ban nhân dân huyện Phú Ninh";
    case Field::kPriority: return "Thường";
    case Field::kDefinition: return R"({"limit":{"days":1},"steps":["Tiếp nhận","Trả kết quả"]})";
    case Field::kDecision: return "1872/QĐ-BTP";
    case Field::kSuccessor: return "1.004884";
    case Field::kApplicantName: return "Nguyễn Thị Lành";
    case Field::kApplicantKind: return "citizen";
    case Field::kApplicantIdNumber: return "049190001234";
    case Field::kApplicantPhone: return "0912345678";
    case Field::kApplicantEmail: return "lanh@example.vn";
    case Field::kApplicantAddress: return "Thôn Đàn Trung, xã Tam Đàn, huyện Phú Ninh";
    case Field::kApplicantPostalCode: return "51916";
    case Field::kSummary: return "Đăng ký khai sinh cho cháu Nguyễn Minh An";
    case Field::kOfficer: return "Võ Thị Hoa";
    case Field::kTitle: return "V/v phối hợp xác minh nơi thường trú";
    case Field::kContent: return "Đề nghị xác minh nơi thường trú của công dân.";
    case Field::kAnswer: return "Đã xác minh; công dân thường trú tại địa phương.";
    case Field::kSigner: return "Trần Văn Bình";
    case Field::kDuty: return "Xác minh nơi thường trú";
    case Field::kOutcome: return "Đúng nơi thường trú";
    case Field::kSurvey: return R"({"q1":5,"q2":4})";
    default: return "";
  }
}

std::int64_t number_of(Field field) {
  switch (field) {
    case Field::kChannel: return 1;
    case Field::kStatus: return static_cast<std::int64_t>(Status::kRegistered);
    case Field::kComponentCount: return 2;
    case Field::kDigitisedCount:
    case Field::kStep:
    case Field::kResultDigitised: return 1;
    case Field::kSurveyCount: return 2;
    case Field::kSatisfaction: return 3;
    case Field::kNumber: return 125;
    case Field::kReceipt: return 1;
    default: return 7;
  }
}

Bytes components() {
  return wire::encode(std::vector<wire::Component>{
      {"Tờ khai đăng ký khai sinh", "original", 1, "", 0, ""},
      {"Giấy chứng sinh", "certified", 1, scan_digest(), 70'000, "image/jpeg"}});
}

Bytes fees() {
  return wire::encode(std::vector<wire::Fee>{{"Lệ phí", 8'000, "cash", kMorning, "BL-0007"}});
}

}  // namespace

FieldValue value_of(const FieldInfo& info, const Named& about) {
  const auto days = static_cast<UnixMillis>(info.field) % 11;
  switch (info.type) {
    case FieldType::kInstant: return kMorning + days * kDay;
    case FieldType::kInteger:
    case FieldType::kStatus:
    case FieldType::kChannel: return number_of(info.field);
    case FieldType::kAgency:
      return to_bytes((info.field == Field::kIntakeAgency ? about.intake : about.competent).view());
    case FieldType::kRecord: return to_bytes(about.procedure.view());
    case FieldType::kComponents: return components();
    case FieldType::kFees: return fees();
    case FieldType::kText:
    case FieldType::kJson: break;
  }
  if (info.field == Field::kCode) return about.code;
  if (info.field == Field::kResultDigest) return scan_digest();
  const std::string text = text_of(info.field);
  return text.empty() ? std::string(info.json) : text;
}

// Fields that came later stand in items of their own: those from before keep their bytes.
constexpr std::array kLaterFields = {Field::kSupportAgency, Field::kCalendar};

std::vector<FieldWrite> all_writes(RecordKind kind, Part part, const Named& about) {
  std::vector<FieldWrite> out;
  for (const FieldInfo& info : all_fields())
    if (info.part == part && (info.kinds & bit(kind)) != 0 &&
        std::ranges::find(kLaterFields, info.field) == kLaterFields.end())
      out.push_back({static_cast<std::uint16_t>(info.field), value_of(info, about)});
  return out;
}

}  // namespace lienthong::golden
