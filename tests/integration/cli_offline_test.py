#!/usr/bin/env python3
"""Founding, enrolling and running an agent when something is wrong: what is said, what is left."""
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time

import offices
from offices import expect, wait

STOP_SECONDS = 2.0
SLACK_SECONDS = 3.0  # for a loaded machine, where even an idle process is late


def fails(done, code, *words):
    """It ended with that code, and standard error has the words."""
    expect(done.returncode == code,
           f"{done.args}: exit {done.returncode}, should be {code}\n{done.stdout}{done.stderr}")
    for word in words:
        expect(word in done.stderr, f"{done.args}: '{word}' is not in: {done.stderr}")
    expect(not done.stdout, f"{done.args}: standard output has: {done.stdout}")


def no_agent_in(folder):
    expect(not os.path.exists(os.path.join(folder, "agent.toml")), f"{folder} has a configuration")


def init_mistakes(bench):
    """Runs before there is any agent."""
    secret = bench.write("secret", "một hai ba\n")

    def init(name, *words, tier="province", **more):
        return bench.run("init", "--data", bench.path(name), "--agency", "H49", "--name", "Tỉnh",
                         "--tier", tier, *words, **more)

    fails(init("a"), 2, "--passphrase-file")
    fails(init("a", "--passphrase-file", bench.path("nowhere")), 1, "nowhere")
    fails(init("a", "--passphrase-file", bench.write("empty", "\n")), 1, "empty")
    fails(init("a", "--passphrase-file", secret, "--listen", "no port"), 1, "host:port")
    fails(init("a", "--passphrase-file", secret, tier="Làng"), 2, "--tier", "kind of agency")
    no_agent_in(bench.path("a"))
    os.mkdir(bench.path("full"))
    bench.write("full/letters.txt", "x")
    fails(init("full", "--passphrase-file", secret), 1, "not empty", "letters.txt")
    no_agent_in(bench.path("full"))
    done = init("a", "--passphrase-file", secret)
    expect(done.returncode == 0, f"the same folder after mistakes: {done.stderr}")
    fails(init("a", "--passphrase-file", secret), 1, "not empty")
    for name in ("node.key", "root.key"):
        mode = stat.S_IMODE(os.stat(bench.path(f"a/{name}")).st_mode)
        expect(mode & 0o077 == 0, f"{name} may be read by others: {oct(mode)}")
    with open(bench.path("a/root.key"), "rb") as stream:
        expect("một hai ba".encode() not in stream.read(), "the passphrase is in the root key file")


def first_tries(bench):
    """What people type before they know the verbs."""
    for words, shown in ((("help",), "dossier"), (("help", "dossier", "new"), "FIELD=VALUE"),
                         (("version",), "lienthong ")):
        done = bench.run(*words)
        expect(done.returncode == 0 and shown in done.stdout, f"{words}: {done}")
    fails(bench.run(), 2, "lienthong --help")
    fails(bench.run("dosier", "list"), 2, "no such verb: dosier", "did you mean dossier?")
    fails(bench.run("nosuchverb", "--help"), 2, "no such verb: nosuchverb")
    fails(bench.run("dossier", "list", "--proceduer", "x"), 2, "did you mean --procedure?")
    fails(bench.run("dossier", "list", "--limit", "abc"), 2, "--limit")


