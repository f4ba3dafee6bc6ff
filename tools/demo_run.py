#!/usr/bin/env python3
"""Offices on one machine, through a story with an outage in it.

Started by tools/demo after the build. Ends with 0 only if every replica holds exactly the records
that it should, with the same content and the same custodian as every other.
"""
import argparse
import atexit
import importlib
import os
import shutil
import signal
import sys

from demo_machines import Disagreement

# Each a module with a class Scenario (demo_machines.Demo); the first is the default.
SCENARIOS = {
    "da-nang": "demo_da_nang",
    "phu-ninh": "demo_phu_ninh",
    "reorganise": "demo_reorganise",
}


def default_language():
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return "vi" if os.environ[name].startswith("vi") else "en"
    return "en"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--scenario", choices=SCENARIOS, default=next(iter(SCENARIOS)))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--lang", choices=("vi", "en"), default=default_language())
    parser.add_argument("--seed", type=int, default=518)
    options = parser.parse_args()
    demo = importlib.import_module(SCENARIOS[options.scenario]).Scenario(options)
    atexit.register(lambda: None if options.keep else demo.stop())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        demo.run()
    except (Disagreement, KeyboardInterrupt, OSError, ValueError, KeyError) as error:
        options.keep = False
        print(f"demo: {type(error).__name__}: {error}\ndemo: the folders are left in {demo.folder}",
              file=sys.stderr)
        return 1
    if options.keep:
        demo.keep()
        return 0
    demo.stop()
    shutil.rmtree(demo.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
