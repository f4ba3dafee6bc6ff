#!/usr/bin/env python3
"""A register of 5,000 rows as spreadsheets save it, with over 40 kinds of damage, as a table of
text and as a workbook: exactly the expected findings, in a dry run as in the real one, and each
cell that has one meaning stored as that.
"""
import io
import json
import sys
import unicodedata
import zipfile
from xml.sax.saxutils import escape

import offices
from offices import expect

ROWS = 5000
HEADS = ("STT", "MÃ HỒ SƠ (*)", "Họ và tên\nngười nộp", "Số CCCD", "Điện thoại", "Địa chỉ",
         "Mã TTHC", "Lĩnh vực", "Kênh nộp", "Ngày tiếp nhận", "Ngày trả kết quả", "Trạng thái",
         "Trích yếu", "Mã bưu chính", "")
CODE, NAME, CARD, PHONE, ADDRESS, PROCEDURE, FIELD, CHANNEL, RECEIVED, RETURNED, STATE, SUMMARY, \
    POST = range(1, 14)
HEAD_LINE = 5  # after sep=, two titles and an empty row
FIRST = HEAD_LINE + 2  # the headings take two lines of the file of text


def sound(number):
    return [str(number), f"H47-240401-{number:04}", f"Nguyễn Văn {number}", f"0490{number:08}",
            f"0905{number:06}", f"Thôn {number % 9}, Xã Tam Dân", "1.001193", "Hộ tịch",
            "Trực tiếp", "01/04/2024", "", "Đang xử lý", "Đăng ký khai sinh", "", ""]


