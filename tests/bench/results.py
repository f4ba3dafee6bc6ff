"""What was measured of each commit, kept as one JSON array of scenarios."""
import json
import os
import subprocess


def git(folder, *words):
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def commit_of(folder):
    """The commit that is checked out there, "-changed" behind it where files differ; None: no
    repository."""
    commit = git(folder, "rev-parse", "HEAD")
    if commit and git(folder, "status", "--porcelain", "--untracked-files=no"):
        commit += "-changed"
    return commit


def file_of(cache, commit):
    return os.path.join(cache, "results", commit + ".json")


def read(path):
    """Scenarios by name. An array, or an object a line as run prints them."""
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    if text.lstrip().startswith("["):
        found = json.loads(text)
    else:
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return {one["scenario"]: one for one in found}


def add(path, result):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    all_of_it = read(path) if os.path.exists(path) else {}
    all_of_it[result["scenario"]] = result
    fresh = path + ".new"
    with open(fresh, "w", encoding="utf-8") as stream:
        json.dump(list(all_of_it.values()), stream, ensure_ascii=False, indent=1)
    os.replace(fresh, path)
