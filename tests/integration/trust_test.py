#!/usr/bin/env python3
"""Bad days of machines and of the tree, on real agents: a disk lost and the machine replaced by one
token, a machine that died unnoticed, one that is stolen and whose revocation goes by stick, a
merger signed offline."""
import json
import os
import sys

import offices
from offices import expect, wait

PROVINCE, DISTRICT, COMMUNE, OTHER = "H47", "H47.12", "H47.12.05", "H47.12.06"


def create(office, count):
    made = office.must(*({"op": "create", "dossier": {"summary": f"hồ sơ {n}"}}
                         for n in range(count)))
    return [line["code"] for line in made]


def holder(office, code):
    return office.get("/v1/dossiers/" + code)["holder"]


def offered(office, code):
    return office.get("/v1/dossiers/" + code).get("offered_to")


def nodes(office, agency):
    return json.loads(office.cli("--json", "node", "list", "--agency", agency, "--all"))


def states(office, agency):
    return {node["id"]: node["state"] for node in nodes(office, agency)}


def replaced(bench, district, commune):
    """Its disk is gone; one token brings the office back, and what it had sent."""
    before = sorted(line["code"] for line in district.lines("/v1/dossiers?holder=" + COMMUNE))
    old = nodes(district, COMMUNE)[0]["id"]
    commune.kill()
    token = bench.invite(district, commune, "--replace", old[:10])
    done = bench.run("enroll", token, "--data", commune.folder)
    expect(done.returncode == 1 and "not empty" in done.stderr, done)
    commune.cli("enroll", token, "--data", commune.folder, "--replace", "--listen",
                f"127.0.0.1:{commune.port}")
    expect(os.path.exists(os.path.join(commune.folder, "replaced-1", "node.key")), "what was there")
    commune.configure()
    commune.start()
    bench.wait_in_sync()
    found = states(district, COMMUNE)
    expect(len(found) == 2 and found[old] == "revoked", found)
    expect(sorted(found.values()) == ["revoked", "trusted"], found)
    back = sorted(line["code"] for line in commune.lines("/v1/dossiers?holder=" + COMMUNE))
    expect(back == before and before, f"{len(back)} of {len(before)} dossiers came back")
    # It is the desk now, and answers at once.
    code = create(district, 1)[0]
    district.must({"op": "offer", "code": code, "to": COMMUNE})
    wait("it came", lambda: any(line["code"] == code for line in commune.lines("/v1/dossiers")))
    district.must({"op": "recall", "code": code})
    wait("the recall is answered", lambda: offered(district, code) is None, 10)
    commune.must({"op": "set", "code": before[0], "fields": {"unit": "Tư pháp"}})
    bench.wait_in_sync()


def died_unnoticed(bench, district, other):
    """Nobody said that the first machine is gone: the second answers for it all the same."""
    code = create(district, 1)[0]
    other.kill()
    first = other.folder + ".dead"
    os.rename(other.folder, first)
    other.cli("enroll", bench.invite(district, other), "--data", other.folder, "--listen",
              f"127.0.0.1:{other.port}")
    other.configure()
    other.start()
    bench.wait_in_sync()
    checked = other.run("check")
    expect(checked.returncode == 1 and "beside this one" in checked.stdout, checked)
    dead = next(node["id"] for node in nodes(other, OTHER) if not node["ours"])
    other.cli("node", "acknowledge", dead[:8])
    expect("beside this one" not in other.run("check").stdout, "acknowledged")
    district.must({"op": "offer", "code": code, "to": OTHER})
    wait("it came", lambda: any(line["code"] == code for line in other.lines("/v1/dossiers")))
    district.must({"op": "recall", "code": code})
    wait("the recall is answered", lambda: offered(district, code) is None, 14)


