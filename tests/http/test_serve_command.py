"""``tierwise serve``: what it refuses to begin with, and several of them on one home."""

from __future__ import annotations

import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from serve_process import hosted_config, serve_process

import tierwise_app.serve
from tierwise import Copilot, Tier
from tierwise.config import Settings, load_settings
from tierwise.errors import ConfigError
from tierwise.models.base import ChatRequest
from tierwise.serve_settings import ServeSettings
from tierwise.testing import LoopbackServer, ScriptedModel
from tierwise_app.checks_serve import check_serve
from tierwise_app.cli import main
from tierwise_app.serve.keys import Keys


def tierwise(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0), capsys.readouterr().err


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = tierwise(capsys, "serve", "--port", port)
    assert code == 2
    assert f"Port {port} of 127.0.0.1 cannot be used" in said
    assert "--port PORT" in said


def test_an_address_that_is_not_ours(capsys: pytest.CaptureFixture[str], own_home: Path) -> None:
    Keys(own_home).add("bob")
    code, said = tierwise(capsys, "serve", "--host", "192.0.2.1")
    assert (code, "192.0.2.1 cannot be used" in said) == (2, True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_others_are_not_served_without_a_key(capsys: pytest.CaptureFixture[str], host: str) -> None:
    code, said = tierwise(capsys, "serve", "--host", host)
    assert code == 2
    assert "there is no key" in said
    assert "tierwise serve keys add" in said


def test_one_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "one process" in tierwise(capsys, "serve", "--workers", "2")[1]
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    code, said = tierwise(capsys, "serve")
    assert (code, "one process" in said) == (2, True)


def test_the_extra_is_named_if_it_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tierwise_app, "serve", tierwise_app.serve)  # which the import in vain puts another in place of
    for name in [name for name in sys.modules if name.startswith("tierwise_app.serve")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    code, said = tierwise(capsys, "serve")
    assert code == 2
    assert "pip install 'tierwise[serve]'" in said


def test_keys_that_cannot_be_read(capsys: pytest.CaptureFixture[str], own_home: Path) -> None:
    own_home.mkdir()
    (own_home / "keys.json").write_text("{}")
    code, said = tierwise(capsys, "serve")
    assert (code, "damaged, so nobody is let in" in said) == (2, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('hosts = ["http://a.example"]', "without http://"),
        ('hosts = ["a.example:80"]', "without http://"),
        ('origins = ["a.example"]', "https://NAME"),
        ('origins = ["null"]', "https://NAME"),
        ('origins = ["*"]', "https://NAME"),
        ('origins = ["https://a.example/"]', "https://NAME"),
        ('origins = "https://a.example"', "a list of texts"),
        ('host = ""', "must be an address"),
        ("port = 0", "above 0"),
        ("port = 70000", "at most 65535"),
        ("working = 1.5", "whole number"),
        ("drain = -1", "above 0"),
        ('hold = "never"', "one of verified, live"),
        ('documents = "some"', "one of auto, off, only"),
        ("keys = 1", "unknown key"),
        ("models = 1", "a section of names"),
        ('models = {"gpt-4o" = 1}', "a section of names"),
        ('models = {"a b" = "auto"}', "cannot be the name"),
    ],
)
def test_settings_that_cannot_be_kept(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "t.toml"
    path.write_text(f"[serve]\n{text}\n")
    with pytest.raises(ConfigError, match=says):
        load_settings(path)


def test_the_doctor_looks_at_the_door(tmp_path: Path) -> None:
    here, open_to_others = Settings(home=tmp_path), Settings(home=tmp_path, serve=ServeSettings(host="0.0.0.0"))
    assert list(check_serve(here)) == []
    (check,) = check_serve(open_to_others)
    assert (check.status, check.fix) == ("warn", "Make one: tierwise serve keys add NAME")
    keys = Keys(tmp_path)
    keys.add("bob")
    assert [check.status for check in check_serve(open_to_others)] == ["ok"]
    keys.path.chmod(0o644)
    assert [check.status for check in check_serve(here)] == ["warn", "ok"]
    keys.path.write_text("[]")
    assert [check.status for check in check_serve(here)] == ["fail"]


def test_two_servers_share_a_home(tmp_path: Path) -> None:
    """Turns of both in the same threads: none is lost, and each sees all that came before it."""

    def count(request: ChatRequest) -> str:
        return f"turn {sum(message.role == 'user' for message in request.messages)}"

    home = tmp_path / "home"
    with LoopbackServer(ScriptedModel([count], repeat=True)) as far:
        config = hosted_config(tmp_path / "t.toml", far.url)
        with serve_process(home, config) as one, serve_process(home, config) as other:

            def ask(n: int) -> str:
                server = (one, other)[n % 2]
                body = {"question": f"Question {n}?", "thread": f"t{n % 3}", "stream": False}
                answer = server.client.post("/v1/turns", json=body)
                assert answer.status_code == 200, answer.text
                turn_id: str = answer.json()["turn_id"]
                return turn_id

            with ThreadPoolExecutor(8) as pool:
                turns = set(pool.map(ask, range(24)))
            assert (one.end(), other.end()) == (0, 0)
    assert len(turns) == 24
    with Copilot([Tier("far", ScriptedModel(["x"]))], home=home) as copilot:
        for thread in ("t0", "t1", "t2"):
            stored = copilot.record.turns(thread)
            assert {turn.turn_id for turn in stored} <= turns
            assert [turn.text for turn in stored] == [f"turn {n}" for n in range(1, 9)]
