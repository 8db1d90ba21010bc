"""Anthropic's own client on /v1/messages: models of Claude, and models that no Claude client has ever talked to."""

import asyncio
import base64
import json
import os

import anthropic
import pytest

# One model of each way an answer takes: InvokeModel with Claude's own body (thinking with a budget, and adaptive),
# OpenAI, and Converse.
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ADAPTIVE = "us.anthropic.claude-sonnet-5"
CLAUDE = [SONNET, ADAPTIVE]
MODELS = [*CLAUDE, "gpt-4o", "us.amazon.nova-pro-v1:0"]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
WORDS = " ".join(f"word{i}" for i in range(60))

WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
        "required": ["city", "unit"],
    },
}
TIME = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture(params=CLAUDE)
def claude(request):
    return request.param


def connect(**options):
    return anthropic.Anthropic(
        **{"base_url": f"http://{os.environ['GATEWAY_ADDR']}", "api_key": os.environ["GATEWAY_KEY"], "timeout": 30, **options}
    )


@pytest.fixture
def client():
    with connect() as c:
        yield c


def user(content):
    return {"role": "user", "content": content}


def said(message):
    return "".join(b.text for b in message.content if b.type == "text")


def ask(client, model, content, **more):
    return client.messages.create(**{"model": model, "max_tokens": 1000, "messages": [user(content)], **more})


def test_message(client, model):
    reply = ask(client, model, "Grüße, \"世界\" \\ 🌍!", system="Echo.", metadata={"user_id": "u-1"})
    assert "You said: Grüße, \"世界\" \\ 🌍!" in said(reply)
    assert reply.type == "message" and reply.role == "assistant"
    assert reply.stop_reason == "end_turn" and reply.stop_sequence is None
    assert reply.usage.input_tokens > 0 and reply.usage.output_tokens > 0
    assert reply.id and reply.model
    assert reply._request_id


def test_history_and_blocks(client, model):
    reply = client.messages.create(
        model=model,
        max_tokens=500,
        system=[{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        messages=[
            user("one"),
            {"role": "assistant", "content": [{"type": "text", "text": "two"}]},
            user([{"type": "text", "text": "three"}, {"type": "text", "text": "four"}]),
        ],
    )
    assert "three" in said(reply) and "four" in said(reply)


def test_max_tokens(client, model):
    reply = ask(client, model, WORDS, max_tokens=5)
    assert reply.stop_reason == "max_tokens"
    assert "word59" not in said(reply)


def test_stop_sequence(client, model):
    reply = ask(client, model, WORDS, stop_sequences=["word7"])
    assert "word6" in said(reply) and "word7" not in said(reply)
    if model in CLAUDE:
        assert reply.stop_reason == "stop_sequence" and reply.stop_sequence == "word7"


def test_stream(client, model):
    kinds, text = [], ""
    with client.messages.create(model=model, max_tokens=1000, messages=[user(WORDS)], stream=True) as stream:
        for event in stream:
            if not kinds or kinds[-1] != event.type:
                kinds.append(event.type)
            if event.type == "message_start":
                assert event.message.role == "assistant" and event.message.content == []
            if event.type == "content_block_delta":
                text += event.delta.text
            if event.type == "message_delta":
                assert event.delta.stop_reason == "end_turn"
                assert event.usage.output_tokens > 0
    assert kinds == [
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
    ]
    assert text.endswith(WORDS)


def test_stream_adds_up_to_the_message(client, model):
    with client.messages.stream(model=model, max_tokens=1000, messages=[user("Grüße 🌍")]) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == said(final) and text.endswith("You said: Grüße 🌍")
    assert final.stop_reason == "end_turn"
    assert final.usage.input_tokens > 0 and final.usage.output_tokens > 0
    whole = ask(client, model, "Grüße 🌍")
    assert said(whole) == text
    assert whole.usage.output_tokens == final.usage.output_tokens


def test_async_streams_side_by_side(model):
    async def one(client, i):
        async with client.messages.stream(model=model, max_tokens=500, messages=[user(f"number {i}")]) as stream:
            return said(await stream.get_final_message())

    async def all_of_them():
        async with anthropic.AsyncAnthropic(
            base_url=f"http://{os.environ['GATEWAY_ADDR']}", api_key=os.environ["GATEWAY_KEY"], timeout=30
        ) as client:
            return await asyncio.gather(*(one(client, i) for i in range(8)))

    for i, text in enumerate(asyncio.run(all_of_them())):
        assert text.endswith(f"number {i}")


def message(client, stream, **request):
    if not stream:
        return client.messages.create(max_tokens=2000, **request)
    with client.messages.stream(max_tokens=2000, **request) as s:
        return s.get_final_message()


streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])


