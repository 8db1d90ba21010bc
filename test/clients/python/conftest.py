"""The official Python client, pointed at the gateway that GATEWAY_URL names."""

import os

import openai
import pytest

# One model of each way an answer takes: passed through, Converse with native structured output, Converse with a forced
# tool in its place.
MODELS = [
    "gpt-4o",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-sonnet-5",
]
# The models of the tests of Responses, one of each way an answer takes: relayed to OpenAI; Bedrock's Responses, which serves
# GPT-5.5 alone; Converse with signed reasoning and with unsigned; Bedrock's chat, with reasoning in tags.
ANSWERING = [
    "gpt-5",
    "us.openai.gpt-5.5",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.amazon.nova-2-lite-v1:0",
    "openai.gpt-oss-120b-1:0",
]


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture
def client():
    with openai.OpenAI(
        base_url=os.environ["GATEWAY_URL"], api_key=os.environ["GATEWAY_KEY"], timeout=30
    ) as c:
        yield c
