"""``tierwise bench backends`` against what can really be had here: llama.cpp, our loopback server, a foreign server."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from foreign import llama_cpp_server
from model_source import Handler, Source, serving

from tierwise.models import LlamaModel, locate
from tierwise.testing import LoopbackServer, ScriptedModel, Step
from tierwise_app.backends import find


@pytest.fixture
def silent_port() -> Iterator[Callable[[], int]]:
    """Gives ports where nothing answers; they are held, so that nobody else begins to listen there meanwhile."""
    with ExitStack() as held:

        def port() -> int:
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            return int(one.getsockname()[1])

        yield port


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, silent_port: Callable[[], int]) -> None:
    """No server of this machine takes part by accident, and the model has one thread."""
    monkeypatch.setattr(find, "USUAL_PORTS", tuple((kind, silent_port()) for kind, _ in find.USUAL_PORTS))
    monkeypatch.setattr(find, "_PROBE_S", 60.0)
    monkeypatch.setenv("TIERWISE_THREADS", "1")


def without_llama(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave llama.cpp out, where it is not the point."""
    monkeypatch.setattr("tierwise.models.device.probe.binding_version", lambda: None)


def by_name(report: Any) -> dict[str, Any]:
    return {entry["name"]: entry for entry in report["backends"]}


def statuses(entry: Any) -> dict[str, str]:
    return {finding["check"]: finding["status"] for finding in entry["findings"]}


def test_llama_cpp_keeps_everything_it_must_and_the_absent_say_why(cli):
    ran = cli("bench", "backends", "--json")
    assert ran.code == 0, ran.out + ran.err
    found = by_name(ran.json)
    assert list(found) == ["llama.cpp CPU", "llama.cpp GPU", "llama-server", "Ollama", "vLLM", "OpenAI"]
    own = found.pop("llama.cpp CPU")
    assert own["status"] == "ok"
    assert own["first_token_ms"] > 0
    assert own["tokens_per_s"] > 0
    told = statuses(own)
    assert told.pop("tools") == "skipped", "the embedded model does not call tools"
    assert set(told.values()) == {"ok"}, own["findings"]
    assert {entry["status"] for entry in found.values()} == {"skipped"}
    assert "nothing answers at http://127.0.0.1:" in found["vLLM"]["why"]
    assert "not named" in found["OpenAI"]["why"]
    assert "built for" in found["llama.cpp GPU"]["why"]


def test_a_server_found_at_its_usual_port_is_asked(cli, monkeypatch):
    without_llama(monkeypatch)
    model = LlamaModel(locate("smollm2-135m"), context_window=1024)
    with LoopbackServer(model) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        monkeypatch.setattr(find, "USUAL_PORTS", (("llama-server", port),))
        ran = cli("bench", "backends", "--backend", f"other={server.url},window=1024", "--json")
    assert ran.code == 0, ran.out + ran.err
    found = by_name(ran.json)
    assert found["llama.cpp CPU"]["why"] == "llama-cpp-python is not installed"
    told = statuses(found["llama-server"])
    assert told["window"] == "skipped", "the server does not say how long its window is"
    assert {told[name] for name in ("streaming", "stop", "limit", "cancel", "overlap", "usage", "schema")} == {"ok"}
    assert statuses(found["other"])["window"] == "ok"


def test_what_a_backend_must_keep_and_does_not_is_a_failure(cli, monkeypatch):
    without_llama(monkeypatch)
    chatter = ScriptedModel([Step("I know no JSON and I call no tool. " * 3)], repeat=True)
    with LoopbackServer(chatter, usage=False) as server:
        ran = cli("bench", "backends", "--backend", f"vllm={server.url},model=m")
    assert ran.code == 1
    assert "FAIL unknown: a model of a made-up name answered" in ran.out
    assert "FAIL schema: no JSON" in ran.out
    assert "FAIL tools: it called no tool" in ran.out
    assert "FAIL usage: not reported" in ran.out
    assert "Traceback" not in ran.out + ran.err


