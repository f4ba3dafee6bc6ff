#!/usr/bin/env python3
"""Scans that rot on the disk of a real agent: one that a neighbour has is fetched again and whole,
one that nobody else has is named by `check`; reading them never ends the agent.
"""
import glob
import os
import random
import sys

import offices
from offices import expect, wait

COMMUNE = "H47.12.05"
DISTRICT = "H47.12"


def attach(bench, office, name, content):
    code = office.must({"op": "create", "dossier": {"procedure": "1.001193"}})[0]["code"]
    office.cli("dossier", "attach", code, bench.write(name, content), "--name", name)
    return code, office.get("/v1/dossiers/" + code)["components"][-1]["digest"]


def content_of(office, digest):
    """The bytes; None where not all of them come."""
    connection = offices.SocketConnection(office.socket, offices.PATIENCE)
    try:
        connection.request("GET", f"/v1/blobs/{digest}/content")
        answer = connection.getresponse()
        body = answer.read()
        return body if answer.status == 200 else None
    except (OSError, offices.http.client.HTTPException):
        return None
    finally:
        connection.close()


def settle_on_disk(office):
    """What lay in the log moves into files as it is opened again."""
    for _ in range(2):
        expect(office.stop() == 0, "it did not stop cleanly")
        office.start()
    expect(office.stop() == 0, "it did not stop cleanly")


def spoil(office, content):
    """Flips a byte in the middle of that content wherever it lies in files of scans."""
    needle, done = content[len(content) // 2:len(content) // 2 + 64], 0
    for path in glob.glob(os.path.join(office.folder, "store", "*.blob")):
        with open(path, "r+b") as file:
            found = file.read().find(needle)
            if found >= 0:
                file.seek(found)
                file.write(bytes([needle[0] ^ 1]))
                done += 1
    expect(done > 0, "the scan does not lie in a file of its own")


def test(bench):
    _, district, commune = bench.deploy(["H47", DISTRICT, COMMUNE])
    rng = random.Random(7)
    shared, alone, whole = (rng.randbytes(400_000) for _ in range(3))
    code, shared_digest = attach(bench, commune, "shared.pdf", shared)
    commune.must({"op": "offer", "code": code, "to": DISTRICT})
    wait("the offer", lambda: district.lines("/v1/handoffs?pending=1&direction=in"))
    district.must({"op": "accept", "code": code})
    wait("the district has the file", lambda: content_of(district, shared_digest) == shared)
    _, alone_digest = attach(bench, commune, "alone.pdf", alone)
    _, whole_digest = attach(bench, commune, "whole.pdf", whole)
    bench.wait_in_sync()
    settle_on_disk(commune)
    spoil(commune, shared)
    spoil(commune, alone)
    commune.start()
    pid = commune.process.pid
    for digest in (shared_digest, alone_digest):
        expect(content_of(commune, digest) not in (shared, alone), "it was not spoiled")
    expect(commune.process.poll() is None, "reading it has ended the agent")
    wait("it is fetched again", lambda: content_of(commune, shared_digest) == shared)
    expect(content_of(commune, whole_digest) == whole, "another one is gone")
    done = commune.run("check")
    expect(done.returncode == 2 and alone_digest in done.stdout, f"check: {done.stdout}")
    expect(shared_digest not in done.stdout, f"still named: {done.stdout}")
    commune.cli("dossier", "attach", code_of_new(commune), bench.path("alone.pdf"))
    wait("given once more it is whole", lambda: content_of(commune, alone_digest) == alone)
    expect(alone_digest not in commune.run("check").stdout, "still named")
    expect(commune.process.pid == pid and commune.process.poll() is None, "it has ended")
    bench.say("fetched again from the neighbour, and the one that nobody has was named")


def code_of_new(office):
    return office.must({"op": "create", "dossier": {"procedure": "1.001193"}})[0]["code"]


if __name__ == "__main__":
    offices.main(offices.parser(__doc__).parse_args(sys.argv[1:]), test)
