"""``tierwise app``: what is said before a browser opens; the app itself is tested in app/web and browser."""

from __future__ import annotations

import builtins
import socket
from pathlib import Path
from typing import Any

import pytest

from tierwise_app.cli import main


@pytest.fixture
def served(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the server was started with, instead of starting it."""
    from tierwise_app.web import server

    monkeypatch.setenv("TIERWISE_HOME", str(own_home))
    started: list[dict[str, Any]] = []
    monkeypatch.setattr(server, "run", lambda **how: started.append(how))
    return started


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["app", *words])
    return int(ended.value.code or 0)


def test_it_listens_on_this_machine_only(served: list[dict[str, Any]]) -> None:
    assert run("--no-browser") == 0
    assert served[0]["address"] == "127.0.0.1"
    assert served[0]["browser"] is False


def test_a_port_in_use_is_said_or_passed_over(
    served: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run("--port", str(port)) == 2
        assert f"Port {port} cannot be used" in capsys.readouterr().err
        monkeypatch.setattr("tierwise_app.cli.app._FIRST", port)
        assert run() == 0
    assert [how["port"] > port for how in served] == [True]


def test_a_configuration_that_cannot_be_used_is_said_here(
    served: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tierwise.toml").write_text("dial = 7\n")
    monkeypatch.chdir(tmp_path)
    assert run() == 2
    assert "dial" in capsys.readouterr().err
    assert not served


def test_without_streamlit_it_says_what_to_install(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = builtins.__import__

    def no_server(name: str, *rest: Any) -> Any:
        if name == "tierwise_app.web.server":
            raise ImportError("No module named 'streamlit'", name="streamlit")
        return usual(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_server)
    assert run() == 2
    assert "pip install 'tierwise[app]'" in capsys.readouterr().err
