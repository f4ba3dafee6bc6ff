"""Offices as in tests/integration/offices.py, each in a namespace of an emulated network."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import offices  # noqa: E402

PORT = 7410


class FarOffice(offices.Office):
    """Its agent and its command line run in the namespace that bears its code, or in another."""

    def __init__(self, bench, code, name, tier):
        super().__init__(bench, code, name, tier)
        self.port = PORT
        self.move(code)

    def move(self, node):
        self.node, self.host = node, self.bench.net.address(node)

    def run(self, *words, stdin=None, patience=offices.PATIENCE):
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            self.bench.net.inside(self.node, [self.bench.cli, "--lang", "en", "--socket",
                                              self.socket, *words]),
            input=data or b"", capture_output=True, check=False, timeout=patience)
        return subprocess.CompletedProcess(words, done.returncode,
                                           done.stdout.decode(errors="surrogateescape"),
                                           done.stderr.decode(errors="surrogateescape"))

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = self.bench.net.spawn(
                self.node, [self.bench.daemon, "--config", self.config], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True)


class FarBench(offices.Bench):
    """`net` has a node for the code of every office. Configured as they come, unless told."""

    def __init__(self, options, net, tree=offices.TREE):
        super().__init__(options)
        self.net, self.tree = net, tree

    def office(self, code):
        if code not in self.offices:
            _, name, tier, _ = next(place for place in self.tree if place[0] == code)
            self.offices[code] = FarOffice(self, code, name, tier)
        return self.offices[code]

    def found(self, code="H47"):
        office = self.office(code)
        secret = self.write(f"{code}.passphrase", os.urandom(16).hex() + "\n")
        office.cli("init", "--data", office.folder, "--agency", code, "--name", office.name,
                   "--tier", office.tier, "--listen", f"{office.host}:{PORT}",
                   "--passphrase-file", secret)
        office.start()
        return office

    def enrol(self, code):
        child = self.office(code)
        parent = self.office(next(place[3] for place in self.tree if place[0] == code))
        child.cli("enroll", self.invite(parent, child), "--data", child.folder, "--listen",
                  f"{child.host}:{PORT}")
        child.start()
        return child
