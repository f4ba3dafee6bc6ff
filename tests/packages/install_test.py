#!/usr/bin/env python3
"""Packages in roots of their own, as an administrator meets them: installed, set up by one command
each, upgraded with data in place, upgraded in vain, removed, installed again, purged.

Usage: install_test.py PACKAGES ROOT

PACKAGES is the folder that package_test.py made.
ROOT is a Debian made by `tools/package --root`. Two machines are
laid over it, each with its own files, in a network of their own. Without systemd in there the
agent is started by the unit's own line, under the unit's account. Where roots cannot be made, or
there is none, it says so and counts as skipped.
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
PATIENCE = 30.0
RESTART_SECONDS = 5.0
UNIT = "lib/systemd/system/lienthongd.service"
INSIDE = "LIENTHONG_INSIDE"


class Wrong(Exception):
    pass


def expect(holds, what):
    if not holds:
        raise Wrong(what)


def wait(what, holds, patience=PATIENCE):
    end = time.monotonic() + patience
    while not holds():
        expect(time.monotonic() < end, f"not within {patience} s: {what}")
        time.sleep(0.05)


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, check=False, **more)


def must(*words, **more):
    done = run(*words, **more)
    expect(done.returncode == 0, f"{' '.join(words)}: exit {done.returncode}\n"
           f"{done.stdout}{done.stderr}")
    return done.stdout


class Machine:
    """A root of its own over the one that all share."""

    def __init__(self, base, folder, name):
        self.name = name
        self.root = f"{folder}/{name}"
        upper, work = f"{folder}/{name}.upper", f"{folder}/{name}.work"
        for path in (self.root, upper, work):
            os.makedirs(path)
        must("mount", "-t", "overlay", "overlay", "-o",
             f"lowerdir={base},upperdir={upper},workdir={work}", self.root)
        must("mount", "--bind", "/dev", f"{self.root}/dev")
        must("mount", "-t", "proc", "proc", f"{self.root}/proc")
        must("mount", "-t", "tmpfs", "-o", "mode=0755", "none", f"{self.root}/run")
        self.agent = None

    def run(self, *words, **more):
        return run("chroot", self.root, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                   "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *words, **more)

    def must(self, *words, **more):
        done = self.run(*words, **more)
        expect(done.returncode == 0, f"{self.name}: {' '.join(words)}: exit {done.returncode}\n"
               f"{done.stdout}{done.stderr}")
        return done.stdout

    def path(self, inside):
        return f"{self.root}/{inside.lstrip('/')}"

    def dpkg(self, *words):
        return self.run("dpkg", "--force-unsafe-io", *words)

    def install(self, folder):
        names = sorted(glob.glob(f"{folder}/lienthong[-_]*.deb"))
        for name in names:
            shutil.copy(name, self.path("/tmp"))
        done = self.dpkg("-i", *(f"/tmp/{os.path.basename(name)}" for name in names))
        return done

    def start(self):
        """What the unit does, as far as it can be done without systemd."""
        with open(self.path(UNIT), encoding="utf-8") as stream:
            unit = stream.read()
        line = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1).split()
        account = re.search(r"^User=(.*)$", unit, re.M).group(1)
        os.makedirs(self.path("/run/lienthong"), exist_ok=True)
        self.must("chown", "-R", f"{account}:", "/run/lienthong")
        log = open(self.path("/tmp/agent.log"), "ab")
        self.agent = subprocess.Popen(
            ["chroot", self.root, "setpriv", f"--reuid={account}", f"--regid={account}",
             "--init-groups", *line], stdout=log, stderr=log,
            env=dict(os.environ, LC_ALL="C.UTF-8"))
        log.close()
        wait(f"{self.name} answers",
             lambda: self.run("lienthong", "status").returncode == 0)

    def stop(self):
        self.agent.send_signal(signal.SIGTERM)
        expect(self.agent.wait(PATIENCE) == 0, f"{self.name} ended with {self.agent.returncode}")

    def status(self):
        return json.loads(self.must("lienthong", "--json", "status"))

    def owners(self):
        return set(self.must("find", "/var/lib/lienthong", "-printf", "%U:%G %u:%g\\n")
                   .split("\n")) - {""}


def other_version(folder, to, version, scripts=None):
    """The same packages as another version, with other scripts of dpkg's."""
    os.makedirs(to)
    for path in glob.glob(f"{folder}/lienthong[-_]*.deb"):
        inside = f"{to}/unpacked"
        must("dpkg-deb", "-R", path, inside)
        with open(f"{inside}/DEBIAN/control", encoding="utf-8") as stream:
            control = stream.read()
        old = re.search(r"^Version: (.*)$", control, re.M).group(1)
        with open(f"{inside}/DEBIAN/control", "w", encoding="utf-8") as stream:
            stream.write(control.replace(old, version))
        if os.path.basename(path).startswith("lienthong-agent"):
            for name, text in (scripts or {}).items():
                with open(f"{inside}/DEBIAN/{name}", "w", encoding="utf-8") as stream:
                    stream.write(text)
                os.chmod(f"{inside}/DEBIAN/{name}", 0o755)
        must("dpkg-deb", "-Znone", "--root-owner-group", "-b", inside,
             f"{to}/{os.path.basename(path)}")
        shutil.rmtree(inside)


