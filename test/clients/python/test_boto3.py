"""boto3 pointed at the gateway: Bedrock's runtime and its listings, signed with dummy credentials or by an API key."""

import base64
import json
import os

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
TITAN = "amazon.titan-text-express-v1"
# Converse's own models, and one that only OpenAI has.
MODELS = [SONNET, "us.amazon.nova-pro-v1:0", "gpt-4o"]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
WORDS = " ".join(f"word{i}" for i in range(60))
TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "Weather of a city",
                "inputSchema": {
                    "json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
                },
            }
        },
        {"toolSpec": {"name": "get_time", "description": "The time", "inputSchema": {"json": {"type": "object"}}}},
    ]
}


@pytest.fixture(autouse=True)
def no_aws_of_the_users_own(monkeypatch, tmp_path):
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def signing(service="bedrock-runtime", attempts=1):
    return boto3.Session(aws_access_key_id="AKIADUMMY", aws_secret_access_key="dummy", region_name="us-east-1").client(
        service, endpoint_url=f"http://{os.environ['OPEN_ADDR']}", config=Config(retries={"total_max_attempts": attempts})
    )


def bearing(monkeypatch, service="bedrock-runtime", key=None):
    """By the environment alone, and over TLS: boto3 sends a bearer token nowhere else."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key or os.environ["GATEWAY_KEY"])
    monkeypatch.setenv("AWS_ENDPOINT_URL_" + service.upper().replace("-", "_"), f"https://{os.environ['TLS_ADDR']}")
    monkeypatch.setenv("AWS_CA_BUNDLE", os.environ["GATEWAY_CA"])
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return boto3.client(service, region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture(params=["signed", "bearer"])
def client(request, monkeypatch):
    return signing() if request.param == "signed" else bearing(monkeypatch)


@pytest.fixture(params=["signed", "bearer"])
def control(request, monkeypatch):
    return signing("bedrock") if request.param == "signed" else bearing(monkeypatch, "bedrock")


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


def user(text, *blocks):
    return {"role": "user", "content": [*blocks, {"text": text}]}


def said(message):
    return "".join(b.get("text", "") for b in message["content"])


def collect(events):
    """The reply that a Converse stream adds up to, in the form that Converse gives."""
    reply, blocks, order = {}, {}, []
    for event in events:
        (name, e), = event.items()
        order.append(name)
        if name == "messageStart":
            reply["role"] = e["role"]
        elif name == "contentBlockStart":
            use = e["start"]["toolUse"]
            blocks[e["contentBlockIndex"]] = {"toolUse": {**use, "input": ""}}
        elif name == "contentBlockDelta":
            delta, block = e["delta"], blocks.setdefault(e["contentBlockIndex"], {})
            if "text" in delta:
                block["text"] = block.get("text", "") + delta["text"]
            elif "toolUse" in delta:
                block["toolUse"]["input"] += delta["toolUse"]["input"]
            elif "reasoningContent" in delta:
                thought = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
                thought["text"] += delta["reasoningContent"].get("text", "")
                if "signature" in delta["reasoningContent"]:
                    thought["signature"] = delta["reasoningContent"]["signature"]
        elif name == "messageStop":
            reply["stopReason"] = e["stopReason"]
        elif name == "metadata":
            reply["usage"] = e["usage"]
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    reply["output"] = {"message": {"role": reply["role"], "content": [blocks[i] for i in sorted(blocks)]}}
    return reply, order


def converse(client, stream, **request):
    if not stream:
        return client.converse(**request)
    return collect(client.converse_stream(**request)["stream"])[0]


streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])


@streamed
def test_converse(client, model, stream):
    reply = converse(
        client, stream, modelId=model, system=[{"text": "Echo."}], messages=[user("Grüße, \"世界\" \\ 🌍!")],
        inferenceConfig={"maxTokens": 500, "temperature": 0.5},
    )
    assert said(reply["output"]["message"]) == "You said: Grüße, \"世界\" \\ 🌍!"
    assert reply["output"]["message"]["role"] == "assistant"
    assert reply["stopReason"] == "end_turn"
    usage = reply["usage"]
    assert usage["inputTokens"] > 0 and usage["outputTokens"] > 0
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]


def test_converse_tells_the_request(client, model):
    reply = client.converse(modelId=model, messages=[user("hi")])
    assert reply["ResponseMetadata"]["RequestId"]
    assert reply["metrics"]["latencyMs"] > 0
    *_, last = client.converse_stream(modelId=model, messages=[user("hi")])["stream"]
    assert last["metadata"]["metrics"]["latencyMs"] > 0


def test_converse_stream_order(client, model):
    _, order = collect(client.converse_stream(modelId=model, messages=[user(WORDS)])["stream"])
    assert order[0] == "messageStart" and order[-2:] == ["messageStop", "metadata"]
    assert order.count("contentBlockDelta") > 10
    assert order[-3] == "contentBlockStop"


@streamed
def test_max_tokens_and_stop_sequences(client, model, stream):
    reply = converse(client, stream, modelId=model, messages=[user(WORDS)], inferenceConfig={"maxTokens": 5})
    assert reply["stopReason"] == "max_tokens"
    if model != "gpt-4o":  # OpenAI ends such an answer like any other
        reply = converse(client, stream, modelId=model, messages=[user(WORDS)], inferenceConfig={"stopSequences": ["word7"]})
        assert reply["stopReason"] == "stop_sequence"
        assert "word7" not in said(reply["output"]["message"])


@streamed
def test_tools_and_a_second_turn(client, model, stream):
    first = user('say and call get_weather {"city":"Ulm"} and get_time')
    reply = converse(client, stream, modelId=model, messages=[first], toolConfig=TOOLS)
    message = reply["output"]["message"]
    assert reply["stopReason"] == "tool_use"
    calls = [b["toolUse"] for b in message["content"] if "toolUse" in b]
    assert [(c["name"], c["input"]) for c in calls] == [("get_weather", {"city": "Ulm"}), ("get_time", {})]
    results = [
        {"toolResult": {"toolUseId": calls[0]["toolUseId"], "content": [{"json": {"degrees": 21}}]}},
        {"toolResult": {"toolUseId": calls[1]["toolUseId"], "content": [{"text": "no clock"}], "status": "error"}},
    ]
    last = converse(
        client, stream, modelId=model, toolConfig=TOOLS, messages=[first, message, {"role": "user", "content": results}]
    )
    assert last["stopReason"] == "end_turn"
    assert "21" in said(last["output"]["message"]) and "no clock" in said(last["output"]["message"])


@streamed
def test_tool_choice(client, model, stream):
    reply = converse(
        client, stream, modelId=model, messages=[user("it rains")],
        toolConfig={**TOOLS, "toolChoice": {"tool": {"name": "get_time"}}},
    )
    assert [b["toolUse"]["name"] for b in reply["output"]["message"]["content"] if "toolUse" in b] == ["get_time"]


def test_image(client, model):
    picture = {"image": {"format": "png", "source": {"bytes": PIXEL}}}
    reply = client.converse(modelId=model, messages=[user("What is it?", picture)])
    assert "image" in said(reply["output"]["message"])


def test_document(client, model):
    paper = {"document": {"format": "txt", "name": "paper", "source": {"bytes": b"All is well."}}}
    reply = client.converse(modelId=model, messages=[user("Sum it up", paper)])
    assert "Sum it up" in said(reply["output"]["message"])


@streamed
def test_thinking_and_its_signature(client, stream):
    fields = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    first = user("call get_time")
    ask = {"modelId": SONNET, "toolConfig": TOOLS, "additionalModelRequestFields": fields, "inferenceConfig": {"maxTokens": 2000}}
    message = converse(client, stream, messages=[first], **ask)["output"]["message"]
    assert message["content"][0]["reasoningContent"]["reasoningText"]["signature"]
    call = message["content"][-1]["toolUse"]
    result = {"role": "user", "content": [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": "noon"}]}}]}
    reply = converse(client, stream, messages=[first, message, result], **ask)
    assert "noon" in said(reply["output"]["message"])


def test_guardrail_stop(client, model):
    if model == "gpt-4o":
        reply = client.converse(modelId=model, messages=[user("x [[fault:filtered=content_filtered]]")])
        assert reply["stopReason"] == "content_filtered"
        return
    reply = client.converse(modelId=model, messages=[user("x [[fault:filtered]]")])
    assert reply["stopReason"] == "guardrail_intervened"


def test_a_guardrail_of_the_calls_own(client):
    guardrail = {"guardrailIdentifier": "abc123", "guardrailVersion": "1", "trace": "enabled"}
    reply = client.converse(modelId=SONNET, messages=[user("x [[fault:filtered]]")], guardrailConfig=guardrail)
    assert reply["stopReason"] == "guardrail_intervened" and reply["trace"]["guardrail"]
    reply = client.invoke_model(
        modelId=SONNET, body=claude_body("hi"), guardrailIdentifier="abc123", guardrailVersion="1", trace="ENABLED"
    )
    assert json.loads(reply["body"].read())["amazon-bedrock-guardrailAction"] == "NONE"
    with pytest.raises(client.exceptions.ValidationException):
        client.invoke_model(modelId=SONNET, body=claude_body("hi"), guardrailIdentifier="NO SUCH", guardrailVersion="1")


def test_latency_and_tier(client):
    reply = client.converse(
        modelId="us.amazon.nova-pro-v1:0", messages=[user("hi")], performanceConfig={"latency": "optimized"}, serviceTier={"type": "default"}
    )
    assert reply["performanceConfig"] == {"latency": "optimized"}
    assert reply["serviceTier"] == {"type": "default"}


def test_fields_that_only_the_model_knows(client):
    reply = client.converse(
        modelId=SONNET, messages=[user(WORDS)], inferenceConfig={"stopSequences": ["word7"]},
        additionalModelRequestFields={"top_k": 5}, additionalModelResponseFieldPaths=["/stop_sequence"],
    )
    assert reply["additionalModelResponseFields"] == {"stop_sequence": "word7"}


def test_prompt_cache(client, request):
    system = [{"text": f"Long rules for {request.node.name}"}, {"cachePoint": {"type": "default"}}]
    first = client.converse(modelId=SONNET, system=system, messages=[user("hi")])["usage"]
    second = client.converse(modelId=SONNET, system=system, messages=[user("hi")])["usage"]
    assert first["cacheWriteInputTokens"] > 0 and second["cacheReadInputTokens"] == first["cacheWriteInputTokens"]


def claude_body(text, **more):
    return json.dumps(
        {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 500, "messages": [{"role": "user", "content": text}], **more}
    )


def titan_body(text):
    return json.dumps({"inputText": text, "textGenerationConfig": {"maxTokenCount": 500}})


def test_invoke_claude(client):
    for name in (SONNET, "gpt-4o"):
        reply = client.invoke_model(modelId=name, body=claude_body("Grüße 🌍"))
        assert reply["contentType"] == "application/json"
        body = json.loads(reply["body"].read())
        assert body["content"] == [{"type": "text", "text": "You said: Grüße 🌍"}]
        assert body["stop_reason"] == "end_turn"
        if name == SONNET:
            headers = reply["ResponseMetadata"]["HTTPHeaders"]
            assert int(headers["x-amzn-bedrock-input-token-count"]) == body["usage"]["input_tokens"]


def test_invoke_claude_streamed(client):
    for name in (SONNET, "gpt-4o"):
        reply = client.invoke_model_with_response_stream(modelId=name, body=claude_body(WORDS))
        events = [json.loads(e["chunk"]["bytes"]) for e in reply["body"]]
        assert events[0]["type"] == "message_start" and events[-1]["type"] == "message_stop"
        assert "".join(e["delta"]["text"] for e in events if e["type"] == "content_block_delta").endswith("word59")
        if name == SONNET:
            assert events[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] > 0


def test_invoke_titan(client):
    body = json.loads(client.invoke_model(modelId=TITAN, body=titan_body("Grüße 🌍"))["body"].read())
    assert body["results"][0]["outputText"].strip().endswith("You said: Grüße 🌍")
    assert body["results"][0]["completionReason"] == "FINISH" and body["inputTextTokenCount"] > 0


def test_invoke_titan_streamed(client):
    reply = client.invoke_model_with_response_stream(modelId=TITAN, body=titan_body(WORDS))
    chunks = [json.loads(e["chunk"]["bytes"]) for e in reply["body"]]
    assert "".join(c["outputText"] for c in chunks).endswith("word59")
    assert chunks[-1]["completionReason"] == "FINISH"
    assert len(chunks) > 10


def test_invoke_a_body_that_nobody_knows(client):
    with pytest.raises(ClientError) as e:
        client.invoke_model(modelId="gpt-4o", body=json.dumps({"prompt": "hi"}))
    assert e.value.response["Error"]["Code"] == "ValidationException"


def test_count_tokens(client):
    by_converse = client.count_tokens(modelId=SONNET, input={"converse": {"messages": [user("hi")]}})["inputTokens"]
    by_invoke = client.count_tokens(modelId=SONNET, input={"invokeModel": {"body": claude_body("hi")}})["inputTokens"]
    assert by_converse == by_invoke == client.converse(modelId=SONNET, messages=[user("hi")])["usage"]["inputTokens"]


def refused(error, call, *args, **kwargs):
    with pytest.raises(error) as e:
        call(*args, **kwargs)
    assert e.value.response["Error"]["Message"]
    return e.value.response


@streamed
def test_errors_are_botocores_classes(client, model, stream):
    call = client.converse_stream if stream else client.converse
    ask = client.exceptions
    answer = refused(ask.ThrottlingException, call, modelId=model, messages=[user("x [[fault:throttle]]")])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    refused(ask.ValidationException, call, modelId=model, messages=[])
    answer = refused(ask.ValidationException, call, modelId=model, messages=[user("x [[fault:context]]")])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    answer = refused(ask.ServiceUnavailableException, call, modelId=model, messages=[user("x [[fault:overloaded]]")])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503


@streamed
def test_errors_of_bedrock_keep_their_names(client, stream):
    call = client.converse_stream if stream else client.converse
    for name, status in {
        "AccessDeniedException": 403,
        "InternalServerException": 500,
        "ModelErrorException": 424,
        "ModelNotReadyException": 429,
        "ModelTimeoutException": 408,
        "ResourceNotFoundException": 404,
        "ServiceUnavailableException": 503,
    }.items():
        answer = refused(getattr(client.exceptions, name), call, modelId=SONNET, messages=[user(f"x [[fault:{name}]]")])
        assert answer["Error"]["Code"] == name
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


def test_unknown_models(client):
    refused(client.exceptions.ResourceNotFoundException, client.converse, modelId="nobody-has-this", messages=[user("hi")])
    refused(client.exceptions.ValidationException, client.converse, modelId="anthropic.claude-none-v1:0", messages=[user("hi")])


def test_wrong_key(monkeypatch):
    client = bearing(monkeypatch, key="wrong")
    answer = refused(ClientError, client.converse, modelId=SONNET, messages=[user("hi")])
    assert answer["Error"]["Code"] == "UnrecognizedClientException"


def test_no_key(monkeypatch):
    """A client that signs has no key the gateway could know it by."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", f"http://{os.environ['GATEWAY_ADDR']}")
    client = boto3.Session(aws_access_key_id="AKIADUMMY", aws_secret_access_key="dummy", region_name="us-east-1").client("bedrock-runtime")
    answer = refused(ClientError, client.converse, modelId=SONNET, messages=[user("hi")])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 401


