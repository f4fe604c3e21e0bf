"""How much a key may ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Server, serving

from tierwise import Caller
from tierwise.serve_settings import ServeSettings
from tierwise.testing import Step
from tierwise_app.serve.guard.rates import Rates
from tierwise_app.serve.keys import Key, Keys
from tierwise_app.serve.problems import Problem


def test_so_many_requests_in_any_minute() -> None:
    now = [0.0]
    rates, key = Rates(lambda: now[0]), Key("k-1", "bob", "0" * 64, 0.0, rpm=3)
    left = []
    for second in (0, 10, 20):
        now[0] = second
        left.append(rates.count(key)["x-ratelimit-remaining-requests"])
    assert left == ["2", "1", "0"]
    for second in (21, 59.5):
        now[0] = second
        with pytest.raises(Problem) as raised:
            rates.count(key)
        assert raised.value.status == 429
        assert raised.value.retry_after == -(-(60 - second) // 1)
    now[0] = 60.0  # the first is a minute ago
    rates.count(key)
    with pytest.raises(Problem) as raised:
        rates.count(key)
    assert raised.value.retry_after == 10
    assert rates.count(Key("k-2", "amy", "0" * 64, 0.0)) == {}  # without limit


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[tuple[Server, dict[str, str], Key]]:
    key, secret = Keys(tmp_path).add("bob", rpm=4, at_once=2)
    slow = Step("word " * 1000, delay=0.05)
    with serving([slow], home=tmp_path, serve=ServeSettings(working=1)) as server:
        yield server, {"Authorization": f"Bearer {secret}"}, key


def test_a_key_that_asks_too_often_is_told_when_to_come_again(keyed: tuple[Server, dict[str, str], Key]) -> None:
    server, headers, _ = keyed
    answers = [server.client.get("/v1/models", headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert answers[0].headers["x-ratelimit-limit-requests"] == "4"
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["3", "2", "1", "0", "0"]
    assert answers[-1].json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].headers["x-ratelimit-reset-requests"].endswith("s")


def test_a_key_has_so_many_turns_at_a_time_those_in_the_line_included(
    keyed: tuple[Server, dict[str, str], Key],
) -> None:
    server, _, key = keyed
    turns = server.parts.turns
    ended = threading.Event()
    turns.ended.append(lambda _: ended.set())

    async def ask(caller: str) -> object:
        return turns.ask("What is it?", caller=Caller(caller))

    first, _ = server.run(ask(key.id)), server.run(ask(key.id))
    with pytest.raises(Problem, match="2 turns at a time") as raised:
        server.run(ask(key.id))
    assert (raised.value.status, raised.value.code) == (429, "too_many_at_once")
    server.run(ask("k-other"))
    server.loop.call_soon_threadsafe(first.stop)
    assert ended.wait(30)
    server.run(ask(key.id))
    server.loop.call_soon_threadsafe(lambda: [watched.stop() for watched in [*turns._tasks.values()]])