@streamed
def test_tools_and_a_second_turn(client, model, stream):
    first = user('say and call get_weather {"city":"São Paulo","unit":"C"} and get_time')
    reply = message(client, stream, model=model, tools=[WEATHER, TIME], messages=[first])
    assert reply.stop_reason == "tool_use"
    calls = [b for b in reply.content if b.type == "tool_use"]
    assert [c.name for c in calls] == ["get_weather", "get_time"]
    assert calls[0].input == {"city": "São Paulo", "unit": "C"} and calls[1].input == {}
    assert said(reply) == "Let me call get_weather."
    # The client's own objects go back as they are.
    results = [
        {"type": "tool_result", "tool_use_id": calls[0].id, "content": [{"type": "text", "text": "21 degrees"}]},
        {"type": "tool_result", "tool_use_id": calls[1].id, "content": "no clock", "is_error": True},
    ]
    last = message(
        client, stream, model=model, tools=[WEATHER, TIME],
        messages=[first, {"role": "assistant", "content": reply.content}, user(results)],
    )
    assert last.stop_reason == "end_turn"
    assert "21 degrees" in said(last) and "no clock" in said(last)


@streamed
def test_tool_choice(client, model, stream):
    ask_for = {"model": model, "tools": [WEATHER, TIME], "messages": [user("it rains")]}
    reply = message(client, stream, tool_choice={"type": "any"}, **ask_for)
    assert [b.type for b in reply.content if b.type == "tool_use"] == ["tool_use"]
    reply = message(client, stream, tool_choice={"type": "tool", "name": "get_time"}, **ask_for)
    assert [b.name for b in reply.content if b.type == "tool_use"] == ["get_time"]
    assert reply.stop_reason == "tool_use"
    reply = message(client, stream, tool_choice={"type": "none"}, **ask_for)
    assert reply.stop_reason == "end_turn" and "it rains" in said(reply)


def test_one_tool_at_a_time(client):
    for model in [*CLAUDE, "gpt-4o"]:
        reply = ask(
            client, model, "call get_weather and get_time", tools=[WEATHER, TIME],
            tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        )
        assert [b.name for b in reply.content if b.type == "tool_use"] == ["get_weather"]


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


def thinking(model):
    if model == ADAPTIVE:
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}
    return {"thinking": {"type": "enabled", "budget_tokens": 1024}}


@streamed
def test_thinking_and_its_signature(client, claude, stream):
    first = user("call get_time")
    reply = message(client, stream, model=claude, tools=[TIME], messages=[first], **thinking(claude))
    thought, call = reply.content[0], reply.content[-1]
    assert thought.type == "thinking" and thought.signature
    assert "call get_time" in thought.thinking
    assert call.type == "tool_use"
    turn = [first, {"role": "assistant", "content": reply.content}, user([{"type": "tool_result", "tool_use_id": call.id, "content": "noon"}])]
    last = message(client, stream, model=claude, tools=[TIME], messages=turn, **thinking(claude))
    assert last.content[0].type == "thinking"
    assert "noon" in said(last)
    # The simulator takes no signature that it has not made: a forged one shows that they arrive.
    forged = [{**b.to_dict(), **({"signature": "Zm9yZ2Vk"} if b.type == "thinking" else {})} for b in reply.content]
    with pytest.raises(anthropic.BadRequestError, match="signature"):
        message(client, stream, model=claude, tools=[TIME], messages=[first, {"role": "assistant", "content": forged}, turn[2]], **thinking(claude))


@streamed
def test_redacted_thinking(client, claude, stream):
    first = user("call get_time [[fault:redacted]]")
    reply = message(client, stream, model=claude, tools=[TIME], messages=[first], **thinking(claude))
    assert reply.content[0].type == "redacted_thinking" and reply.content[0].data
    call = reply.content[-1]
    last = message(
        client, stream, model=claude, tools=[TIME],
        messages=[first, {"role": "assistant", "content": reply.content}, user([{"type": "tool_result", "tool_use_id": call.id, "content": "noon"}])],
        **thinking(claude),
    )
    assert "noon" in said(last)


def test_thinking_of_other_models(client):
    """What a model cannot think is not an error: a coding agent always asks."""
    for name in ("gpt-5", "us.amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0"):
        reply = ask(client, name, "hi", max_tokens=4000, **thinking(SONNET))
        assert said(reply).endswith("You said: hi")
    reply = ask(client, "openai.gpt-oss-120b-1:0", "hi", max_tokens=4000, **thinking(SONNET))
    assert [b.type for b in reply.content] == ["thinking", "text"]
    assert "hi" in reply.content[0].thinking