def enroll_mistakes(bench, province):
    district = bench.office("H47.12")

    def enroll(name, *words):
        return bench.run("enroll", *words, "--data", bench.path(name), "--listen", "127.0.0.1:0")

    token = bench.invite(province, district)
    fails(enroll("b", "hello"), 1, "lt1-")
    fails(enroll("b", "lt2-" + token[4:]), 1, "version")
    fails(enroll("b", token[:-6]), 1, "damaged")
    changed = "A" if token[60] != "A" else "B"
    fails(enroll("b", token[:60] + changed + token[61:]), 1, "damaged")
    fails(enroll("b", "lt1-"), 1, "token")
    fails(enroll("b", "--request", bench.path("r")), 2)
    fails(enroll("b", token, "--certificate", bench.path("r")), 2)
    brief = bench.invite(province, district, "--ttl", "1s")
    expired_at = time.monotonic() + 1.1
    fails(province.run("invite", "H47.12", "--name", district.name, "--tier", "district",
                       "--ttl", "0s"), 1, "ttl_seconds")
    fails(province.run("invite", "H47.12", "--name", "khác", "--tier", "district"), 1)
    wait("the token has expired", lambda: time.monotonic() > expired_at)
    fails(enroll("b", brief), 1, "expired")
    no_agent_in(bench.path("b"))
    fails(enroll("full", token), 1, "not empty")
    taken = bench.run("enroll", token[:-6], "--data", bench.path("b"), "--listen",
                      f"127.0.0.1:{province.port}")
    fails(taken, 1, f"port {province.port} is taken", "damaged")
    done = enroll("b", token)
    expect(done.returncode == 0, f"the same folder after mistakes: {done.stderr}")
    fails(enroll("c", token), 1, "used")
    no_agent_in(bench.path("c"))
    province.stop()
    unanswered = enroll("c", token)
    fails(unanswered, 1, str(province.port), "was not reached", "ip route")
    province.start()
    other_root(bench, enroll, token)


def other_root(bench, enroll, token):
    """A token of one root shown to the agent of another, on the same address."""
    here, there = bench.office("H47"), bench.offices["H47"]
    expect(here is there, "one office")
    here.stop()
    stranger = offices.Office(bench, "H49", "Tỉnh khác", "province")
    bench.offices["H49"] = stranger
    stranger.port = here.port
    secret = bench.path("secret")
    stranger.cli("init", "--data", stranger.folder, "--agency", "H49", "--name", stranger.name,
                 "--tier", "province", "--listen", f"127.0.0.1:{here.port}",
                 "--passphrase-file", secret)
    stranger.start()
    fails(enroll("c", token), 1)
    no_agent_in(bench.path("c"))
    refused = stranger.get("/v1/peers")["refused"]
    expect(any(r["address"] == "127.0.0.1" for r in refused), f"not listed: {refused}")
    stranger.stop()
    del bench.offices["H49"]
    here.start()


def taken_back(province):
    """A slip in a declaration or an invitation, before anything rests on it."""
    naming = ("--name", "Huyện Sai", "--tier", "district")
    for code in ("H99.1", "H47", "ZZ"):
        fails(province.run("agency", "add", code, *naming), 1)
        fails(province.run("invite", code, *naming), 1)
    told = province.run("invite", "H47.77", *naming, "--dry-run")
    expect(told.returncode == 0 and not told.stdout and "H47.77" in told.stderr, told.stderr)
    fails(province.run("agency", "show", "H47.77"), 4)
    fails(province.run("invite", "H47.77"), 2)
    fails(province.run("invite"), 2)
    fails(province.run("invite", "H47.77", *naming, "--list"), 2)
    made = json.loads(province.cli("--json", "invite", "H47.77", *naming))
    listed = json.loads(province.cli("--json", "invite", "--list"))
    mine = [one for one in listed if one["id"] == made["id"]]
    expect(len(mine) == 1 and mine[0]["code"] == "H47.77" and mine[0]["state"] == "open", listed)
    expect(made["id"] in province.cli("invite", "--list"), "not in the table")
    fails(province.run("agency", "remove", "H47.77"), 1, "invited")
    province.cli("invite", "--cancel", made["id"])
    fails(province.run("invite", "--cancel", made["id"]), 4)
    fails(province.run("agency", "show", "H47.77"), 4)
    province.cli("agency", "add", "H47.77", *naming, "--yes")
    province.cli("agency", "remove", "H47.77", "--reason", "khai nhầm")
    fails(province.run("agency", "remove", "H47.77"), 4)
    fails(province.run("agency", "remove", "H47"), 1)


