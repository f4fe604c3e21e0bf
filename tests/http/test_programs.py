"""Programs that others wrote work with only the base URL set: every line of the pages on clients is run here."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from obliging import TEXT, obliging
from pages import ADDRESS, ROOT, blocks, run, run_blocks
from serving import Server, serving

from tierwise import Settings
from tierwise.serve_settings import ServeSettings


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving([obliging], deep=[obliging], settings=Settings(), retriever=None) as server:
        yield server


# The commands of llm, one after the other in one process, for it takes seconds to start.
LLM = """
import json, sys
from llm.cli import cli
for words in json.loads(sys.argv[1]):
    try:
        cli.main(words, prog_name="llm", standalone_mode=False)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
    print(chr(0))
"""


@pytest.fixture(scope="module")
def llm(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of llm, with the configuration of its page and two entries more."""
    folder = tmp_path_factory.mktemp("llm")
    (entries,) = blocks("clients/llm.md", "yaml", server.url)
    more = [yaml.safe_load(entries)[0] | entry for entry in (
        {"model_id": "by-responses", "responses": True},
        {"model_id": "unknown", "model_name": "gpt-4o"},
    )]  # fmt: skip
    (folder / "extra-openai-models.yaml").write_text(entries + yaml.safe_dump(more))
    return folder


def llm_says(llm: Path, home: Path, commands: list[list[str]]) -> list[str]:
    said = run([sys.executable, "-c", LLM, json.dumps(commands)], home, LLM_USER_PATH=str(llm))
    return [part.strip() for part in said.split("\0\n")[:-1]]


def test_llm(server: Server, llm: Path, tmp_path: Path) -> None:
    folder, lines = blocks("clients/llm.md", "sh", server.url)
    assert run(["sh", "-ec", folder], tmp_path / "home", LLM_USER_PATH=str(llm)).strip() == str(llm)
    commands = [shlex.split(line)[1:] for line in re.split(r"\n(?=llm )", lines.strip())]
    before = len(server.models["quick"].requests)
    plain, follow_up, whole, form, system, tool = llm_says(llm, tmp_path / "home", commands)
    assert plain == follow_up == whole == system == TEXT
    assert json.loads(form) == {"months": 24, "covers": "Kiel"}
    assert tool == "Take one: Rain in Kiel, all day."
    asked = server.models["quick"].requests[before:]
    told = [m.content for m in asked[1].messages if m.role in ("user", "assistant")]
    assert told == ["How long does the warranty last?", TEXT, "And for parts?"]
    assert [m.content for m in asked[4].messages if m.role == "system"] == ["Answer in one sentence."]
    assert asked[4].temperature == 0


def test_llm_by_responses_and_with_a_model_that_there_is_not(server: Server, llm: Path, tmp_path: Path) -> None:
    commands = [["-m", "by-responses", "How long?"], ["-m", "unknown", "How long?"], ["logs", "-n", "1", "--json"]]
    answer, wrong, log = llm_says(llm, tmp_path / "home", commands)
    assert answer == TEXT
    assert "There is no model 'gpt-4o'. Use auto" in wrong
    (kept,) = json.loads(log)
    assert kept["model"] == "by-responses"
    assert kept["response"] == TEXT
    assert kept["input_tokens"] > 0


def test_langchain(server: Server, tmp_path: Path) -> None:
    first, chain, tools, own = run_blocks(blocks("clients/langchain.md", "python", server.url), tmp_path / "home")
    assert first.splitlines()[0] == TEXT
    tier, tokens = first.splitlines()[1].split()
    assert tier == "quick"
    assert int(tokens) > 0
    assert chain.strip() == TEXT
    assert tools.strip() == "Take one: Rain in Kiel, all day."
    assert own.strip() == TEXT


def test_the_openai_sdk(server: Server, tmp_path: Path) -> None:
    codes = blocks("clients/openai-sdk.md", "python", server.url)
    first, streamed, form, tools, responses, own, errors = run_blocks(codes, tmp_path / "home")
    assert first.splitlines()[0] == TEXT
    assert first.splitlines()[1].startswith("quick 0")
    text, tokens = streamed.strip().splitlines()
    assert text == TEXT
    assert int(tokens.split()[0]) > 0
    assert form == ""
    assert tools.strip() == "Take one: Rain in Kiel, all day."
    assert responses.splitlines() == [TEXT, TEXT]
    assert own.splitlines()[0].split()[0] == "quick"
    assert own.splitlines()[1] == TEXT
    assert server.copilot.record.turns("holiday")[0].locked
    assert "auto" in errors


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl(server: Server, tmp_path: Path) -> None:
    plain, headers, streamed, turns, background = (
        run(["sh", "-ec", code], tmp_path / "home", TIERWISE_KEY="none")
        for code in blocks("clients/curl.md", "sh", server.url)
    )
    assert json.loads(plain)["choices"][0]["message"]["content"] == TEXT
    assert "\nx-tierwise-tier: quick\n" in headers.lower().replace("\r", "")
    assert "\nx-tierwise-thread: holiday\n" in headers.lower().replace("\r", "")
    assert streamed.count("data: [DONE]") == 1
    assert "response.completed" in streamed
    assert "event: answer.ready" in turns
    assert background.count("event: answer.ready") == 1
    assert TEXT in background


@pytest.mark.parametrize("page", ["openai-sdk", "curl", "langchain", "llm"])
def test_the_pages_name_the_address_that_is_the_default(page: str) -> None:
    assert f"http://127.0.0.1:{ServeSettings().port}" == ADDRESS
    assert ADDRESS in (ROOT / "docs" / "clients" / f"{page}.md").read_text(encoding="utf-8")


def test_what_editors_are_given_can_be_read() -> None:
    (settings,) = blocks("clients/editor.md", "json", ADDRESS)
    (provider,) = json.loads(settings)["language_models"]["openai_compatible"].values()
    (entries,) = blocks("clients/editor.md", "yaml", ADDRESS)
    (model,) = yaml.safe_load(entries)["models"]
    assert provider["api_url"] == model["apiBase"] == f"{ADDRESS}/v1"
    assert provider["available_models"][0]["name"] == model["model"] == "auto"
