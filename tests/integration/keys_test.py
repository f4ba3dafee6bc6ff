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
    expect(not shown["inert"] and len(shown["history"]) == 2, shown)
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
    expect(done.returncode == 0 and "certify" in done.stdout, done)
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


def test(bench):
    province, district = bench.deploy((PROVINCE, DISTRICT))
    rotated(bench, province, district)
    topmost_replaced(bench, province, district)


if __name__ == "__main__":
    sys.exit(offices.main(offices.parser(__doc__).parse_args(), test))
