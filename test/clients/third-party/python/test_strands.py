"""Strands Agents, with its models for OpenAI, Anthropic and Bedrock."""

import os

import boto3
import pytest
from botocore.config import Config
from conftest import BROKEN, THROTTLED, WORDS
from pydantic import BaseModel
from strands import Agent, tool
from strands.models.anthropic import AnthropicModel
from strands.models.bedrock import BedrockModel
from strands.models.openai import OpenAIModel
from strands.types.exceptions import ModelThrottledException


class City(BaseModel):
    """A city"""

    city: str
    degrees: int


@tool
def weather(city: str) -> str:
    """Weather of a city

    Args:
        city: its name
    """
    return f"21 degrees in {city}"


def openai(model):
    return OpenAIModel(model_id=model, client_args={"max_retries": 0})


def claude(model):
    return AnthropicModel(model_id=model, max_tokens=1000, client_args={"max_retries": 0})


def bedrock(model):
    return BedrockModel(
        model_id=model, boto_session=boto3.Session(region_name="us-east-1"), endpoint_url="https://" + os.environ["TLS_ADDR"],
        boto_client_config=Config(retries={"max_attempts": 0}),
    )


@pytest.fixture(params=[openai, claude, bedrock])
def llm(request, model):
    tooled = request.node.name.startswith(("test_tools", "test_schema"))
    if request.param is openai and model == "gpt-4o" and not tooled:
        pytest.skip("the client sends an empty list of tools, which OpenAI itself refuses")
    return request.param(model)


def agent(llm, **more):
    # Its own retries wait for seconds.
    return Agent(model=llm, callback_handler=None, retry_strategy=None, **more)


def test_chat(llm):
    result = agent(llm, system_prompt="Echo.")("Grüße, 世界 🌍!")
    assert "You said: Grüße, 世界 🌍!" in str(result)
    assert result.metrics.accumulated_usage["outputTokens"] > 0


async def test_stream(llm):
    deltas = [e["data"] async for e in agent(llm).stream_async(WORDS) if "data" in e]
    assert "".join(deltas).endswith("word59") and len(deltas) > 10


def test_tools(llm):
    assert "21 degrees in Ulm" in str(agent(llm, tools=[weather])('call weather {"city":"Ulm"}'))


def test_schema(llm):
    result = agent(llm)('call City {"city":"Ulm","degrees":21}', structured_output_model=City)
    assert result.structured_output == City(city="Ulm", degrees=21)


def test_error(llm):
    with pytest.raises(ModelThrottledException):
        agent(llm)(THROTTLED)
    with pytest.raises(Exception):
        agent(llm)(BROKEN)