def found(province, packages):
    done = province.install(packages)
    expect(done.returncode == 0, f"install: {done.stdout}{done.stderr}")
    with open(province.path("/tmp/secret"), "w", encoding="utf-8") as stream:
        stream.write("một hai ba\n")
    said = province.must("lienthong", "init", "--agency", "H47", "--name", "Tỉnh", "--tier",
                         "province", "--listen", "127.0.0.1:7410", "--passphrase-file",
                         "/tmp/secret")
    expect("no systemd runs here" in said, f"what to do next: {said}")
    expect(os.readlink(province.path("/etc/lienthong/agent.toml")) ==
           "/var/lib/lienthong/agent.toml", "/etc/lienthong/agent.toml")
    expect(len(province.owners()) == 1 and "lienthong:lienthong" in province.owners().pop(),
           f"owners: {province.owners()}")
    mode = os.stat(province.path("/var/lib/lienthong")).st_mode & 0o777
    expect(mode == 0o750, f"the data folder has {oct(mode)}")
    again = province.run("lienthong", "init", "--agency", "H48", "--name", "Khác", "--tier",
                         "province", "--passphrase-file", "/tmp/secret")
    expect(again.returncode == 1 and "not empty" in again.stderr, f"a second time: {again}")
    province.start()


def three_commands(province, commune, packages):
    """Installed, enrolled, in sync; the seconds that it took."""
    token = province.must("lienthong", "invite", "H47.12", "--name", "Xã", "--tier", "commune",
                          "--yes").strip()
    begin = time.monotonic()
    done = commune.install(packages)
    expect(done.returncode == 0, f"install: {done.stdout}{done.stderr}")
    stranger = commune.run("setpriv", "--reuid=nobody", "--clear-groups", "lienthong", "enroll",
                           token)
    expect(stranger.returncode == 1 and "sudo" in stranger.stderr, f"as nobody: {stranger}")
    commune.must("lienthong", "enroll", token)
    with open(commune.path("/var/lib/lienthong/agent.toml"), encoding="utf-8") as stream:
        text = stream.read()
    expect("listen   = []" in text and "127.0.0.1:7410" in text, f"its configuration: {text}")
    expect(len(commune.owners()) == 1 and "lienthong:lienthong" in commune.owners().pop(),
           f"owners: {commune.owners()}")
    commune.start()
    wait("in sync", lambda: commune.status()["in_sync"] and commune.status()["neighbours"])
    return time.monotonic() - begin


def new_dossier(machine):
    said = json.loads(machine.must("lienthong", "--json", "dossier", "new", "procedure=1.001193",
                                   "applicant.name=Lò Thị Hoa"))
    return said["code"]


def knows(machine, code):
    return machine.run("lienthong", "dossier", "show", code).returncode == 0


