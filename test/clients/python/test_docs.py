"""The shell and Python blocks of docs/clients.md do what they say, with the gateway's address and key in their place.

A block of exports holds for the blocks after it, up to the next heading.
"""

import os
import pathlib
import re
import subprocess
import sys

import pytest

DOCS = pathlib.Path(os.environ.get("DOCS") or pathlib.Path(__file__).parents[3] / "docs") / "clients.md"


def blocks():
    """(name, language, code, exports so far) of each block."""
    heading, exports, n = "", "", 0
    for title, language, code in re.findall(r"^(#+ [^\n]*)$|^```(\w+)\n(.*?)^```$", DOCS.read_text(), re.M | re.S):
        if title:
            heading, exports, n = title.strip("# "), "", 0
        elif language == "sh" and all(line.startswith("export ") for line in code.splitlines()):
            exports += code
        else:
            n += 1
            yield f"{heading} {n}", language, code, exports


def here(text):
    return text.replace("ai.example.com", os.environ["TLS_ADDR"]).replace("your-api-key", os.environ["GATEWAY_KEY"])


def run(tmp_path, script):
    """Runs script with nothing of the user's own but the path, and the gateway's certificate trusted."""
    trusted = {n: os.environ["GATEWAY_CA"] for n in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env={"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "HOME": str(tmp_path), "AWS_PAGER": "", **trusted},
    )


# Agents are run by scripts of their own.
SH = [b for b in blocks() if b[1] == "sh" and b[2].splitlines()[-1] not in ("claude", "codex")]
PYTHON = [b for b in blocks() if b[1] == "python"]


@pytest.mark.parametrize("name, language, code, exports", SH + PYTHON, ids=lambda v: None)
def test_block(tmp_path, name, language, code, exports):
    (tmp_path / "block.py").write_text(here(code))
    done = run(tmp_path, here(exports) + (here(code) if language == "sh" else f"{sys.executable} block.py"))
    assert done.returncode == 0, f"{name}: {done.stderr}"
    said = "".join(re.findall(r'"(?:content|text)":"([^"]*)"', done.stdout)) or done.stdout
    assert "You said: Hello!" in said, f"{name}: {done.stdout}"
    if "list" in code:
        assert "anthropic.claude-" in done.stdout


def test_there_are_blocks():
    assert len(SH) >= 2 and len(PYTHON) >= 4
