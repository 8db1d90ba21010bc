"""Embeddings, rerank and large forms of audio, by OpenAI's and Cohere's own clients."""

import math
import os
import pathlib
import subprocess
import sys

import cohere
import openai
import pytest

# Each model with the number of its dimensions, and another that it has, if any.
EMBEDDING = [
    ("text-embedding-3-small", 1536, 512),
    ("amazon.titan-embed-text-v1", 1536, None),
    ("amazon.titan-embed-text-v2:0", 1024, 256),
    ("amazon.titan-embed-image-v1", 1024, 384),
    ("amazon.nova-2-multimodal-embeddings-v1:0", 3072, 1024),
    ("cohere.embed-english-v3", 1024, None),
    ("cohere.embed-v4:0", 1536, 512),
    ("us.twelvelabs.marengo-embed-3-0-v1:0", 512, None),
]

PARAGRAPHS = [
    "The library opens at nine and closes at six, on Sundays it stays closed.",
    "Passports are renewed at the town hall; bring a photograph and the old passport.",
    "The swimming pool is heated from May to September.",
]


def near(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


@pytest.mark.parametrize("model,size,other", EMBEDDING)
def test_embeddings(client, model, size, other):
    # The client asks for base64 of its own accord, and makes a list of it.
    reply = client.embeddings.create(model=model, input=["one", "another"])
    assert [d.index for d in reply.data] == [0, 1] and reply.object == "list"
    assert [len(d.embedding) for d in reply.data] == [size, size]
    assert reply.usage.prompt_tokens == reply.usage.total_tokens > 0
    plain = client.embeddings.create(model=model, input="one", encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(reply.data[0].embedding, abs=1e-6)
    if other:
        short = client.embeddings.create(model=model, input="one", dimensions=other)
        assert len(short.data[0].embedding) == other
    if not model.startswith("text-"):
        with pytest.raises(openai.BadRequestError) as e:
            client.embeddings.create(model=model, input="one", dimensions=7)
        assert e.value.param == "dimensions" and str(size) in e.value.message


@pytest.mark.parametrize("model", ["amazon.titan-embed-text-v2:0", "cohere.embed-english-v3"])
def test_two_thousand_inputs(client, model):
    texts = [f"text number {i}" for i in range(2048)]
    reply = client.embeddings.create(model=model, input=texts, timeout=120)
    assert len(reply.data) == 2048
    for i in (0, 1023, 2047):
        one = client.embeddings.create(model=model, input=texts[i])
        assert reply.data[i].index == i
        assert near(reply.data[i].embedding, one.data[0].embedding) > 0.999
    with pytest.raises(openai.BadRequestError) as e:
        client.embeddings.create(model=model, input=texts + ["one more"])
    assert "2048" in e.value.message


def test_the_nearest_paragraph_answers(client):
    kwargs = {"model": "cohere.embed-v4:0", "dimensions": 512}
    docs = client.embeddings.create(input=PARAGRAPHS, extra_body={"input_type": "search_document"}, **kwargs)
    query = client.embeddings.create(input="How do I renew my passport?", extra_body={"input_type": "search_query"}, **kwargs)
    scores = [near(d.embedding, query.data[0].embedding) for d in docs.data]
    assert scores.index(max(scores)) == 1


def test_an_error_names_its_input(client):
    with pytest.raises(openai.BadRequestError) as e:
        client.embeddings.create(model="cohere.embed-english-v3", input=["fine", "x" * 3000])
    assert e.value.param == "input" and e.value.message.count("input[1]: the text has 3000 characters") == 1
    cut = client.embeddings.create(model="cohere.embed-english-v3", input=["x" * 3000], extra_body={"truncate": "end"})
    assert len(cut.data) == 1


@pytest.mark.parametrize("model", ["cohere.rerank-v3-5:0", "amazon.rerank-v1:0"])
def test_rerank_by_coheres_client(model):
    where = {"api_key": os.environ["GATEWAY_KEY"], "base_url": "http://" + os.environ["GATEWAY_ADDR"], "timeout": 30}
    v2 = cohere.ClientV2(**where).rerank(model=model, query="renew a passport", documents=PARAGRAPHS, top_n=2)
    assert [r.index for r in v2.results][0] == 1 and len(v2.results) == 2 and v2.id
    assert v2.results[0].relevance_score > v2.results[1].relevance_score
    v1 = cohere.Client(**where).rerank(
        model=model,
        query="renew a passport",
        documents=[{"text": p, "page": str(i)} for i, p in enumerate(PARAGRAPHS)],
        top_n=1,
        return_documents=True,
    )
    assert [r.index for r in v1.results] == [1] and v1.results[0].document.text == PARAGRAPHS[1]
    assert v1.meta.api_version.version == "1"
    with pytest.raises(cohere.core.api_error.ApiError) as e:
        cohere.ClientV2(**where).rerank(model="cohere.embed-v4:0", query="q", documents=["a"])
    assert e.value.status_code == 404


def test_a_transcription_of_100_MB(client, tmp_path):
    path = tmp_path / "long.wav"
    with open(path, "wb") as f:
        for _ in range(100):
            f.write(os.urandom(1 << 20))
    with open(path, "rb") as f:
        reply = client.audio.transcriptions.create(model="whisper-1", file=f, timeout=120)
    assert reply.text == f"You said: {100 << 20} bytes"
    with open(path, "rb") as f, pytest.raises(openai.NotFoundError):
        client.audio.transcriptions.create(model="amazon.nova-2-sonic-v1:0", file=f, timeout=120)


@pytest.mark.parametrize(
    "question,found", [("How do I renew my passport?", "Passports"), ("When is bulky waste collected?", "Bulky waste")]
)
@pytest.mark.parametrize("embedding", ["amazon.titan-embed-text-v2:0", "cohere.embed-v4:0"])
def test_the_example_finds_the_right_paragraph(question, found, embedding):
    script = pathlib.Path(__file__).parents[3] / "examples" / "retrieval" / "answer.py"
    env = {
        **os.environ,
        "GATEWAY": "http://" + os.environ["GATEWAY_ADDR"],
        "EMBEDDING": embedding,
        "RERANK": "cohere.rerank-v3-5:0",
        "CHAT": "us.amazon.nova-lite-v1:0",
    }
    out = subprocess.run([sys.executable, script, question], env=env, capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stderr
    assert f"Found: {found}" in out.stdout and f"Answer: You said: {question}" in out.stdout
