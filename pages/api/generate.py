"""Writes the schemas of the dialects' bodies, schemas_*.json, from the types of the official clients: OpenAI's and Anthropic's for
Python, and the service models of botocore. What a client of those APIs can send or read is described by those who make them.

    python generate.py [--check]

with the packages of test/clients/python/requirements.txt. With --check nothing is written, and a file that is not what would be
written is an error. What the gateway adds to a dialect is in the other files of this folder, by hand.

Members that stand for tools which the provider runs itself are not unfolded: such an object is described by its type alone.
"""

import ast
import collections
import json
import pathlib
import re
import sys

import anthropic.types as claude
import botocore.session
import openai.types.chat as chat
import openai.types.responses as responses
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses.input_token_count_params import InputTokenCountParams
from openai.types.responses.response_compact_params import ResponseCompactParams
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

HERE = pathlib.Path(__file__).parent
REF = "#/components/schemas/"

# Objects of these types are not unfolded.
HOSTED = re.compile(
    r"computer|browser|image_gen|mcp|code_|shell|apply_patch|file_search|tool_search|program|additional_tools|namespace|web_fetch|"
    r"bash|text_editor|advisor|container|memory_|fallback|web_search_20|multi_agent|agent_"
)

GROUPS = {
    "OpenAI": {
        "ChatRequest": CompletionCreateParamsNonStreaming,
        "ChatCompletion": chat.ChatCompletion,
        "ChatCompletionChunk": chat.ChatCompletionChunk,
    },
    "Responses": {
        "Request": ResponseCreateParamsNonStreaming,
        "Response": responses.Response,
        "Event": responses.ResponseStreamEvent,
        "InputTokensRequest": InputTokenCountParams,
        "CompactRequest": ResponseCompactParams,
        "CompactedResponse": responses.CompactedResponse,
    },
    "Anthropic": {
        "MessagesRequest": MessageCreateParamsNonStreaming,
        "CountTokensRequest": MessageCountTokensParams,
        "Message": claude.Message,
        "Event": claude.RawMessageStreamEvent,
    },
}


def generated(prefix, types):
    """The schemas of types, and of all that they are made of, as pydantic writes them."""
    inputs = [(name, "validation", TypeAdapter(t)) for name, t in types.items()]
    keys, doc = TypeAdapter.json_schemas(inputs, ref_template=REF + "{model}")
    return {name: s for (name, _), s in keys.items()}, doc["$defs"]


def cleaned(s):
    """Without titles, which repeat the names, and without what says nothing."""
    if isinstance(s, list):
        return [cleaned(x) for x in s]
    if not isinstance(s, dict):
        return s
    out = {}
    for k, v in s.items():
        if k == "title" and isinstance(v, str) or k == "default" and v is None or k == "additionalProperties" and v is True:
            continue
        if k == "properties":
            out[k] = {name: cleaned(x) for name, x in v.items()}
        elif k == "description":
            out[k] = " ".join(v.split("\n\n")[0].split())
        elif k not in ("discriminator",):
            out[k] = cleaned(v)
    return out


# What a request to the gateway may leave out: the model where one is configured as the default or stands in the path, and what the
# clients always send and their APIs do not ask for.
OPTIONAL = {
    "OpenAI.ChatRequest": {"model"},
    "Anthropic.MessagesRequest": {"model"},
    "Anthropic.CountTokensRequest": {"model"},
    "Responses.FunctionToolParam": {"parameters", "strict"},
    "Responses.ResponseInputImageParam": {"detail"},
    "Responses.ResponseInputImageContentParam": {"detail"},
    "Responses.ResponseReasoningItemParam": {"id"},
    "Responses.ResponseFunctionWebSearchParam": {"id"},
}

# What the gateway adds to unions, by a member that they have: it is described in the files beside this one.
ADDED = {
    "OpenAI.ChatCompletionContentPartTextParam": ["OpenAI.ChatCompletionContentPartImageParam", "Gateway.ContentPart"],
    "OpenAI.ChatCompletionFunctionToolParam": ["Gateway.ProviderTool"],
    "Anthropic.WebSearchToolResultBlock": ["Gateway.NovaResult"],
    "Anthropic.WebSearchToolResultBlockParam": ["Gateway.NovaResult"],
    "Responses.ResponseCompactionItem": ["Responses.EasyInputMessageParam"],
}


