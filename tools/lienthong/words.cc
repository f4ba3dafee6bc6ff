#include "tools/lienthong/words.h"

#include <array>

#include "store/text/plain.h"

namespace lienthong::tools {
namespace {

using store::Heading;

// By word_key(): letters and digits without accents.
constexpr std::array kFields = {
    Heading{"code", "mahoso masohoso sohoso mahs mshs sobiennhan sobiennhanhoso dossiercode"},
    Heading{"procedure", "mathutuc mathutuchanhchinh matthc mattthc mathutuctthc procedurecode"},
    Heading{"procedure_name", "tenthutuc tenthutuchanhchinh thutuc thutuchanhchinh tthc tentthc"},
    Heading{"field", "linhvuc tenlinhvuc fieldofwork"},
    Heading{"channel", "kenh hinhthucnop hinhthucnophoso kenhnop cachthucnop hinhthuctiepnhan"},
    Heading{"submitted_at", "ngaynop ngaynophoso thoigiannop thoidiemnop submitted"},
    Heading{"received_at",
            "ngaytiepnhan ngaynhan ngaynhanhoso ngaytiepnhanhoso thoigiantiepnhan thoidiemtiepnhan "
            "ngaygiotiepnhan received"},
    Heading{"clock_starts_at", "ngaybatdautinh thoidiembatdautinhthoihan"},
    Heading{"due_at",
            "ngayhentra hentra ngayhen thoigianhentra thoidiemhentra ngayhentraketqua hanxuly "
            "hangiaiquyet han due duedate"},
    Heading{"finished_at", "ngayxong ngayhoanthanh ngaygiaiquyetxong thoigianhoanthanh finished"},
    Heading{"returned_at",
            "ngaytra ngaytraketqua thoigiantra thoigiantraketqua ngaytrakq returned"},
    Heading{"status", "trangthai tinhtrang trangthaihoso tinhtranghoso state"},
    Heading{"intake_agency", "coquantiepnhan donvitiepnhan"},
    Heading{"competent_agency", "coquangiaiquyet donvigiaiquyet coquancothamquyen"},
    Heading{"unit", "donvi phongban bophan phong donvixuly"},
    Heading{"fees", "lephi philephi"},
    Heading{"result.number", "soketqua sokyhieuketqua sokyhieu"},
    Heading{"result.signed_at", "ngaykyketqua ngayky"},
    Heading{"result.kind", "loaiketqua"},
    Heading{"applicant.name",
            "hoten hovaten tennguoinop hotennguoinop hovatennguoinop nguoinop nguoinophoso chuhoso "
            "tenchuhoso hotenchuhoso tochuccanhan tencanhantochuc tencanhan tentochuc congdan "
            "nguoiyeucau hotennguoiyeucau nguoilamdon applicant fullname name"},
    Heading{"applicant.kind", "doituong loaidoituong"},
    Heading{"applicant.id_number",
            "socccd cccd cmnd socmnd cmndcccd cccdcmnd socmndcccd socccdcmnd sodinhdanh "
            "madinhdanh sodinhdanhcanhan sogiayto sogiaytotuythan cancuoc socancuoc idnumber"},
    Heading{"applicant.phone", "dienthoai sodienthoai sdt dtdd didong dienthoailienhe phone"},
    Heading{"applicant.email", "email thudientu diachiemail"},
    Heading{"applicant.address", "diachi diachinguoinop noiohiennay noicutru address"},
    Heading{"summary", "trichyeu noidung noidungyeucau tomtat noidunghoso trichyeuhoso"},
    Heading{"officer", "canbo canbotiepnhan nguoitiepnhan canboxuly chuyenvien"},
    Heading{"components", "thanhphanhoso"},
    Heading{"applicant.postal_code", "mabuuchinh mabuudien postalcode"},
};

constexpr std::array kProcedureHeadings = {
    Heading{"code", "ma mathutuc mathutuchanhchinh matthc masothutuc"},
    Heading{"name", "ten tenthutuc tenthutuchanhchinh thutuc tentthc procedurename"},
    Heading{"field", "linhvuc tenlinhvuc"},
    Heading{"level", "cap capthuchien"},
    Heading{"limit", "thoihan thoihangiaiquyet"},
    Heading{"unit", "donvi donvitinh donvithoihan"},
    Heading{"limit_by_channel", "thoihantheokenh"},
    Heading{"agencies", "coquan coquanthuchien"},
    Heading{"step_limits", "thoihanbuoc thoihancacbuoc"},
    Heading{"note", "ghichu"},
    Heading{"source", "nguon cancu cancuphaply"},
    Heading{"decision", "quyetdinh soquyetdinh quyetdinhcongbo"},
    Heading{"effective_from", "hieuluctu ngayhieuluc tungay"},
    Heading{"effective_to", "hieulucden hethieuluc denngay"},
    Heading{"successor", "thaythe thutucthaythe"},
};

struct CalledSo {
  std::string_view name, words;
};
constexpr std::array kCalledStatuses = {
    CalledSo{"registered", "registered moidangky dangkytructuyen chotiepnhan"},
    CalledSo{"accepted", "accepted datiepnhan duoctiepnhan tiepnhan"},
    CalledSo{"refused", "refused khongduoctiepnhan tuchoi tuchoitiepnhan khongtiepnhan"},
    CalledSo{"processing", "processing dangxuly dangthuchien danggiaiquyet"},
    CalledSo{"supplement",
             "supplement supplementasked yeucaubosunggiayto yeucaubosung bosung chobosung"},
    CalledSo{"payment", "payment paymentasked yeucauthuchiennghiavutaichinh chothanhtoan"},
    CalledSo{"withdrawn", "withdrawn congdanyeucauruthoso ruthoso darut rut"},
    CalledSo{"stopped", "stopped dungxuly dung"},
    CalledSo{"done", "done daxulyxong xong daxong hoanthanh dagiaiquyet dahoanthanh"},
    CalledSo{"returned", "returned datraketqua datra datrakq"},
};
constexpr std::array kCalledChannels = {
    CalledSo{"counter", "counter tructiep taiquay nopttructiep noptructiep atthecounter motcua"},
    CalledSo{"online", "online tructuyen quamang noptructuyen"},
    CalledSo{"postal", "postal buuchinh bcci buudien buuchinhcongich quabuuchinh bypost"},
};

bool among_words(std::string_view words, const std::string& key) {
  return !key.empty() &&
         (" " + std::string(words) + " ").find(" " + key + " ") != std::string::npos;
}

template <class Words>
std::optional<std::string> called(const Words& words, std::string_view text) {
  const std::string key = store::word_key(text);
  for (const CalledSo& word : words)
    if (among_words(word.words, key)) return std::string(word.name);
  return std::nullopt;
}

}  // namespace

std::string_view words_of_field(std::string_view field) {
  for (const Heading& heading : kFields)
    if (heading.name == field) return heading.words;
  return {};
}

std::string_view words_passed_over() {
  return "stt tt so sothutu kyten kynhan chuky no no1 record recordid";
}

std::optional<std::string> status_called(std::string_view text) {
  return called(kCalledStatuses, text);
}
std::optional<std::string> channel_called(std::string_view text) {
  return called(kCalledChannels, text);
}

std::span<const Heading> procedure_headings() { return kProcedureHeadings; }

}  // namespace lienthong::tools