def test_image(client, model):
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    reply = ask(client, model, [picture, {"type": "text", "text": "What is it?"}])
    assert "What is it?" in said(reply) and "image" in said(reply)


def test_image_in_a_tool_result(client, claude):
    first = user("call get_time")
    reply = ask(client, claude, first["content"], tools=[TIME])
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    last = client.messages.create(
        model=claude, max_tokens=500, tools=[TIME],
        messages=[
            first, {"role": "assistant", "content": reply.content},
            user([{"type": "tool_result", "tool_use_id": reply.content[-1].id, "content": [{"type": "text", "text": "a clock"}, picture]}]),
        ],
    )
    assert "a clock" in said(last)


def test_image_by_url_is_refused(client, claude):
    """Bedrock takes no such images, and the gateway fetches them only if it is told to."""
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    with pytest.raises(anthropic.BadRequestError) as e:
        ask(client, claude, [picture, {"type": "text", "text": "What is it?"}])
    assert "fetch_remote_images" in e.value.api_message


def test_document(client, model):
    text = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
    document = {"type": "document", "title": "paper", "source": {"type": "base64", "media_type": "application/pdf", "data": text}}
    reply = ask(client, model, [document, {"type": "text", "text": "Sum it up"}])
    assert "Sum it up" in said(reply)


def test_structured_output(client):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
    for model in (SONNET, "gpt-4o", "us.amazon.nova-pro-v1:0"):
        reply = ask(client, model, "Paris", output_config={"format": {"type": "json_schema", "schema": schema}})
        assert list(json.loads(said(reply))) == ["city"], model
        assert reply.stop_reason == "end_turn"


@streamed
def test_system_messages_amid_the_conversation(client, stream):
    """Coding agents append them. They stay where they are: models that have no such turn get the text as the user's."""
    for model in [*MODELS, "us.anthropic.claude-opus-4-8"]:
        reply = message(
            client, stream, model=model, system="Echo.",
            messages=[user("one"), {"role": "assistant", "content": "two"}, user("three"), {"role": "system", "content": "Be brief."}],
        )
        takes = model in ("gpt-4o", "us.anthropic.claude-opus-4-8")
        assert said(reply) == ("You said: three" if takes else "You said: three\nBe brief."), model
        assert reply.usage.input_tokens > 0


def test_betas(client, claude):
    """As coding agents call: ?beta=true and a list of betas, of which Bedrock knows some."""
    reply = client.beta.messages.with_raw_response.create(
        model=claude, max_tokens=500, messages=[user("hi")],
        betas=["interleaved-thinking-2025-05-14", "claude-code-20250219", "oauth-2025-04-20"],
    )
    assert said(reply.parse()).endswith("You said: hi")
    assert "anthropic_beta: oauth-2025-04-20" in reply.headers["bedrock-gateway-dropped"]


def test_prompt_cache(client, claude):
    system = [{"type": "text", "text": f"Long rules for {claude}", "cache_control": {"type": "ephemeral"}}]
    first = ask(client, claude, "hi", system=system)
    second = ask(client, claude, "hi", system=system)
    assert (first.usage.cache_creation_input_tokens or 0) + (first.usage.cache_read_input_tokens or 0) > 0
    assert second.usage.cache_read_input_tokens > 0 and second.usage.cache_creation_input_tokens == 0


def test_count_tokens(client, claude):
    short = client.messages.count_tokens(model=claude, messages=[user("hi")])
    long = client.messages.count_tokens(model=claude, system="Echo.", tools=[WEATHER], messages=[user(WORDS)])
    assert 0 < short.input_tokens < long.input_tokens
    assert short.input_tokens == ask(client, claude, "hi").usage.input_tokens
    beta = client.beta.messages.count_tokens(model=claude, messages=[user("hi")], betas=["token-counting-2024-11-01"])
    assert beta.input_tokens == short.input_tokens


def test_count_tokens_where_nobody_can(client):
    for model in ("gpt-4o", "us.amazon.nova-pro-v1:0"):
        with pytest.raises(anthropic.APIStatusError) as e:
            client.with_options(max_retries=0).messages.count_tokens(model=model, messages=[user("hi")])
        assert e.value.status_code == 501
        assert model in e.value.api_message


def test_errors_have_anthropics_shape(client, model):
    for change in ({"messages": []}, {"messages": [{"role": "robot", "content": "hi"}]}, {"messages": [user([{"type": "hologram"}])]}):
        with pytest.raises(anthropic.BadRequestError) as e:
            client.messages.create(**{"model": model, "max_tokens": 100, **change})
        assert e.value.type == "invalid_request_error" and e.value.api_message
        assert e.value.body["type"] == "error"
        assert e.value.request_id and e.value.body["request_id"] == e.value.request_id