def upgrades(province, commune, packages, folder, code):
    node = commune.status()["node"]
    # In vain: the old one goes on, with its data, and the next upgrade finds it whole.
    other_version(packages, f"{folder}/vain", "9.0", {"preinst": "#!/bin/sh\nexit 1\n"})
    done = commune.install(f"{folder}/vain")
    expect(done.returncode != 0, "an upgrade whose script fails went through")
    expect(commune.agent.poll() is None and knows(commune, code), "the old agent has ended")
    expect(os.access(commune.path("/usr/bin/lienthongd"), os.X_OK), "the old program is gone")
    # For good, while it works.
    other_version(packages, f"{folder}/newer", "9.1")
    done = commune.install(f"{folder}/newer")
    expect(done.returncode == 0, f"upgrade: {done.stdout}{done.stderr}")
    expect(not commune.must("dpkg", "--audit"), "dpkg is left with something half done")
    last = new_dossier(commune)
    begin = time.monotonic()
    commune.stop()
    commune.start()
    seconds = time.monotonic() - begin
    expect(seconds < RESTART_SECONDS, f"a restart took {seconds:.1f} s")
    expect(commune.status()["node"] == node, "another machine")
    expect(knows(commune, code) and knows(commune, last), "an acknowledged dossier is gone")
    wait("the other office has it", lambda: knows(province, last))
    return seconds


def leaves(commune, packages, code):
    commune.stop()
    done = commune.dpkg("-r", "lienthong-agent", "lienthong")
    expect(done.returncode == 0, f"remove: {done.stderr}")
    expect(not os.path.exists(commune.path("/usr/bin/lienthongd")), "the program is still there")
    expect(os.path.exists(commune.path("/var/lib/lienthong/node.key")), "removed with its keys")
    expect(commune.install(packages).returncode == 0, "installed again")
    commune.start()
    expect(knows(commune, code), "the dossier is gone")
    commune.stop()
    done = commune.dpkg("-P", "lienthong-agent", "lienthong")
    expect(done.returncode == 0 and "left as it is" in done.stderr, f"purge: {done}")
    expect(os.path.exists(commune.path("/var/lib/lienthong/node.key")), "purged with its keys")
    expect(not os.path.exists(commune.path("/etc/lienthong")), "/etc/lienthong is left")
    shutil.rmtree(commune.path("/var/lib/lienthong"))


def inside(packages, base, folder):
    must("ip", "link", "set", "lo", "up")
    must("mount", "-t", "tmpfs", "none", folder)
    province, commune = Machine(base, folder, "province"), Machine(base, folder, "commune")
    try:
        found(province, packages)
        seconds = three_commands(province, commune, packages)
        print(f"from package to synced: {seconds:.1f} s, three commands")
        code = new_dossier(commune)
        wait("the other office has it", lambda: knows(province, code))
        seconds = upgrades(province, commune, packages, folder, code)
        print(f"restarted after an upgrade: {seconds:.1f} s")
        leaves(commune, packages, code)
    finally:
        for machine in (province, commune):
            if machine.agent and machine.agent.poll() is None:
                machine.agent.kill()
    print("passed")


def main(packages, base):
    if os.environ.get(INSIDE):
        try:
            inside(packages, base, os.environ[INSIDE])
        except Wrong as wrong:
            print(f"FAILED: {wrong}", file=sys.stderr)
            return 1
        return 0
    missing = [tool for tool in ("dpkg-deb", "ip", "unshare") if not shutil.which(tool)]
    if not glob.glob(f"{packages}/lienthong-agent_*.deb"):
        missing.append("a package in " + packages)
    if os.geteuid() != 0:
        print("not tried: only root can make roots")
        return SKIPPED
    if missing or not os.path.exists(f"{base}/made"):
        print(f"not tried: {', '.join(missing) or base} is not there (tools/setup --packages, "
              "then tools/package --root)")
        return SKIPPED
    apart = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
    if run(*apart, "mount", "-t", "tmpfs", "none", "/mnt").returncode != 0:
        print("not tried: no right to mount here")
        return SKIPPED
    folder = tempfile.mkdtemp(prefix="lienthong-roots-")
    try:
        again = [*apart, sys.executable, "-B", __file__, os.path.abspath(packages), base]
        return subprocess.run(again, env=dict(os.environ, **{INSIDE: folder}),
                              check=False).returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
