"""Responses through OpenAI's unmodified client: create, stream and parse, with all that an agent sends and gets."""

import json

import openai
import pytest
from pydantic import BaseModel

from conftest import ANSWERING

# What stands for a call on the next turn is the reply's own items, as OpenAI's documentation has it.
SEALED = {"store": False, "include": ["reasoning.encrypted_content"]}
REASONING = {"effort": "low", "summary": "auto"}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PDF = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK"
# gpt-oss takes no images.
SEEING = [m for m in ANSWERING if "oss" not in m]
WORDS = " ".join(f"word{i}" for i in range(60))

WEATHER = {
    "type": "function", "name": "get_weather", "description": "Weather of a city", "strict": True,
    "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False,
    },
}
TIME = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}, "strict": False}
PATCH = {
    "type": "custom", "name": "apply_patch", "description": "Edits files",
    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "*** Begin Patch" /(.|\\n)+/ "*** End Patch"'},
}
FILES = {"type": "namespace", "name": "files", "description": "Files of the project", "tools": [WEATHER | {"name": "read"}]}

streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])


@pytest.fixture(params=ANSWERING)
def model(request):
    return request.param


def ask(client, stream, **request):
    """The whole response. The stream's helper raises if an event is out of its order or an item is not done."""
    if not stream:
        return client.responses.create(**request)
    with client.responses.stream(**request) as s:
        for event in s:
            pass
        if event.type == "response.incomplete":  # for which the helper has no response
            return event.response
        return s.get_final_response()


def of(reply, kind):
    return [item for item in reply.output if item.type == kind]


def user(text):
    return {"role": "user", "content": text}


def answer(call, output):
    return {"type": "function_call_output", "call_id": call.call_id, "output": output}


@streamed
def test_an_answer(client, model, stream):
    reply = ask(client, stream, model=model, instructions="Echo.", input="Grüße, \"世界\" \\ 🌍!", max_output_tokens=500)
    assert reply.output_text == "You said: Grüße, \"世界\" \\ 🌍!"
    assert reply.object == "response" and reply.status == "completed" and reply.id.startswith("resp_")
    assert reply.error is None and reply.incomplete_details is None
    [message] = of(reply, "message")
    assert message.role == "assistant" and message.status == "completed" and message.id
    used = reply.usage
    assert used.input_tokens > 0 and used.output_tokens > 0 and used.total_tokens == used.input_tokens + used.output_tokens
    assert used.input_tokens_details.cached_tokens >= 0 and used.output_tokens_details.reasoning_tokens >= 0
    assert reply.instructions == "Echo." and reply.max_output_tokens == 500


@streamed
def test_a_history_in_items(client, model, stream):
    reply = ask(client, stream, model=model, input=[
        {"role": "developer", "content": "Be brief."},
        user("one"),
        {"role": "assistant", "content": [{"type": "output_text", "text": "two", "annotations": []}]},
        {"role": "user", "content": [{"type": "input_text", "text": "three "}, {"type": "input_text", "text": "four"}]},
    ])
    assert "three" in reply.output_text and "four" in reply.output_text


def test_events(client, model):
    """Numbers count without gaps from 0, and the deltas are the text of the response that the last event has."""
    kinds, deltas, items = [], "", []
    for n, event in enumerate(client.responses.create(model=model, input=WORDS, stream=True)):
        assert event.sequence_number == n
        kinds.append(event.type)
        if event.type == "response.output_text.delta":
            deltas += event.delta
        if event.type == "response.output_item.done":
            assert event.output_index == len(items)
            items.append(event.item)
    assert kinds[:2] == ["response.created", "response.in_progress"] and kinds[-1] == "response.completed"
    assert kinds.count("response.output_text.delta") > 10
    assert deltas == event.response.output_text == "You said: " + WORDS
    assert [i.to_dict() for i in items] == [i.to_dict() for i in event.response.output]


@streamed
def test_an_answer_that_is_cut(client, model, stream):
    reply = ask(client, stream, model=model, input=WORDS, max_output_tokens=16)
    assert reply.status == "incomplete" and reply.incomplete_details.reason == "max_output_tokens"


@streamed
def test_a_filtered_answer(client, model, stream):
    reply = ask(client, stream, model=model, input="x [[fault:filtered]]")
    assert reply.status == "incomplete" and reply.incomplete_details.reason == "content_filter"


@streamed
def test_a_refusal(client, model, stream):
    """OpenAI's models refuse in words of their own, those on Bedrock without."""
    reply = ask(client, stream, model=model, input="x [[fault:filtered=refusal]]")
    if "gpt-5" in model:
        [message] = of(reply, "message")
        assert [part.type for part in message.content] == ["refusal"] and "can't assist" in message.content[0].refusal
    else:
        assert reply.status == "incomplete" and reply.incomplete_details.reason == "content_filter"


