"""Anthropic's client for Bedrock, which sends InvokeModel calls, on the gateway's native paths.

It signs with dummy credentials where the gateway asks for no key, and sends the gateway's key as its Bedrock API key
where it does.
"""

import asyncio
import os

import anthropic
import pytest

MODELS = ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-5"]
WORDS = " ".join(f"word{i}" for i in range(60))
TIME = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}
WEATHER = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def signing(**options):
    return anthropic.AnthropicBedrock(
        base_url=f"http://{os.environ['OPEN_ADDR']}", aws_region="us-east-1",
        aws_access_key="AKIADUMMY", aws_secret_key="dummy", timeout=30, **options,
    )


def bearing(**options):
    return anthropic.AnthropicBedrock(
        base_url=f"http://{os.environ['GATEWAY_ADDR']}", aws_region="us-east-1", timeout=30,
        **{"api_key": os.environ["GATEWAY_KEY"], **options},
    )


@pytest.fixture(params=[signing, bearing], ids=["signed", "bearer"])
def client(request):
    with request.param() as c:
        yield c


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


def user(content):
    return {"role": "user", "content": content}


def said(message):
    return "".join(b.text for b in message.content if b.type == "text")


def message(client, stream, **request):
    if not stream:
        return client.messages.create(max_tokens=2000, **request)
    with client.messages.stream(max_tokens=2000, **request) as s:
        return s.get_final_message()


streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])


@streamed
def test_message(client, model, stream):
    reply = message(client, stream, model=model, system="Echo.", messages=[user("Grüße 🌍")])
    assert said(reply) == "You said: Grüße 🌍"
    assert reply.stop_reason == "end_turn"
    assert reply.usage.input_tokens > 0 and reply.usage.output_tokens > 0


@streamed
def test_an_openai_model(client, stream):
    """A client of Bedrock, a model of OpenAI."""
    reply = message(client, stream, model="gpt-4o", messages=[user("Grüße 🌍")])
    assert said(reply) == "You said: Grüße 🌍"
    assert reply.stop_reason == "end_turn" and reply.usage.output_tokens > 0


@pytest.mark.parametrize("name", [*MODELS, "gpt-4o"])
@streamed
def test_tools_and_a_second_turn(client, name, stream):
    first = user('say and call get_weather {"city":"Ulm"} and get_time')
    reply = message(client, stream, model=name, tools=[WEATHER, TIME], messages=[first])
    assert reply.stop_reason == "tool_use"
    calls = [b for b in reply.content if b.type == "tool_use"]
    assert [(c.name, c.input) for c in calls] == [("get_weather", {"city": "Ulm"}), ("get_time", {})]
    last = message(
        client, stream, model=name, tools=[WEATHER, TIME],
        messages=[
            first, {"role": "assistant", "content": reply.content},
            user([
                {"type": "tool_result", "tool_use_id": calls[0].id, "content": "21 degrees"},
                {"type": "tool_result", "tool_use_id": calls[1].id, "content": "no clock", "is_error": True},
            ]),
        ],
    )
    assert "21 degrees" in said(last) and "no clock" in said(last)


@streamed
def test_thinking_and_its_signature(client, stream):
    model = MODELS[0]
    thinking = {"type": "enabled", "budget_tokens": 1024}
    first = user("call get_time")
    reply = message(client, stream, model=model, tools=[TIME], thinking=thinking, messages=[first])
    assert reply.content[0].type == "thinking" and reply.content[0].signature
    last = message(
        client, stream, model=model, tools=[TIME], thinking=thinking,
        messages=[
            first, {"role": "assistant", "content": reply.content},
            user([{"type": "tool_result", "tool_use_id": reply.content[-1].id, "content": "noon"}]),
        ],
    )
    assert "noon" in said(last)


def test_the_clients_tool_runner(client, model):
    @anthropic.beta_tool
    def add(a: int, b: int) -> str:
        """Add two numbers.

        Args:
            a: The one.
            b: The other.
        """
        return f"the sum is {a + b}"

    runner = client.beta.messages.tool_runner(
        model=model, max_tokens=1000, tools=[add], messages=[user('call add {"a":19,"b":23}')]
    )
    assert "the sum is 42" in said(runner.until_done())


def test_betas(client, model):
    reply = client.beta.messages.with_raw_response.create(
        model=model, max_tokens=500, messages=[user("hi")], betas=["interleaved-thinking-2025-05-14", "oauth-2025-04-20"]
    )
    assert said(reply.parse()) == "You said: hi"
    assert "oauth-2025-04-20" in reply.headers["bedrock-gateway-dropped"]


def test_async(model):
    async def run():
        async with anthropic.AsyncAnthropicBedrock(
            base_url=f"http://{os.environ['OPEN_ADDR']}", aws_region="us-east-1",
            aws_access_key="AKIADUMMY", aws_secret_key="dummy", timeout=30,
        ) as client:
            async with client.messages.stream(model=model, max_tokens=500, messages=[user(WORDS)]) as stream:
                return said(await stream.get_final_message())

    assert asyncio.run(run()).endswith("word59")


def test_an_arn(client):
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/simulator0000"
    assert said(message(client, False, model=arn, messages=[user("hi")])) == "You said: hi"


def test_errors(client, model):
    for change in ({"messages": []}, {"messages": [{"role": "robot", "content": "hi"}]}):
        with pytest.raises(anthropic.BadRequestError) as e:
            client.messages.create(**{"model": model, "max_tokens": 100, **change})
        assert e.value.body["message"]
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="nobody-has-this", max_tokens=100, messages=[user("hi")])
    with pytest.raises(anthropic.RateLimitError):
        client.with_options(max_retries=0).messages.create(
            model=model, max_tokens=100, messages=[user("never [[fault:throttle]]")]
        )


def test_wrong_key(model):
    with bearing(api_key="wrong") as client, pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model=model, max_tokens=100, messages=[user("hi")])


@streamed
def test_the_client_retries_429(client, model, stream):
    reply = client.with_options(max_retries=4).messages.with_raw_response.create(
        model=model, max_tokens=500, stream=stream,
        messages=[user(f"bedrock, again {stream} {client.base_url} [[fault:throttle=3]]")],
    )
    assert 1 <= reply.retries_taken <= 3
    parsed = reply.parse()
    text = "".join(e.delta.text for e in parsed if e.type == "content_block_delta") if stream else said(parsed)
    assert "bedrock, again" in text


@pytest.mark.parametrize("name", [*MODELS, "gpt-4o"])
@pytest.mark.parametrize(
    "fault", ["cut=2500", "cutclean=2500", "exception=modelStreamErrorException@4", "exception=throttlingException@4"]
)
def test_a_broken_stream_raises(client, name, fault):
    text, finished = "", False
    with pytest.raises(anthropic.APIError):
        with client.messages.create(
            model=name, max_tokens=1000, messages=[user(f"{WORDS} [[fault:{fault}]]")], stream=True
        ) as stream:
            for event in stream:
                if event.type == "content_block_delta":
                    text += event.delta.text
                finished = finished or event.type in ("message_delta", "message_stop")
    assert text and not text.endswith("word59"), "it broke before the end"
    assert not finished


def test_an_exception_in_the_place_of_the_first_frame_is_a_status(client, model):
    with pytest.raises(anthropic.RateLimitError):
        client.with_options(max_retries=0).messages.create(
            model=model, max_tokens=100, stream=True, messages=[user("x [[fault:exception=throttlingException@0]]")]
        )
