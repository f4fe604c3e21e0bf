"""Ending: turns come to their end, or keep what they have; the exit code says why it ended."""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from serve_process import hosted_config, serve_process
from serving import Server, serving

from tierwise import Caller, Copilot, Tier
from tierwise.events import TextDelta
from tierwise.serve_settings import ServeSettings
from tierwise.testing import LoopbackServer, ScriptedModel, Step

WORDS = "word " * 40


def answers_on_the_way(server: Server, n: int = 3) -> list[Any]:
    """Answers that are being waited for, and have their first words, when the server is told to end."""
    turns = server.parts.turns
    found: list[Any] = []

    def ask() -> None:
        body = {"model": "auto", "messages": [{"role": "user", "content": "Write."}]}
        try:
            found.append(httpx2.post(f"{server.url}/v1/chat/completions", json=body, timeout=60))
        except httpx2.HTTPError as error:
            found.append(error)

    threads = [threading.Thread(target=ask) for _ in range(n)]
    for thread in threads:
        thread.start()
    begun: set[Any] = set()
    while len(begun) < n:
        time.sleep(0.01)
        here = [*turns._tasks.values(), *turns._kept.values()]
        begun = {watched for watched in here if any(isinstance(item, TextDelta) for item in watched.items)}
    server._uvicorn.should_exit = True
    for thread in threads:
        thread.join(60)
    return found


def test_turns_come_to_their_end() -> None:
    with serving([Step(WORDS, delay=0.02)]) as server:
        answers = answers_on_the_way(server)
    texts = [answer.json()["choices"][0]["message"]["content"] for answer in answers]
    assert [text.split() for text in texts] == [WORDS.split()] * 3
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{server.url}/healthz")
    assert server.models["quick"].closed


def test_what_takes_too_long_is_stopped_and_its_text_kept(tmp_path: Path) -> None:
    serve = ServeSettings(drain=0.5)
    with serving([Step("word " * 5000, delay=0.02)], home=tmp_path, serve=serve) as server:
        answers = answers_on_the_way(server)
    assert [answer.status_code for answer in answers] == [503] * 3
    with Copilot([Tier("quick", ScriptedModel(["x"]))], home=tmp_path) as copilot:
        turns = [copilot.record.get(answer.headers["x-tierwise-turn"]) for answer in answers]
    assert [turn.status for turn in turns] == ["stopped"] * 3
    assert all("word" in turn.attempts[-1].text for turn in turns)


def test_what_was_to_go_on_goes_on_in_the_next_server(tmp_path: Path) -> None:
    with serving([Step(WORDS, delay=0.1)], home=tmp_path, serve=ServeSettings(drain=0.1)) as server:
        begun = server.client.post("/v1/turns", json={"question": "Write.", "thread": "t", "background": True})
        turn = begun.json()["turn_id"]
        while not server.models["quick"].requests:
            time.sleep(0.01)
    with serving([WORDS], home=tmp_path) as server:
        shown: dict[str, Any] = {}
        while shown.get("status") != "done":
            time.sleep(0.02)
            shown = server.client.get(f"/v1/turns/{turn}").json()
            assert shown.get("status") in ("running", "stopped", "done"), shown
        assert shown["text"].split() == WORDS.split()


def test_nothing_is_begun_any_more() -> None:
    with serving() as server:
        server.run(server.parts.turns.drain(0))

        async def ask() -> None:
            server.parts.turns.ask("What is it?", caller=Caller())

        with pytest.raises(Exception, match="about to end"):
            server.run(ask())
        answer = server.client.get("/readyz")
        assert answer.status_code == 503


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_lets_the_stream_end(tmp_path: Path, number: int, code: int) -> None:
    with (
        LoopbackServer(ScriptedModel([Step(WORDS, delay=0.02)], repeat=True)) as far,
        serve_process(tmp_path / "home", hosted_config(tmp_path / "t.toml", far.url)) as server,
    ):
        body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "Write."}]}
        body["tierwise"] = {"hold": "live"}
        text, told = "", False
        with server.client.stream("POST", "/v1/chat/completions", json=body) as response:
            assert response.status_code == 200
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    choices = json.loads(line[6:])["choices"]
                    text += (choices[0]["delta"].get("content") or "") if choices else ""
                    if text and not told:
                        server.process.send_signal(number)
                        told = True
        assert line == "data: [DONE]" or not line
        assert text.split() == WORDS.split()
        assert server.process.wait(60) == code
        assert "Traceback" not in server.log.read_text()


def test_a_second_ctrl_c_ends_at_once_and_keeps_what_was_written(tmp_path: Path) -> None:
    patient = "import tierwise_app.serve.running as running; running._MOMENT = 60.0"  # the machine may stand still
    with (
        LoopbackServer(ScriptedModel([Step("word " * 5000, delay=0.02)], repeat=True)) as far,
        serve_process(tmp_path / "home", hosted_config(tmp_path / "t.toml", far.url), first=patient) as server,
    ):
        body = {"question": "Write much.", "thread": "t"}
        with server.client.stream("POST", "/v1/turns", json=body) as response:
            seen = ""
            for line in response.iter_lines():
                if line.startswith("data: ") and (event := json.loads(line[6:])).get("type") == "text.delta":
                    seen += event["text"]
                    if len(seen) > 20:
                        break
            server.process.send_signal(signal.SIGINT)
            while "Ctrl-C again" not in server.log.read_text():
                assert server.process.poll() is None
                time.sleep(0.01)
            assert server.end(signal.SIGINT) == 130
        with Copilot([Tier("quick", ScriptedModel(["And on."]))], home=tmp_path / "home") as copilot:
            (turn,) = copilot.record.turns("t")
            assert turn.status == "stopped"
            assert turn.attempts[-1].text.startswith(seen)


def test_what_another_server_left_is_gone_on_with(tmp_path: Path) -> None:
    home = tmp_path / "home"
    config = hosted_config(tmp_path / "t.toml", "")
    with LoopbackServer(ScriptedModel([Step(WORDS, delay=0.05)], repeat=True)) as far:
        hosted_config(config, far.url)
        with serve_process(home, config) as server:
            body = {"question": "Write.", "thread": "t", "background": True}
            begun = server.client.post("/v1/turns", json=body)
            assert begun.status_code == 202
            turn = begun.json()["turn_id"]
            server.process.kill()
            server.process.wait(30)
        with serve_process(home, config) as again:
            shown: Any = {}
            while shown.get("status") != "done":
                assert again.process.poll() is None
                time.sleep(0.05)
                shown = again.client.get(f"/v1/turns/{turn}").json()
                assert shown.get("status", "running") in ("running", "stopped", "done"), shown
            assert shown["text"].split() == WORDS.split()
            follow = again.client.post("/v1/turns", json={"question": "And?", "thread": "t", "stream": False}).json()
            assert follow["status"] == "done"
            assert again.end() == 0