@streamed
def test_tools_with_a_second_turn(client, model, stream):
    turns = [user('call get_weather {"city":"Ulm"} and call get_time please')]
    first = ask(client, stream, model=model, input=turns, tools=[WEATHER, TIME], **SEALED)
    assert first.status == "completed"
    calls = of(first, "function_call")
    assert [(c.name, json.loads(c.arguments), c.status) for c in calls] == [
        ("get_weather", {"city": "Ulm"}, "completed"), ("get_time", {}, "completed"),
    ]
    assert len({c.call_id for c in calls} | {c.id for c in calls}) == 4
    turns += [*first.output, answer(calls[0], "18 degrees"), answer(calls[1], [{"type": "input_text", "text": "noon"}])]
    second = ask(client, stream, model=model, input=turns, tools=[WEATHER, TIME], **SEALED)
    assert "18 degrees" in second.output_text and "noon" in second.output_text


def test_one_call_at_a_time(client, model):
    """Nova has no word for it, and the reply says so."""
    raw = client.responses.with_raw_response.create(
        model=model, input="call get_weather and get_time", tools=[WEATHER, TIME], parallel_tool_calls=False
    )
    called = [c.name for c in of(raw.parse(), "function_call")]
    if "nova" in model:
        assert called == ["get_weather", "get_time"] and "parallel_tool_calls" in raw.headers["bedrock-gateway-dropped"]
    else:
        assert called == ["get_weather"]


