"""CrewAI, with its models for OpenAI, Anthropic and Bedrock, by themselves and in a crew."""

import os

import pytest
from conftest import BROKEN, THROTTLED, WORDS

os.environ["CREWAI_DISABLE_TELEMETRY"] = os.environ["OTEL_SDK_DISABLED"] = "true"

from crewai import LLM, Agent, Crew, Task  # noqa: E402
from crewai.tools import tool  # noqa: E402
from pydantic import BaseModel  # noqa: E402


class City(BaseModel):
    city: str
    degrees: int


@tool
def weather(city: str) -> str:
    """Weather of a city"""
    return f"21 degrees in {city}"


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(params=["openai", "anthropic", "bedrock"])
def make(request, model):
    provider = request.param

    def make(**more):
        if provider == "bedrock":
            return LLM(model=model, provider=provider, region_name="us-east-1", max_tokens=1000, **more)
        return LLM(model=model, provider=provider, max_retries=0, max_tokens=1000, **more)

    return make


def test_chat(make):
    assert "You said: Grüße, 世界 🌍!" in make().call("Grüße, 世界 🌍!")


def test_stream(make):
    assert make(stream=True).call(WORDS).endswith("word59")


def test_tools(make):
    said = make().call(
        [{"role": "user", "content": 'call weather {"city":"Ulm"}'}],
        tools=[WEATHER], available_functions={"weather": lambda city: f"21 degrees in {city}"},
    )
    assert "21 degrees in Ulm" in said


def test_schema(make):
    said = make().call("Paris", response_model=City)
    assert isinstance(said, City) or City.model_validate_json(said)


def test_crew(make):
    agent = Agent(role="echo", goal="echo", backstory="none", llm=make(), max_iter=2)
    crew = Crew(agents=[agent], tasks=[Task(description="Say hello.", expected_output="a word", agent=agent)])
    assert crew.kickoff().raw


def test_error(make):
    with pytest.raises(Exception) as e:
        make().call(THROTTLED)
    assert "429" in str(e.value) or "throttled" in str(e.value)
    with pytest.raises(Exception):
        make(stream=True).call(BROKEN)