def extended(s):
    """With what the gateway adds."""
    if isinstance(s, list):
        return [extended(x) for x in s]
    if not isinstance(s, dict):
        return s
    out = {k: extended(v) for k, v in s.items()}
    if "$ref" in out.get("items", {}):
        union = extended({"anyOf": [out["items"]]})
        if len(union["anyOf"]) > 1:
            out["items"] = union
    if "anyOf" in out:
        for member in list(out["anyOf"]):
            for added in ADDED.get(member.get("$ref", "")[len(REF) :], []):
                if {"$ref": REF + added} not in out["anyOf"]:
                    out["anyOf"].append({"$ref": REF + added})
    return out


def documented(package):
    """What the clients' sources say of the members of their types: by class name, the members with the first paragraph of each."""
    found = collections.defaultdict(list)
    for name, module in sorted(sys.modules.items()):
        if not name.startswith(package + ".types") or not getattr(module, "__file__", None):
            continue
        for node in ast.parse(pathlib.Path(module.__file__).read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef):
                continue
            members, last = {}, None
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    last = statement.target.id
                    members.setdefault(last, "")
                elif last and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str):
                    members[last] = " ".join(statement.value.value.split("\n\n")[0].split())
                    last = None
            found[node.name].append((name.replace(".", "__") + "__" + node.name, {b.id for b in node.bases if isinstance(b, ast.Name)}, members))
    return found


def describe(name, schema, docs):
    """Adds the descriptions of a type's members."""
    candidates = docs.get(name.split("__")[-1].removesuffix("NonStreaming"), []) + docs.get(name.split("__")[-1], [])
    for base in [b for c in candidates for b in c[1]]:
        candidates = candidates + docs.get(base, [])
    if "__" in name:
        candidates = [c for c in candidates if c[0] == name]
    properties = schema.get("properties", {})
    for _, _, members in candidates:
        if not set(members) <= set(properties):
            continue  # a type of the same name elsewhere
        for member, text in members.items():
            if text and "description" not in properties[member]:
                properties[member]["description"] = text


def type_of(schema):
    t = schema.get("properties", {}).get("type", {}) if schema.get("type") == "object" else {}
    return [t["const"]] if "const" in t else t.get("enum", [])


