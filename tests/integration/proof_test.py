#!/usr/bin/env python3
"""What is proved to whoever trusts no machine of ours, kept for the day on which a disk is gone,
and removed for good: by the command line, on real agents."""
import json
import os
import shutil
import subprocess
import sys

import offices
from offices import expect, wait

PROVINCE, DISTRICT, COMMUNE = "H47", "H47.12", "H47.12.05"
CODE = COMMUNE + "-230401-0001"
NAME = "Trương Thị Bí Mật"
OTHER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                     "tools", "verify_evidence.py")


def told(office, *words):
    return json.loads(office.cli("--json", *words))


def holder(office, code=CODE):
    return told(office, "dossier", "show", code)["holder"]


def hand_over(bench, commune, district):
    commune.cli("dossier", "new", "--code", CODE, "procedure=2.000986", f"applicant.name={NAME}",
                "status=accepted")
    commune.cli("dossier", "note", CODE, "thiếu giấy tờ")
    commune.cli("handoff", "offer", CODE, "--to", DISTRICT)
    bench.wait_in_sync()
    district.cli("handoff", "accept", CODE)
    bench.wait_in_sync()


def evidence(bench, commune, district):
    audit = told(district, "dossier", "audit", CODE)
    expect(audit["plain"] and audit["holder"] == audit["custody"]["holder"], audit)
    expect([update["kind"] for update in audit["updates"]] == [1, 17, 2, 3], audit)
    root = audit["root"]
    file = bench.path("ho-so.lte")
    text = district.cli("dossier", "audit", CODE, "--evidence", file, "--disclose", "2")
    expect("created" in text and "H47.12" in text and "had the right" in text, text)
    alone = bench.run("verify-evidence", file, "--root", root.upper())
    expect(alone.returncode == 0 and "thiếu giấy tờ" in alone.stdout, alone)
    expect(NAME not in alone.stdout and "Not proved: when" in alone.stdout, alone.stdout)
    wrong = bench.run("verify-evidence", file, "--root", "0" * 64)
    expect(wrong.returncode == 1 and "another root" in wrong.stderr, wrong)
    with open(file, "rb") as stream:
        whole = stream.read()
    expect(NAME.encode() not in whole, "what was not to be shown is in the file")
    bad = bench.write("sua.lte", whole[:-1] + bytes([whole[-1] ^ 1]))
    expect(bench.run("verify-evidence", bad).returncode == 1, "a changed file is not believed")
    vietnamese = subprocess.run([bench.cli, "--lang", "vi", "verify-evidence", bad],
                                capture_output=True, check=False)
    expect("KHÔNG XÁC MINH ĐƯỢC" in vietnamese.stderr.decode(), vietnamese.stderr)
    ours = [json.loads(line) for line in
            bench.run("--json", "verify-evidence", file, bad).stdout.splitlines()]
    done = subprocess.run([sys.executable, "-B", OTHER, file, bad], capture_output=True,
                          check=False)
    theirs = [json.loads(line) for line in done.stdout.splitlines()]
    expect(done.returncode == 1 and len(ours) == len(theirs) == 2, done)
    for report in ours + theirs:
        for member in ("custody", "reason"):
            report.pop(member, None)
    expect(ours == theirs, f"{ours}\n{theirs}")
    done = district.run("dossier", "audit", CODE, "--evidence", file, "--disclose", "9")
    expect(done.returncode == 4, done)  # none of that number
    bench.say("two programs say the same of the file, and of one that was changed")


def inspected(bench, province, commune):
    """The province takes no part: it holds the closed parts, and reads none unseen."""
    shown = told(province, "dossier", "show", CODE)
    text = province.cli("dossier", "show", CODE)
    expect(shown["withheld"] and NAME not in json.dumps(shown) and NAME not in text, shown)
    expect(NAME not in province.cli("--json", "export"), "exports name nobody")
    found = province.cli("--json", "dossier", "list", "--text", "bi mat")
    expect(found == "", "words of closed parts find nothing")
    file = bench.path("x.lte")
    for words in (["form", "01", CODE],
                  ["dossier", "audit", CODE, "--evidence", file, "--disclose", "all"]):
        done = province.run(*words)
        expect(done.returncode == 1 and "lienthong inspect" in done.stderr, done)
    done = commune.run("inspect", CODE, "--reason", "x")
    expect(done.returncode == 1 and "above one that takes part" in done.stderr, done)
    text = province.cli("inspect", CODE, "--reason", "Giải quyết khiếu nại")
    expect(NAME in text, text)
    expect(NAME in province.cli("dossier", "show", CODE), "for a day it is shown to that account")
    bench.wait_in_sync()
    line = [entry for entry in told(commune, "dossier", "show", CODE)["history"]
            if entry["action"] == "inspect"]
    expect(len(line) == 1 and line[0]["by"] == PROVINCE and line[0]["account"], line)
    expect(line[0]["note"] == "Giải quyết khiếu nại", line)
    bench.say("a superior read what is closed, and it stands in the record")