def test_tool_choice(client, model):
    def called(choice):
        reply = client.responses.create(model=model, input="hello", tools=[WEATHER, TIME], tool_choice=choice)
        return [c.name for c in of(reply, "function_call")]

    assert called("required") == ["get_weather"]
    assert called({"type": "function", "name": "get_time"}) == ["get_time"]
    assert called({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_time"}]}) == ["get_time"]
    assert called("auto") == called("none") == []


@pytest.mark.parametrize("model", SEEING)
def test_an_image_as_a_tools_output(client, model):
    """What agents do that look at screenshots."""
    first = client.responses.create(model=model, input=[user('call get_weather {"city":"Ulm"}')], tools=[WEATHER], **SEALED)
    [call] = of(first, "function_call")
    output = answer(call, [{"type": "input_text", "text": "A map"}, {"type": "input_image", "image_url": PIXEL, "detail": "auto"}])
    second = client.responses.create(
        model=model, input=[user('call get_weather {"city":"Ulm"}'), *first.output, output], tools=[WEATHER], **SEALED
    )
    assert "A map" in second.output_text


class Event(BaseModel):
    title: str
    people: list[str]
    rooms: int


def test_parse(client, model):
    reply = client.responses.parse(model=model, input="plan something", text_format=Event)
    assert isinstance(reply.output_parsed, Event)
    assert reply.status == "completed" and of(reply, "function_call") == []


def test_parse_a_stream(client, model):
    with client.responses.stream(model=model, input="plan something", text_format=Event) as s:
        kinds = [e.type for e in s]
        assert isinstance(s.get_final_response().output_parsed, Event)
    assert "response.output_text.delta" in kinds


def test_parsed_arguments(client, model):
    reply = client.responses.parse(model=model, input="call Event now", tools=[openai.pydantic_function_tool(Event, name="Event")])
    [call] = of(reply, "function_call")
    assert isinstance(call.parsed_arguments, Event)


def test_json_object(client, model):
    reply = client.responses.create(model=model, input="answer in json", text={"format": {"type": "json_object"}})
    assert isinstance(json.loads(reply.output_text), dict)


@streamed
@pytest.mark.parametrize("model", SEEING)
def test_an_image_and_a_file(client, model, stream):
    reply = ask(client, stream, model=model, input=[{"role": "user", "content": [
        {"type": "input_text", "text": "what is this?"},
        {"type": "input_image", "image_url": PIXEL, "detail": "low"},
        {"type": "input_file", "filename": "report.pdf", "file_data": PDF},
    ]}])
    assert "what is this?" in reply.output_text and "image" in reply.output_text


@streamed
def test_reasoning_over_three_turns(client, model, stream):
    """A call, its output and another question: the reasoning of each reply goes back sealed, and its maker takes it again.

    The simulators refuse a reasoning that is not their own, and Claude's wants it in front of a call that is answered.
    """
    more = {"model": model, "tools": [WEATHER], "reasoning": REASONING, **SEALED}
    turns = [user('call get_weather {"city":"Ulm"}')]
    first = ask(client, stream, input=turns, **more)
    [thought] = of(first, "reasoning")
    assert thought.id and thought.encrypted_content and "The user said" in thought.summary[0].text
    [call] = of(first, "function_call")
    assert first.output.index(thought) < first.output.index(call)
    turns += [*first.output, answer(call, "18 degrees")]
    second = ask(client, stream, input=turns, **more)
    assert "18 degrees" in second.output_text and of(second, "reasoning")
    turns += [*second.output, user("and tomorrow?")]
    third = ask(client, stream, input=turns, **more)
    assert "and tomorrow?" in third.output_text and of(third, "reasoning")[0].encrypted_content
    assert third.usage.output_tokens_details.reasoning_tokens >= 0


def test_reasoning_goes_along_when_the_model_changes(client, model):
    """Agents change models in mid-session: what another maker sealed is left out and listed, and nothing fails."""
    turns = [user("think of a number")]
    for one in ANSWERING + [model]:
        raw = client.responses.with_raw_response.create(model=one, input=turns, reasoning=REASONING, **SEALED)
        reply = raw.parse()
        assert "You said: " in reply.output_text
        turns += [*reply.output, user("and another one")]


@streamed
def test_custom_tools(client, model, stream):
    turns = [user('call apply_patch {"input":"*** Begin Patch\\n*** Add File: a.txt\\n+ä\\n*** End Patch"}')]
    more = {"model": model, "tools": [PATCH, WEATHER], **SEALED}
    first = ask(client, stream, input=turns, **more)
    [call] = of(first, "custom_tool_call")
    assert call.name == "apply_patch" and call.input == "*** Begin Patch\n*** Add File: a.txt\n+ä\n*** End Patch"
    turns += [*first.output, {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "Done"}]
    assert "The tool said: Done" in ask(client, stream, input=turns, **more).output_text


@streamed
def test_namespaces(client, model, stream):
    """Codex has the tools of an MCP server in one."""
    more = {"model": model, "tools": [FILES, TIME], **SEALED}
    first = ask(client, stream, input="call all", **more)
    calls = of(first, "function_call")
    assert [(c.namespace, c.name) for c in calls] == [("files", "read"), (None, "get_time")]
    second = ask(client, stream, input=[user("call all"), *first.output, *(answer(c, "Read") for c in calls)], **more)
    assert "Read" in second.output_text


@pytest.mark.parametrize("model", [m for m in ANSWERING if m != "gpt-5"])  # of which OpenAI would make its own
def test_compaction(client, model):
    """The reply's output is the conversation that one goes on with."""
    turns = [user("hello"), {"role": "assistant", "content": "You said: hello"}]
    reply = client.responses.compact(model=model, input=turns)
    assert reply.object == "response.compaction" and reply.usage.total_tokens > 0
    assert [item.type for item in reply.output] == ["message", "compaction"]
    assert "and now?" in client.responses.create(model=model, input=[*reply.output, user("and now?")]).output_text


def test_input_tokens(client):
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    count = client.responses.input_tokens.count(model=model, instructions="Echo.", input="hello", tools=[WEATHER])
    assert count.object == "response.input_tokens" and count.input_tokens > 0


def test_silence(client, model):
    """A repeated in_progress keeps the stream alive: comments do not reset the timers of every client."""
    kinds = []
    with client.responses.stream(model=model, input=WORDS + " [[fault:silence=1000@8]]") as s:
        kinds = [e.type for e in s]
        assert s.get_final_response().output_text == "You said: " + WORDS
    assert kinds.count("response.in_progress") > 2


def test_errors(client, model):
    once = client.with_options(max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        once.with_options(api_key="sk-wrong").responses.create(model=model, input="hi")
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as e:
            once.responses.create(model=model, input="x [[fault:context]]", stream=stream)
        assert e.value.code == "context_length_exceeded"
        with pytest.raises(openai.RateLimitError) as e:
            once.responses.create(model=model, input="x [[fault:throttle,retry-after=7]]", stream=stream)
        assert e.value.response.headers["retry-after"] == "7"
    for change in (
        {"input": [{"role": "robot", "content": "hi"}]},
        {"input": [{"type": "function_call_output", "call_id": "nobody", "output": "x"}]},
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,@@"}]}]},
        {"input": "hi", "tools": [{"type": "function"}]},
        {"input": "hi", "previous_response_id": "resp_nobody_has"},
    ):
        with pytest.raises(openai.BadRequestError) as e:
            once.responses.create(model=model, **change)
        assert e.value.body["message"]


def test_an_unknown_model(client):
    for name in ("gpt-none", "nobody-has-this"):
        with pytest.raises(openai.NotFoundError) as e:
            client.responses.create(model=name, input="hi")
        assert e.value.code == "model_not_found"


@pytest.mark.parametrize("fault", ["cut=4000", "cutclean=4000", "exception=modelStreamErrorException@8", "hang@8"])
def test_a_broken_stream(client, model, fault):
    """It ends in an event that says so, or in an error of the client's: never as if the answer were whole."""
    kinds = []
    try:
        for event in client.with_options(max_retries=0).responses.create(model=model, input=f"{WORDS} [[fault:{fault}]]", stream=True):
            kinds.append(event.type)
    except Exception as e:  # the connection is not ended as if all were well
        kinds.append(repr(e))
    assert "response.output_text.delta" in kinds, "it broke later"
    assert "response.completed" not in kinds and len(kinds) > 5
    assert kinds[-1] in ("error", "response.failed") or "Error" in kinds[-1]