def test_the_same_faults_are_no_failure_of_a_server_that_promises_nothing(cli, monkeypatch):
    without_llama(monkeypatch)
    chatter = ScriptedModel([Step("I know no JSON and I call no tool. " * 3)], repeat=True)
    with LoopbackServer(chatter, usage=False) as server:
        ran = cli("bench", "backends", "--backend", f"mine={server.url},model=m", "--json")
    told = statuses(by_name(ran.json)["mine"])
    assert (told["schema"], told["tools"], told["usage"]) == ("no", "no", "no")


def test_a_backend_that_gives_no_answer_fails_in_one_line(cli, monkeypatch, silent_port):
    without_llama(monkeypatch)
    with LoopbackServer(ScriptedModel(["hi"], repeat=True), api_key="secret") as server:
        ran = cli("bench", "backends", "--backend", f"vllm={server.url},model=m")
    assert ran.code == 1
    assert "vllm, openai:m" in ran.out
    assert "FAIL " in ran.out
    gone = cli("bench", "backends", "--backend", f"mine=http://127.0.0.1:{silent_port()}/v1,model=m", "--json")
    assert gone.code == 1
    assert by_name(gone.json)["mine"]["status"] == "failed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("vllm", "has no name or address"),
        ("vllm=ftp://127.0.0.1/v1", "has no name or address"),
        ("vllm=http://[::1", "has no name or address"),
        ("=http://127.0.0.1:8000/v1", "has no name or address"),
        ("vllm=http://127.0.0.1:8000/v1,colour=red", "cannot be read"),
        ("vllm=http://127.0.0.1:8000/v1,model=", "cannot be read"),
        ("vllm=http://127.0.0.1:8000/v1,window=much", "is no number"),
        ("vllm=http://127.0.0.1:8000/v1,window=²", "is no number"),
        ("openai", "Add ,model=NAME"),
    ],
)
def test_a_backend_that_is_named_wrongly(words, said, cli):
    ran = cli("bench", "backends", "--backend", words)
    assert ran.code == 2
    assert said in ran.err


@pytest.fixture(scope="module")
def foreign() -> Iterator[str]:
    """A server that is not ours and has its own ways: llama-cpp-python's."""
    with llama_cpp_server(1024) as url:
        yield url


def test_a_foreign_server_with_quirks_of_its_own(foreign, cli, monkeypatch):
    without_llama(monkeypatch)
    ran = cli("bench", "backends", "--backend", f"python={foreign},window=1024", "--json")
    assert ran.code == 0, ran.out + ran.err
    entry = by_name(ran.json)["python"]
    told = statuses(entry)
    assert {told[name] for name in ("streaming", "stop", "limit", "cancel", "overlap")} == {"ok"}
    assert told["usage"] == "no", "it sends no usage in streams"
    assert told["unknown"] == "no", "it serves its one model whatever is asked for"


@pytest.mark.parametrize("mode", ["page", "drip", "deep", "meta", "nameless"])
def test_a_server_that_does_not_list_models_as_it_should_is_absent(mode, cli, monkeypatch):
    without_llama(monkeypatch)
    monkeypatch.setattr(find, "_PROBE_S", 0.5)
    bodies = {"page": b"<html>", "deep": b"[" * 200_000, "meta": b'{"data": [{"id": "m", "meta": "no"}]}'}
    body = bodies.get(mode, b'{"data": [{"id": ""}]}')

    def answer(handler: Handler) -> None:
        if mode != "drip":
            handler.answer(200, body)
            return
        handler.send_response(200)
        handler.end_headers()
        for _ in range(50):
            time.sleep(0.1)
            handler.wfile.write(b" ")

    with serving(Source(b"", faults=[answer])) as server:
        ran = cli("bench", "backends", "--backend", f"x={server.url}", "--json")

    assert ran.code == 0, ran.err
    assert by_name(ran.json)["x"]["status"] == "skipped"


def test_offline_no_server_is_contacted(cli, monkeypatch):
    without_llama(monkeypatch)
    cli.write_config("offline = true\n")
    with serving(Source(b"")) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        monkeypatch.setattr(find, "USUAL_PORTS", (("vLLM", port),))
        ran = cli("bench", "backends", "--backend", f"x={server.url},model=m", "--json")
    assert server.asked == []
    assert "offline" in by_name(ran.json)["x"]["why"]
    assert "offline" in by_name(ran.json)["vLLM"]["why"]