def test_the_client_retries_429():
    client = signing(attempts=5)
    reply = client.converse(modelId=SONNET, messages=[user("boto3, again [[fault:throttle=3]]")])
    assert 1 <= reply["ResponseMetadata"]["RetryAttempts"] <= 3
    assert said(reply["output"]["message"]) == "You said: boto3, again"


@pytest.mark.parametrize(
    "fault, code",
    [
        ("exception=modelStreamErrorException@4", "modelStreamErrorException"),
        ("exception=throttlingException@4", "throttlingException"),
        ("exception=internalServerException@4", "internalServerException"),
        ("cut=2500", None),
        ("cutclean=2500", None),
    ],
)
def test_a_broken_stream_raises(client, model, fault, code):
    text, stopped = "", False
    with pytest.raises(EventStreamError) as e:
        for event in client.converse_stream(modelId=model, messages=[user(f"{WORDS} [[fault:{fault}]]")])["stream"]:
            text += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
            stopped = stopped or "messageStop" in event
    assert text and not text.endswith("word59"), "it broke before the end"
    assert not stopped
    assert e.value.response["Error"]["Message"]
    if code and model != "gpt-4o":
        assert e.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("fault", ["exception=modelStreamErrorException@4", "cut=2500", "cutclean=2500"])
@pytest.mark.parametrize("name, body", [(SONNET, claude_body), (TITAN, titan_body), ("gpt-4o", claude_body)])
def test_a_broken_invoke_stream_raises(client, name, body, fault):
    text = ""
    reply = client.invoke_model_with_response_stream(modelId=name, body=body(f"{WORDS} [[fault:{fault}]]"))
    with pytest.raises(EventStreamError) as e:
        for event in reply["body"]:
            text += event["chunk"]["bytes"].decode()
    assert text and "word59" not in text and "message_stop" not in text and "FINISH" not in text
    assert e.value.response["Error"]["Code"]