class Register:
    """Rows with damage, and what is to be found."""

    def __init__(self, text):
        self.text = text  # saved as text, else as a workbook
        self.rows = [sound(number) for number in range(1, ROWS + 1)]
        self.refused, self.remarks, self.stored, self.empty = {}, {}, {}, 0
        self.known = 0
        self.next = 10
        self.damage()

    def put(self, column, cell, refused=None, remark=None, stored=None):
        """The cell into a row of its own: with what reason it is refused, what a remark says, or as
        what (path, text) it is stored."""
        self.next += 37
        row = self.rows[self.next]
        row[column] = cell
        if refused is not None:
            self.refused[self.next] = refused
        if remark:
            self.remarks[self.next] = remark
        if stored:
            self.stored[f"H47-240401-{self.next + 1:04}"] = stored

    def damage(self):
        name = ("applicant.name", "Vừ Thị Hường")
        card = ("applicant.id_number", "049000000001")
        phone = ("applicant.phone", "0905000001")
        received = ("received_at", "2024-04-01T00:00:00+07:00")
        self.put(NAME, unicodedata.normalize("NFD", name[1]), stored=name)
        self.put(NAME, "  Vừ\u00a0Thị Hường ", stored=name)
        self.put(NAME, "Vừ\u200b Thị Hường\ufeff", stored=name)
        self.put(NAME, "VỪ THỊ HƯỜNG", stored=("applicant.name", "VỪ THỊ HƯỜNG"))
        self.put(NAME, "Vừ Thị Hu\u031bo\u031b\u0300ng",
                 stored=name)
        self.put(ADDRESS, "Thôn 1\nXã Tam Dân", stored=("applicant.address", "Thôn 1\nXã Tam Dân"))
        self.put(ADDRESS, "Thôn 1; Xã Tam Dân", stored=("applicant.address", "Thôn 1; Xã Tam Dân"))
        self.put(SUMMARY, 'Giấy "khai sinh"', stored=("summary", 'Giấy "khai sinh"'))
        self.put(SUMMARY, "-", stored=("summary", "-"))
        self.put(CARD, "4.9E+10", remark=(False, "shortened"))
        self.put(CARD, "49000000001", remark=(True, "→ 049000000001"), stored=card)
        self.put(CARD, "49000000001.0", remark=(True, "→ 049000000001"), stored=card)
        self.put(CARD, "049 000 000 001", stored=card)
        self.put(PHONE, "905000001", remark=(True, "→ 0905000001"), stored=phone)
        self.put(PHONE, "9.05E+08", remark=(False, "shortened"))
        self.put(PROCEDURE, "2.00072", remark=(True, "→ 2.000720"),
                 stored=("procedure", "2.000720"))
        self.put(PROCEDURE, "1,001193", remark=(True, "→ 1.001193"),
                 stored=("procedure", "1.001193"))
        self.put(PROCEDURE, "01-Jan", refused="a spreadsheet made of a code")
        self.put(CODE, "2.4E+10", refused="a spreadsheet made of a code")
        self.next += 37
        self.rows[self.next][CODE] = f"\u00a0H47-240401-{self.next + 1:04} "
        self.stored[f"H47-240401-{self.next + 1:04}"] = ("code", f"H47-240401-{self.next + 1:04}")
        self.put(RECEIVED, "1/4/2024", stored=received)
        self.put(RECEIVED, "2024-04-01", stored=received)
        self.put(RECEIVED, "01/04/2024 08:30", stored=("received_at", "2024-04-01T08:30:00+07:00"))
        self.put(RECEIVED, "01-04-2024", stored=received)
        self.put(RECEIVED, "45383", refused="counts days by")
        self.put(RECEIVED, "01/04/24", refused="four digits")
        self.put(RECEIVED, "31/02/2024", refused="")
        self.put(RETURNED, "04/13/2024", refused="day and month cannot be told apart")
        self.put(RETURNED, "05/06/2024", refused="day and month cannot be told apart")
        self.put(STATE, "Đã tiếp nhận", stored=("status", "accepted"))
        self.put(STATE, "xong rồi nhé", refused="")
        self.put(CHANNEL, "Qua mạng", stored=("channel", "online"))
        self.put(CHANNEL, "bằng thuyền", refused="")
        self.put(POST, "5100", refused="five digits")
        self.put(SUMMARY, "=HYPERLINK(1)", stored=("summary", "=HYPERLINK(1)"))
        for column, cells in (((NAME, CARD, CODE), ("", "", "")),):
            self.next += 37
            for at, cell in zip(column, cells):
                self.rows[self.next][at] = cell
            self.refused[self.next] = "nothing is said of who applies"
        if self.text:
            self.put(CARD, '="049000000001"', stored=card)
            self.put(CARD, "'049000000001", stored=card)
            self.put(FIELD, "Hộ tịch\u0007", stored=("field", "Hộ tịch"))
            self.next += 37
            self.rows[self.next] = self.rows[self.next][:5]
            self.refused[self.next] = "the row has"
            self.next += 37
            self.rows[self.next] += ["x", "y"]
            self.refused[self.next] = "the row has"
        else:
            self.put(CARD, 49000000001, remark=(True, "→ 049000000001"), stored=card)
            self.put(CARD, ("zeros", 49000000001), stored=card)
            self.put(RECEIVED, ("date", 45383), stored=received)
            self.put(RECEIVED, ("date", 45383.3541666667),
                     stored=("received_at", "2024-04-01T08:30:00+07:00"))
            self.put(SUMMARY, ("error", "#REF!"), refused="error of the spreadsheet")
            self.put(SUMMARY, ("formula", "Hai"), stored=("summary", "Hai"))
        # The same line twice, and one code for two people.
        self.next += 37
        self.rows[self.next] = list(self.rows[2])
        self.known += 1
        self.next += 37
        self.rows[self.next] = list(self.rows[3])
        self.rows[self.next][NAME] = "Người khác"
        self.refused[self.next] = "with other content"

    def with_gaps(self):
        """The rows as they stand in the file, None for one without content; and of each row with
        content its place among them."""
        out, places = [], []
        for number, row in enumerate(self.rows):
            if number in (100, 2000, 4000):
                out.append(None)
                self.empty += 1
            places.append(len(out))
            out.append(row)
        return out, places


