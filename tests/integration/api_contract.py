"""Holds answers of the local API to conf/openapi.yaml: what a test asks is known there, and what it
is answered has the status, the media type, the members and the types that are described. Needs
python3-yaml and python3-jsonschema; without them nothing is looked at.
"""
import json
import os
import re
from urllib.parse import parse_qsl, urlsplit

try:
    import jsonschema
    import yaml
except ImportError:
    jsonschema = yaml = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DESCRIPTION = os.path.join(ROOT, "conf", "openapi.yaml")
LINES = "application/x-ndjson"


def as_json_schema(node):
    """OpenAPI 3.0's `nullable` as JSON Schema says it."""
    if isinstance(node, list):
        return [as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    out = {name: as_json_schema(value) for name, value in node.items()}
    if out.pop("nullable", False) is True:
        if isinstance(out.get("type"), str):
            out["type"] = [out["type"], "null"]
        if "enum" in out:
            out["enum"] = out["enum"] + [None]
        if "$ref" in out or "allOf" in out:
            out = {"anyOf": [{"type": "null"}, out]}
    return out


class Contract:
    def __init__(self, path=DESCRIPTION):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        with open(path, encoding="utf-8") as stream:
            self.root = as_json_schema(yaml.load(stream, loader))
        self.resolver = jsonschema.RefResolver.from_schema(self.root)
        self.routes = []
        for template, item in self.root["paths"].items():
            # A code may have a slash in it.
            part = r"[^/]+(?:/[0-9]+)?"
            pattern = re.sub(r"\\\{[a-z]+\\\}", lambda _: part, re.escape(template))
            self.routes.append((re.compile(pattern), template, item))

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def find(self, method, path):
        """(template, path item, operation), or None."""
        for pattern, template, item in self.routes:
            if pattern.fullmatch(path) and method.lower() in item:
                return template, item, item[method.lower()]
        return None

    def parameters(self, item, operation, place):
        listed = item.get("parameters", []) + operation.get("parameters", [])
        return {p["name"]: p for p in map(self.resolve, listed) if p["in"] == place}

    def undeclared(self, schema, value, place):
        """Members that no schema names."""
        schema = self.resolve(schema)
        for kind in ("anyOf", "oneOf"):
            for each in schema.get(kind, []):
                each = self.resolve(each)
                if jsonschema.Draft4Validator(each, resolver=self.resolver).is_valid(value):
                    return self.undeclared(each, value, place)
        if isinstance(value, list):
            if "items" not in schema:
                return [f"{place}: items are not described"] if value else []
            return [text for each in value
                    for text in self.undeclared(schema["items"], each, place + "[]")]
        if not isinstance(value, dict):
            return []
        names = dict(schema.get("properties", {}))
        for each in schema.get("allOf", []):
            names.update(self.resolve(each).get("properties", {}))
        rest = schema.get("additionalProperties")
        if rest is True:
            return []
        out = []
        for name, member in value.items():
            if name in names:
                out += self.undeclared(names[name], member, f"{place}.{name}")
            elif isinstance(rest, dict):
                out += self.undeclared(rest, member, f"{place}.{name}")
            else:
                out.append(f"{place}.{name} is not described")
        return out

    def judge(self, schema, value, strict):
        found = [f"{'.'.join(map(str, e.absolute_path))}: {e.message}"[:300] for e in
                 jsonschema.Draft4Validator(schema, resolver=self.resolver).iter_errors(value)]
        return found + (self.undeclared(schema, value, "") if strict else [])

    def check(self, method, target, status, media_type, body, strict=True):
        """What is wrong with an answer, as texts. `strict`: also members that are not described."""
        split = urlsplit(target)
        found = self.find("GET" if method == "HEAD" else method, split.path)
        if found is None:
            return [] if status in (404, 405, 400, 503) else ["no such path is described"]
        template, item, operation = found
        if status < 400:
            names = {**self.parameters(item, operation, "query"), "lang": None}
            for name, _ in parse_qsl(split.query, keep_blank_values=True):
                if name not in names:
                    return [f"{template}: query name {name} is not described"]
        responses = operation["responses"]
        answer = self.resolve(responses.get(str(status), responses.get("default", {})))
        if not answer:
            return [f"{template}: {status} is not described"]
        media_type = media_type.split(";")[0].strip()
        content = answer.get("content", {})
        if method == "HEAD" or status == 304 or not body:
            return []
        if media_type not in content:
            return [f"{template} {status}: {media_type} is not described"]
        schema = content[media_type].get("schema", {})
        if media_type == LINES:
            values = [json.loads(line) for line in body.decode().splitlines() if line]
        elif media_type.endswith("json"):
            values = [json.loads(body)]
        else:
            return []
        return sorted({f"{method} {template} {status}: {text}" for value in values
                       for text in self.judge(schema, value, strict)})


_known = []


def check(method, target, status, media_type, body):
    """What Contract.check() finds; nothing where the validator is missing."""
    if yaml is None:
        return []
    if not _known:
        _known.append(Contract())
    return _known[0].check(method, target, status, media_type, body, strict=False)
