#!/usr/bin/env python3
"""conf/openapi.yaml: valid by a validator that others wrote, and true: every example of docs/api.md
is run and its answer held to it, every path has one, and what an address refuses names what is
there.
"""
import json
import os
import re
import shlex
import subprocess
import sys

import api_contract
import offices
from offices import expect

EXAMPLES = os.path.join(api_contract.ROOT, "docs", "api.md")
# By JSON::Validator (libjson-validator-perl); prints what is wrong, a line each.
VALIDATE = r"""
use JSON::Validator;
my $schema = JSON::Validator->new->schema("file://$ARGV[0]")->schema;
ref($schema) eq "JSON::Validator::Schema::OpenAPIv3" or die "not OpenAPI 3: " . ref($schema);
print "$_\n" for @{$schema->errors};
"""


def is_valid():
    done = subprocess.run(["perl", "-e", VALIDATE, api_contract.DESCRIPTION], capture_output=True,
                          text=True, check=False, timeout=offices.PATIENCE)
    expect(done.returncode == 0 and not done.stdout, done.stdout + done.stderr)


def is_complete(contract):
    seen = set()
    for template, item in contract.root["paths"].items():
        for method in ("get", "post"):
            if method not in item:
                continue
            operation, place = item[method], f"{method} {template}"
            expect(operation.get("operationId") not in seen | {None}, f"{place}: operationId")
            seen.add(operation["operationId"])
            expect("default" in operation["responses"], f"{place}: what a failure looks like")
            for name in re.findall(r"\{(\w+)\}", template):
                expect(name in contract.parameters(item, operation, "path"), f"{place}: {name}")
            for status, answer in operation["responses"].items():
                for media, content in contract.resolve(answer).get("content", {}).items():
                    expect("schema" in content, f"{place} {status} {media}: no schema")


def examples():
    """(command, status) of each line in a block."""
    with open(EXAMPLES, encoding="utf-8") as stream:
        text = stream.read()
    for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            command, _, status = line.partition(" # ")
            if line.startswith("api "):
                yield command, int(status or 200)


class Caller:
    """Runs commands of the page as a shell does."""

    def __init__(self, bench, office):
        self.bench = bench
        self.names = {**os.environ, "LIENTHONG_SOCKET": office.socket,
                      "HEAD_FILE": bench.path("head"), "BODY_FILE": bench.path("body")}

    def call(self, command):
        """Status, headers, body."""
        for name in ("head", "body"):
            if os.path.exists(self.bench.path(name)):
                os.remove(self.bench.path(name))
        script = 'api() { curl -sS --unix-socket "$LIENTHONG_SOCKET" -D "$HEAD_FILE" ' \
                 '-o "$BODY_FILE" "$@"; }\n' + command
        done = subprocess.run(["sh", "-c", script], env=self.names, capture_output=True, text=True,
                              check=False, timeout=offices.PATIENCE)
        expect(done.returncode == 0, f"{command}: {done.stderr}")
        with open(self.bench.path("head"), encoding="utf-8") as stream:
            head = stream.read().strip().split("\r\n\r\n")[-1].splitlines()
        headers = {name.lower(): value.strip() for name, _, value in
                   (line.partition(":") for line in head[1:])}
        body = b""
        for name in [self.names.get("REGISTRY", "")] * ("$REGISTRY" in command) + ["body"]:
            if os.path.exists(self.bench.path(name)):
                with open(self.bench.path(name), "rb") as stream:
                    body = stream.read()
        return int(head[0].split()[1]), headers, body

    def words(self, command):
        """(method, target) of the command, its names filled in."""
        words = [re.sub(r"\$(\w+)", lambda m: self.names.get(m[1], m[0]), word)
                 for word in shlex.split(command)]
        target = next(word for word in words if word.startswith("http://localhost"))
        sends = any(word.startswith(("-d", "--data")) for word in words)
        return ("POST" if sends or "POST" in words else "GET"), target[len("http://localhost"):]