def test_a_tool_result_without_its_call(client, model):
    with pytest.raises(anthropic.BadRequestError) as e:
        ask(client, model, [{"type": "tool_result", "tool_use_id": "toolu_nobody", "content": "x"}], tools=[TIME])
    assert "toolu_nobody" in e.value.api_message


def test_unknown_model(client):
    for name in ("gpt-none", "nobody-has-this"):
        with pytest.raises(anthropic.NotFoundError) as e:
            ask(client, name, "hi")
        assert e.value.type == "not_found_error"


def test_keys(model):
    for options in ({"api_key": "sk-wrong"}, {"api_key": None, "auth_token": "wrong"}):
        with connect(**options) as c, pytest.raises(anthropic.AuthenticationError) as e:
            ask(c, model, "hi")
        assert e.value.type == "authentication_error"
    with connect(api_key=None, auth_token=os.environ["GATEWAY_KEY"]) as c:
        assert said(ask(c, model, "hi")).endswith("hi")


@streamed
def test_prompt_too_long(client, model, stream):
    with pytest.raises(anthropic.BadRequestError) as e:
        message(client, stream, model=model, messages=[user("x [[fault:context]]")])
    assert e.value.type == "invalid_request_error"


def test_rate_limit(client, model):
    with pytest.raises(anthropic.RateLimitError) as e:
        ask(client.with_options(max_retries=0), model, "never [[fault:throttle,retry-after=7]]")
    assert e.value.type == "rate_limit_error"
    assert e.value.response.headers["retry-after"] == "7"


@streamed
def test_the_client_retries_429(client, model, stream):
    """The gateway tries three times a call, and once when its budget of retries is spent, as it may be after other tests."""
    reply = client.with_options(max_retries=4).messages.with_raw_response.create(
        model=model, max_tokens=500, messages=[user(f"anthropic, again {stream} [[fault:throttle=3]]")], stream=stream
    )
    assert 1 <= reply.retries_taken <= 3
    parsed = reply.parse()
    text = "".join(e.delta.text for e in parsed if e.type == "content_block_delta") if stream else said(parsed)
    assert f"anthropic, again {stream}" in text


def test_overloaded(client, model):
    with pytest.raises(anthropic.InternalServerError) as e:
        ask(client.with_options(max_retries=0), model, "x [[fault:overloaded]]")
    assert e.value.status_code in (503, 529)


@pytest.mark.parametrize(
    "fault", ["cut=2500", "cutclean=2500", "exception=modelStreamErrorException@4", "exception=throttlingException@4"]
)
def test_a_broken_stream_raises(client, model, fault):
    text, finished = "", False
    with pytest.raises(anthropic.APIError) as e:
        with client.messages.create(
            model=model, max_tokens=1000, messages=[user(f"{WORDS} [[fault:{fault}]]")], stream=True
        ) as stream:
            for event in stream:
                if event.type == "content_block_delta":
                    text += event.delta.text
                finished = finished or event.type in ("message_delta", "message_stop")
    assert text and not text.endswith("word59"), "it broke before the end"
    assert not finished
    assert isinstance(e.value, anthropic.APIStatusError), "an error event, not a connection that went away"
    assert e.value.body["type"] == "error"


@pytest.mark.parametrize("fault", ["InternalServerException", "reset"])
def test_a_stream_that_fails_at_once_is_a_status(client, model, fault):
    with pytest.raises(anthropic.InternalServerError) as e:
        ask(client.with_options(max_retries=0), model, f"x [[fault:{fault}]]", stream=True)
    assert e.value.type == "api_error"


def test_silence_is_filled_with_pings(client, model):
    """keep_alive is 300 ms here; the client throws pings away, so they are counted in the bytes."""
    with client.messages.with_streaming_response.create(
        model=model, max_tokens=500, messages=[user("wait [[fault:silence=1000@2]]")], stream=True
    ) as reply:
        body = "".join(reply.iter_text())
    assert body.count("event: ping") >= 2
    assert body.rstrip().endswith('{"type":"message_stop"}') or "event: message_stop" in body


def test_refusal(client, claude):
    reply = ask(client, claude, "x [[fault:filtered=refusal]]")
    assert reply.stop_reason == "refusal"


def test_pause(client, claude):
    reply = ask(client, claude, "x [[fault:pause]]")
    assert reply.stop_reason == "pause_turn"
