"""Compares what the tests sent and received with the description of the API.

    python check.py openapi.json traffic

The traffic is what internal/gatewaytest writes down: a line an exchange. Every answer must be one that the description has for its
path, method, status and media type, and match its schema, every event of a stream by itself; a request that was answered
without an error must match its own. The examples of the description are checked in the same way.

Then the description is falsified in several places, one at a time, and the same traffic is compared again: each mutation has to be
noticed.
"""

import base64
import collections
import copy
import json
import os
import pathlib
import re
import struct
import sys

import jsonschema_rs

REF = "#/components/schemas/"

# The packages whose traffic is compared, as internal/gatewaytest has them.
PACKAGES = {"grid", "translation", "apis", "retrieval", "files", "recall", "openapi"}

# Tests whose upstreams answer less than any provider does, which the gateway relays as it came, and one whose answers are the next
# handler's: their successes are not compared.
TERSE = re.compile(
    r"Test(RelayedEndpoints|ClientMetadata|OwnEndpoints|OutputLimitsOfRelays|ServerToolBlocks|PromptCache|AnnotationsOfOpenAI|Passthrough|"
    r"ServerToolsOfResponses|AnUncountedStream|EachWordSwitches|AnAlteredEventMakesNoEnd)|Test(AStreamCutAnywhere|ACorruptFrame)\S* /v1/responses"
)
# Tests that send what no client does, and is relayed, dropped or read all the same: their requests are not compared.
ODD = re.compile(r"Test(Parameters|ToolParameters|Passthrough)\b")


class Description:
    def __init__(self, doc):
        self.doc = doc
        self.validators = {}
        self.paths = []
        for path, item in doc["paths"].items():
            pattern = re.compile("".join("[^/]+" if p.startswith("{") else re.escape(p) for p in re.split(r"(\{[^}]+\})", path)) + "$")
            self.paths.append((path.count("{"), pattern, path, item))
        self.paths.sort(key=lambda p: p[0])  # a literal path is no model's name

    def operation(self, method, path):
        """The operation, and whether the path has one of any method."""
        found = False
        for _, pattern, template, item in self.paths:
            if pattern.match(path):
                found = True
                if method.lower() in item:
                    return template, item[method.lower()], True
        return None, None, found

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            where = self.doc
            for part in node["$ref"][2:].split("/"):
                where = where[part]
            node = where
        return node

    def errors(self, schema, value, where=""):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": {"schemas": self.doc["components"]["schemas"]}, **schema}
            self.validators[key] = jsonschema_rs.validator_for(whole)
        v = self.validators[key]
        if v.is_valid(value):
            return []
        return [best(e) for e in list(v.iter_errors(value))[:3]]


def best(error):
    text = error.message if len(error.message) < 300 else error.message[:300] + "…"
    return f"at /{'/'.join(map(str, error.instance_path))}: {text}"


def frames(data):
    """The messages of an Amazon event stream: headers and payloads."""
    at = 0
    while at + 16 <= len(data):
        total, headers_len, _ = struct.unpack(">III", data[at : at + 12])
        if at + total > len(data):
            return
        headers, h, end = {}, at + 12, at + 12 + headers_len
        while h < end:
            n = data[h]
            name = data[h + 1 : h + 1 + n].decode()
            kind = data[h + 1 + n]
            assert kind == 7, "headers of Bedrock's streams are strings"
            (size,) = struct.unpack(">H", data[h + 2 + n : h + 4 + n])
            headers[name] = data[h + 4 + n : h + 4 + n + size].decode()
            h += 4 + n + size
        yield headers, data[end : at + total - 4]
        at += total