def as_text(register, rows):
    """A file of text, and the line of each row in it."""
    out = io.StringIO()

    def cell(text):
        return '"' + text.replace('"', '""') + '"' if any(c in text for c in ';"\n') else text

    lines, line = [], FIRST
    out.write("\ufeffsep=;\r\nSỔ THEO DÕI HỒ SƠ" + ";" * 14 + "\r\n")
    out.write("Năm 2024" + ";" * 14 + "\r\n" + ";" * 14 + "\r\n")
    out.write(";".join(map(cell, HEADS)) + "\r\n")
    for row in rows:
        lines.append(line)
        text = " ;\u00a0;" + ";" * 12 if row is None else ";".join(map(cell, row))
        out.write(text + "\r\n")
        line += 1 + text.count("\n")
    register.empty += 1
    return out.getvalue().encode(), lines


def column_name(index):
    return chr(ord("A") + index)


def sheet_cell(place, value):
    if value == "":
        return ""
    if isinstance(value, tuple) and value[0] == "error":
        return f'<c r="{place}" t="e"><f>A1</f><v>{value[1]}</v></c>'
    if isinstance(value, tuple) and value[0] == "formula":
        return f'<c r="{place}" t="str"><f>CONCAT(A1)</f><v>{value[1]}</v></c>'
    if isinstance(value, tuple):
        style = 1 if value[0] == "date" else 2
        return f'<c r="{place}" s="{style}"><v>{value[1]}</v></c>'
    if isinstance(value, int):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def as_workbook(register, rows):
    """A workbook whose first sheet is hidden, and the line of each row in it."""
    body, lines = [], []
    register.empty += 1  # of the third row, which holds a blank
    titles = [["SỔ THEO DÕI HỒ SƠ"], ["Năm 2024"], [], list(HEADS)]
    for number, row in enumerate(titles + rows, start=1):
        if number > len(titles):
            lines.append(number)
        cells = "".join(sheet_cell(f"{column_name(i)}{number}", value)
                        for i, value in enumerate(row or [" "]))
        body.append(f'<row r="{number}">{cells}</row>')
    sheet = (f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(body)}</sheetData>'
             '<mergeCells count="1"><mergeCell ref="A1:N1"/></mergeCells></worksheet>')
    styles = (f'<styleSheet xmlns="{MAIN}"><numFmts count="2"><numFmt numFmtId="164" '
              'formatCode="dd/mm/yyyy\\ hh:mm"/><numFmt numFmtId="165" formatCode="000000000000"/>'
              '</numFmts><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="164"/>'
              '<xf numFmtId="165"/></cellXfs></styleSheet>')
    book = (f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets><sheet name="Ẩn" sheetId="1" '
            'state="hidden" r:id="rId1"/><sheet name="Sổ" sheetId="2" r:id="rId2"/></sheets>'
            '</workbook>')
    links = ('<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
             f'<Relationship Id="rId1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
             f'<Relationship Id="rId2" Type="{LINKS}/worksheet" Target="worksheets/sheet2.xml"/>'
             '</Relationships>')
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", book),
                           ("xl/_rels/workbook.xml.rels", links), ("xl/styles.xml", styles),
                           ("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"/>'),
                           ("xl/worksheets/sheet2.xml", sheet)):
            archive.writestr(name, text)
    return out.getvalue(), lines


def findings(register, lines, places, answer):
    """What is wrong with the answer, as texts."""
    wrong = []
    refused = {line["line"]: line["error"]["message"] if "error" in line else line["message"]
               for line in answer["refused"]}
    expected = {lines[places[row]]: text for row, text in register.refused.items()}
    for line in sorted(refused.keys() | expected.keys()):
        if line not in expected:
            wrong.append(f"line {line} is refused: {refused[line]}")
        elif line not in refused:
            wrong.append(f"line {line} is not refused: {expected[line]}")
        elif expected[line] not in refused[line]:
            wrong.append(f"line {line}: {refused[line]} instead of {expected[line]}")
    remarks = {remark["line"]: remark for remark in answer["remarks"]}
    expected = {lines[places[row]]: told for row, told in register.remarks.items()}
    for line in sorted(remarks.keys() | expected.keys()):
        if line not in expected or line not in remarks:
            wrong.append(f"line {line}: remark {remarks.get(line)}, expected {expected.get(line)}")
        elif remarks[line]["repaired"] != expected[line][0] or \
                expected[line][1] not in remarks[line]["text"]:
            wrong.append(f"line {line}: {remarks[line]} instead of {expected[line]}")
    if answer["empty"] != register.empty:
        wrong.append(f"{answer['empty']} empty rows instead of {register.empty}")
    if answer["repeated"] != register.known:
        wrong.append(f"{answer['repeated']} known already instead of {register.known}")
    return wrong