def prepare(bench, office):
    """What the examples name."""
    names = {}
    (first, second) = office.must(
        {"op": "create", "dossier": {"applicant": {"name": "Lò Thị Hoa"}, "status": "accepted",
                                     "procedure": "1.001193", "field": "Hộ tịch",
                                     "fees": [{"name": "Lệ phí", "amount": 8000}]}},
        {"op": "create", "dossier": {"applicant": {"name": "Vừ A Sùng"}}})
    names["CODE"], names["RECORD"], names["OTHER"] = first["code"], first["record"], second["code"]
    office.must({"op": "create", "procedure": {
        "code": "1.001193", "procedure_name": "Đăng ký khai sinh", "field": "Hộ tịch",
        "effective_from": "2020-01-01T00:00:00+07:00", "decision": "1/QĐ",
        "definition": {"limit": {"amount": 1, "unit": "working_day"}}}})
    names["DOCUMENT"] = office.must({"op": "create", "document": {
        "direction": "out", "title": "Mời họp", "register": "CV"}})[0]["code"]
    names["SCAN"] = bench.write("scan.pdf", "%PDF-1.4 mẫu")
    names["BUNDLE"] = bench.path("to-us.ltb")
    names["REGISTRY"] = bench.path("registry")
    names["BACKUP"] = bench.path("backup")
    os.makedirs(names["BACKUP"], exist_ok=True)
    return names


def run_examples(bench, office, child, contract):
    caller = Caller(bench, office)
    caller.names.update(prepare(bench, office))
    caller.names["NODE"] = child.get("/v1/status")["node"]
    child.cli("bundle", "export", "--to", office.code, "--out", caller.names["BUNDLE"], "--full")
    office.cli("backup", "key", "--out", bench.path("backup.key"),
               "--passphrase-file", bench.path(f"{office.code}.passphrase"))
    with open(bench.path("backup.key.pub"), encoding="utf-8") as stream:
        caller.names["KEY"] = stream.read().strip().split()[-1]
    bench.wait_in_sync()
    used, wrong = set(), []
    for command, status in examples():
        method, target = caller.words(command)
        got, headers, body = caller.call(command)
        expect(got == status, f"{command}: {got} instead of {status}: {body[:300]}")
        found = contract.find(method, target.split("?")[0])
        expect(found is not None, f"{command}: no such path is described")
        used.add((method.lower(), found[0]))
        wrong += contract.check(method, target, got, headers.get("content-type", ""), body)
        if "/v1/operations" in target:
            expect(json.loads(body)["ok"], f"{command}: {body}")
        if target == "/v1/blobs" and method == "POST":
            caller.names["DIGEST"] = json.loads(body)["digest"]
        if target == "/v1/invites" and method == "POST":
            caller.names["INVITE"] = json.loads(body)["id"]
        if target == "/v1/dossiers?limit=1":
            follow(caller, headers)
    expect(not wrong, "\n".join(sorted(set(wrong))))
    routes = {(method, template) for template, item in contract.root["paths"].items()
              for method in item if method in ("get", "post")}
    expect(used == routes, f"without an example: {sorted(routes - used)}")
    bench.say(f"{len(routes)} addresses by their examples")


def follow(caller, headers):
    """Page after page of one line each: every dossier once."""
    codes, count = [], 0
    while "link" in headers:
        target = re.fullmatch(r'<(.*)>; rel="next"', headers["link"])[1]
        _, headers, body = caller.call(f"api 'http://localhost{target}'")
        codes.append(json.loads(body)["code"])
        count += 1
        expect(count < 20, f"no end: {codes}")
    expect(len(codes) >= 2 and len(set(codes)) == len(codes), str(codes))


