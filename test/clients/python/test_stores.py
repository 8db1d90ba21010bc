"""The Files API on each store, and two gateways on one bucket."""

import asyncio
import contextlib
import io
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

A, B = "S3_URL_A", "S3_URL_B"
STORES = {"local": "GATEWAY_URL", "s3": A}
CSV = "Date,Product,Sales\n2026-01-02,Überraschung,17\n"
MODELS = ["gpt-4o", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.titan-text-express-v1"]


def connect(url, key="GATEWAY_KEY", make=openai.OpenAI, **more):
    return make(base_url=os.environ[url], api_key=os.environ[key], timeout=30, **more)


@pytest.fixture(params=STORES)
def url(request):
    return STORES[request.param]


@pytest.fixture
def client(url):
    with connect(url) as c:
        yield c


@pytest.fixture
def pair():
    """Two gateways on one bucket."""
    with connect(A) as a, connect(B) as b:
        yield a, b


def uploads(client, count, purpose="user_data"):
    """Files made eight at a time, each with its number for content."""
    with ThreadPoolExecutor(8) as pool:
        return list(
            pool.map(
                lambda n: client.files.create(file=(f"{n}.txt", str(n).encode()), purpose=purpose), range(count)
            )
        )


def delete(client, ids):
    with ThreadPoolExecutor(8) as pool:
        assert all(gone.deleted for gone in pool.map(client.files.delete, ids))


@contextlib.contextmanager
def uploaded(client, file=("data.csv", CSV.encode()), purpose="assistants", **more):
    f = client.files.create(file=file, purpose=purpose, **more)
    try:
        yield f
    finally:
        with contextlib.suppress(openai.NotFoundError):
            client.files.delete(f.id)


@pytest.mark.parametrize("form", ["path", "open file", "bytes", "named bytes", "typed bytes", "memory"])
def test_upload(client, tmp_path, form):
    data = CSV.encode()
    path = tmp_path / "Verkäufe (März) 100%.csv"
    path.write_bytes(data)
    with open(path, "rb") as opened:
        file, name = {
            "path": (path, path.name),
            "open file": (opened, path.name),
            "bytes": (data, "upload"),  # what the client calls it
            "named bytes": (("a b.csv", data), "a b.csv"),
            "typed bytes": (("table", data, "text/csv"), "table"),
            "memory": (("memory.csv", io.BytesIO(data)), "memory.csv"),
        }[form]
        with uploaded(client, file) as f:
            assert (f.object, f.filename, f.bytes, f.purpose) == ("file", name, len(data), "assistants")
            assert f.status == "processed" and f.expires_at is None and abs(f.created_at - time.time()) < 60
            assert client.files.retrieve(f.id) == f
            assert client.files.wait_for_processing(f.id) == f
            content = client.files.content(f.id)
            assert content.read() == data
            assert content.response.headers["x-content-type-options"] == "nosniff"


def test_every_purpose_and_expiry(client):
    for purpose in ("assistants", "batch", "fine-tune", "vision", "user_data", "evals"):
        with uploaded(client, purpose=purpose, expires_after={"anchor": "created_at", "seconds": 3600}) as f:
            assert f.purpose == purpose and f.expires_at == f.created_at + 3600
            assert client.files.retrieve(f.id).expires_at == f.expires_at


def test_content_streamed_to_a_file_and_in_parts(client, tmp_path):
    data = bytes(range(256)) * 4096 * 12  # above a part of S3's
    with uploaded(client, ("large.bin", data)) as f:
        client.files.content(f.id).write_to_file(tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == data
        with client.files.with_streaming_response.content(f.id) as reply:
            assert reply.headers["content-length"] == str(len(data))
            assert b"".join(reply.iter_bytes(100_000)) == data
        part = client.files.content(f.id, extra_headers={"Range": "bytes=6000000-6000255"})
        assert part.response.status_code == 206 and part.read() == data[6_000_000:6_000_256]
        tail = client.files.content(f.id, extra_headers={"Range": "bytes=-3"})
        assert tail.read() == b"\xfd\xfe\xff"


def test_pages(client):
    made = [f.id for f in uploads(client, 251, "evals")]
    try:
        assert len(set(made)) == 251
        for more in ({}, {"purpose": "evals"}):
            newest = [f for f in client.files.list(limit=100, order="desc", **more) if f.id in made]
            assert sorted(f.id for f in newest) == sorted(made)
            assert [f.created_at for f in newest] == sorted((f.created_at for f in newest), reverse=True)
            oldest = [f.id for f in client.files.list(limit=100, order="asc", **more) if f.id in made]
            assert oldest == [f.id for f in newest][::-1]
            # Without a limit and an order: all of them in one page, newest first.
            page = client.files.list(**more)
            assert [f.id for f in page.data if f.id in made] == oldest[::-1] and not page.has_more

        page = client.files.list(limit=250, purpose="evals")
        assert len(page.data) == 250 and page.has_more and page.has_next_page()
        last = page.get_next_page()
        assert len(last.data) == 1 and not last.has_more
        pages = list(client.files.list(limit=100, purpose="evals").iter_pages())
        assert [len(p.data) for p in pages] == [100, 100, 51]

        async def asynchronous():
            async with connect(url_of(client), make=openai.AsyncOpenAI) as c:
                return [f.id async for f in c.files.list(limit=60, purpose="evals")]

        assert asyncio.run(asynchronous()) == oldest[::-1]

        # The file that a page begins behind may be gone when it is asked for.
        delete(client, [page.data[99].id])
        after = client.files.list(limit=100, purpose="evals", after=page.data[99].id)
        assert [f.id for f in after.data] == oldest[::-1][100:200]
    finally:
        delete(client, [f.id for f in client.files.list(purpose="evals")])
    assert not [f for f in client.files.list() if f.id in made]


def url_of(client):
    return next(name for name in ("GATEWAY_URL", A, B) if os.environ[name] == str(client.base_url).rstrip("/"))


def test_mistakes(client):
    for file, purpose, param in (
        (("a.txt", b""), "assistants", "file"),
        (("a.txt", b"x"), "nonsense", "purpose"),
        (("..", b"x"), "assistants", "file"),
    ):
        with pytest.raises(openai.BadRequestError) as e:
            client.files.create(file=file, purpose=purpose)
        assert e.value.param == param and e.value.type == "invalid_request_error"
    with pytest.raises(openai.BadRequestError) as e:
        client.files.create(file=b"x", purpose="batch", expires_after={"anchor": "created_at", "seconds": 3599})
    assert e.value.param == "expires_after.seconds"
    for more in ({"limit": 0}, {"limit": 10_001}, {"order": "up"}, {"after": "file-abc"}):
        with pytest.raises(openai.BadRequestError) as e:
            client.files.list(**more)
        assert e.value.param == next(iter(more))
    for file_id in ("file-" + "0" * 32, "file-abc123", "file", "x/../y"):
        for call in (client.files.retrieve, client.files.content, client.files.delete):
            with pytest.raises(openai.NotFoundError):
                call(file_id)


def test_owners(client, url):
    """Another key sees nothing of a file, not even that it is there."""
    with connect(url, "STRANGER_KEY") as stranger, uploaded(client) as f:
        messages = [{"role": "user", "content": "x"}]
        for call in (
            lambda: stranger.files.retrieve(f.id),
            lambda: stranger.files.content(f.id),
            lambda: stranger.files.delete(f.id),
            lambda: stranger.chat.completions.create(model="gpt-4o", messages=messages, extra_body={"file_ids": [f.id]}),
        ):
            with pytest.raises(openai.NotFoundError):
                call()
        assert f.id not in [x.id for x in stranger.files.list()]
        assert client.files.retrieve(f.id) == f


@pytest.mark.parametrize("model", MODELS)
def test_asking(client, model):
    messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "What was sold?"},
    ]
    with uploaded(client) as f, uploaded(client, ("notes.md", b"# Notes\nSnow in May\n")) as g:
        ask = {"model": model, "messages": messages, "extra_body": {"file_ids": [f.id, g.id]}}
        reply = client.chat.completions.create(**ask).choices[0].message.content
        for part in ("**File: data.csv** (text/csv, 47B)", CSV.strip(), "Snow in May", "What was sold?"):
            assert part in reply
        assert reply.index("data.csv") < reply.index("notes.md")
        streamed = "".join(
            c.choices[0].delta.content or "" for c in client.chat.completions.create(**ask, stream=True) if c.choices
        )
        assert streamed == reply


