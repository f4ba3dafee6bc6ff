#include "tests/support/traffic_facts.h"

namespace lienthong::test::facts {
namespace {

using enum LimitUnit;
using Text = std::string_view;

constexpr Text kCivil = "Hộ tịch", kPoor = "Giảm nghèo", kResidence = "Đăng ký, quản lý cư trú",
               kLand = "Đất đai", kCare = "Bảo trợ xã hội", kMerit = "Người có công",
               kCopies = "Chứng thực", kMediation = "Hòa giải ở cơ sở",
               kBuilding = "Hoạt động xây dựng",
               kTrade = "Thành lập và hoạt động doanh nghiệp (hộ kinh doanh)";

constexpr Procedure kProcedureTable[] = {
    {"2.000815",
     "Chứng thực bản sao từ bản chính giấy tờ, văn bản do cơ quan, tổ chức có thẩm quyền của Việt "
     "Nam cấp hoặc chứng nhận",
     kCopies, "Chứng thực bản sao", 0, kUnknown, false, 80, "de"},
    {"2.000884", "Chứng thực chữ ký trong các giấy tờ, văn bản", kCopies, "Chứng thực chữ ký", 0,
     kUnknown, false, 60, "fd"},
    {"2.000908", "Thủ tục cấp bản sao từ sổ gốc", kCopies, "Cấp bản sao từ sổ gốc", 1, kWorkingDays,
     false, 15, "d"},
    {"1.001193", "Thủ tục đăng ký khai sinh", kCivil, "Đăng ký khai sinh", 0, kSameDay, false, 90,
     "abd"},
    {"2.000986",
     "Liên thông thủ tục hành chính về đăng ký khai sinh, đăng ký thường trú, cấp thẻ bảo hiểm y "
     "tế "
     "cho trẻ em dưới 6 tuổi",
     kCivil, "Khai sinh, thường trú, thẻ BHYT", 20, kWorkingDays, true, 60, "abdg"},
    {"2.001023",
     "Liên thông các thủ tục hành chính về đăng ký khai sinh, cấp Thẻ bảo hiểm y tế cho trẻ em "
     "dưới "
     "6 tuổi",
     kCivil, "Khai sinh, thẻ BHYT", 15, kWorkingDays, true, 25, "abd"},
    {"1.000894", "Thủ tục đăng ký kết hôn", kCivil, "Đăng ký kết hôn", 0, kUnknown, false, 45,
     "adh"},
    {"1.000656", "Thủ tục đăng ký khai tử", kCivil, "Đăng ký khai tử", 0, kSameDay, false, 40,
     "ai"},
    {"1.004873", "Thủ tục cấp Giấy xác nhận tình trạng hôn nhân", kCivil,
     "Xác nhận tình trạng hôn nhân", 3, kWorkingDays, false, 65, "ad"},
    {"1.004859", "Thủ tục thay đổi, cải chính, bổ sung thông tin hộ tịch, xác định lại dân tộc",
     kCivil, "Cải chính hộ tịch", 0, kUnknown, false, 20, "adj"},
    {"1.004884", "Thủ tục đăng ký lại khai sinh", kCivil, "Đăng ký lại khai sinh", 0, kUnknown,
     false, 22, "adj"},
    {"1.001022", "Thủ tục đăng ký nhận cha, mẹ, con", kCivil, "Nhận cha, mẹ, con", 0, kUnknown,
     false, 5, "aj"},
    {"1.004837", "Thủ tục đăng ký giám hộ", kCivil, "Đăng ký giám hộ", 3, kWorkingDays, false, 4,
     "adk"},
    {"1.004845", "Thủ tục đăng ký chấm dứt giám hộ", kCivil, "Chấm dứt giám hộ", 2, kWorkingDays,
     false, 2, "ad"},
    {"1.003583", "Thủ tục đăng ký khai sinh lưu động", kCivil, "Khai sinh lưu động", 5,
     kWorkingDays, false, 6, "ab"},
    {"1.000419", "Thủ tục đăng ký khai tử lưu động", kCivil, "Khai tử lưu động", 5, kWorkingDays,
     false, 3, "ai"},
    {"2.000635", "Cấp bản sao Trích lục hộ tịch, bản sao Giấy khai sinh", kCivil,
     "Bản sao trích lục hộ tịch", 0, kUnknown, false, 70, "ad"},
    {"1.004222", "Đăng ký thường trú", kResidence, "Đăng ký thường trú", 7, kWorkingDays, false, 45,
     "agd"},
    {"1.004194", "Đăng ký tạm trú", kResidence, "Đăng ký tạm trú", 3, kWorkingDays, false, 35,
     "agl"},
    {"1.010038", "Tách hộ", kResidence, "Tách hộ", 5, kWorkingDays, false, 12, "ag"},
    {"1.002755", "Gia hạn tạm trú", kResidence, "Gia hạn tạm trú", 3, kWorkingDays, false, 9, "al"},
    {"1.003197", "Xóa đăng ký thường trú", kResidence, "Xóa đăng ký thường trú", 5, kWorkingDays,
     false, 6, "ai"},
    {"1.011607", "Công nhận hộ nghèo, hộ cận nghèo thường xuyên hằng năm", kPoor,
     "Công nhận hộ nghèo, cận nghèo", 15, kDays, false, 14, "am"},
    {"1.011608", "Công nhận hộ thoát nghèo, hộ thoát cận nghèo thường xuyên hằng năm", kPoor,
     "Công nhận hộ thoát nghèo", 15, kDays, false, 9, "am"},
    {"1.011609",
     "Công nhận hộ làm nông nghiệp, lâm nghiệp, ngư nghiệp và diêm nghiệp có mức sống trung bình",
     kPoor, "Hộ có mức sống trung bình", 15, kDays, false, 8, "am"},
    {"1.001699", "Xác định, xác định lại mức độ khuyết tật và cấp Giấy xác nhận khuyết tật", kCare,
     "Giấy xác nhận khuyết tật", 25, kWorkingDays, false, 13, "amn"},
    {"1.001776", "Thực hiện, điều chỉnh, thôi hưởng trợ cấp xã hội hàng tháng", kCare,
     "Trợ cấp xã hội hàng tháng", 0, kUnknown, true, 22, "adn"},
    {"1.001731", "Hỗ trợ chi phí mai táng cho đối tượng bảo trợ xã hội", kCare,
     "Hỗ trợ chi phí mai táng", 0, kUnknown, true, 9, "ai"},
    {"1.010803", "Giải quyết chế độ trợ cấp thờ cúng liệt sĩ", kMerit, "Trợ cấp thờ cúng liệt sĩ",
     27, kWorkingDays, true, 8, "aop"},
    {"1.010801", "Trợ cấp ưu đãi đối với thân nhân liệt sĩ", kMerit, "Ưu đãi thân nhân liệt sĩ", 20,
     kDays, true, 6, "aod"},
    {"1.010833", "Cấp giấy xác nhận thân nhân của người có công", kMerit,
     "Xác nhận thân nhân người có công", 0, kUnknown, false, 9, "ao"},
    {"1.001612", "Đăng ký thành lập hộ kinh doanh", kTrade, "Thành lập hộ kinh doanh", 3,
     kWorkingDays, true, 16, "ad"},
    {"2.000720", "Đăng ký thay đổi nội dung đăng ký hộ kinh doanh", kTrade,
     "Thay đổi hộ kinh doanh", 3, kWorkingDays, true, 7, "aq"},
    {"1.001266", "Chấm dứt hoạt động hộ kinh doanh", kTrade, "Chấm dứt hộ kinh doanh", 5,
     kWorkingDays, true, 4, "aq"},
    {"1.012796", "Đính chính Giấy chứng nhận đã cấp lần đầu có sai sót", kLand,
     "Đính chính Giấy chứng nhận", 8, kWorkingDays, true, 9, "rs"},
    {"1.012812", "Hòa giải tranh chấp đất đai", kLand, "Hòa giải tranh chấp đất đai", 0, kUnknown,
     false, 6, "st"},
    {"1.013978",
     "Đăng ký đất đai, tài sản gắn liền với đất, cấp Giấy chứng nhận quyền sử dụng đất, quyền sở "
     "hữu "
     "tài sản gắn liền với đất lần đầu đối với hộ gia đình, cá nhân, cộng đồng dân cư, người gốc "
     "Việt Nam định cư ở nước ngoài",
     kLand, "Cấp Giấy chứng nhận lần đầu", 0, kUnknown, true, 18, "rtd"},
    {"1.013227", "Gia hạn giấy phép xây dựng đối với công trình cấp III, cấp IV và nhà ở riêng lẻ",
     kBuilding, "Gia hạn giấy phép xây dựng", 5, kWorkingDays, false, 5, "au"},
    {"1.002211", "Thủ tục công nhận hòa giải viên (cấp xã)", kMediation, "Công nhận hòa giải viên",
     5, kWorkingDays, false, 2, "v"},
    {"2.002080", "Thủ tục thanh toán thù lao cho hòa giải viên", kMediation,
     "Thù lao hòa giải viên", 5, kWorkingDays, false, 3, "v"},
};

constexpr Text kPhuNinh[] = {"Thị trấn Phú Thịnh", "Xã Tam Thành", "Xã Tam An",   "Xã Tam Đàn",
                             "Xã Tam Lộc",         "Xã Tam Phước", "Xã Tam Vinh", "Xã Tam Thái",
                             "Xã Tam Đại",         "Xã Tam Dân",   "Xã Tam Lãnh"};
constexpr Text kTienPhuoc[] = {"Thị trấn Tiên Kỳ", "Xã Tiên Sơn",  "Xã Tiên Hà",    "Xã Tiên Cẩm",
                               "Xã Tiên Châu",     "Xã Tiên Lãnh", "Xã Tiên Ngọc",  "Xã Tiên Hiệp",
                               "Xã Tiên Cảnh",     "Xã Tiên Mỹ",   "Xã Tiên Phong", "Xã Tiên Thọ",
                               "Xã Tiên An",       "Xã Tiên Lộc",  "Xã Tiên Lập"};
constexpr Text kNamTraMy[] = {"Xã Trà Leng", "Xã Trà Dơn",  "Xã Trà Tập", "Xã Trà Mai",
                              "Xã Trà Cang", "Xã Trà Linh", "Xã Trà Nam", "Xã Trà Don",
                              "Xã Trà Vân",  "Xã Trà Vinh"};
constexpr Text kBacTraMy[] = {"Thị trấn Trà My", "Xã Trà Sơn",   "Xã Trà Kót",   "Xã Trà Nú",
                              "Xã Trà Đông",     "Xã Trà Dương", "Xã Trà Giang", "Xã Trà Bui",
                              "Xã Trà Đốc",      "Xã Trà Tân",   "Xã Trà Giác",  "Xã Trà Giáp",
                              "Xã Trà Ka"};
constexpr Text kPhuocSon[] = {"Thị trấn Khâm Đức", "Xã Phước Xuân",  "Xã Phước Hiệp",
                              "Xã Phước Hoà",      "Xã Phước Đức",   "Xã Phước Năng",
                              "Xã Phước Mỹ",       "Xã Phước Chánh", "Xã Phước Công",
                              "Xã Phước Kim",      "Xã Phước Lộc",   "Xã Phước Thành"};
constexpr Text kNamGiang[] = {"Thị trấn Thạnh Mỹ", "Xã Laêê",   "Xã Chơ Chun", "Xã Zuôich",
                              "Xã Tà Pơơ",         "Xã La Dêê", "Xã Đắc Tôi",  "Xã Chà Vàl",
                              "Xã Tà Bhinh",       "Xã Cà Dy",  "Xã Đắc Pre",  "Xã Đắc Pring"};
constexpr Text kQueSon[] = {"Thị trấn Đông Phú", "Xã Quế Xuân 1", "Xã Quế Xuân 2", "Xã Quế Phú",
                            "Thị trấn Hương An", "Xã Quế Hiệp",   "Xã Quế Thuận",  "Xã Quế Mỹ",
                            "Xã Quế Long",       "Xã Quế Châu",   "Xã Quế Phong",  "Xã Quế An",
                            "Xã Quế Minh"};

constexpr District kDistrictTable[] = {
    {"huyện Phú Ninh", kPhuNinh},    {"huyện Tiên Phước", kTienPhuoc},
    {"huyện Nam Trà My", kNamTraMy}, {"huyện Bắc Trà My", kBacTraMy},
    {"huyện Phước Sơn", kPhuocSon},  {"huyện Nam Giang", kNamGiang},
    {"huyện Quế Sơn", kQueSon},
};

constexpr Weighted kFamilyTable[] = {
    {"Nguyễn", 314}, {"Trần", 109}, {"Lê", 95},     {"Phạm", 71}, {"Huỳnh", 51}, {"Phan", 45},
    {"Võ", 39},      {"Đặng", 21},  {"Bùi", 20},    {"Đỗ", 14},   {"Hồ", 33},    {"Ngô", 13},
    {"Dương", 10},   {"Lý", 7},     {"Trương", 22}, {"Đinh", 18}, {"Châu", 6},   {"Đoàn", 9},
    {"Lương", 8},    {"Mai", 7},    {"Hoàng", 12},  {"Tạ", 4},    {"Thái", 5},   {"Ung", 2},
    {"Alăng", 6},    {"Zơrâm", 4},  {"Bhling", 3},  {"Cao", 6},   {"Văn", 3},    {"Tô", 2},
};
constexpr Text kMiddleManTable[] = {"Văn",  "Đình",  "Hữu",  "Quang", "Công", "Minh",
                                    "Đức",  "Ngọc",  "Xuân", "Thanh", "Tấn",  "Viết",
                                    "Bá",   "Trọng", "Quốc", "Hoàng", "Anh",  "Duy",
                                    "Nhật", "Thế",   "Chí",  "Phước", "Tuấn", "Mạnh"};
constexpr Text kMiddleWomanTable[] = {
    "Thị",      "Ngọc",     "Kim",       "Thanh",    "Bích", "Mỹ",     "Thị Thu", "Thị Kim",
    "Thị Ngọc", "Thị Minh", "Như",       "Hoài",     "Thùy", "Phương", "Khánh",   "Diệu",
    "Tường",    "Thị Hồng", "Thị Thanh", "Thị Bích", "Bảo",  "Quỳnh"};
constexpr Text kGivenManTable[] = {
    "Hùng", "Dũng",  "Tuấn",  "Sơn",   "Phúc",   "Lợi",   "Thành", "Bình",  "An",    "Khánh",
    "Tân",  "Vinh",  "Đạt",   "Cường", "Hải",    "Long",  "Nam",   "Phong", "Quân",  "Thắng",
    "Tiến", "Toàn",  "Trung", "Tú",    "Việt",   "Vũ",    "Hiếu",  "Hoàng", "Huy",   "Khoa",
    "Kiên", "Lâm",   "Lộc",   "Luân",  "Mẫn",    "Nghĩa", "Nhân",  "Nhật",  "Pháp",  "Phước",
    "Quý",  "Sang",  "Sinh",  "Tài",   "Tâm",    "Thạch", "Thiện", "Thuận", "Tín",   "Tịnh",
    "Trí",  "Tường", "Vương", "Bảo",   "Chương", "Duy",   "Định",  "Đông",  "Giang", "Hậu"};
constexpr Text kGivenWomanTable[] = {
    "Hoa",  "Lan",   "Hồng",  "Thảo", "Hương", "Nga",   "Yến",    "Hạnh", "Phượng", "Tuyết",
    "Dung", "Trâm",  "Vy",    "Liên", "Anh",   "Chi",   "Cúc",    "Diễm", "Duyên",  "Giang",
    "Hà",   "Hằng",  "Hiền",  "Hoài", "Huệ",   "Huyền", "Khuyên", "Lài",  "Lệ",     "Linh",
    "Loan", "Ly",    "Mai",   "My",   "Ngân",  "Ngọc",  "Nguyệt", "Nhàn", "Nhi",    "Nhung",
    "Oanh", "Quyên", "Sương", "Tâm",  "Thắm",  "Thi",   "Thơ",    "Thu",  "Thúy",   "Thủy",
    "Tiên", "Trang", "Trinh", "Trúc", "Uyên",  "Vân",   "Xuân",   "Ý",    "Diệp",   "Đào"};

constexpr Text kPaperTable[] = {
    /* a */ "Tờ khai theo mẫu",
    /* b */ "Giấy chứng sinh",
    /* c */ "Đơn đề nghị",
    /* d */ "Căn cước công dân",
    /* e */ "Bản chính cần chứng thực",
    /* f */ "Văn bản cần chứng thực chữ ký",
    /* g */ "Tờ khai thay đổi thông tin cư trú (CT01)",
    /* h */ "Giấy xác nhận tình trạng hôn nhân",
    /* i */ "Giấy báo tử",
    /* j */ "Giấy tờ làm căn cứ",
    /* k */ "Văn bản cử người giám hộ",
    /* l */ "Giấy tờ chứng minh chỗ ở hợp pháp",
    /* m */ "Giấy đề nghị",
    /* n */ "Bản sao giấy tờ y tế",
    /* o */ "Bằng Tổ quốc ghi công",
    /* p */ "Biên bản ủy quyền",
    /* q */ "Giấy chứng nhận đăng ký hộ kinh doanh",
    /* r */ "Đơn đăng ký đất đai",
    /* s */ "Giấy chứng nhận quyền sử dụng đất",
    /* t */ "Trích lục bản đồ địa chính",
    /* u */ "Giấy phép xây dựng",
    /* v */ "Danh sách đề nghị",
};
constexpr Text kUnitTable[] = {"Bộ phận Một cửa",  "Tư pháp – Hộ tịch", "Địa chính – Xây dựng",
                               "Văn hóa – Xã hội", "Công an xã",        "Tài chính – Kế toán",
                               "Văn phòng UBND"};

constexpr Text kRemarkTable[] = {
    "Đã liên hệ ông/bà @ qua điện thoại",
    "Chờ lãnh đạo ký, hẹn chiều %",
    "Đối chiếu sổ gốc số #",
    "Đã kiểm tra thực địa ngày %",
    "Người nhận thay: @",
    "Hồ sơ giấy lưu ở tủ số #",
    "Phối hợp với thôn xác minh",
    "Đủ điều kiện, trình ký",
    "Đã in, chờ đóng dấu",
    "Có biên bản họp thôn ngày %",
    "Xác minh tại Công an, công văn số #",
    "Công dân đề nghị nhận qua bưu chính",
    "Sai số nhà, đã sửa theo lời khai của @",
    "Kèm * (bản sao)",
    "Trả kết quả trễ do mất điện",
    "Không liên lạc được, hẹn gọi lại %",
    "Đã niêm yết đến hết ngày %",
    "Lệ phí thu theo biên lai số #",
};
constexpr Text kSupplementTable[] = {
    "Thiếu *",
    "Bổ sung * có chứng thực",
    "* bị mờ, nộp lại",
    "Thông tin trên * không khớp với căn cước của @",
    "Bổ sung * trước ngày %",
    "Chữ ký trên * không đúng người khai",
};
constexpr Text kOfferTable[] = {
    "Chuyển hồ sơ theo quy trình",
    "Chuyển thẩm định, kèm * (bản chính)",
    "Phiếu chuyển số #",
    "Hẹn nhận lại trước ngày %",
};

}  // namespace

const std::span<const Procedure> kProcedures = kProcedureTable;
const std::span<const District> kDistricts = kDistrictTable;
const std::span<const Weighted> kFamilyNames = kFamilyTable;
const std::span<const std::string_view> kMiddleMan = kMiddleManTable;
const std::span<const std::string_view> kMiddleWoman = kMiddleWomanTable;
const std::span<const std::string_view> kGivenMan = kGivenManTable;
const std::span<const std::string_view> kGivenWoman = kGivenWomanTable;
const std::span<const std::string_view> kPapers = kPaperTable;
const std::span<const std::string_view> kUnits = kUnitTable;
const std::span<const std::string_view> kRemarks = kRemarkTable;
const std::span<const std::string_view> kSupplementRemarks = kSupplementTable;
const std::span<const std::string_view> kOfferRemarks = kOfferTable;

}  // namespace lienthong::test::facts
