"""What only a gateway can get wrong: silence, reasoning that goes there and back, documents, parameters it drops."""

import base64

import openai
import pytest

CLAUDE = ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-5"]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n").decode()


def user(text):
    return {"role": "user", "content": text}


def test_silence_is_bridged(client, model):
    """Keep-alive comments come while the model thinks, and no client minds them."""
    stream = client.chat.completions.create(
        model=model, messages=[user("patience [[fault:silence=1000]]")], stream=True
    )
    text = "".join(c.delta.content or "" for chunk in stream for c in chunk.choices)
    assert text == "You said: patience"


def test_endless_silence_is_an_error(client, model):
    stream = client.chat.completions.create(
        model=model, messages=[user("one two three four five [[fault:hang@4]]")], stream=True
    )
    with pytest.raises(openai.APIError):
        for _ in stream:
            pass


@pytest.mark.parametrize("model", CLAUDE)
@pytest.mark.parametrize("streamed", [False, True], ids=["unary", "streamed"])
def test_reasoning_goes_there_and_back(client, model, streamed):
    """A signature that is not what the model made is refused upstream: what comes back must be whole."""

    def ask(messages):
        more = {"model": model, "messages": messages, "tools": [TOOL], "reasoning_effort": "low"}
        if not streamed:
            message = client.chat.completions.create(**more).choices[0].message
            return message.content, message.tool_calls, message.model_extra
        content, calls, extra = "", {}, {"reasoning_content": "", "thinking_blocks": []}
        for chunk in client.chat.completions.create(stream=True, **more):
            for choice in chunk.choices:
                content += choice.delta.content or ""
                for c in choice.delta.tool_calls or []:
                    if c.id:
                        calls[c.index] = c
                    elif c.function.arguments:
                        calls[c.index].function.arguments += c.function.arguments
                given = choice.delta.model_extra or {}
                extra["reasoning_content"] += given.get("reasoning_content") or ""
                extra["thinking_blocks"] += given.get("thinking_blocks") or []
        return content, list(calls.values()), extra

    _, calls, extra = ask([user("think, then call look")])
    assert extra["reasoning_content"]
    assert len(calls) == 1
    blocks = merged(extra["thinking_blocks"])
    assert [b["type"] for b in blocks] == ["thinking"] and blocks[0]["signature"]
    assert blocks[0]["thinking"] == extra["reasoning_content"]

    content, calls, _ = ask(
        [
            user("think, then call look"),
            {
                "role": "assistant",
                "content": None,
                "thinking_blocks": blocks,
                "tool_calls": [c.to_dict() | {"type": "function"} for c in calls],
            },
            {"role": "tool", "tool_call_id": calls[0].id, "content": "a lighthouse"},
        ]
    )
    assert "a lighthouse" in content and not calls


def merged(blocks):
    """One block of the pieces a stream brings: text in pieces, then the signature."""
    if len(blocks) < 2:
        return blocks
    whole = {"type": "thinking", "thinking": "", "signature": ""}
    for b in blocks:
        whole["thinking"] += b.get("thinking") or ""
        whole["signature"] += b.get("signature") or ""
    return [whole]


def test_reasoning_tokens_of_openai(client):
    reply = client.chat.completions.create(model="gpt-5-mini", reasoning_effort="low", messages=[user("think")])
    assert reply.usage.completion_tokens_details.reasoning_tokens > 0


def test_document(client, model):
    part = {"type": "file", "file": {"filename": "report.pdf", "file_data": "data:application/pdf;base64," + PDF}}
    reply = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": [{"type": "text", "text": "sum it up"}, part]}]
    )
    text = reply.choices[0].message.content
    assert "sum it up" in text and "pdf" in text


def test_what_a_model_does_not_take_is_told(client):
    reply = client.chat.completions.with_raw_response.create(
        model=CLAUDE[1], messages=[user("hi")], temperature=0.5, seed=7
    )
    dropped = reply.headers["bedrock-gateway-dropped"]
    assert "temperature" in dropped and "seed" in dropped
    assert "You said: hi" in reply.parse().choices[0].message.content


@pytest.mark.parametrize("model", CLAUDE)
def test_several_choices_are_not_made_one(client, model):
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=model, messages=[user("hi")], n=2)


def test_several_choices(client):
    reply = client.chat.completions.create(model="gpt-4o", messages=[user("hi")], n=3)
    assert [c.index for c in reply.choices] == [0, 1, 2]


def test_replies_tell_where_they_come_from(client, model):
    reply = client.chat.completions.with_raw_response.create(model=model, messages=[user("hi")])
    assert reply.headers["bedrock-gateway-upstream"] == ("openai" if model.startswith("gpt") else "bedrock")
    assert reply.headers["x-request-id"]
