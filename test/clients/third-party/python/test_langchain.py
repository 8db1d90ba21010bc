"""langchain-openai, langchain-anthropic and langchain-aws."""

import pytest
from conftest import BROKEN, THROTTLED, WORDS
from langchain_anthropic import ChatAnthropic
from langchain_aws import ChatBedrockConverse
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


@tool
def weather(city: str) -> str:
    """Weather of a city"""
    return f"21 degrees in {city}"


class City(BaseModel):
    city: str
    degrees: int


def openai(model):
    # It asks for a stream's usage of its own accord only where the address is OpenAI's.
    return ChatOpenAI(model=model, max_retries=0, stream_usage=True)


def anthropic(model):
    return ChatAnthropic(model=model, max_retries=0, max_tokens=1000)


def aws(model):
    # It knows what a provider's models can do, and takes a model that is none of Bedrock's for one that can do little.
    return ChatBedrockConverse(
        model=model, max_tokens=1000, disable_streaming=False, supports_tool_choice_values=("auto", "any", "tool")
    )


@pytest.fixture(params=[openai, anthropic, aws])
def llm(request, model):
    return request.param(model)


def test_chat(llm):
    reply = llm.invoke([SystemMessage("Echo."), HumanMessage('Grüße, "世界" 🌍!')])
    assert 'You said: Grüße, "世界" 🌍!' in reply.text
    assert reply.usage_metadata["input_tokens"] > 0 and reply.usage_metadata["output_tokens"] > 0


def test_stream(llm):
    chunks = list(llm.stream(WORDS))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.text.endswith("word59") and len(chunks) > 10
    assert whole.usage_metadata["output_tokens"] > 0


def test_tools(llm):
    bound = llm.bind_tools([weather])
    question = HumanMessage('say and call weather {"city":"Ulm"}')
    for reply in (bound.invoke([question]), sum_of(bound.stream([question]))):
        assert [(c["name"], c["args"]) for c in reply.tool_calls] == [("weather", {"city": "Ulm"})]
        call = reply.tool_calls[0]
        result = ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])
        assert "21 degrees in Ulm" in bound.invoke([question, reply, result]).text


def sum_of(chunks):
    whole = next(chunks)
    for chunk in chunks:
        whole += chunk
    return whole


def test_schema(llm):
    assert isinstance(llm.with_structured_output(City).invoke("Paris"), City)


@pytest.mark.parametrize("client", [openai, anthropic])
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_schema_by_each_method(client, model, method):
    assert isinstance(client(model).with_structured_output(City, method=method).invoke("Paris"), City)


def test_error(llm):
    with pytest.raises(Exception) as e:
        llm.invoke(THROTTLED)
    assert "429" in str(e.value) or "Throttling" in type(e.value).__name__ + str(e.value)
    with pytest.raises(Exception):
        list(llm.stream(BROKEN))
