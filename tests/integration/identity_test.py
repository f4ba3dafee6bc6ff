#!/usr/bin/env python3
"""Files of a machine's identity that are wrong, on real agents: each is named with its remedy, the
agent never ends, acknowledges nothing that nobody would take, shows what it has, and goes on by
itself once the file is mended; nothing acknowledged before is lost.
"""
import json
import os
import re
import shutil
import sys
import time

import offices
from offices import expect, wait

COMMUNE = "H47.12.05"


def dossier(summary):
    return {"op": "create", "dossier": {"procedure": "1.001193", "summary": summary}}


def flip(path, word, at):
    """Another hexadecimal digit at that place of the value of a line."""
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    begin = re.search(rf"^{word}\s+", text, re.M).end() + at
    digit = "7" if text[begin] != "7" else "6"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text[:begin] + digit + text[begin + 1:])


def cut(path):
    os.truncate(path, os.path.getsize(path) // 2)


def write(path, content):
    with open(path, "wb") as stream:
        stream.write(content)


# What is done to which file, and what may still be done: "writes" (it is put right by itself),
# "reads" (nothing is written), "shut" (nothing but the reason).
DAMAGES = (
    ("node.key", "a digit of the signing key", lambda p: flip(p, "signing", 10), "reads"),
    ("node.key", "the first digit of the signing key", lambda p: flip(p, "signing", 0), "reads"),
    ("node.key", "a digit of the agreement key", lambda p: flip(p, "dh", 20), "reads"),
    ("node.key", "cut", cut, "reads"),
    ("node.key", "empty", lambda p: write(p, b""), "reads"),
    ("node.key", "rubbish", lambda p: write(p, os.urandom(200)), "reads"),
    ("node.key", "gone", os.remove, "reads"),
    ("node.cert", "a digit of the certificate", lambda p: flip(p, "certificate", 10), "writes"),
    ("node.cert", "a digit of the agency", lambda p: flip(p, "agency", 5), "writes"),
    ("node.cert", "empty", lambda p: write(p, b""), "writes"),
    ("node.cert", "rubbish", lambda p: write(p, os.urandom(200)), "writes"),
    ("node.cert", "gone", os.remove, "writes"),
    ("node.cert", "another agency's", None, "writes"),
    ("root.pin", "a digit", lambda p: flip(p, "fingerprint", 10), "shut"),
    ("root.pin", "empty", lambda p: write(p, b""), "shut"),
    ("root.pin", "gone", os.remove, "shut"),
)


def checked(office):
    done = office.run("check")
    return done.returncode, done.stdout + done.stderr


def check_reads_only(office, name, record):
    status, body = office.request("POST", "/v1/operations",
                                  json.dumps(dossier("never")).encode() + b"\n")
    expect(status == 503, f"{name}: acknowledged, or refused without 503: {status} {body}")
    expect(name in json.loads(body)["error"]["message"], f"{name} is not named: {body}")
    status, _ = office.request("GET", "/readyz")
    expect(status == 503, f"{name}: /readyz is content: {status}")
    status, body = office.request("GET", f"/v1/dossiers/{record}")
    expect(status == 200, f"{name}: reading does not go on: {status} {body}")
    expect(not office.get("/v1/status")["in_sync"], f"{name}: in sync")
    code, text = checked(office)
    expect(code == 2 and name in text, f"{name}: check: {code} {text}")
    expect("no link" not in text, f"{name}: shown as a fault of the network: {text}")


def check_shut(office, name):
    status, body = office.request("GET", "/v1/status")
    expect(status == 503 and name in body, f"{name}: {status} {body}")
    code, text = checked(office)
    expect(code == 2 and name in text, f"{name}: check: {code} {text}")
    expect(office.request("GET", "/healthz")[0] == 200, f"{name}: as if it were dead")


def updates(office):
    since, found = 0, set()
    while True:
        page = office.get(f"/v1/changes?since={since}&limit=1000")
        if not page["changes"]:
            return found
        found |= {change["update"] for change in page["changes"]}
        since = page["changes"][-1]["number"]


def damage(bench, above, commune, case):
    name, what, do, may = case
    path = os.path.join(commune.folder, name)
    # Only here: the office above is not there to take it.
    commune.stop()
    above.stop()
    commune.start()
    answers = commune.must(*[dossier(f"{name} {what} {i}") for i in range(3)])
    acknowledged = [answer["update"] for answer in answers]
    commune.stop()
    shutil.copy2(path, path + ".good")
    if do:
        do(path)
    else:
        shutil.copyfile(os.path.join(above.folder, name), path)
    above.start()
    commune.start()
    if may == "reads":
        check_reads_only(commune, name, answers[0]["code"])
    elif may == "shut":
        check_shut(commune, name)
    else:
        code, text = checked(commune)
        expect(code >= 1 and name in text, f"{name} {what}: check: {code} {text}")
        acknowledged.append(commune.must(dossier("meanwhile"))[0]["update"])
    pid = commune.process.pid
    if may != "writes":
        time.sleep(0.5)
        shutil.copy2(path + ".good", path)
    os.remove(path + ".good")
    wait(f"{name} {what}: all of it arrives", lambda: arrived(above, commune, acknowledged))
    expect(commune.process.pid == pid and commune.process.poll() is None, "it has ended")
    new = commune.must(dossier("afterwards"))[0]["update"]
    wait("what is new arrives", lambda: new in updates(above))
    bench.say(f"{name}, {what}: {may}")


def arrived(above, commune, acknowledged):
    expect(commune.process.poll() is None, "it has ended")
    try:
        return commune.get("/v1/status")["in_sync"] and set(acknowledged) <= updates(above)
    except (OSError, offices.Wrong):
        return False


def check_warnings(bench, commune):
    paper = os.path.join(commune.folder, "root-paper.txt")
    key = os.path.join(commune.folder, "node.key")
    commune.stop()
    write(paper, b"x")
    os.chmod(key, 0o644)
    commune.start()
    code, text = checked(commune)
    expect(code == 1 and "root-paper.txt" in text, f"check: {code} {text}")
    shut = os.stat(key).st_mode & 0o077 == 0
    expect(shut or "node.key" in text, f"a key that others can read is not talked of: {text}")
    os.remove(paper)
    bench.say("secrets that lie open are warnings")


def test(bench):
    _, district, commune = bench.deploy(["H47", "H47.12", COMMUNE])
    bench.wait_in_sync()
    for case in DAMAGES:
        damage(bench, district, commune, case)
    check_warnings(bench, commune)


if __name__ == "__main__":
    offices.main(offices.parser(__doc__).parse_args(sys.argv[1:]), test)
