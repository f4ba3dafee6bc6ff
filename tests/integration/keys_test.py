#!/usr/bin/env python3
"""Other keys for a machine that is there, and a machine in the place of the topmost office's: by
the command line, on real agents."""
import json
import os
import shutil
import sys

import offices
from offices import expect, wait

PROVINCE, DISTRICT = "H47", "H47.12"
CODE = DISTRICT + "-230401-0001"


def told(office, *words):
    return json.loads(office.cli("--json", *words))


def nodes(office, agency):
    return {node["id"]: node["state"] for node in
            told(office, "node", "list", "--agency", agency, "--all")}


def node_of(office):
    """The one machine of its agency that is trusted."""
    return next(node for node, state in nodes(office, office.code).items() if state == "trusted")


def rotated(bench, province, district):
    """The key of conversations alone, then both."""
    before = node_of(district)
    key = os.path.join(district.folder, "node.key")
    with open(key, "rb") as stream:
        old = stream.read()
    token = bench.invite(province, district)
    busy = bench.run("rotate-key", token, "--data", district.folder)
    expect(busy.returncode == 1 and "stop it first" in busy.stderr, busy)
    district.stop()
    done = bench.run("--json", "rotate-key", token, "--data", district.folder, "--exchange-only")
    expect(done.returncode == 0 and json.loads(done.stdout)["node"] == before, done)
    with open(key, "rb") as stream:
        expect(stream.read() != old, "another key lies there")
    expect(not os.path.exists(key + ".next"), "nothing is left over")
    district.start()
    district.cli("dossier", "new", "--code", CODE, "procedure=2.000986")
    bench.wait_in_sync()
    expect(node_of(district) == before, "the machine is who it was")
    district.stop()
    with open(key, "rb") as stream:
        new = stream.read()
    with open(key, "wb") as stream:
        stream.write(old)
    district.start()
    wait("the key before is of no more use", lambda: "agreement key" in district.run(
        "check").stdout + district.run("check").stderr)
    district.stop()
    with open(key, "wb") as stream:
        stream.write(new)
    bench.say("conversations are held under another key, and not under the one before")

    token = bench.invite(province, district, "--replace", before)
    district.start()
    bench.wait_in_sync()
    province.stop()
    district.cli("dossier", "note", CODE, "chỉ có ở đây")
    district.stop()
    refused = bench.run("rotate-key", token, "--data", district.folder)
    expect(refused.returncode == 1 and "does not have everything" in refused.stderr, refused)
    province.start()
    district.start()
    bench.wait_in_sync()
    wait("nothing is here alone", lambda: district.get("/v1/status")["only_here"] == 0)
    district.stop()
    done = bench.run("--json", "rotate-key", token, "--data", district.folder)
    expect(done.returncode == 0, done)
    district.start()
    district.cli("dossier", "note", CODE, "dưới khóa mới")
    bench.wait_in_sync()
    after = json.loads(done.stdout)["node"]
    found = nodes(province, DISTRICT)
    expect(found == {before: "revoked", after: "trusted"}, found)
    notes = [line["note"] for line in told(district, "dossier", "show", CODE)["history"]
             if "note" in line]
    expect(notes == ["chỉ có ở đây", "dưới khóa mới"], f"what both keys wrote counts: {notes}")
    shown = told(province, "dossier", "show", CODE)
    heads = told(district, "dossier", "show", CODE)["heads"]
    expect(not shown["inert"] and shown["heads"] == heads, shown)
    bench.say("both keys are others, and everything that was written counts")


