#!/usr/bin/env python3
"""The packages of this commit, with the programs of a build: what is in them, and whether lintian,
shellcheck and systemd find something wrong; with --twice, the same bytes when made again. What is
not on this machine is said and left.

Usage: package_test.py BUILD OUT [--twice]

OUT keeps the packages, for install_test.py.
"""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77
EXPOSURE_MAX = 15  # tenths
HOLDS = {
    "lienthong-agent": ("./usr/bin/lienthongd", "./lib/systemd/system/lienthongd.service",
                        "./usr/lib/sysusers.d/lienthong-agent.conf", "./etc/lienthong/setup.toml",
                        "./usr/lib/tmpfiles.d/lienthong-agent.conf",
                        "./usr/share/lienthong/agent.toml",
                        "./usr/share/man/man8/lienthongd.8.gz",
                        "./usr/share/man/man5/lienthong-agent.toml.5.gz",
                        "./usr/share/doc/lienthong-agent/copyright"),
    "lienthong": ("./usr/bin/lienthong", "./usr/share/man/man1/lienthong-dossier.1.gz",
                  "./usr/share/man/vi/man1/lienthong.1.gz",
                  "./usr/share/bash-completion/completions/lienthong",
                  "./usr/share/zsh/vendor-completions/_lienthong",
                  "./usr/share/fish/vendor_completions.d/lienthong.fish"),
    "lienthong-doc": ("./usr/share/doc/lienthong-doc/openapi.yaml",
                      "./usr/share/doc/lienthong-doc/operations.md",
                      "./usr/share/doc/lienthong-doc/reference.md"),
}


class Wrong(Exception):
    pass


def expect(holds, what):
    if not holds:
        raise Wrong(what)


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, check=False, **more)


def digests(folder):
    out = {}
    for path in sorted(glob.glob(f"{folder}/*.deb")):
        with open(path, "rb") as stream:
            out[os.path.basename(path)] = hashlib.sha256(stream.read()).hexdigest()
    return out


def built(build, folder):
    done = run(f"{ROOT}/tools/package", "--programs", build, "--fast", "--out", folder)
    expect(done.returncode == 0, f"tools/package: {done.stderr}")
    return digests(folder)


def contents(folder):
    for name, files in HOLDS.items():
        path, = glob.glob(f"{folder}/{name}_*.deb")
        listed = run("dpkg-deb", "--contents", path).stdout
        for file in files:
            expect(f" {file}\n" in listed, f"{name} lacks {file}:\n{listed}")
        owners = {line.split()[1] for line in listed.splitlines()}
        expect(owners == {"root/root"}, f"{name}: owners {owners}")
        expect(not re.search(r" \./(?:tmp|work|home|root|build)/", listed), f"{name}: {listed}")
    agent, = glob.glob(f"{folder}/lienthong-agent_*.deb")
    with tempfile.TemporaryDirectory(prefix="lienthong-unpacked-") as unpacked:
        unit_and_program(agent, unpacked)


def unit_and_program(agent, unpacked):
    expect(run("dpkg-deb", "-x", agent, unpacked).returncode == 0, "dpkg-deb -x")
    unit = f"{unpacked}/lib/systemd/system/lienthongd.service"
    if shutil.which("systemd-analyze"):
        done = run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}",
                   unit)
        expect(done.returncode == 0, f"systemd-analyze security: {done.stdout[-300:]}{done.stderr}")
        with open(unit, encoding="utf-8") as stream:
            text = stream.read()
        with open(f"{unpacked}/lienthongd.service", "w", encoding="utf-8") as stream:
            stream.write(text.replace("=/usr/bin/lienthongd", f"={unpacked}/usr/bin/lienthongd"))
        done = run("systemd-analyze", "verify", "--man=no", f"{unpacked}/lienthongd.service")
        expect("lienthongd" not in done.stderr, f"systemd-analyze verify: {done.stderr}")
    else:
        print("not tried: systemd-analyze is not there")


def clean(folder):
    if shutil.which("lintian"):
        done = run("lintian", "--allow-root", "--fail-on", "error,warning",
                   *glob.glob(f"{folder}/*.deb"))
        expect(done.returncode == 0 and not done.stdout.strip(), f"lintian: {done.stdout}")
    else:
        print("not tried: lintian is not there")
    if shutil.which("shellcheck"):
        scripts = ["tools/setup", "tools/package", "tools/packaging/configure", "tests/run",
                   *glob.glob("tools/packaging/debian/*.post*", root_dir=ROOT)]
        done = run("shellcheck", *scripts, cwd=ROOT)
        expect(done.returncode == 0, f"shellcheck: {done.stdout}")
    else:
        print("not tried: shellcheck is not there")


def main(build, out, twice=""):
    missing = [tool for tool in ("dpkg-buildpackage", "dh", "git") if not shutil.which(tool)]
    if not missing and run("git", "-C", ROOT, "rev-parse", "HEAD").returncode != 0:
        missing = ["a clone"]
    if missing:
        print(f"not tried: {', '.join(missing)} is not there (tools/setup --packages)")
        return SKIPPED
    first = built(build, out)
    expect(len(first) == len(HOLDS), f"packages: {sorted(first)}")
    contents(out)
    clean(out)
    if twice:
        with tempfile.TemporaryDirectory(prefix="lienthong-packages-") as folder:
            second = built(build, folder)
            expect(first == second, f"two builds differ: {first} {second}")
    print("passed")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except Wrong as wrong:
        print(f"FAILED: {wrong}", file=sys.stderr)
        sys.exit(1)
