"""The Files API, files in a chat, models and embeddings."""

import openai
import pytest

SALES = "Date,Product,Sales\n2026-01-02,Überraschung,17\n"


@pytest.fixture
def upload(client):
    made = []

    def up(name="sales_data.csv", data=SALES.encode(), **more):
        f = client.files.create(file=(name, data), purpose="user_data", **more)
        made.append(f.id)
        return f

    yield up
    for file_id in made:
        try:
            client.files.delete(file_id)
        except openai.NotFoundError:
            pass


def test_files(client, upload):
    f = upload("Verkäufe 2026.csv")
    assert f.object == "file" and f.purpose == "user_data" and f.bytes == len(SALES.encode())
    assert f.filename == "Verkäufe 2026.csv"
    assert client.files.retrieve(f.id).id == f.id
    assert client.files.content(f.id).text == SALES
    assert f.id in [x.id for x in client.files.list(purpose="user_data")]
    assert f.id not in [x.id for x in client.files.list(purpose="batch")]
    gone = client.files.delete(f.id)
    assert gone.deleted and gone.id == f.id
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            call(f.id)


def test_pages_of_files(client, upload):
    ids = [upload(f"{n}.txt", b"x").id for n in range(5)]
    listed = [x.id for x in client.files.list(limit=2, order="asc")]
    assert [x for x in listed if x in ids] == ids


def test_large_file(client, upload):
    data = bytes(range(256)) * 4096 * 8
    f = upload("large.bin", data)
    assert client.files.content(f.id).read() == data


def test_files_in_a_chat(client, model, upload):
    f = upload()
    reply = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "What was sold?"}],
        extra_body={"file_ids": [f.id]},
    )
    text = reply.choices[0].message.content
    assert "What was sold?" in text
    assert "sales_data.csv" in text and "2026-01-02,Überraschung,17" in text


def test_an_unknown_file_in_a_chat(client, model):
    with pytest.raises(openai.NotFoundError) as e:
        client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "x"}],
            extra_body={"file_ids": ["file-" + "0" * 32]},
        )
    assert "file-" + "0" * 32 in e.value.body["message"]


def test_models(client):
    ids = [m.id for m in client.models.list()]
    assert len(ids) == len(set(ids))
    for wanted in ("gpt-4o", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0"):
        assert wanted in ids
        assert client.models.retrieve(wanted).id == wanted
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-none")


def test_embeddings_are_relayed(client):
    reply = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=16)
    assert len(reply.data) == 2 and len(reply.data[0].embedding) == 16
    assert reply.data[0].embedding != reply.data[1].embedding


def test_responses_are_relayed(client):
    reply = client.responses.create(model="gpt-4o", input="relay me")
    assert reply.output_text == "You said: relay me"
    with client.responses.stream(model="gpt-4o", input="relay me too") as stream:
        assert stream.get_final_response().output_text == "You said: relay me too"
