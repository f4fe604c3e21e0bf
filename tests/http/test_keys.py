"""Who may ask: keys as they are kept, and as they come with requests."""

from __future__ import annotations

import asyncio
import hashlib
import json
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving import Server, serving

from tierwise.errors import ConfigError, InvalidInput, UnknownName
from tierwise.serve_settings import ServeSettings
from tierwise_app.cli import main
from tierwise_app.serve.guard.access import Access
from tierwise_app.serve.keys import Keys
from tierwise_app.serve.problems import Problem


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


# -- the file ----------------------------------------------------------------------------------------------------------


def test_a_key_is_kept_as_its_hash_and_for_its_owner_only(tmp_path: Path) -> None:
    key, secret = Keys(tmp_path).add("bob", rpm=3, usd_day=0.5, documents="none")
    text = (tmp_path / "keys.json").read_text()
    assert secret.startswith("tw-")
    assert len(secret) >= 3 + 43  # 256 bits
    assert secret not in text
    assert key.sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert Keys(tmp_path).find(secret) == key
    assert Keys(tmp_path).find(secret + "x") is None
    assert Keys(tmp_path).find("") is None
    assert [path.name for path in tmp_path.glob(".keys-*")] == []


def test_names_are_there_once(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    bob, _ = keys.add("bob")
    for wrong in ("bob", "", " ", "a\nb", "x" * 65):
        with pytest.raises(InvalidInput):
            keys.add(wrong)
    with pytest.raises(InvalidInput, match="sees is one of"):
        keys.add("amy", sees="everything")
    assert keys.remove(bob.id) == bob
    with pytest.raises(UnknownName, match="no key 'bob'"):
        keys.remove("bob")
    assert keys.all() == ()


def test_what_another_process_changes_is_seen(tmp_path: Path) -> None:
    ours, theirs = Keys(tmp_path), Keys(tmp_path)
    assert ours.all() == ()
    _, secret = theirs.add("bob")
    assert ours.find(secret) is not None
    theirs.remove("bob")
    assert ours.find(secret) is None


def test_several_processes_add_keys_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tierwise_app.serve import keys; keys._WAIT = 60.0\n"
        "for n in range(5): keys.Keys(Path(sys.argv[1])).add(f'{sys.argv[2]}-{n}')"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(n)]) for n in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]
    assert len(Keys(tmp_path).all()) == 15


@pytest.mark.parametrize(
    "change",
    [
        lambda data: "",
        lambda data: "{",
        lambda data: "[]",
        lambda data: json.dumps({**data, "version": 2}),
        lambda data: json.dumps({**data, "keys": {}}) + "x",
        lambda data: json.dumps({**data, "keys": [{"id": "k-1"}]}),
        lambda data: json.dumps({**data, "keys": [{**data["keys"][0], "sees": "everything"}]}),
        lambda data: json.dumps({**data, "keys": [{**data["keys"][0], "rpm": "many"}]}),
        lambda data: json.dumps({**data, "keys": [{**data["keys"][0], "usd_day": True}]}),
        lambda data: json.dumps({**data, "keys": [{**data["keys"][0], "sha256": "0"}]}),
        lambda data: json.dumps({**data, "keys": data["keys"] * 2}),
        lambda data: "[" * 100_000,
    ],
)
def test_a_damaged_file_lets_nobody_in(tmp_path: Path, change: Callable[[Any], str]) -> None:
    keys = Keys(tmp_path)
    _, secret = keys.add("bob")
    keys.path.write_text(change(json.loads(keys.path.read_text())))
    for _ in range(2):
        with pytest.raises(ConfigError, match="damaged, so nobody is let in"):
            keys.find(secret)
    access = Access(keys, needed=False, clock=lambda: 0.0)
    for sent in ([], [f"Bearer {secret}"]):
        with pytest.raises(Problem) as raised:
            asyncio.run(access.key(sent, "peer"))
        assert (raised.value.status, raised.value.code) == (503, "keys_unreadable")


# -- requests ----------------------------------------------------------------------------------------------------------


def test_without_keys_this_machine_needs_none_and_others_do() -> None:
    with serving() as here:
        for headers in ({}, bearer("anything")):
            assert here.client.get("/v1/models", headers=headers).status_code == 200
    with serving(serve=ServeSettings(host="0.0.0.0")) as open_to_others:
        assert open_to_others.client.get("/v1/models").status_code == 401