def by_stick(bench, province):
    """Request file, certificate file, and then the agent syncs."""
    commune = bench.office("H47.12")
    request, certificate = bench.path("request.txt"), bench.path("certificate.txt")
    where = ("--data", commune.folder, "--listen", f"127.0.0.1:{commune.port}")
    fails(bench.run("enroll", "--certificate", bench.path("nowhere"), *where), 1, "nowhere")
    token = bench.invite(province, commune).strip()
    commune.cli("enroll", token, "--request", request, *where)
    no_agent_in(commune.folder)
    fails(province.run("issue", bench.write("damaged.txt", "hello\n"), "--code", "H47.12"), 1)
    with open(request, "rb") as stream:
        text = stream.read()
    damaged = text.replace(text[-9:-5], b"0000")  # of the proof that the token was there
    fails(province.run("issue", bench.write("damaged.txt", damaged), "--code", "H47.12"), 1)
    fails(province.run("issue", bench.path("nowhere"), "--code", "H47.12"), 1, "nowhere")
    fails(province.run("issue", request, "--code", "H47"), 1, "H47.12")
    province.cli("issue", request, "--out", certificate)
    fails(bench.run("enroll", "--certificate", certificate, "--data", bench.path("nobody")), 1,
          "no request")
    other = bench.run("enroll", token, "--request", bench.path("other.txt"), "--data",
                      bench.path("other"))
    expect(other.returncode == 0, other.stderr)
    fails(province.run("issue", bench.path("other.txt")), 1, "another machine")
    fails(bench.run("enroll", "--certificate", certificate, "--data", bench.path("other")), 1)
    no_agent_in(bench.path("other"))
    commune.cli("enroll", "--certificate", certificate, *where)
    commune.configure()
    commune.start()
    commune.must({"op": "create", "dossier": {"procedure": "1.001193"}})
    bench.wait_in_sync()
    expect(len(province.lines("/v1/digest")) == 1, "the dossier has not come")


def edit(office, old, new):
    with open(office.config, encoding="utf-8") as stream:
        text = stream.read()
    expect(old in text, f"{office.config} has no {old}")
    with open(office.config, "w", encoding="utf-8") as stream:
        stream.write(text.replace(old, new, 1))
    return text


def restore(office, text):
    with open(office.config, "w", encoding="utf-8") as stream:
        stream.write(text)


def run_daemon(bench, *words):
    """lienthongd when it is to end by itself: exit code and standard error."""
    done = subprocess.run([bench.daemon, *words], capture_output=True, text=True, check=False,
                          timeout=offices.PATIENCE)
    return done.returncode, done.stderr + done.stdout


def config_mistakes(bench, office):
    """Each is reported with file, line and what was expected, and no agent runs."""
    office.stop()
    with open(office.config, encoding="utf-8") as stream:
        lines = stream.read().split("\n")

    def line_of(name):
        return next(n for n, line in enumerate(lines, 1) if line.startswith(name))

    cases = (("level = \"info\"", "level = \"loud\"", "level", "expected error, warn"),
             ("heartbeat_seconds", "heartbeet_seconds", "heartbeat", "did you mean"),
             ("dials_burst = 1000", "dials_burst = -1", "dials_burst", "whole number"),
             ("dials_burst = 1000", "dials_burst = \"many\"", "dials_burst", "whole number"),
             ("listen   = [", "listen   = [7, ", "listen", "host:port"),
             ("data_dir = \"", "data_dir = \"none", "data_dir", "absolute path"),
             ("data_dir = ", "data_dir = =", "data_dir", "parsing"))
    for old, new, where, words in cases:
        text = edit(office, old, new)
        code, said = run_daemon(bench, "--config", office.config)
        restore(office, text)
        place = f"{office.config}:{line_of(where)}: "
        expect(code == 1, f"{new}: exit {code}: {said}")
        expect(place in said and words in said, f"{new}: neither '{place}' nor '{words}': {said}")
        expect(not os.path.exists(office.socket), f"{new}: there is a socket")
    code, said = run_daemon(bench, "--config", bench.path("nowhere.toml"))
    expect(code == 1 and "nowhere.toml" in said, f"no file: exit {code}: {said}")
    code, said = run_daemon(bench, "--fly")
    expect(code == 2, f"--fly: exit {code}: {said}")
    code, said = run_daemon(bench, "--check", "--config", office.config)
    expect(code == 0, f"--check: exit {code}: {said}")
    office.start()