def value_at(dossier, path):
    for name in path.split("."):
        dossier = dossier.get(name, {}) if isinstance(dossier, dict) else {}
    return dossier


def take_in(bench, office, text):
    register = Register(text)
    rows, places = register.with_gaps()
    content, lines = (as_text if text else as_workbook)(register, rows)
    path = bench.write("so.csv" if text else "so.xlsx", content)
    verdicts = []
    for words in (["--dry-run"], []):
        done = office.run("--json", "import", path, *words)
        expect(done.returncode == 1, f"exit {done.returncode}: {done.stderr[-2000:]}")
        answer = json.loads(done.stdout)
        wrong = findings(register, lines, places, answer)
        expect(not wrong, f"{path} {words}:\n" + "\n".join(wrong))
        verdicts.append([answer[name] for name in ("refused", "remarks", "empty", "repeated")])
    expect(verdicts[0] == verdicts[1], "the dry run says something else than the real one")
    dossiers = {d["code"]: d for d in office.lines("/v1/export")}
    expect(len(dossiers) == ROWS - len(register.refused) - register.known, str(len(dossiers)))
    for code, (path, value) in register.stored.items():
        expect(value_at(dossiers[code], path) == value,
               f"{code}: {path} is {value_at(dossiers[code], path)!r} instead of {value!r}")
    bench.say(f"{ROWS} rows as {'text' if text else 'a workbook'}: {len(register.refused)} "
              f"refused, {len(register.remarks)} remarks, {len(register.stored)} put right")
    return dossiers


def round_trip(bench, options, office, dossiers):
    """Out as a workbook, into another office, and out again unchanged."""
    path = bench.path("out.xlsx")
    office.cli("export", "--format", "xlsx", "--out", path, "--status", "accepted")
    accepted = {code: d for code, d in dossiers.items() if d["status"] == "accepted"}
    other = offices.Bench(options)
    try:
        twin = other.found()
        twin.cli("import", path)
        there = {d["code"]: d for d in twin.lines("/v1/export")}
        expect(there.keys() == accepted.keys() and there, f"{sorted(there)} {sorted(accepted)}")
        for code, dossier in accepted.items():
            for name in ("applicant", "summary", "procedure", "received_at", "field", "channel"):
                expect(there[code].get(name) == dossier.get(name), f"{code}: {name}")
    finally:
        other.close()
    done = office.run("export", "--format", "xlsx")
    expect(done.returncode == 2 and "--out" in done.stderr, str(done))
    broken = bench.write("cut.xlsx", open(path, "rb").read()[:900])
    done = office.run("import", broken)
    expect(done.returncode == 1 and "cut off" in done.stderr, str(done))


def units(bench, office):
    table = bench.write("don-vi.csv", "Mã đơn vị;Tên đơn vị;Cấp\nH47.20;Huyện Bắc Trà My;Huyện\n"
                        "H47.21;Huyện Mới;thôn\nH47.20;Huyện Bắc Trà My;Huyện\n;Không mã;Xã\n")
    for words, told in ((["--dry-run"], "1 would be declared"), ([], "1 declared")):
        done = office.run("agency", "import", table, *words)
        expect(done.returncode == 1 and told in done.stdout and "3 " in done.stdout, str(done))
        expect("line 3" in done.stderr and "no tier" in done.stderr, str(done))
    done = office.run("agency", "import", table)
    expect("1 known already" in done.stdout, str(done))


def main():
    options = offices.parser(__doc__).parse_args()

    def test(bench):
        take_in(bench, bench.found(), True)
        other = offices.Bench(options)
        try:
            office = other.found()
            dossiers = take_in(other, office, False)
            round_trip(other, options, office, dossiers)
            units(other, office)
        finally:
            other.close()

    return offices.main(options, test)


if __name__ == "__main__":
    sys.exit(main())
