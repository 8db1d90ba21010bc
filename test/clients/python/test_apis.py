"""Every kind of model on Bedrock by each of its APIs, through the clients of OpenAI and Anthropic and through those that
were made for Bedrock's own copies of their APIs. The routes of the names stand in the Caddyfile beside run.
"""

import json
import os

import anthropic
import openai
import pytest

# The route's name, and the API that Bedrock-Gateway-Api must name to OpenAI's client.
ROUTES = {
    "gpt-5.6-chat": "chat", "gpt-5.6-converse": "converse", "gpt-5.6-mantle": "mantle/chat",
    "grok-chat": "chat", "grok-converse": "converse", "grok-mantle": "mantle/chat",
    "gpt-oss-chat": "chat", "gpt-oss-converse": "converse", "gpt-oss-mantle": "mantle/chat",
    "claude-converse": "converse", "claude-messages": "messages", "claude-mantle": "mantle/messages",
}
# On mantle, what Anthropic's client asks is said by Responses, which says more than chat does.
ANTHROPICS = {route: "mantle/responses" if api == "mantle/chat" else api for route, api in ROUTES.items()}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
routes = pytest.mark.parametrize("route", ROUTES)


def user(text):
    return {"role": "user", "content": text}


def completion(client, stream, **request):
    """The whole completion, and the API that it came by."""
    if not stream:
        raw = client.chat.completions.with_raw_response.create(**request)
        return raw.parse(), raw.headers["bedrock-gateway-api"]
    with client.chat.completions.stream(**request) as s:
        return s.get_final_completion(), s._response.headers["bedrock-gateway-api"]


def told(message):
    return "".join(b.text for b in message.content if b.type == "text")


def message(client, stream, **request):
    if not stream:
        raw = client.messages.with_raw_response.create(max_tokens=2000, **request)
        return raw.parse(), raw.headers["bedrock-gateway-api"]
    with client.messages.stream(max_tokens=2000, **request) as s:
        return s.get_final_message(), s.response.headers["bedrock-gateway-api"]


@routes
@streamed
def test_openais_client(client, route, stream):
    reply, api = completion(client, stream, model=route, messages=[user("Grüße 🌍")])
    assert reply.choices[0].message.content == "You said: Grüße 🌍"
    assert api == ROUTES[route] and reply.model == route
    assert reply.choices[0].finish_reason == "stop"


@routes
@streamed
def test_openais_client_calls_tools_in_two_turns(client, route, stream):
    """Calls that Bedrock's copy numbers by their place get ids that no other turn has."""
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
    turns, ids = [], set()
    for city in ["Ulm", "Bonn"]:
        turns.append(user('call get_weather {"city":"%s"}' % city))
        reply, _ = completion(client, stream, model=route, tools=tools, messages=turns)
        [call] = reply.choices[0].message.tool_calls
        assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": city})
        assert call.id not in ids
        ids.add(call.id)
        turns.append({"role": "assistant", "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}},
        ]})
        turns.append({"role": "tool", "tool_call_id": call.id, "content": "21 degrees in " + city})
    reply, _ = completion(client, stream, model=route, tools=tools, messages=turns)
    assert "21 degrees in Bonn" in reply.choices[0].message.content


@routes
@streamed
def test_anthropics_client(route, stream):
    with anthropic.Anthropic(base_url=f"http://{os.environ['GATEWAY_ADDR']}", api_key=os.environ["GATEWAY_KEY"], timeout=30) as client:
        reply, api = message(client, stream, model=route, messages=[user("Grüße 🌍")])
        assert told(reply) == "You said: Grüße 🌍"
        assert api == ANTHROPICS[route] and reply.model == route
        assert reply.stop_reason == "end_turn"
        reply, _ = message(
            client, stream, model=route, messages=[user('call get_weather {"city":"Ulm"}')],
            tools=[{"name": "get_weather", "input_schema": SCHEMA}],
        )
        [call] = [b for b in reply.content if b.type == "tool_use"]
        assert call.input == {"city": "Ulm"} and reply.stop_reason == "tool_use"


@streamed
def test_reasoning_of_gpt_oss_is_not_in_its_text(client, stream):
    reply, _ = completion(client, stream, model="gpt-oss-chat", messages=[user("hi")])
    assert reply.choices[0].message.content == "You said: hi"


@pytest.mark.parametrize("model", ["us.openai.gpt-5.6-sol", "xai.grok-4.6", "openai.gpt-oss-120b-1:0", "us.anthropic.claude-opus-5"])
@streamed
def test_a_client_of_bedrocks_openai_api(model, stream):
    """As AWS's documentation has it: OpenAI's client with /openai/v1 as its base, and a Bedrock API key."""
    base = f"http://{os.environ['GATEWAY_ADDR']}/openai/v1"
    with openai.OpenAI(base_url=base, api_key=os.environ["GATEWAY_KEY"], timeout=30) as client:
        reply, _ = completion(client, stream, model=model, messages=[user("hi")])
        assert reply.choices[0].message.content == "You said: hi"
        assert "openai.gpt-5.6-cyber" in [m.id for m in client.models.list()]


@pytest.mark.parametrize("model", ["us.openai.gpt-5.5", "openai.gpt-5.6-cyber"])
def test_responses_at_bedrocks_own_path(model):
    base = f"http://{os.environ['GATEWAY_ADDR']}/openai/v1"
    with openai.OpenAI(base_url=base, api_key=os.environ["GATEWAY_KEY"], timeout=30) as client:
        assert client.responses.create(model=model, input="hi").output_text == "You said: hi"
        with client.responses.stream(model=model, input="hi") as s:
            assert s.get_final_response().output_text == "You said: hi"


def mantle(**options):
    return anthropic.AnthropicBedrockMantle(aws_region="us-east-1", timeout=30, **options)


@pytest.mark.parametrize("signed", [False, True], ids=["bearer", "signed"])
@pytest.mark.parametrize("model", ["anthropic.claude-opus-5", "anthropic.claude-haiku-4-5"])
@streamed
def test_anthropics_client_for_mantle(model, signed, stream):
    if signed:
        client = mantle(base_url=f"http://{os.environ['OPEN_ADDR']}/anthropic", aws_access_key="AKIADUMMY", aws_secret_key="dummy")
    else:
        client = mantle(base_url=f"http://{os.environ['GATEWAY_ADDR']}/anthropic", api_key=os.environ["GATEWAY_KEY"])
    with client:
        reply, _ = message(client, stream, model=model, messages=[user("hi")])
        assert told(reply) == "You said: hi" and reply.model == model
        assert client.messages.count_tokens(model=model, messages=[user("hi")]).input_tokens > 0


def test_a_wrong_key_is_refused_in_anthropics_form():
    client = mantle(base_url=f"http://{os.environ['GATEWAY_ADDR']}/anthropic", api_key="wrong", max_retries=0)
    with client, pytest.raises(anthropic.AuthenticationError) as refused:
        client.messages.create(model="anthropic.claude-opus-5", max_tokens=9, messages=[user("hi")])
    assert refused.value.body["error"]["type"] == "authentication_error"