def signals(office):
    """SIGHUP takes what is good and keeps what it has otherwise; SIGTERM ends in time."""
    def logged(words):
        with open(office.log, encoding="utf-8") as stream:
            return words in stream.read()

    text = edit(office, "level = \"info\"", "level = \"debug\"")
    office.process.send_signal(signal.SIGHUP)
    wait("the reload is logged", lambda: logged("event=reloaded"))
    restore(office, text.replace("level = \"info\"", "level = \"loud\""))
    office.process.send_signal(signal.SIGHUP)
    wait("the mistake is logged", lambda: logged("event=reload_refused"))
    restore(office, text)
    expect(office.answers(), "the agent is gone after a reload with a mistake")
    wait("connected", office.connected)
    for number in (signal.SIGTERM, signal.SIGINT):
        stop_in_time(office, number)
        office.start()


def stop_in_time(office, number):
    """Also while a caller waits for changes and another holds its connection open."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.connect(office.socket)
        last = office.get("/v1/status")["last_change"]
        caller.sendall(f"GET /v1/changes?since={last}&wait=30 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        begin = time.monotonic()
        office.process.send_signal(number)
        code = office.process.wait(offices.PATIENCE)
        seconds = time.monotonic() - begin
    expect(code == 0, f"signal {number}: exit {code}\n{offices.tail(office.log)}")
    expect(seconds < STOP_SECONDS + SLACK_SECONDS, f"signal {number}: took {seconds:.1f} s")
    expect(not os.path.exists(office.socket), f"signal {number}: the socket is left")


def second_agent(bench, office):
    """On the same folder: refused, and the first goes on with its socket."""
    code, said = run_daemon(bench, "--config", office.config)
    expect(code == 1, f"second agent: exit {code}: {said}")
    expect("another agent" in said or "in use" in said, f"second agent: {said}")
    expect(office.answers(), "the first agent does not answer any more")
    text = edit(office, f"127.0.0.1:{office.port}", f"127.0.0.1:{offices.free_port()}")
    code, said = run_daemon(bench, "--config", office.config)
    restore(office, text)
    expect(code == 1 and "another agent runs" in said, f"second agent: exit {code}: {said}")
    expect(office.answers(), "the first agent does not answer any more")


def stale_socket(office):
    office.kill()
    expect(os.path.exists(office.socket), "a killed agent leaves its socket")
    done = office.run("status")
    expect(done.returncode == 3, f"a stale socket: exit {done.returncode}: {done.stderr}")
    office.start()
    office.cli("status")
    office.stop()
    office.spawn()
    wait("answers", office.answers)
    mode = stat.S_IMODE(os.stat(office.socket).st_mode)
    expect(mode & 0o007 == 0, f"everybody may use the socket: {oct(mode)}")


def test(bench):
    first_tries(bench)
    init_mistakes(bench)
    bench.say("mistakes of init")
    province = bench.found()
    steps = (("mistakes of enroll", lambda: enroll_mistakes(bench, province)),
             ("declarations taken back", lambda: taken_back(province)),
             ("enrolment by hand", lambda: by_stick(bench, province)),
             ("mistakes of the configuration", lambda: config_mistakes(bench, province)),
             ("signals", lambda: signals(bench.offices["H47.12"])),
             ("a second agent on the folder", lambda: second_agent(bench, province)),
             ("a stale socket", lambda: stale_socket(bench.offices["H47.12"])))
    for name, step in steps:
        step()
        bench.say(name)
    bench.wait_in_sync()


if __name__ == "__main__":
    sys.exit(offices.main(offices.parser(__doc__).parse_args(), test))
