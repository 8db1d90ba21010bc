"""AutoGen, with its clients for OpenAI and Anthropic."""

import anthropic
import openai
import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_core import CancellationToken
from autogen_core.models import ModelInfo, UserMessage
from autogen_ext.models.anthropic import AnthropicChatCompletionClient
from autogen_ext.models.openai import OpenAIChatCompletionClient
from conftest import BROKEN, THROTTLED, WORDS
from pydantic import BaseModel

INFO = ModelInfo(vision=True, function_calling=True, json_output=True, structured_output=True, family="unknown")


class City(BaseModel):
    city: str
    degrees: int


async def weather(city: str) -> str:
    """Weather of a city"""
    return f"21 degrees in {city}"


@pytest.fixture(params=[OpenAIChatCompletionClient, AnthropicChatCompletionClient])
def llm(request, model):
    return request.param(model=model, model_info=INFO, max_retries=0)


def user(text):
    return [UserMessage(content=text, source="user")]


async def test_chat(llm):
    reply = await llm.create(user("Grüße, 世界 🌍!"))
    assert "You said: Grüße, 世界 🌍!" in reply.content
    assert reply.usage.prompt_tokens > 0 and reply.usage.completion_tokens > 0


async def test_stream(llm):
    chunks = [c async for c in llm.create_stream(user(WORDS))]
    assert len(chunks) > 10 and chunks[-1].content.endswith("word59")


async def test_tools(llm):
    agent = AssistantAgent("agent", llm, tools=[weather], reflect_on_tool_use=True)
    result = await agent.run(task='call weather {"city":"Ulm"}')
    assert "21 degrees in Ulm" in result.messages[-1].content


async def test_schema(llm):
    if isinstance(llm, AnthropicChatCompletionClient):
        pytest.skip("the client has no structured output for Anthropic's form")
    reply = await llm.create(user("Paris"), json_output=City)
    assert City.model_validate_json(reply.content)


async def test_error(llm):
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)):
        await llm.create(user(THROTTLED))
    with pytest.raises(Exception):
        [c async for c in llm.create_stream(user(BROKEN))]
