"""The Files API by curl, with the commands that people are given, on each store.

They are run unchanged: curl's own configuration leads http://localhost:8000 to the gateway under test.
"""

import json
import os
import pathlib
import re
import subprocess
from urllib.parse import urlsplit

import pytest

CSV = "Date,Product,Sales,Revenue\n2024-01-01,Widget A,150,$1500.00\n2024-01-02,Widget B,200,$2000.00\n"
GUIDE = pathlib.Path(os.environ["DOCS"]) / "files.md"


@pytest.fixture(params=["GATEWAY_URL", "S3_URL_A"], ids=["local", "s3"])
def shell(request, tmp_path):
    address = urlsplit(os.environ[request.param])
    (tmp_path / ".curlrc").write_text(f'connect-to = "localhost:8000:{address.hostname}:{address.port}"\nsilent\nshow-error\n')
    (tmp_path / "data.csv").write_text(CSV)

    def run(command):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "CURL_HOME": str(tmp_path), "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout

    return run


UPLOAD = r"""
curl -X POST "http://localhost:8000/v1/files" \
  -H "Authorization: Bearer your-api-key" \
  -F "file=@data.csv" \
  -F "purpose=assistants"
"""

ASK = r"""
curl -X POST "http://localhost:8000/v1/chat/completions" \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer your-api-key" \
  -d '{
    "model": "gpt-4o-mini",
    "messages": [
      {"role": "user", "content": "Analyze the data in this file"}
    ],
    "file_ids": ["file-abc123"]
  }'
"""

HEALTH = r"""
curl "http://localhost:8000/v1/files/health"
"""


def call(method, path, more=""):
    return f'curl -X {method} "http://localhost:8000{path}" -H "Authorization: Bearer your-api-key" {more}'


def test_upload_ask_and_the_rest(shell, request):
    f = json.loads(shell(UPLOAD))
    assert (f["object"], f["filename"], f["bytes"], f["purpose"]) == ("file", "data.csv", len(CSV), "assistants")

    for model in ("gpt-4o-mini", "anthropic.claude-3-haiku-20240307-v1:0"):
        reply = json.loads(shell(ASK.replace("file-abc123", f["id"]).replace("gpt-4o-mini", model)))
        text = reply["choices"][0]["message"]["content"]
        for part in ("=== UPLOADED FILES CONTEXT ===", "**File: data.csv** (text/csv, 93B)", CSV, "Analyze the data in this file"):
            assert part in text
    refused = json.loads(shell(ASK))
    assert "file-abc123" in refused["error"]["message"]

    for path in ("/v1/files", "/v1/files?purpose=assistants"):
        assert f in json.loads(shell(call("GET", path)))["data"]
    assert f not in json.loads(shell(call("GET", "/v1/files?purpose=batch")))["data"]
    assert json.loads(shell(call("GET", f"/v1/files/{f['id']}"))) == f
    assert shell(call("GET", f"/v1/files/{f['id']}/content")) == CSV
    assert json.loads(shell(call("DELETE", f"/v1/files/{f['id']}"))) == {"id": f["id"], "object": "file", "deleted": True}
    assert shell(call("GET", f"/v1/files/{f['id']}", "-o /dev/null -w '%{http_code}'")) == "404"

    health = json.loads(shell(HEALTH))
    s3 = "s3" in request.node.callspec.id
    assert (health["status"], health["service"]) == ("healthy", "files")
    assert health["s3_bucket_configured"] == health["credentials_valid"] == s3
    assert health["aws_region"] == ("us-east-1" if s3 else None)


def test_the_guide(shell, tmp_path):
    """Every command of docs/files.md, in its order, and what stands behind it as its output; … is any text."""
    with (tmp_path / ".curlrc").open("a") as rc:
        rc.write("fail-with-body\n")
    file_id, output, commands, outputs = "file-abc123", None, 0, 0
    for kind, text in re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE.read_text(), re.M | re.S):
        if kind == "sh":
            output, commands = shell(text.replace("file-abc123", file_id)).strip(), commands + 1
            if commands == 1:
                file_id = json.loads(output)["id"]
            if "/chat/completions" in text:
                output = json.loads(output)["choices"][0]["message"]["content"].removeprefix("You said: ")
                assert CSV in output
        elif kind in ("json", "text"):
            if kind == "json":  # laid out for the reader
                text, output = re.sub(r"\n\s*", " ", text), json.dumps(json.loads(output))
            want = re.escape(text.strip().replace("file-abc123", file_id)).replace("…", ".*")
            assert re.fullmatch(want, output, re.S), f"{output}\nis not\n{text}"
            outputs += 1
    assert (commands, outputs) == (9, 6)
