"""LiteLLM's SDK, in OpenAI's, Anthropic's and Bedrock's form."""

import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would be fetched from elsewhere

import litellm  # noqa: E402
import pytest  # noqa: E402
from conftest import BROKEN, THROTTLED, WORDS  # noqa: E402
from pydantic import BaseModel  # noqa: E402

litellm.telemetry = False
litellm.num_retries = 0
litellm.ssl_verify = os.environ["GATEWAY_CA"]


class City(BaseModel):
    city: str
    degrees: int


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ask(form, model, prompt, **more):
    at = {
        "openai": {"api_base": os.environ["GATEWAY_URL"], "api_key": os.environ["GATEWAY_KEY"]},
        "anthropic": {"api_base": os.environ["ANTHROPIC_BASE_URL"], "api_key": os.environ["GATEWAY_KEY"]},
        "bedrock": {"aws_bedrock_runtime_endpoint": "https://" + os.environ["TLS_ADDR"], "aws_region_name": "us-east-1"},
    }[form]
    messages = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
    return litellm.completion(model=f"{form}/{model}", messages=messages, max_retries=0, max_tokens=1000, **at, **more)


@pytest.fixture(params=["openai", "anthropic", "bedrock"])
def form(request):
    return request.param


def test_chat(form, model):
    reply = ask(form, model, "Grüße, 世界 🌍!")
    assert "You said: Grüße, 世界 🌍!" in reply.choices[0].message.content
    assert reply.usage.prompt_tokens > 0 and reply.usage.completion_tokens > 0


def test_stream(form, model):
    text = "".join(c.choices[0].delta.content or "" for c in ask(form, model, WORDS, stream=True) if c.choices)
    assert text.endswith("word59")


def test_tools(form, model):
    if form == "bedrock" and model == "gpt-4o":
        pytest.skip("the client refuses tools for models of Bedrock that it does not know")
    question = {"role": "user", "content": 'call weather {"city":"Ulm"}'}
    message = ask(form, model, [question], tools=[WEATHER]).choices[0].message
    assert [(c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls] == [("weather", {"city": "Ulm"})]
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "21 degrees"}
    assert "21 degrees" in ask(form, model, [question, message, result], tools=[WEATHER]).choices[0].message.content


def test_schema(form, model):
    if form == "bedrock" and model == "gpt-4o":
        pytest.skip("the client drops formats for models of Bedrock that it does not know")
    if form == "bedrock" and model == "us.anthropic.claude-sonnet-5":
        pytest.skip("Converse itself refuses outputConfig for the model, and its own form goes there as it is")
    # Where the client does not force its tool, the prompt does.
    prompt = 'call json_tool_call {"city":"Ulm","degrees":21}'
    content = ask(form, model, prompt, response_format=City).choices[0].message.content
    assert City.model_validate_json(content)


def test_error(form, model):
    with pytest.raises(litellm.RateLimitError):
        ask(form, model, THROTTLED)
    with pytest.raises(Exception):
        list(ask(form, model, BROKEN, stream=True))
