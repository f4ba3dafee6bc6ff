#!/usr/bin/env python3
"""`lienthong apply` of good and bad lines, and what scripts may rely on: exit codes and --json."""
import json
import re
import sys
import unicodedata

import offices
from offices import expect

OURS, THEIRS = "H47.12.05", "H47.12"
CODE = OURS + "-230401-0001"


def create(**dossier):
    return json.dumps({"op": "create", "dossier": {"procedure": "1.001193", **dossier}},
                      ensure_ascii=False).encode()


def change(op, code, **more):
    return json.dumps({"op": op, "code": code, **more}, ensure_ascii=False).encode()


# Line by line: what stands there, and the words that its refusal must have; None: it goes in.
LINES = (
    (create(code=CODE, summary="Đăng ký khai sinh"), None),
    (b'{"op":"create","dossier":{"procedure":', "broken JSON"),
    (create(colour="xanh"), "unknown field \"colour\""),
    (create(code=THEIRS + "-230401-0001"), "belongs to"),
    (change("set", CODE, fields={"status": "processing"}), None),
    (change("set", CODE, fields={"status": "registered"}), "status"),
    (b'{"op":"create","dossier":{"summary":"' + b"x" * (2 << 20) + b'"}}', "1 MiB"),
    (create(summary="?").replace(b"?", b"\xc3\x28"), "invalid UTF-8"),
    (create(summary=unicodedata.normalize("NFD", "Đăng ký khai tử")), None),
    (create(summary=7), "dossier.summary"),
    (create(received_at="2023-02-30T08:00:00+07:00"), "dossier.received_at"),
    (change("offer", CODE, to="H47.99"), "H47.99"),
    (change("offer", THEIRS + "-240102-0001", to="H47"), "offered to us"),
    (create(code=CODE), "is taken"),
    (b"", None),
    (change("fly", CODE), "unknown operation"),
    (change("accept", CODE), "offer"),
    (change("event", "H47.12.05-230401-9999", event={"action": "xem"}), "no dossier"),
    (b'["op"]', "object"),
    (b'{"op":"note","code":"a","code":"b","note":"x"}', "twice"),
    (change("offer", CODE, to=THEIRS, urgent="yes"), "urgent"),
    (create(summary="Chứng thực bản sao"), None),
    (change("event", CODE, event={"officer": "Lê Thị Hạnh", "action": "thẩm định"}), None),
)
REFUSED = {number: words for number, (_, words) in enumerate(LINES, 1) if words}
GOOD = sum(1 for line, words in LINES if line and not words)
TOTAL = sum(1 for line, _ in LINES if line)
TEXT = b"".join(line + b"\n" for line, _ in LINES)


def counts(office):
    status = office.get("/v1/status")
    return status["records"], status["updates"]


def refusals(text):
    """line -> reason, as standard error tells it to people."""
    found = re.findall(r"^.*?\bline (\d+): (?!known already)(.*)$", text, re.M)
    expect(len(found) == len({line for line, _ in found}), f"a line is refused twice:\n{text}")
    return {int(line): reason for line, reason in found}


def expect_refusals(found, wanted):
    expect(set(found) == set(wanted),
           f"refused lines {sorted(found)}, should be {sorted(wanted)}: {found}")
    for line, words in wanted.items():
        expect(words in found[line], f"line {line}: '{words}' is not in: {found[line]}")
        places = re.findall(r"\bline (\d+)", found[line])
        expect(places in ([], [str(line)]), f"line {line} names another: {found[line]}")


def bad_lines(office, file):
    records, updates = counts(office)
    done = office.run("apply", file)
    expect(done.returncode == 1, f"exit {done.returncode}\n{done.stdout}{done.stderr}")
    expect_refusals(refusals(done.stderr), REFUSED)
    after = counts(office)
    expect(after[0] == records + 3, f"{after[0] - records} new records, should be 3")
    expect(after[1] > updates, "no updates")
    shown = office.get(f"/v1/dossiers/{CODE}")
    expect(shown["status"] == "processing", f"{shown}")
    expect(sum(e.get("action") == "thẩm định" for e in shown["history"]) == 1, f"{shown}")


def again(office, file):
    """A second time nothing changes; what was not in may not get in either."""
    before = counts(office), office.lines("/v1/digest")
    done = office.run("--json", "apply", file)
    expect(done.returncode == 1, f"exit {done.returncode}\n{done.stderr}")
    told = json.loads(done.stdout)
    expect((told["lines"], told["applied"], told["repeated"]) == (TOTAL, 0, GOOD), f"{told}")
    expect_refusals({e["line"]: f"{e.get('place', '')} {e['message']}" for e in told["refused"]},
                    REFUSED)
    expect(all(e["code"] for e in told["refused"]), f"{told}")
    done = office.run("apply", "-", stdin=TEXT)
    expect(done.returncode == 1, f"exit {done.returncode}\n{done.stderr}")
    expect((counts(office), office.lines("/v1/digest")) == before, "applying again changed records")


