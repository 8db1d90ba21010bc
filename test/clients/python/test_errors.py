"""Errors, retries and broken streams: a client must never take one for success."""

import openai
import pytest

WORDS = " ".join(f"word{i}" for i in range(60))


def user(text):
    return {"role": "user", "content": text}


def test_unknown_model(client):
    for name in ("gpt-none", "nobody-has-this"):
        with pytest.raises(openai.NotFoundError) as e:
            client.chat.completions.create(model=name, messages=[user("hi")])
        assert e.value.code == "model_not_found"


def test_bad_requests(client, model):
    for change in (
        {"messages": []},
        {"messages": [{"role": "robot", "content": "hi"}]},
        {"messages": [user("hi"), {"role": "tool", "tool_call_id": "nobody", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,@@"}}]}]},
    ):
        with pytest.raises(openai.BadRequestError) as e:
            client.chat.completions.create(**{"model": model, **change})
        assert e.value.body["message"]


def test_wrong_key(client, model):
    with pytest.raises(openai.AuthenticationError) as e:
        client.with_options(api_key="sk-wrong").chat.completions.create(model=model, messages=[user("hi")])
    assert e.value.status_code == 401 and e.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-wrong").models.list()


def test_context_length(client, model):
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as e:
            client.chat.completions.create(model=model, messages=[user("x [[fault:context]]")], stream=stream)
        assert e.value.code == "context_length_exceeded"


@pytest.mark.parametrize("model", ["calm-gpt", "calm-claude"])
def test_the_gateway_retries_itself(client, model):
    reply = client.chat.completions.with_raw_response.create(
        model=model, messages=[user("python, once [[fault:throttle=1]]")]
    )
    assert reply.retries_taken == 0
    assert "You said: python, once" in reply.parse().choices[0].message.content


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "streamed"])
def test_the_client_retries_429(client, model, stream):
    """The gateway tries three times a call, and once when its budget of retries is spent, as it may be after other tests."""
    reply = client.with_options(max_retries=4).chat.completions.with_raw_response.create(
        model=model, messages=[user(f"python, again {stream} [[fault:throttle=3]]")], stream=stream
    )
    assert 1 <= reply.retries_taken <= 3
    parsed = reply.parse()
    if stream:
        text = "".join(c.delta.content or "" for chunk in parsed for c in chunk.choices)
    else:
        text = parsed.choices[0].message.content
    assert f"You said: python, again {stream}" in text


def test_429_in_the_end(client, model):
    with pytest.raises(openai.RateLimitError) as e:
        client.with_options(max_retries=0).chat.completions.create(
            model=model, messages=[user("never [[fault:throttle,retry-after=7]]")]
        )
    assert e.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    "fault",
    [
        "cut=2500",
        "cutclean=2500",
        "exception=modelStreamErrorException@4",
        "exception=throttlingException@4",
    ],
)
def test_a_broken_stream_is_an_error(client, model, fault):
    stream = client.chat.completions.create(
        model=model, messages=[user(f"{WORDS} [[fault:{fault}]]")], stream=True
    )
    text, finished = "", False
    with pytest.raises(openai.APIError):
        for chunk in stream:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finished = finished or choice.finish_reason is not None
    assert text and not text.endswith("word59"), "it broke before the end"
    assert not finished


def test_a_stream_that_fails_at_once_is_a_status(client, model):
    with pytest.raises(openai.InternalServerError):
        client.with_options(max_retries=0).chat.completions.create(
            model=model, messages=[user("x [[fault:InternalServerException]]")], stream=True
        )


def test_a_reset_is_an_error(client, model):
    with pytest.raises(openai.InternalServerError):
        client.with_options(max_retries=0).chat.completions.create(
            model=model, messages=[user("x [[fault:reset]]")]
        )