def topmost_replaced(bench, province, district):
    secret = bench.path(PROVINCE + ".passphrase")
    root_key = bench.path("root.key.kept")
    shutil.copy(os.path.join(province.folder, "root.key"), root_key)
    old = node_of(province)
    bench.wait_in_sync()
    registry = bench.path("h47.registry")
    district.cli("root", "offer", "--out", registry)
    province.kill()
    with open(os.path.join(province.folder, "agent.toml"), encoding="utf-8") as stream:
        config = stream.read()
    shutil.rmtree(province.folder)
    request, signed = bench.path("top.root"), bench.path("signed.root")
    place = ["--data", province.folder, "--socket", province.socket]
    done = bench.run("root", "enroll", registry, *place, "--request", request)
    expect(done.returncode == 0, done)
    done = bench.run("root", "sign", request, "--root-key", root_key, "--passphrase-file", secret,
                     "--out", signed)
    expect(done.returncode == 0 and "certifies machines" in done.stdout, done)
    done = bench.run("root", "enroll", registry, *place, "--signed", signed)
    expect(done.returncode == 0, done)
    with open(os.path.join(province.folder, "agent.toml"), "w", encoding="utf-8") as stream:
        stream.write(config)
    province.start()
    bench.wait_in_sync()
    expect(told(province, "dossier", "show", CODE)["holder"] == DISTRICT, "everything came back")
    expect(len(nodes(province, PROVINCE)) == 2, "it is another machine")
    province.cli("revoke", old, "--root-file", request)
    done = bench.run("root", "sign", request, "--root-key", root_key, "--passphrase-file", secret,
                     "--out", signed)
    expect(done.returncode == 0, done)
    province.cli("root", "import", signed)
    wait("the machine before is revoked everywhere",
         lambda: nodes(district, PROVINCE)[old] == "revoked")
    bench.say("the topmost office has another machine, by the word of the root")


def named(office):
    return next(line["name"] for line in json.loads(office.cli("--json", "agency", "list"))
                if line["code"] == DISTRICT)


def renamed(bench, province, name, key):
    """A version of the tree, signed with that key; what signing it and taking it in came to."""
    plan, signed = bench.path("ten.root"), bench.path("ten.signed")
    for path in (plan, signed):
        if os.path.exists(path):
            os.remove(path)
    province.cli("agency", "rename", DISTRICT, "--name", name, "--out", plan)
    done = bench.run("root", "sign", plan, "--root-key", key, "--passphrase-file",
                     bench.path(PROVINCE + ".passphrase"), "--out", signed)
    return done if done.returncode else province.run("root", "import", signed)


def root_key_gone(bench, province, district):
    """Stolen: the thief names an office otherwise; the paper takes it back, and his key is over."""
    old, new, paper = (bench.path(name) for name in ("root.key.kept", "root.key.new", "paper.kept"))
    right = named(province)
    expect(renamed(bench, province, "Huyện Giả", old).returncode == 0, "the thief has the key")
    wait("it spreads", lambda: named(district) == "Huyện Giả")
    registry, signed = bench.path("h47.offer"), bench.path("h47.renewed")
    province.cli("root", "offer", "--out", registry)
    done = bench.run("root", "renew", registry, "--root-paper", paper, "--new-key", new, "--out",
                     signed, "--passphrase-file", bench.path(PROVINCE + ".passphrase"), "--after",
                     "0", "--note", "khóa gốc bị mất trộm")
    expect(done.returncode == 0, done)
    province.cli("root", "import", signed)
    wait("what the thief said falls", lambda: named(district) == named(province) == right)
    expect(renamed(bench, province, "Huyện Giả", old).returncode == 1, "his key is over")
    done = renamed(bench, province, "Huyện Phú Ninh mới", new)
    expect(done.returncode == 0, done)
    wait("the new key speaks", lambda: named(district) == "Huyện Phú Ninh mới")
    bench.say("a stolen root key is over by the word of the paper, and what it said with it")


def test(bench):
    province, district = bench.deploy((PROVINCE, DISTRICT))
    shutil.copy(os.path.join(province.folder, "root-paper.txt"), bench.path("paper.kept"))
    rotated(bench, province, district)
    topmost_replaced(bench, province, district)
    if os.environ.get("LIENTHONG_SOAK"):
        root_key_gone(bench, province, district)


if __name__ == "__main__":
    sys.exit(offices.main(offices.parser(__doc__).parse_args(), test))
