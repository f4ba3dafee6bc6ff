#!/usr/bin/env python3
"""Dossiers in and out as tables, under the portal's names, and as printed forms."""
import csv
import io
import json
import sys

import offices
from offices import expect

TABLE = """\ufeffcode;procedure;field;applicant.name;channel;received_at;due_at;status;fees;\
applicant.postal_code
H47-230401-0001;1.001193;Hộ tịch;"Đặng ""Ánh"", con";counter;2023-04-01T07:00:00+07:00;\
2023-04-03T17:00:00+07:00;processing;"[{""name"":""Lệ phí"",""amount"":8000}]";05100
H47-230401-0002;2.000815;Tư pháp;"hai
dòng";online;2023-04-02T07:00:00+07:00;;accepted;;
H47-230401-0003;1.001193
H47-230401-0004;1.001193;Hộ tịch;An;by-boat;;;;;
H47-230401-0005;1.001193;Hộ tịch;An;counter;;;;;5100
;1.001193;Hộ tịch;Bình;counter;2023-04-05T07:00:00+07:00;;;;
"""
BROKEN = "code;field\nH47-230401-0009;\"open\n"


def take_in(bench, office):
    path = bench.write("so.csv", TABLE)
    done = office.run("import", path)
    expect(done.returncode == 1, str(done))
    expect("line 5: " in done.stderr and "2 fields" in done.stderr, done.stderr)
    expect("line 6: " in done.stderr and "channel" in done.stderr, done.stderr)
    expect("line 7: " in done.stderr and "postal_code" in done.stderr and
           "five digits" in done.stderr, done.stderr)
    expect("6 lines: 3 applied, 0 known already, 3 refused" in done.stdout, done.stdout)
    again = json.loads(office.run("--json", "import", path).stdout)
    expect(again["repeated"] == 3, str(again))
    expect([line["line"] for line in again["refused"]] == [5, 6, 7], str(again))
    done = office.run("import", "--atomic", path)
    expect(done.returncode == 1 and " 0 applied" in done.stdout, str(done))
    for text, reason in ((BROKEN, "never closes"), ("code;colour\nA;red\n", "unknown column"),
                         ("", "empty")):
        done = office.run("import", "--format", "csv", "-", stdin=text)
        expect(done.returncode == 1 and reason in done.stderr, str(done))


def round_trip(bench, options, office):
    table = office.cli("export", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    expect(len(rows) == 3 and rows[1]["applicant.name"] == "hai\ndòng", table)
    expect(rows[0]["applicant.postal_code"] == "05100", table)
    expect(rows[0]["due_at"] and not rows[1]["due_at"], "an unknown date stays empty")
    other = offices.Bench(options)
    try:
        twin = other.found()
        twin.cli("import", "--format", "csv", "-", stdin=table)
        expect(twin.cli("export", "--format", "csv") == table, "the table came back changed")
        with_mark = twin.cli("export", "--format", "csv", "--bom")
        expect(with_mark == "\ufeff" + table, "only the mark is added")
    finally:
        other.close()
    bench.say("table in, out, in and out again")


def portal(office):
    lines = [json.loads(line) for line in
             office.cli("export", "--format", "portal").splitlines()]
    first = lines[0]
    expect(first["MaHoSo"] == "H47-230401-0001" and first["TrangThaiHoSo"] == 4, str(first))
    expect(first["NgayTiepNhan"] == "20230401070000" and first["KenhThucHien"] == 1, str(first))
    expect("NgayTra" not in first and "DonViXuLy" not in first, "made up: " + str(first))
    expect(first["sync_state"] == "no_parent", str(first))


def forms(bench, office):
    text = office.cli("form", "01", "h47-230401-0001")
    expect("GIẤY TIẾP NHẬN" in text and "Lệ phí: 8.000 đồng" in text, text)
    page = bench.path("so.html")
    office.cli("form", "06", "--year", "2023", "--format", "html", "--out", page)
    with open(page, encoding="utf-8") as stream:
        expect(stream.read().count("<section>") == 2, "a book for each field")
    done = office.run("form", "04", "H47-230401-0001", "--out", page)
    expect(done.returncode == 4 and "no apology" in done.stderr, str(done))
    with open(page, encoding="utf-8") as stream:
        expect("<section>" in stream.read(), "a refusal leaves the file as it was")
    expect(office.run("form", "06").returncode == 2, "neither dossier nor year")
    done = office.run("form", "06", "--year", "1999")
    expect(done.returncode == 0 and "nothing was received" in done.stderr, str(done))


def verify(office):
    done = office.run("verify")
    expect(done.returncode == 0 and "no due date: 2" in done.stdout, str(done))
    expect(office.run("verify", "--strict").returncode == 1, "strict")
    data = json.loads(office.cli("--json", "verify", "--limit", "1"))["data"]
    expect(data["counts"]["no-due-date"] == 2, str(data))
    expect(len([f for f in data["findings"] if f["finding"] == "no-due-date"]) == 1, str(data))


CALENDAR = """desk\t07:00-11:30\t13:30-17:00
weekend\tsaturday\tsunday
years\t2024\t2025
date\tkind\tname\tsource
2025-03-12\tholiday\tNghỉ đột xuất (mẫu)\tmẫu
"""


def another_calendar(bench, office):
    """A day off that is decided afterwards: what it would move is listed, then moved."""
    office.must({"op": "create", "procedure": {
        "code": "1.000111", "procedure_name": "Mẫu", "decision": "1/QĐ",
        "effective_from": "2020-01-01T00:00:00+07:00",
        "definition": {"limit": {"amount": 3, "unit": "working_day"}}}})
    code = office.must({"op": "create", "dossier": {
        "code": "H47-250310-0001", "procedure": "1.000111", "applicant": {"name": "Lò Thị Hoa"},
        "received_at": "2025-03-10T08:00:00+07:00", "status": "accepted"}})[0]["code"]
    due = office.get(f"/v1/dossiers/{code}")["due_at"]
    expect(due.startswith("2025-03-13"), due)
    expect(json.loads(office.cli("--json", "dossier", "recount")) == [], "nothing differs yet")
    office.stop()
    path = bench.write("calendar.tsv", CALENDAR)
    with open(office.config, encoding="utf-8") as stream:
        text = offices.set_option(stream.read(), "office", "calendar", f'"{path}"')
    with open(office.config, "w", encoding="utf-8") as stream:
        stream.write(text)
    office.start()
    found = json.loads(office.cli("--json", "dossier", "recount"))
    expect([f["code"] for f in found] == [code] and found[0]["counted_at"].startswith("2025-03-14"),
           str(found))
    expect(office.run("dossier", "recount", "--apply").returncode == 2, "a reason is needed")
    office.cli("dossier", "recount", "--apply", "--reason", "Nghỉ đột xuất")
    dossier = office.get(f"/v1/dossiers/{code}")
    expect(dossier["due_at"].startswith("2025-03-14"), dossier["due_at"])
    expect(dossier["history"][-1]["action"] == "recount", str(dossier["history"]))
    expect(json.loads(office.cli("--json", "dossier", "recount")) == [], "and nothing is left")


def main():
    options = offices.parser(__doc__).parse_args()

    def test(bench):
        office = bench.found()
        take_in(bench, office)
        round_trip(bench, options, office)
        portal(office)
        forms(bench, office)
        verify(office)
        another_calendar(bench, office)

    return offices.main(options, test)


if __name__ == "__main__":
    sys.exit(main())
