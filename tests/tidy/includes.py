#!/usr/bin/env python3
"""Compiles every source by itself, for its syntax alone, without precompiled headers and without
units of several files: whatever a file uses, it includes. Takes some minutes on two cores, so ctest
runs it among the long tests.

Usage: tests/tidy/includes.py FOLDER [SOURCE...]     FOLDER: where to configure such a build
"""
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys


ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def configure(folder):
    """The compile commands of a build without either, with the headers that are generated."""
    options = ["-DLT_PCH=OFF", "-DLT_UNITY=OFF", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"]
    subprocess.run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", folder, *options], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", "lt_schema"], check=True,
                   stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as stream:
        return json.load(stream)


def command(entry):
    words = shlex.split(entry["command"])
    at = words.index("-o")
    return words[:at] + words[at + 2:] + ["-fsyntax-only"]


def check(entry):
    done = subprocess.run(command(entry), cwd=entry["directory"], capture_output=True, text=True)
    return entry["file"], done.returncode, done.stderr


def main():
    folder = os.path.abspath(sys.argv[1])
    wanted = {os.path.abspath(name) for name in sys.argv[2:]}
    ours = [e for e in configure(folder)
            if e["file"].startswith(ROOT + "/") and not e["file"].startswith(folder + "/")
            and (not wanted or e["file"] in wanted)]
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, code, text in pool.map(check, ours):
            if code:
                wrong += 1
                print(f"{os.path.relpath(path, ROOT)} does not compile by itself:\n{text}")
    print(f"includes: {len(ours)} sources, {wrong} that lean on what others include")
    return 1 if wrong or not ours else 0


if __name__ == "__main__":
    sys.exit(main())