def refusals(office, contract):
    for template, item in contract.root["paths"].items():
        path = re.sub(r"\{\w+\}", "x", template)
        methods = [method for method in ("get", "post") if method in item]
        status, body = office.request("PUT", path, b"{}")
        expect(status == 405, f"PUT {path}: {status} {body}")
        for method in methods:
            status, body = office.request(method.upper(), path + "?colour=red")
            problem = json.loads(body)
            expect(status == 400 and problem["code"] == "invalid-argument" and
                   problem["type"] == "urn:lienthong:problem:invalid-argument" and
                   problem["detail"] == problem["error"]["message"], f"{path}: {body}")
            known = contract.parameters(item, item[method], "query")
            told = re.search(r"there are (.*)$", problem["detail"])
            told = set(told[1].split(", ")) - {"lang"} if told else set()
            expect(told == set(known), f"{method} {path}: {sorted(told)} are known, "
                   f"{sorted(known)} described")
    status, body = office.request("GET", "/v1/dossiers?late=2")
    expect(status == 400 and "1, 0, true or false" in body, body)
    status, body = office.request("GET", "/v1/dossiers?late=1&late=0")
    expect(status == 400 and "twice" in body, body)
    status, body = office.request("GET", "/v1/dossiers?stauts=done&lang=vi")
    expect("status" in body and "tham số" in body, body)


def conditions(office, digest):
    _, _ = office.request("GET", f"/v1/blobs/{digest}/content")
    for asked, status, content in (("bytes=0-3", 206, "%PDF"), ("bytes=9-", 206, "mẫu"),
                                   ("bytes=-4", 206, "ẫu"), ("bytes=0-999", 206, "%PDF-1.4 mẫu"),
                                   ("bytes=-999", 206, "%PDF-1.4 mẫu"), ("bytes=99-", 416, None),
                                   ("bytes=0-1,4-5", 200, "%PDF-1.4 mẫu")):
        got, body = office.request("GET", f"/v1/blobs/{digest}/content", headers={"Range": asked})
        expect(got == status and content in (None, body), f"{asked}: {got} {body!r}")
    tag = {"If-None-Match": f'"{digest}"'}
    expect(office.request("GET", f"/v1/blobs/{digest}/content", headers=tag)[0] == 304, "known")
    other = {"Range": "bytes=0-3", "If-Range": '"other"'}
    got, body = office.request("GET", f"/v1/blobs/{digest}/content", headers=other)
    expect(got == 200 and body == "%PDF-1.4 mẫu", f"If-Range: {got} {body!r}")
    expect(office.request("GET", "/v1/status", headers={"Range": "bytes=0-3"})[0] == 200, "JSON")
    code = office.lines("/v1/dossiers?limit=1")[0]["code"]
    revision = office.get(f"/v1/dossiers/{code}")["revision"]
    tag = {"If-None-Match": f'W/"x", "{revision}"'}
    expect(office.request("GET", f"/v1/dossiers/{code}", headers=tag)[0] == 304, "known record")
    office.must({"op": "note", "code": code, "note": "x"})
    expect(office.request("GET", f"/v1/dossiers/{code}", headers=tag)[0] == 200, "another one")


def main():
    options = offices.parser(__doc__).parse_args()
    if api_contract.yaml is None:
        print("skipped: python3-yaml and python3-jsonschema are not installed")
        return 77
    if subprocess.run(["perl", "-MJSON::Validator::Schema::OpenAPIv3", "-e", "1"],
                      capture_output=True, check=False).returncode != 0:
        print("skipped: libjson-validator-perl is not installed")
        return 77

    def test(bench):
        is_valid()
        bench.say("valid by JSON::Validator")
        contract = api_contract.Contract()
        is_complete(contract)
        office, child = bench.deploy(["H47", "H47.12"])
        run_examples(bench, office, child, contract)
        refusals(office, contract)
        conditions(office, office.lines("/v1/blobs")[0]["digest"])
        bench.say("refusals, ranges and conditions")

    return offices.main(options, test)


if __name__ == "__main__":
    sys.exit(main())
