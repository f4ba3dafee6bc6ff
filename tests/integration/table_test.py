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


def main():
    options = offices.parser(__doc__).parse_args()

    def test(bench):
        office = bench.found()
        take_in(bench, office)
        round_trip(bench, options, office)
        portal(office)
        forms(bench, office)
        verify(office)

    return offices.main(options, test)


if __name__ == "__main__":
    sys.exit(main())