def test_an_exception_in_the_place_of_the_first_frame_is_a_status(client):
    refused(
        client.exceptions.ThrottlingException, client.converse_stream, modelId=SONNET,
        messages=[user("x [[fault:exception=throttlingException@0]]")],
    )


def test_model_ids(client):
    """An ARN is one segment of the path, however many slashes it has."""
    for name in (
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/simulator0000",
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
        "anthropic.claude-3-haiku-20240307-v1:0",
    ):
        assert said(client.converse(modelId=name, messages=[user("hi")])["output"]["message"]) == "You said: hi"


def test_a_large_body(client):
    data = PIXEL + bytes(3_000_000)
    reply = client.converse(modelId=SONNET, messages=[user("What is it?", {"image": {"format": "png", "source": {"bytes": data}}})])
    assert f"image png, {len(data)} bytes" in said(reply["output"]["message"])


def test_foundation_models(control):
    models = {m["modelId"]: m for m in control.list_foundation_models()["modelSummaries"]}
    assert models["amazon.nova-pro-v1:0"]["providerName"] == "Amazon"
    assert models["amazon.nova-pro-v1:0"]["responseStreamingSupported"]
    some = control.list_foundation_models(byProvider="Anthropic")["modelSummaries"]
    assert some and all(m["modelId"].startswith("anthropic.") for m in some)
    details = control.get_foundation_model(modelIdentifier="amazon.nova-pro-v1:0")["modelDetails"]
    assert details["modelId"] == "amazon.nova-pro-v1:0"
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.get_foundation_model(modelIdentifier="amazon.none-v1:0")


def test_inference_profiles(control):
    paged = [
        p["inferenceProfileId"]
        for page in control.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 10})
        for p in page["inferenceProfileSummaries"]
    ]
    assert SONNET in paged and len(paged) > 10 and len(set(paged)) == len(paged)
    profile = control.get_inference_profile(inferenceProfileIdentifier=SONNET)
    assert profile["inferenceProfileId"] == SONNET and profile["models"]