def events(data, whole):
    """The data of server-sent events, but for [DONE] and what is not whole."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    blocks = text.split("\n\n")
    for block in blocks[:-1]:  # behind the last blank line is nothing, or an event that was cut
        lines = [line[5:].lstrip() for line in block.split("\n") if line.startswith("data:")]
        if lines and lines != ["[DONE]"]:
            yield "\n".join(lines)


def check(d, exchange, seen):
    """The ways in which an exchange is not what the description says."""
    method, path = exchange["method"], exchange["path"]
    template, op, known = d.operation("GET" if method == "HEAD" else method, path)
    if op is None:
        if known and exchange["status"] != 405 and method not in ("OPTIONS",):
            return [f"{method} {path}: answered {exchange['status']}, and has no description"]
        return []
    if "Basic" in "".join(exchange["response_header"].get("Www-Authenticate") or []):
        return []  # Caddy's own
    where = f"{method} {template} {exchange['status']}"
    status = str(exchange["status"])
    response = op["responses"].get(status) or op["responses"].get(status[0] + "XX")
    if response is None and TERSE.match(exchange["test"] + " " + path):
        return []
    if response is None:
        return [f"{where}: no such status"]
    response = d.resolve(response)
    got = base64.b64decode(exchange["got"] or "")
    problems = []
    media = (exchange["response_header"].get("Content-Type") or [""])[0].split(";")[0].strip()
    content = response.get("content")
    if exchange["status"] < 400 and TERSE.match(exchange["test"] + " " + path):
        content = None
    if got and content and method != "HEAD" and not (exchange["response_header"].get("Content-Encoding")):
        if media not in content:
            if not any(m in content for m in ("application/octet-stream",)):
                problems.append(f"{where}: the media type {media} is not described")
        elif media == "application/json" and exchange["whole"]:
            try:
                value = json.loads(got)
            except ValueError:
                value = None
            if value is not None:
                seen[(template, status[0], media)] += 1
                problems += [f"{where}: {e}" for e in d.errors(content[media]["schema"], value)]
        elif media == "text/event-stream":
            for data in events(got, exchange["whole"]):
                try:
                    value = json.loads(data)
                except ValueError:
                    continue
                seen[(template, status[0], media)] += 1
                problems += [f"{where}: event {e}" for e in d.errors(content[media]["schema"], value)]
        elif media == "application/vnd.amazon.eventstream":
            for headers, payload in frames(got):
                seen[(template, status[0], media)] += 1
                kind = headers.get(":event-type") or headers.get(":exception-type")
                schema = content[media]["schema"]
                # The kind of an event is in its header, not in its payload: of the schemas it is the one of that name.
                named = [s for s in schema.get("anyOf", []) if s["$ref"].endswith("." + kind)]
                problems += [f"{where}: {kind} {e}" for e in d.errors(named[0] if named else schema, json.loads(payload))]
    if exchange["status"] < 400 and exchange["sent"] and "requestBody" in op and not ODD.match(exchange["test"]):
        content = d.resolve(op["requestBody"])["content"]
        if "application/json" in content:
            try:
                value = json.loads(base64.b64decode(exchange["sent"]))
            except ValueError:
                return problems
            seen[(template, "request", "application/json")] += 1
            problems += [f"{where}: request {e}" for e in d.errors(content["application/json"]["schema"], value)]
    return problems


def examples(d):
    """Examples that do not match their schema."""

    def walk(node, where):
        if isinstance(node, dict):
            if "schema" in node and "examples" in node and isinstance(node["examples"], dict):
                for name, e in node["examples"].items():
                    for problem in d.errors(node["schema"], e["value"]):
                        yield f"{where}/{name}: {problem}"
            for k, v in node.items():
                yield from walk(v, f"{where}/{k}")
        elif isinstance(node, list):
            for i, v in enumerate(node):
                yield from walk(v, f"{where}/{i}")

    yield from walk(d.doc["paths"], "paths")
    yield from walk(d.doc["components"]["responses"], "responses")


def read(path):
    seen = set()
    for line in open(path, encoding="utf-8"):
        e = json.loads(line)
        if e["package"] not in PACKAGES:
            continue
        key = (e["method"], e["path"], e["status"], e["sent"], e["got"])
        if key not in seen:
            seen.add(key)
            yield e


def mutations(doc):
    """Falsified descriptions, each with what is false in it."""

    def schema(name, change):
        def apply(d):
            change(d["components"]["schemas"][name])

        return apply

    changes = {
        "a chat completion has another object": schema("OpenAI.ChatCompletion", lambda s: s["properties"]["object"].update(const="x")),
        "a choice of a chunk has no delta": schema("OpenAI.ChatCompletionChunkChoice", lambda s: s["properties"]["delta"].update({"$ref": REF + "Files.File"})),
        "a chat's messages are a text": schema("OpenAI.ChatRequest", lambda s: s["properties"]["messages"].update(type="string")),
        "an answer of Anthropic's has no content": schema("Anthropic.Message", lambda s: s["properties"].update(content={"type": "null"})),
        "a stop reason is missing": schema("Anthropic.Message", lambda s: s["properties"].update(stop_reason={"const": "end_turn"})),
        "an event of Anthropic's is missing": schema("Anthropic.Event", lambda s: s["anyOf"].pop()),
        "usage of Responses is a number": schema("Responses.ResponseUsage", lambda s: s.update(type="number")),
        "a text's delta is a number": schema("Responses.ResponseTextDeltaEvent", lambda s: s["properties"]["delta"].update(type="number")),
        "Converse answers no usage": schema("Bedrock.ConverseResponse", lambda s: s["properties"].update(usage={"type": "null"})),
        "a stop of ConverseStream is a number": schema("Bedrock.ConverseStream.messageStop", lambda s: s["properties"].update(stopReason={"type": "number"})),
        "an error of OpenAI's is a text": schema("Error.OpenAI", lambda s: s["properties"].update(error={"type": "string"})),
        "an error of Bedrock's has no message": schema("Error.Bedrock", lambda s: s["properties"].update(message={"type": "null"})),
        "a vector is a text": schema("Gateway.EmbeddingResponse", lambda s: s["properties"]["data"].update(type="string")),
        "a rank has a text for its score": schema("Rerank.Response", lambda s: s["properties"]["results"]["items"]["properties"].update(relevance_score={"type": "string"})),
        "chats are not streamed": lambda d: d["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]["content"].pop("text/event-stream"),
        "chats do not fail": lambda d: d["paths"]["/v1/chat/completions"]["post"]["responses"].pop("4XX"),
        "models cannot be listed": lambda d: d["paths"]["/v1/models"].update(post=d["paths"]["/v1/models"].pop("get")),
    }
    for what, change in changes.items():
        mutant = copy.deepcopy(doc)
        change(mutant)
        yield what, mutant


def main():
    doc = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    d = Description(doc)
    failed = list(examples(d))
    exchanges, seen = list(read(sys.argv[2])), collections.Counter()
    if missing := PACKAGES - {e["package"] for e in exchanges}:
        print(f"no traffic of {', '.join(sorted(missing))}")
        failed.append("traffic")
    for e in exchanges:
        failed += [f"{problem}  ({e['test']})" for problem in check(d, e, seen)]
    for problem, n in collections.Counter(failed).most_common(int(os.environ.get("MOST", "40"))):
        print(f"{n}× {problem}")
    for (path, kind, media), n in sorted(seen.items()):
        print(f"{n:6} {path} {kind} {media}")
    print(f"{len(exchanges)} exchanges, {sum(seen.values())} bodies and events, {len(failed)} problems")
    for what, mutant in mutations(doc):
        m = Description(mutant)
        if not any(check(m, e, collections.Counter()) for e in exchanges):
            failed.append(what)
            print(f"not noticed: {what}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
