"""Other people's clients, pointed at the gateway that test/clients/run has started.

Each client has the same five cases: chat, stream, tools, schema, error. The simulator behind the gateway answers
"You said: ..." and calls the tool that a prompt names; what it does in detail is documented in simulator/bedrock.
"""

import os

import pytest

SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
# One model of each way an answer takes: passed through, Claude with native structured output, Claude with a forced
# tool in its place and without sampling parameters, and one that only Converse serves.
MODELS = ["gpt-4o", SONNET, "us.anthropic.claude-sonnet-5", "us.amazon.nova-pro-v1:0"]

WORDS = " ".join(f"word{i}" for i in range(60))
THROTTLED = "x [[fault:throttle]]"
BROKEN = f"{WORDS} [[fault:cutclean=2500]]"

os.environ["OPENAI_API_KEY"] = os.environ["ANTHROPIC_API_KEY"] = os.environ["GATEWAY_KEY"]
os.environ["OPENAI_BASE_URL"] = os.environ["GATEWAY_URL"]
os.environ["ANTHROPIC_BASE_URL"] = "http://" + os.environ["GATEWAY_ADDR"]
os.environ["AWS_BEARER_TOKEN_BEDROCK"] = os.environ["GATEWAY_KEY"]
os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = os.environ["AWS_ENDPOINT_URL_BEDROCK"] = "https://" + os.environ["TLS_ADDR"]
os.environ["AWS_CA_BUNDLE"] = os.environ["GATEWAY_CA"]
os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
os.environ["AWS_MAX_ATTEMPTS"] = "1"


@pytest.fixture(params=MODELS)
def model(request):
    return request.param