def atomic(bench, office):
    before = counts(office), office.lines("/v1/digest")
    good = create(code=OURS + "-230402-0001", summary="một")
    cases = {"refused by the rules": change("accept", CODE), "broken": b"{", "long": LINES[6][0],
             "duplicate": good}
    for what, bad in cases.items():
        file = bench.write("atomic.jsonl", good + b"\n" + bad + b"\n")
        done = office.run("--json", "apply", "--atomic", file)
        expect(done.returncode == 1, f"{what}: exit {done.returncode}\n{done.stderr}")
        told = json.loads(done.stdout)
        expect(told["applied"] == 0, f"{what}: {told}")
        reasons = {e["line"]: e["code"] for e in told["refused"]}
        expect(set(reasons) == {1, 2} and reasons[1] == "not-applied" != reasons[2],
               f"{what}: {told}")
        expect((counts(office), office.lines("/v1/digest")) == before, f"{what}: something is left")
    file = bench.write("atomic.jsonl", good + b"\n" + create(summary="hai") + b"\n")
    told = json.loads(office.cli("--json", "apply", "--atomic", file))
    expect((told["applied"], told["refused"]) == (2, []), f"{told}")
    expect(counts(office)[0] == before[0][0] + 2, "not both are in")


def one_document(text):
    """Exactly one JSON document, or JSON lines."""
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


READING = (["status"], ["peers"], ["agency", "list"], ["agency", "show", OURS], ["node", "list"],
           ["closing", "list"], ["dossier", "list"],
           ["dossier", "show", CODE], ["handoff", "list"], ["handoff", "list", "--pending"],
           ["handoff", "track", CODE], ["why", CODE], ["export"], ["log"], ["quarantine"],
           ["conflicts"], ["verify"], ["check"], ["doctor"])


def machine_readable(office):
    for words in READING:
        done = office.run("--json", *words)
        expect(done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        one_document(done.stdout)
        expect(not done.stderr, f"{words}: standard error has: {done.stderr}")
        after = office.run(*words, "--json")
        expect(after.returncode == 0, f"{words} --json: exit {after.returncode}\n{after.stderr}")
        one_document(after.stdout)
    shown = json.loads(office.cli("--json", "dossier", "show", CODE))
    expect(shown["code"] == CODE and shown["custody"][0]["link"] == "created", f"{shown}")
    exported = office.cli("export").splitlines()
    codes = [json.loads(line)["code"] for line in exported]
    expect(codes == sorted(codes) and CODE in codes, f"export is not sorted: {codes}")


def exit_codes(bench, office):
    nobody = ["--socket", bench.path("nobody.sock")]
    cases = (
        (0, ["--help"]), (0, ["--version"]), (0, ["dossier", "--help"]),
        (2, []), (2, ["fly"]), (2, ["status", "--fly"]), (2, ["dossier"]), (2, ["dossier", "show"]),
        (2, ["--lang", "fr", "status"]), (2, ["init"]), (2, ["handoff", "offer", CODE]),
        (2, ["handoff", "list", "--older-than", "soon"]),
        (2, ["enroll", "--data", bench.path("x")]),
        (1, ["apply", bench.path("no such file")]), (1, ["handoff", "accept", CODE]),
        (1, ["dossier", "set", CODE, "status=registered"]),
        (1, ["handoff", "offer", CODE, "--to", OURS]),
        (4, ["dossier", "show", "H47.12.05-230401-9999"]), (4, ["why", "x-1"]),
        (4, ["agency", "show", "H99"]), (4, ["handoff", "accept", "H47.12.05-230401-9999"]),
    )
    for code, words in cases:
        done = office.run(*words)
        expect(done.returncode == code,
               f"{words}: exit {done.returncode}, should be {code}\n{done.stdout}{done.stderr}")
        expect(bool(done.stderr) == (code != 0), f"{words}: standard error: '{done.stderr}'")
        expect(code == 0 or not done.stdout, f"{words}: standard output: '{done.stdout}'")
    for words in (["status"], ["apply", "-"], ["dossier", "list"], ["why", CODE], ["sync", "now"]):
        done = bench.run(*nobody, *words, stdin=create(summary="x") + b"\n")
        expect(done.returncode == 3, f"{words}: exit {done.returncode} without an agent")
        expect("nobody.sock" in done.stderr, f"{words}: no word about the socket: {done.stderr}")
    done = bench.run(*nobody, "check")
    expect(done.returncode == 3, f"check: exit {done.returncode} without an agent")


def test(bench):
    _, district, commune = bench.deploy(["H47", THEIRS, OURS])
    bench.wait_in_sync()
    theirs = THEIRS + "-240102-0001"
    district.must({"op": "create", "dossier": {"code": theirs, "procedure": "1.001193"}},
                  {"op": "offer", "code": theirs, "to": OURS},)
    offices.wait("the offer has come", lambda: commune.request(
        "GET", f"/v1/dossiers/{theirs}")[0] == 200)
    bench.wait_in_sync()
    file = bench.write("operations.jsonl", TEXT)
    steps = (("bad lines are refused, good ones go in", lambda: bad_lines(commune, file)),
             ("applying again changes nothing", lambda: again(commune, file)),
             ("all or nothing", lambda: atomic(bench, commune)),
             ("--json is JSON", lambda: machine_readable(commune)),
             ("exit codes", lambda: exit_codes(bench, commune)))
    for name, step in steps:
        step()
        bench.say(name)
    bench.wait_in_sync()
    expect(commune.lines("/v1/digest") == [line for line in district.lines("/v1/digest")],
           "the district has not the same")


if __name__ == "__main__":
    sys.exit(offices.main(offices.parser(__doc__).parse_args(), test))