def folded(s, defs):
    """Hosted tools' members of unions are one member, which lists their types."""
    if isinstance(s, list):
        return [folded(x, defs) for x in s]
    if not isinstance(s, dict):
        return s
    out = {}
    for k, v in s.items():
        if k == "properties":
            out[k] = {name: folded(x, defs) for name, x in v.items()}
            continue
        if k in ("anyOf", "oneOf"):
            kept, hosted = [], []
            for member in v:
                types = type_of(defs.get(member.get("$ref", "")[len(REF) :], {}))
                if types and all(HOSTED.search(t) for t in types):
                    hosted += types
                else:
                    kept.append(folded(member, defs))
            if hosted:
                kept.append({"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "enum": sorted(set(hosted))}}})
            out["anyOf"] = kept
            continue
        out[k] = folded(v, defs)
    return out


def references(s, found):
    if isinstance(s, list):
        for x in s:
            references(x, found)
    elif isinstance(s, dict):
        for k, v in s.items():
            if k == "$ref":
                found.add(v[len(REF) :])
            else:
                references(v, found)


def renamed(s, names):
    if isinstance(s, list):
        return [renamed(x, names) for x in s]
    if isinstance(s, dict):
        return {k: REF + names[v[len(REF) :]] if k == "$ref" else renamed(v, names) for k, v in s.items()}
    return s


def group(prefix, types):
    roots, defs = generated(prefix, types)
    defs = {k: cleaned(v) for k, v in defs.items()}
    docs = documented({"Responses": "openai"}.get(prefix, prefix.lower()))
    for name, schema in defs.items():
        describe(name, schema, docs)
    roots = {k: cleaned(v) for k, v in roots.items()}
    defs_folded = {k: folded(v, defs) for k, v in defs.items()}
    roots = {k: folded(v, defs) for k, v in roots.items()}
    # A root that is only a name for a definition takes its place.
    names = {}
    for root, s in roots.items():
        if list(s) == ["$ref"]:
            names[s["$ref"][len(REF) :]] = f"{prefix}.{root}"
    reached, todo = set(), set()
    references(roots, todo)
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            references(defs_folded[name], todo)
            todo -= reached
    taken = set(names.values()) | {f"{prefix}.{r}" for r in roots}
    for name in sorted(reached):
        if name in names:
            continue
        short = re.sub(r"_v\d+$", "", name.split("__")[-1])
        if "__" in name:  # pydantic's name for one of several of the same name: its module
            module = "".join(p.title() for p in name.split("__")[-2].split("_"))
            short = module.removesuffix("Param") + short
        candidate, n = f"{prefix}.{short}", 2
        while candidate in taken:
            candidate, n = f"{prefix}.{short}{n}", n + 1
        taken.add(candidate)
        names[name] = candidate
    out = {names[k]: renamed(defs_folded[k], names) for k in reached}
    for root, s in roots.items():
        out.setdefault(f"{prefix}.{root}", renamed(s, names))
    out = {k: extended(v) for k, v in out.items()}
    for name in ("Anthropic.ServerToolUseBlock", "Anthropic.ServerToolUseBlockParam"):
        if name in out:  # Nova's tools are used in the same form
            out[name]["properties"]["name"] = {"type": "string", "examples": out[name]["properties"]["name"]["enum"]}
    for name, optional in OPTIONAL.items():
        if name in out:
            out[name]["required"] = [m for m in out[name]["required"] if m not in optional]
    for s in out.values():
        if s.get("properties", {}).get("stream"):  # the clients have a type for each of its values
            s["properties"]["stream"] = {"type": ["boolean", "null"], "description": "Whether the answer is streamed."}
    for name in (f"{prefix}.{root}" for root in types if root.endswith("Request")):
        # An enumeration of the client's models would be wrong here.
        out[name]["properties"]["model"] = {"type": "string", "description": "The model: its id at the provider, or a name that the configuration gave it."}
    return out


def botocore_schemas(prefix, service, operations):
    """The shapes of operations' inputs and outputs, without what goes in the path, the query or a header."""
    model = botocore.session.get_session().get_service_model(service)
    out = {}

    def ref(shape):
        plain = {
            "string": {"type": "string"}, "integer": {"type": "integer"}, "long": {"type": "integer"}, "boolean": {"type": "boolean"},
            "float": {"type": "number"}, "double": {"type": "number"}, "timestamp": {"type": "string", "format": "date-time"},
        }
        if shape.type_name in plain:
            s = dict(plain[shape.type_name])
            if getattr(shape, "enum", None):
                s["examples"] = sorted(shape.enum)  # AWS answers values that its models do not have yet
            return s
        if shape.type_name == "blob":
            return {"type": "string", "contentEncoding": "base64"}
        if shape.type_name == "list":
            return {"type": "array", "items": ref(shape.member)}
        if shape.type_name == "map":
            return {"type": "object", "additionalProperties": ref(shape.value)}
        if getattr(shape, "is_document_type", False):
            return {}
        name = f"{prefix}.{shape.name}"
        if name not in out:
            out[name] = {}
            out[name].update(structure(shape))
        return {"$ref": REF + name}

    def structure(shape):
        members, required = {}, []
        for m, s in shape.members.items():
            if s.serialization.get("location") in ("uri", "header", "headers", "querystring"):
                continue
            wire = s.serialization.get("name", m)
            members[wire] = ref(s)
            if m in shape.required_members:
                required.append(wire)
        s = {"type": "object", "properties": members}
        if required:
            s["required"] = required
        if getattr(shape, "is_tagged_union", False):
            s["minProperties"] = 1
        return s

    for op in operations:
        o = model.operation_model(op)
        if o.input_shape is not None and o.http.get("method") != "GET":
            out[f"{prefix}.{op}Request"] = structure(o.input_shape)
        event = o.get_event_stream_output()
        if event is not None:
            for name, shape in event.members.items():
                out[f"{prefix}.{op}.{name}"] = structure(shape)
        else:
            out[f"{prefix}.{op}Response"] = structure(o.output_shape)
    return out


def main():
    files = {f"schemas_{p.lower()}.json": group(p, t) for p, t in GROUPS.items()}
    files["schemas_bedrock.json"] = {
        **botocore_schemas("Bedrock", "bedrock-runtime", ["Converse", "ConverseStream", "CountTokens"]),
        **botocore_schemas(
            "Bedrock", "bedrock", ["ListFoundationModels", "GetFoundationModel", "ListInferenceProfiles", "GetInferenceProfile"]
        ),
    }
    stale = False
    for name, schemas in files.items():
        text = json.dumps({"components": {"schemas": schemas}}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        text = re.sub(r'\},"(OpenAI|Responses|Anthropic|Bedrock)\.', r'},\n"\1.', text) + "\n"
        path = HERE / name
        if "--check" in sys.argv:
            if path.read_text(encoding="utf-8") != text:
                print(f"{name} is not what generate.py writes", file=sys.stderr)
                stale = True
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