def test_a_key_is_needed_as_soon_as_there_is_one_and_stops_working_when_it_is_removed(tmp_path: Path) -> None:
    with serving(home=tmp_path) as server:
        assert server.client.get("/v1/models").status_code == 200
        keys = Keys(tmp_path)
        _, secret = keys.add("bob")
        refused = server.client.get("/v1/models")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert refused.json()["error"]["type"] == "authentication_error"
        assert server.client.get("/healthz").status_code == 200
        assert server.client.get("/readyz").status_code == 200
        assert server.client.get("/openapi.json").status_code == 401
        for scheme in ("Bearer", "bearer", "BEARER", "Bearer "):
            assert server.client.get("/v1/models", headers={"Authorization": f"{scheme} {secret}"}).status_code == 200
        keys.remove("bob")
        assert server.client.get("/v1/models", headers=bearer(secret)).status_code == 401
        keys.path.unlink()  # who has needed a key goes on needing one
        assert server.client.get("/v1/models").status_code == 401


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("home")
    _, secret = Keys(home).add("bob")
    with serving(home=home) as server:
        yield server, secret


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic KEY")],
        [("Authorization", "KEY")],
        [("Authorization", "Bearer KEY KEY")],
        [("Authorization", "Bearer KEY,KEY")],
        [("Authorization", "Bearer KEY"), ("Authorization", "Bearer KEY")],
        [("Authorization", "Bearer other"), ("Authorization", "Bearer KEY")],
        [("Authorization", "BearerKEY")],
        [("X-Api-Key", "KEY")],
        [("Api-Key", "KEY")],
        [("Cookie", "key=KEY")],
        [("X-Forwarded-For", "127.0.0.1")],
    ],
    ids=str,
)
def test_other_ways_to_send_a_key_are_none(
    keyed: tuple[Server, str], headers: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tierwise_app.serve.guard.access._FIRST", 0.0)
    server, secret = keyed
    sent = [(name, value.replace("KEY", secret)) for name, value in headers]
    assert server.client.get("/v1/models", headers=sent).status_code == 401
    assert server.client.get(f"/v1/models?api_key={secret}", headers=sent).status_code == 401


async def test_wrong_keys_wait_and_right_ones_do_not(tmp_path: Path) -> None:
    _, secret = (keys := Keys(tmp_path)).add("bob")
    waited: list[float] = []
    held = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await held.wait()

    now = [0.0]
    access = Access(keys, needed=True, clock=lambda: now[0], sleep=sleep)

    async def status(value: str, peer: str) -> int:
        try:
            await access.key([f"Bearer {value}"], peer)
        except Problem as problem:
            return problem.status
        return 200

    guesses = [asyncio.ensure_future(status(f"guess-{n}", "10.0.0.1")) for n in range(12)]
    while not all(guess.done() for guess in guesses[8:]):
        await asyncio.wait(guesses, timeout=0.01)
    assert [guess.result() for guess in guesses[8:]] == [429] * 4  # so many wait, and no more
    assert waited == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert await status(secret, "10.0.0.1") == 200  # a right one never waits, also from there
    held.set()
    assert await asyncio.gather(*guesses[:8]) == [401] * 8
    assert await status("guess", "10.0.0.2") == 401
    assert waited[-1] == 0.1  # others are not slowed
    now[0] = 10_000.0
    await status("guess", "10.0.0.1")
    assert waited[-1] == 0.1  # it is forgotten in time
    for n in range(1100):
        await status("guess", f"10.1.{n // 250}.{n % 250}")
    assert len(access._peers) <= 1024


def test_nothing_that_is_logged_holds_a_key(
    keyed: tuple[Server, str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging

    monkeypatch.setattr("tierwise_app.serve.guard.access._FIRST", 0.0)
    server, secret = keyed
    caplog.set_level(logging.DEBUG)
    server.client.get("/v1/models", headers=bearer(secret))
    server.client.get(f"/v1/turns/{secret}?key={secret}", headers=bearer(secret + "x"))

    def logged() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "tierwise.serve"]

    last = time.monotonic() + 60
    while not any("none 401" in line and "invalid_api_key" in line for line in logged()):
        assert time.monotonic() < last, logged()
        time.sleep(0.01)  # a request is logged once its response has left
    lines = logged()
    assert any(" k-" in line and "GET /v1/models 200" in line for line in lines)
    assert secret not in "\n".join(lines)


# -- the command -------------------------------------------------------------------------------------------------------


def tierwise(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "keys", *words])
    return (int(ended.value.code or 0), *capsys.readouterr())


def test_the_command_shows_a_key_once(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("add", "bob", "--rpm", "3", "--at-once", "2", "--usd-day", "0.5", "--sees", "all")
    code, said, _ = tierwise(capsys, *words, "--documents", "write", "--json")
    made = json.loads(said)
    (key,) = Keys(own_home).all()
    assert (code, Keys(own_home).find(made["key"])) == (0, key)
    assert (key.name, key.rpm, key.at_once, key.usd_day, key.sees, key.documents) == ("bob", 3, 2, 0.5, "all", "write")
    _, said, hint = tierwise(capsys, "add", "amy")
    assert Keys(own_home).find(said.strip()) is not None
    assert "not shown again" in hint
    for more in ((), ("--json",)):
        _, shown, _ = tierwise(capsys, "list", *more)
        assert "bob" in shown
        assert made["key"] not in shown
        assert key.sha256 not in shown
    assert tierwise(capsys, "remove", "bob")[0] == 0
    code, _, said = tierwise(capsys, "remove", "bob")
    assert (code, "no key 'bob'" in said) == (2, True)
    assert [key.name for key in Keys(own_home).all()] == ["amy"]
