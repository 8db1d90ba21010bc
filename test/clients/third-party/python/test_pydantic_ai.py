"""pydantic-ai, with its models for OpenAI, Anthropic and Bedrock."""

import pytest
from conftest import BROKEN, SONNET, THROTTLED, WORDS
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, ToolOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.bedrock import BedrockConverseModel
from pydantic_ai.models.openai import OpenAIChatModel


class City(BaseModel):
    city: str
    degrees: int


def weather(city: str) -> str:
    """Weather of a city"""
    return f"21 degrees in {city}"


@pytest.fixture(params=[OpenAIChatModel, AnthropicModel, BedrockConverseModel])
def llm(request, model):
    return request.param(model)


async def test_chat(llm):
    result = await Agent(llm, instructions="Echo.").run("Grüße, 世界 🌍!")
    assert "You said: Grüße, 世界 🌍!" in result.output
    assert result.usage.input_tokens > 0 and result.usage.output_tokens > 0


async def test_stream(llm):
    async with Agent(llm).run_stream(WORDS) as stream:
        deltas = [d async for d in stream.stream_text(delta=True, debounce_by=None)]
    assert "".join(deltas).endswith("word59") and len(deltas) > 10


async def test_tools(llm):
    result = await Agent(llm, tools=[weather]).run('call weather {"city":"Ulm"}')
    assert "21 degrees in Ulm" in result.output


async def test_schema(llm):
    agent = Agent(llm, output_type=ToolOutput(City))
    assert (await agent.run('call final_result {"city":"Ulm","degrees":21}')).output == City(city="Ulm", degrees=21)


async def test_schema_without_tools(llm, model):
    if not llm.profile.get("supports_json_schema_output"):
        pytest.skip("the client says of the model that it has no structured output")
    if isinstance(llm, BedrockConverseModel) and model != SONNET:
        pytest.skip("Converse itself refuses outputConfig for the model, and its own form goes there as it is")
    assert isinstance((await Agent(llm, output_type=NativeOutput(City)).run("Ulm")).output, City)


async def test_error(llm):
    with pytest.raises(ModelHTTPError) as e:
        await Agent(llm).run(THROTTLED)
    assert e.value.status_code == 429
    with pytest.raises(Exception):
        async with Agent(llm).run_stream(BROKEN) as stream:
            [d async for d in stream.stream_text(delta=True)]
