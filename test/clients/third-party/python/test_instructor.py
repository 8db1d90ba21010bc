"""Instructor, in its modes for OpenAI's and Anthropic's clients."""

import anthropic
import instructor
import openai
import pytest
from conftest import BROKEN, THROTTLED
from pydantic import BaseModel


class City(BaseModel):
    city: str
    degrees: int


def by(name, mode):
    if name == "openai":
        return instructor.from_openai(openai.OpenAI(max_retries=0), mode=mode)
    return instructor.from_anthropic(anthropic.Anthropic(max_retries=0), mode=mode)


@pytest.fixture(
    params=[
        ("openai", instructor.Mode.TOOLS),
        ("openai", instructor.Mode.TOOLS_STRICT),
        ("openai", instructor.Mode.JSON_SCHEMA),
        ("anthropic", instructor.Mode.ANTHROPIC_TOOLS),
    ],
    ids=lambda p: f"{p[0]}-{p[1].value}",
)
def ask(request, model):
    client = by(*request.param)

    def ask(prompt, response_model, create=client.create, **more):
        return create(
            model=model, messages=[{"role": "user", "content": prompt}], response_model=response_model, max_tokens=1000, max_retries=0, **more
        )

    ask.client, ask.json = client, request.param[1] is instructor.Mode.JSON_SCHEMA
    return ask


def test_chat(ask):
    reply = ask("Grüße, 世界 🌍!", None)
    text = reply.choices[0].message.content if hasattr(reply, "choices") else reply.content[0].text
    assert "You said: Grüße, 世界 🌍!" in text


def test_stream(ask):
    partial = list(ask("call City {\"city\":\"Ulm\",\"degrees\":21}", City, create=ask.client.create_partial))
    assert City.model_validate(partial[-1].model_dump())


def test_tools(ask):
    """Any number of objects in one answer."""
    if ask.json:
        pytest.skip("the mode asks for the schema of a list, of which the simulator gives the shortest instance")
    cities = list(ask("call IterableCity {\"tasks\":[{\"city\":\"Ulm\",\"degrees\":21}]}", City, create=ask.client.create_iterable))
    assert cities and all(isinstance(c, City) for c in cities)


def test_schema(ask):
    city, reply = ask("Paris", City, create=ask.client.create_with_completion)
    assert isinstance(city, City) and reply.usage


def test_error(ask):
    with pytest.raises(Exception) as e:
        ask(THROTTLED, City)
    assert "429" in str(e.value)
    if ask.json:
        pytest.skip("the simulator answers a schema with its instance, which is whole before the stream would break")
    with pytest.raises(Exception):
        list(ask(BROKEN, City, create=ask.client.create_partial))