def test_one_bucket(pair):
    """Uploaded on A, asked about on B, deleted on A: gone on B at once."""
    a, b = pair
    messages = [{"role": "user", "content": "What was sold?"}]
    for model in MODELS:
        f = a.files.create(file=("data.csv", CSV.encode()), purpose="assistants")
        assert b.files.retrieve(f.id) == f
        assert b.files.content(f.id).text == CSV
        assert f.id in [x.id for x in b.files.list()]
        ask = {"model": model, "messages": messages, "extra_body": {"file_ids": [f.id]}}
        assert "2026-01-02,Überraschung,17" in b.chat.completions.create(**ask).choices[0].message.content
        assert a.files.delete(f.id).deleted
        for call in (
            lambda: b.files.retrieve(f.id),
            lambda: b.files.content(f.id),
            lambda: b.files.delete(f.id),
            # B has the text in its cache, and still must not tell it.
            lambda: b.chat.completions.create(**ask),
        ):
            with pytest.raises(openai.NotFoundError) as e:
                call()
            assert f.id in e.value.body["message"]
        assert f.id not in [x.id for x in b.files.list()]


def test_one_bucket_at_once(pair):
    """While both gateways upload and delete, both list what is there and nothing else."""
    there, gone, lock = {}, set(), threading.Lock()
    working = threading.Event()
    working.set()

    def work(n):
        made_on, deleted_on = pair[n % 2], pair[n // 2 % 2]
        mine = []
        for i in range(12):
            f = made_on.files.create(file=(f"{n}-{i}.txt", b"x" * (n + 1)), purpose="batch")
            with lock:
                there[f.id] = f
            mine.append(f)
            if i % 3 == 2:
                f = mine.pop(0)
                with lock:
                    del there[f.id]  # from here on it may be listed or not
                assert deleted_on.files.delete(f.id).deleted
                with lock:
                    gone.add(f.id)

    def watch(client):
        lists = 0
        while working.is_set() or lists == 0:
            with lock:
                must, must_not = dict(there), set(gone)
            listed = list(client.files.list(limit=7, purpose="batch", order=("asc", "desc")[lists % 2]))
            ids = [f.id for f in listed]
            assert len(ids) == len(set(ids)), "a file is listed twice"
            assert not must_not & set(ids), "a deleted file is listed"
            with lock:
                must = {k: f for k, f in must.items() if k in there}
            assert not set(must) - set(ids), "a file is missing"
            assert all(f == must[f.id] for f in listed if f.id in must)
            lists += 1
        return lists

    with ThreadPoolExecutor(12) as pool:
        watchers = [pool.submit(watch, c) for c in pair * 2]
        try:
            list(pool.map(work, range(8)))
        finally:
            working.clear()
        assert all(w.result() > 1 for w in watchers)
    for client in pair:
        assert {f.id: f for f in client.files.list(purpose="batch")} == there
    delete(pair[1], there)
    assert not list(pair[0].files.list(purpose="batch"))
