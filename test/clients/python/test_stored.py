"""OpenAI's client and its Agents SDK with their defaults, which store: conversations that go on by what the gateway keeps."""

import asyncio
import itertools
import json
import os

import httpx
import openai
import pytest
from agents import Agent, ModelSettings, OpenAIProvider, RunConfig, Runner, function_tool
from openai.types.shared import Reasoning

from conftest import ANSWERING

# One gateway with files in a directory, and two with one bucket, which are asked in turn.
PLACES = {
    "local": [os.environ["GATEWAY_URL"]],
    "s3": [os.environ["S3_URL_A"], os.environ["S3_URL_B"]],
}
TOOL = {
    "type": "function",
    "name": "weather",
    "description": "Weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
    "strict": True,
}
REASONING = {"effort": "low", "summary": "auto"}


def in_turn(place):
    """The base of a transport that sends each request to another gateway than the last, without a pause."""
    urls = itertools.cycle(httpx.URL(u) for u in PLACES[place])

    def turn(request):
        url = next(urls)
        request.url = request.url.copy_with(host=url.host, port=url.port)
        request.headers["Host"] = url.netloc.decode()

    return turn


class InTurn(httpx.HTTPTransport):
    def __init__(self, place):
        super().__init__()
        self.turn = in_turn(place)

    def handle_request(self, request):
        self.turn(request)
        return super().handle_request(request)


class AsyncInTurn(httpx.AsyncHTTPTransport):
    def __init__(self, place):
        super().__init__()
        self.turn = in_turn(place)

    async def handle_async_request(self, request):
        self.turn(request)
        return await super().handle_async_request(request)


@pytest.fixture(params=PLACES)
def place(request):
    return request.param


@pytest.fixture(params=ANSWERING)
def model(request):
    return request.param


@pytest.fixture
def client(place):
    with openai.OpenAI(
        base_url=PLACES[place][0], api_key=os.environ["GATEWAY_KEY"], max_retries=0, http_client=httpx.Client(transport=InTurn(place), timeout=30)
    ) as c:
        yield c


def respond(client, stream, **request):
    """The whole response, in either way."""
    if not stream:
        return client.responses.create(**request)
    with client.responses.stream(**request) as events:
        for _ in events:
            pass
        return events.get_final_response()


@pytest.mark.parametrize("stream", [False, True])
def test_on_from_a_response(client, model, stream):
    """A tool's output alone goes back: models refuse one without the call that it answers."""
    first = respond(client, stream, model=model, input='call weather {"city":"Ulm"}', tools=[TOOL], reasoning=REASONING)
    assert first.store is not False
    call = next(i for i in first.output if i.type == "function_call")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": json.dumps("21 degrees in Ulm")}
    second = respond(client, stream, model=model, input=[output], tools=[TOOL], reasoning=REASONING, previous_response_id=first.id)
    assert "21 degrees in Ulm" in second.output_text
    assert second.previous_response_id == first.id
    third = respond(client, stream, model=model, input="and tomorrow?", reasoning=REASONING, previous_response_id=second.id)
    assert "and tomorrow?" in third.output_text
    for r in (first, second, third):
        assert [i.id for i in client.responses.retrieve(r.id).output] == [i.id for i in r.output]
    given = [i for i in client.responses.input_items.list(third.id, order="asc", limit=100)]
    assert {"function_call", "function_call_output", "message"} <= {i.type for i in given}


def test_what_a_client_deletes_is_gone(client, model):
    r = client.responses.create(model=model, input="hello")
    client.responses.delete(r.id)
    for call in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
        with pytest.raises(openai.NotFoundError):
            call(r.id)
    with pytest.raises(openai.BadRequestError) as e:
        client.responses.create(model=model, input="and?", previous_response_id=r.id)
    assert e.value.code == "previous_response_not_found"


def test_what_is_somebody_elses_is_not_there(client, place, model):
    r = client.responses.create(model=model, input="hello")
    with openai.OpenAI(base_url=PLACES[place][-1], api_key=os.environ["STRANGER_KEY"], max_retries=0, timeout=30) as stranger:
        for call in (stranger.responses.retrieve, stranger.responses.delete, stranger.responses.input_items.list):
            with pytest.raises(openai.NotFoundError):
                call(r.id)
        with pytest.raises(openai.BadRequestError) as e:
            stranger.responses.create(model=model, input="and?", previous_response_id=r.id)
        assert e.value.code == "previous_response_not_found"
    assert client.responses.retrieve(r.id).id == r.id


@function_tool
def weather(city: str) -> str:
    """Weather of a city."""
    return f"21 degrees in {city}"


def agent(model):
    return Agent(
        name="Echo", instructions="Echo.", model=model, tools=[weather], model_settings=ModelSettings(reasoning=Reasoning(**REASONING))
    )


def run(place, turns):
    """What turns makes of a way to run an agent, in a loop and with a client of its own. Traces would go to OpenAI."""

    async def whole():
        client = openai.AsyncOpenAI(
            base_url=PLACES[place][0], api_key=os.environ["GATEWAY_KEY"], max_retries=0, http_client=httpx.AsyncClient(transport=AsyncInTurn(place), timeout=30)
        )
        async with client:
            return await turns(RunConfig(model_provider=OpenAIProvider(openai_client=client), tracing_disabled=True))

    return asyncio.run(whole())


@pytest.mark.parametrize("streamed", [False, True])
def test_an_agent_by_previous_response_id(place, model, streamed):
    async def turns(config):
        async def ask(text, **more):
            if not streamed:
                return await Runner.run(agent(model), text, run_config=config, **more)
            result = Runner.run_streamed(agent(model), text, run_config=config, **more)
            async for _ in result.stream_events():
                pass
            return result

        # Within a turn, the tool's output alone goes back.
        first = await ask('call weather {"city":"Ulm"}', auto_previous_response_id=True)
        second = await ask('say and call weather {"city":"Bonn"}', previous_response_id=first.last_response_id)
        third = await ask("and tomorrow?", previous_response_id=second.last_response_id)
        return first, second, third

    first, second, third = run(place, turns)
    assert "21 degrees in Ulm" in first.final_output
    assert "21 degrees in Bonn" in second.final_output
    assert "and tomorrow?" in third.final_output


def test_an_agent_that_sends_what_it_got(place, model):
    """Without an id the SDK sends the items back as they came, with their ids."""

    async def turns(config):
        first = await Runner.run(agent(model), 'call weather {"city":"Ulm"}', run_config=config)
        return first, await Runner.run(agent(model), [*first.to_input_list(), {"role": "user", "content": "and tomorrow?"}], run_config=config)

    first, second = run(place, turns)
    assert "reasoning_item" in [i.type for i in first.new_items]
    assert "21 degrees in Ulm" in first.final_output and "and tomorrow?" in second.final_output