def disk_gone(bench, commune, district):
    secret = bench.write("passphrase", "một hai ba bốn\n")
    key, folder = bench.path("backup.key"), bench.path("backups")
    bench.run("backup", "key", "--out", key, "--passphrase-file", secret)
    expect(os.stat(key).st_mode & 0o077 == 0, "others may read the key of backups")
    first = told(commune, "backup", folder, "--key", key + ".pub")
    again = told(commune, "backup", folder, "--key", key + ".pub")
    expect(again["new_bytes"] < first["bytes"], f"{first}\n{again}")
    expect(told(commune, "status")["backup"]["name"] == again["name"], "status says when")
    district.stop()
    commune.cli("dossier", "new", "--code", COMMUNE + "-230401-0002", "procedure=2.000986")
    third = told(commune, "backup", folder, "--key", key + ".pub")
    expect(third["counts"]["only_here"] > 0, third)
    opened = json.loads(bench.run("--json", "backup", "verify", folder, "--key", key,
                                  "--passphrase-file", secret).stdout)
    expect(opened["name"] == third["name"] and opened["counts"]["records"] == 2, opened)
    wrong = bench.run("backup", "verify", folder, "--key", key, "--passphrase-file",
                      bench.write("other", "khác\n"))
    expect(wrong.returncode == 1, wrong)
    district.start()
    commune.cli("dossier", "new", "--code", COMMUNE + "-230401-0003", "procedure=2.000986")
    bench.wait_in_sync()
    district.stop()
    commune.cli("dossier", "new", "--code", COMMUNE + "-230401-0004", "procedure=2.000986")
    commune.kill()
    shutil.rmtree(commune.folder)
    done = bench.run("restore", folder, "--key", key, "--passphrase-file", secret, "--data",
                     commune.folder)
    expect(done.returncode == 0 and "had reached nobody" in done.stdout, done)
    district.start()
    commune.start()
    bench.wait_in_sync()
    codes = [json.loads(line)["code"][-1] for line in
             commune.cli("--json", "dossier", "list").splitlines()]
    expect(sorted(codes) == ["1", "2", "3"], f"what a neighbour or the backup had is back: {codes}")
    wait("the older copy is trusted again",
         lambda: commune.run("handoff", "offer", COMMUNE + "-230401-0003", "--to",
                             DISTRICT).returncode == 0)
    bench.say("a machine came back out of its backup, and its neighbour gave the rest")


def mirrored(bench, commune):
    """A copy on a second disk is kept by itself, and says when it is not."""
    folder, key = bench.path("mirror"), bench.path("backup.key")
    commune.stop()
    with open(commune.config, encoding="utf-8") as stream:
        text = stream.read()
    for name, value in (("folder", folder), ("key", key + ".pub")):
        text = offices.set_option(text, "mirror", name, json.dumps(value))
    with open(commune.config, "w", encoding="utf-8") as stream:
        stream.write(text)
    commune.start()
    wait("a stick that is not in is told of", lambda: "mirror-failed" in commune.run(
        "--json", "check").stdout)
    expect(not os.path.exists(folder), "the folder is never made")
    os.mkdir(folder)
    shown = wait("it is in again", lambda: told(commune, "status")["mirror"]
                 if os.listdir(folder) and "problem" not in told(commune, "status")["mirror"]
                 else None)
    expect(shown["changes_not_in_it"] == 0 and shown["age_seconds"] < 60, shown)
    commune.cli("dossier", "note", COMMUNE + "-230401-0003", "sau bản sao")
    shown = told(commune, "status")["mirror"]
    expect(shown["changes_not_in_it"] == 1, shown)
    done = bench.run("backup", "verify", folder, "--key", key, "--passphrase-file",
                     bench.path("passphrase"))
    expect(done.returncode == 0, done)
    bench.wait_in_sync()
    plan = commune.run("erase", CODE, "--decision", "1", "--dry-run")
    expect(folder in plan.stderr and "--keep 1" in plan.stderr, plan)
    os.rename(folder, folder + ".away")
    plan = commune.run("erase", CODE, "--decision", "1", "--dry-run")
    expect("not there now" in plan.stderr, plan)
    os.rename(folder + ".away", folder)
    bench.say("a second disk holds a copy, its age and what is not in it are told")


def erased(bench, commune, district):
    done = district.run("erase", CODE, "--decision", "12/QĐ-UBND", "--dry-run")
    expect(done.returncode == 0 and "not reached" in done.stderr, done)
    commune.cli("erase", CODE, "--decision", "12/QĐ-UBND", "--wait")
    bench.wait_in_sync()
    for office in (commune, district):
        shown = office.cli("dossier", "show", CODE)
        expect(NAME not in shown and "Erased by H47.12.05, decision 12/QĐ-UBND" in shown, shown)
        expect("thiếu giấy tờ" not in shown, shown)
        expect(holder(office) == DISTRICT, "custody is what it was")
    file = bench.path("xoa.lte")
    district.cli("dossier", "audit", CODE, "--evidence", file)
    expect(bench.run("verify-evidence", file).returncode == 0, "custody is still proved")
    again = commune.run("erase", CODE, "--decision", "13")
    expect(again.returncode == 1 and "12/QĐ-UBND" in again.stderr, again)
    bench.say("what was erased is gone at both, and who held it is still proved")


def test(bench):
    province, district, commune = bench.deploy((PROVINCE, DISTRICT, COMMUNE))
    hand_over(bench, commune, district)
    evidence(bench, commune, district)
    inspected(bench, province, commune)
    disk_gone(bench, commune, district)
    mirrored(bench, commune)
    erased(bench, commune, district)


if __name__ == "__main__":
    sys.exit(offices.main(offices.parser(__doc__).parse_args(), test))
