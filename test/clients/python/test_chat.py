"""Chat, streams, tools, structured output and images, through the unmodified client."""

import asyncio
import json
import os
from typing import Literal

import openai
import pytest
from pydantic import BaseModel

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
            "required": ["city", "unit"],
        },
    },
}
TIME = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}


def user(text):
    return {"role": "user", "content": text}


def said(completion):
    return completion.choices[0].message.content


def test_chat(client, model):
    reply = client.chat.completions.create(
        model=model,
        max_completion_tokens=500,
        messages=[{"role": "system", "content": "Echo."}, user("Grüße, \"世界\" \\ 🌍!")],
    )
    assert "You said: Grüße, \"世界\" \\ 🌍!" in said(reply)
    assert reply.object == "chat.completion"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.choices[0].message.role == "assistant"
    assert reply.usage.prompt_tokens > 0 and reply.usage.completion_tokens > 0
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply._request_id


def test_history_and_parts(client, model):
    reply = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "developer", "content": "Be brief."},
            user("one"),
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": [{"type": "text", "text": "three "}, {"type": "text", "text": "four"}]},
        ],
    )
    assert "three" in said(reply) and "four" in said(reply)


def test_length(client, model):
    reply = client.chat.completions.create(
        model=model, max_tokens=2, messages=[user("many many words that do not fit")]
    )
    assert reply.choices[0].finish_reason == "length"


def test_stop(client, model):
    reply = client.chat.completions.create(model=model, stop=["STOP"], messages=[user("before STOP after")])
    assert "before" in said(reply) and "after" not in said(reply)
    assert reply.choices[0].finish_reason == "stop"


def collect(chunks):
    text, finish, usage, ids = "", None, [], set()
    for chunk in chunks:
        ids.add((chunk.id, chunk.created, chunk.model))
        if chunk.usage is not None:
            usage.append(chunk.usage)
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return text, finish, usage, ids


def test_stream(client, model):
    messages = [user("stream these ten words: naïve café 東京 and five more words")]
    whole = client.chat.completions.create(model=model, messages=messages)
    text, finish, usage, ids = collect(client.chat.completions.create(model=model, messages=messages, stream=True))
    assert text == said(whole)
    assert finish == "stop"
    assert usage == []
    assert len(ids) == 1


def test_stream_usage(client, model):
    messages = [user("count me")]
    whole = client.chat.completions.create(model=model, messages=messages)
    chunks = list(
        client.chat.completions.create(
            model=model, messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == []
    _, _, usage, _ = collect(chunks)
    assert [(u.prompt_tokens, u.completion_tokens, u.total_tokens) for u in usage] == [
        (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens)
    ]


def test_stream_helper(client, model):
    with client.chat.completions.stream(model=model, messages=[user("helped along")]) as stream:
        deltas = "".join(e.delta for e in stream if e.type == "content.delta")
        final = stream.get_final_completion()
    assert deltas == said(final) and "helped along" in deltas


def test_async_streams_at_once(model):
    async def one(client, n):
        stream = await client.chat.completions.create(model=model, messages=[user(f"number {n}")], stream=True)
        text = ""
        async for chunk in stream:
            text += "".join(c.delta.content or "" for c in chunk.choices)
        return text

    async def many():
        async with openai.AsyncOpenAI(
            base_url=os.environ["GATEWAY_URL"], api_key=os.environ["GATEWAY_KEY"], timeout=30
        ) as client:
            return await asyncio.gather(*(one(client, n) for n in range(8)))

    texts = asyncio.run(many())
    assert all(f"number {n}" in text for n, text in enumerate(texts))


@pytest.mark.parametrize("streamed", [False, True], ids=["unary", "streamed"])
def test_tools_with_a_second_turn(client, model, streamed):
    def ask(messages):
        if not streamed:
            return client.chat.completions.create(model=model, messages=messages, tools=[WEATHER, TIME])
        with client.chat.completions.stream(model=model, messages=messages, tools=[WEATHER, TIME]) as s:
            return s.get_final_completion()

    messages = [user("call get_weather and call get_time please")]
    first = ask(messages)
    assert first.choices[0].finish_reason == "tool_calls"
    calls = first.choices[0].message.tool_calls
    assert [c.function.name for c in calls] == ["get_weather", "get_time"]
    assert len({c.id for c in calls}) == 2
    arguments = json.loads(calls[0].function.arguments)
    assert isinstance(arguments["city"], str) and arguments["unit"] in ("C", "F")
    assert json.loads(calls[1].function.arguments) == {}

    messages.append(
        {
            "role": "assistant",
            "content": first.choices[0].message.content,
            "tool_calls": [
                {"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}}
                for c in calls
            ],
        }
    )
    messages.append({"role": "tool", "tool_call_id": calls[0].id, "content": "18 degrees"})
    messages.append({"role": "tool", "tool_call_id": calls[1].id, "content": '{"time": "noon"}'})
    second = ask(messages)
    assert second.choices[0].finish_reason == "stop"
    assert "18 degrees" in said(second) and "noon" in said(second)


def test_tool_choice(client, model):
    def ask(choice):
        return client.chat.completions.create(
            model=model, messages=[user("hello")], tools=[WEATHER, TIME], tool_choice=choice
        ).choices[0]

    assert [c.function.name for c in ask("required").message.tool_calls] == ["get_weather"]
    named = ask({"type": "function", "function": {"name": "get_time"}})
    assert [c.function.name for c in named.message.tool_calls] == ["get_time"]
    assert ask("auto").message.tool_calls is None
    assert ask("none").message.tool_calls is None


class Event(BaseModel):
    title: str
    kind: Literal["meeting", "party"]
    people: list[str]
    rooms: int


def test_structured_output(client, model):
    reply = client.chat.completions.parse(model=model, messages=[user("plan something")], response_format=Event)
    event = reply.choices[0].message.parsed
    assert isinstance(event, Event) and event.kind in ("meeting", "party")
    assert reply.choices[0].finish_reason == "stop"
    assert reply.choices[0].message.tool_calls is None


def test_structured_output_streamed(client, model):
    with client.chat.completions.stream(
        model=model, messages=[user("plan something")], response_format=Event
    ) as stream:
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Event)
    assert final.choices[0].finish_reason == "stop"


def test_parsed_tool_arguments(client, model):
    reply = client.chat.completions.parse(
        model=model,
        messages=[user("call Event now")],
        tools=[openai.pydantic_function_tool(Event, name="Event")],
    )
    (call,) = reply.choices[0].message.tool_calls
    assert isinstance(call.function.parsed_arguments, Event)


def test_image(client, model):
    reply = client.chat.completions.create(
        model=model,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what is this?"},
                    {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                ],
            }
        ],
    )
    assert "what is this?" in said(reply)
    assert "image" in said(reply)


def test_names_that_bedrock_does_not_take(client):
    """MCP clients send tool names with dots and longer than 64 characters; they get them back."""
    name = "files.read " + "x" * 60
    tool = {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    with client.chat.completions.stream(
        model="us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        messages=[user("hello")],
        tools=[tool],
        tool_choice="required",
    ) as stream:
        final = stream.get_final_completion()
    assert [c.function.name for c in final.choices[0].message.tool_calls] == [name]
