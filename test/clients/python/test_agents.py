"""OpenAI's Agents SDK with its default API, which is Responses, and nothing stored. With its default, which stores: test_stored.py."""

import asyncio
import os

import openai
import pytest
from agents import Agent, AgentsException, ModelSettings, OpenAIProvider, RunConfig, Runner, function_tool
from openai.types.shared import Reasoning
from pydantic import BaseModel

from conftest import ANSWERING

# Reasoning comes sealed, since nothing is stored.
SETTINGS = ModelSettings(
    store=False, reasoning=Reasoning(effort="low", summary="auto"), response_include=["reasoning.encrypted_content"]
)


@function_tool
def weather(city: str) -> str:
    """Weather of a city."""
    return f"21 degrees in {city}"


class City(BaseModel):
    city: str
    degrees: int


def run(agent, turns):
    """The result, in a loop and with a client of its own. Traces would go to OpenAI."""

    async def whole():
        async with connected() as config:
            return await Runner.run(agent, turns, run_config=config)

    return asyncio.run(whole())


class connected:
    def __init__(self):
        self.client = openai.AsyncOpenAI(base_url=os.environ["GATEWAY_URL"], api_key=os.environ["GATEWAY_KEY"], timeout=30, max_retries=0)

    async def __aenter__(self):
        return RunConfig(model_provider=OpenAIProvider(openai_client=self.client), tracing_disabled=True)

    async def __aexit__(self, *_):
        await self.client.close()


def agent(model, **more):
    return Agent(**{"name": "Echo", "instructions": "Echo.", "model": model, "model_settings": SETTINGS, **more})


@pytest.fixture(params=ANSWERING)
def model(request):
    return request.param


def test_an_answer(model):
    assert run(agent(model), "Grüße, 世界 🌍!").final_output == "You said: Grüße, 世界 🌍!"


def test_tools_and_on_from_there(model):
    echo = agent(model, tools=[weather])
    first = run(echo, 'call weather {"city":"Ulm"}')
    assert "21 degrees in Ulm" in first.final_output
    assert "reasoning_item" in [i.type for i in first.new_items]
    second = run(echo, [*first.to_input_list(), {"role": "user", "content": "and tomorrow?"}])
    assert "and tomorrow?" in second.final_output


def test_a_handoff(model):
    other = agent(model, name="Weatherman", handoff_description="Knows the weather", tools=[weather])
    result = run(agent(model, name="Desk", handoffs=[other]), "call transfer_to_weatherman")
    assert result.last_agent.name == "Weatherman" and "The tool said: " in result.final_output


def test_an_answer_in_a_form(model):
    """Without reasoning, beside which Converse lets no tool be forced: that is what stands in for a form."""
    plain = ModelSettings(store=False)
    assert isinstance(run(agent(model, output_type=City, model_settings=plain), "Paris").final_output, City)


def test_a_stream(model):
    async def whole():
        async with connected() as config:
            result = Runner.run_streamed(agent(model, tools=[weather]), 'say and call weather {"city":"Ulm"}', run_config=config)
            text, names = "", set()
            async for event in result.stream_events():
                if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                    text += event.data.delta
                if event.type == "run_item_stream_event":
                    names.add(event.name)
            return text, names, result.final_output

    text, names, final = asyncio.run(whole())
    assert text.startswith("Let me call weather.") and "21 degrees in Ulm" in text and "21 degrees in Ulm" in final
    assert {"tool_called", "tool_output", "message_output_created", "reasoning_item_created"} <= names


def test_errors(model):
    with pytest.raises(openai.BadRequestError) as e:
        run(agent(model), "x [[fault:context]]")
    assert e.value.code == "context_length_exceeded"

    async def broken():
        async with connected() as config:
            result = Runner.run_streamed(agent(model), f"{'word ' * 60} [[fault:exception=modelStreamErrorException@90]]", run_config=config)
            async for _ in result.stream_events():
                pass

    with pytest.raises((openai.APIError, AgentsException)):
        asyncio.run(broken())