def stolen(bench, province, district, other):
    """Revoked at the district while the line up is down; the province learns of it from a stick."""
    code = create(other, 1)[0]
    bench.wait_in_sync()
    node = next(n["id"] for n in nodes(other, OTHER) if n["ours"])
    plan = json.loads(district.cli("--json", "revoke", node[:10], "--nothing", "--dry-run"))
    expect(plan["records"] >= 0 and plan["dry_run"] and plan["agency"] == OTHER, plan)
    expect(states(district, OTHER)[node] == "trusted", "nothing was done")
    for refused, words in ((1, ["revoke", nodes(district, PROVINCE)[0]["id"]]),
                           (4, ["revoke", "0123456789abcdef"]),
                           (2, ["revoke", node, "--keep", "1-2"]), (1, ["revoke", "xyz"])):
        done = district.run(*words)
        expect(done.returncode == refused, f"{words}: {done}")
    province.stop()
    district.cli("revoke", node[:10], "--reason", "mất trộm")
    path = bench.path("revoked.ltb")
    district.cli("bundle", "export", "--to", PROVINCE, "--out", path)
    district.stop()
    province.start()
    expect(states(province, OTHER)[node] == "trusted", "not heard yet")
    province.cli("bundle", "import", path)
    expect(states(province, OTHER)[node] == "revoked", "by stick")
    expect(holder(province, code) == OTHER, "what was known goes on to count")
    shown = json.loads(province.cli("--json", "node", "show", node[:10]))
    expect(all(life["counts_to"] is not None for life in shown["incarnations"]), shown)
    district.start()


def merged(bench, province, district, commune):
    """Two communes into one: the list, the file for the root key, and the successor at work."""
    code = create(commune, 1)[0]
    wait("the province has it", lambda: any(line["code"] == code
                                            for line in province.lines("/v1/dossiers")))
    taken = [line["code"] for line in province.lines("/v1/dossiers?holder=" + OTHER)]
    expect(taken, "the other commune held something")
    plan = bench.path("01-07.jsonl")
    out, signed = bench.path("01-07.root"), bench.path("signed.root")
    province.cli("agency", "merge", OTHER, "--into", COMMUNE, "--add-to", plan)
    province.cli("agency", "rename", COMMUNE, "--name", "Xã Mới", "--add-to", plan)
    told = json.loads(province.cli("--json", "agency", "reorganise", plan, "--dry-run"))
    expect(told["version"] == 1 and told["turns_passing"] == len(taken), told)
    expect([one["agency"] for one in told["dissolved"]] == [OTHER], told)
    done = province.run("agency", "reorganise", plan)
    expect(done.returncode == 2, done)
    province.cli("agency", "reorganise", plan, "--note", "1659/NQ", "--out", out)
    said = json.loads(bench.run("--json", "root", "sign", out).stdout)
    expect(any("Xã Mới" in word for word in said["words"]) and said["file"] is None, said)
    expect(province.run("root", "import", out).returncode == 1, "not signed yet")
    key = os.path.join(province.folder, "root.key")
    done = bench.run("root", "sign", out, "--root-key", key, "--passphrase-file",
                     bench.path(PROVINCE + ".passphrase"), "--out", signed)
    expect(done.returncode == 0, done)
    province.cli("root", "import", signed)
    wait("the commune knows", lambda: commune.get("/v1/agencies/" + COMMUNE)["name"] == "Xã Mới")
    shown = json.loads(province.cli("--json", "agency", "show", OTHER))
    expect(shown["dissolved"] and shown["heir"] == COMMUNE, shown)
    wait("the successor has it", lambda: any(line["code"] == taken[0]
                                             for line in commune.lines("/v1/dossiers")))
    commune.must({"op": "set", "code": taken[0], "fields": {"unit": "Văn phòng"}})
    wait("the province agrees", lambda: holder(province, taken[0]) == COMMUNE)
    expect(district.run("closing", "list").returncode == 0, "closings are listed")


def test(bench):
    province, district, commune, other = bench.deploy([PROVINCE, DISTRICT, COMMUNE, OTHER])
    create(commune, 20)
    create(other, 3)
    bench.wait_in_sync()
    bench.say("a disk is lost")
    replaced(bench, district, commune)
    bench.say("a machine died")
    died_unnoticed(bench, district, other)
    bench.say("a machine is stolen")
    stolen(bench, province, district, other)
    bench.say("two communes are merged")
    merged(bench, province, district, commune)


if __name__ == "__main__":
    offices.main(offices.parser(__doc__).parse_args(sys.argv[1:]), test)
