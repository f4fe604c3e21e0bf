"""The thread count follows what is fastest now, at little cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tierwise.models.device.probe import fixed_threads, usable_cores
from tierwise.models.local.threads import ThreadChoice


def run(choice: ThreadChoice, cost: Callable[[int], float], steps: int) -> float:
    total = 0.0
    for _ in range(steps):
        seconds = cost(choice.count)
        total += seconds
        choice.note(seconds)
    return total


def idle(threads: int) -> float:
    return {1: 16.0, 2: 10.0}[threads]


def busy(threads: int) -> float:
    return {1: 16.0, 2: 60.0}[threads]


def test_an_idle_machine_keeps_all_threads_and_pays_little_for_trying() -> None:
    choice = ThreadChoice(2)
    run(choice, idle, 300)
    assert run(choice, idle, 2000) < 1.02 * 2000 * 10


def test_a_busy_machine_gets_one_thread_soon_and_keeps_it() -> None:
    choice = ThreadChoice(2)
    run(choice, idle, 300)
    run(choice, busy, 12)
    assert run(choice, busy, 500) < 1.1 * 500 * 16


def test_all_threads_come_back_when_the_machine_is_idle_again() -> None:
    choice = ThreadChoice(2)
    run(choice, busy, 1000)
    assert choice.count == 1
    run(choice, idle, 300)
    assert run(choice, idle, 100) < 1.05 * 100 * 10


def test_the_best_of_many_counts_is_found() -> None:
    cost = {8: 30.0, 4: 12.0, 2: 9.0, 1: 16.0}
    choice = ThreadChoice(8)
    run(choice, cost.__getitem__, 600)
    assert run(choice, cost.__getitem__, 500) < 1.03 * 500 * 9


def test_a_single_thread_stays() -> None:
    choice = ThreadChoice(1)
    run(choice, lambda threads: 1.0, 100)
    assert choice.count == 1


def test_the_environment_fixes_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from tierwise.errors import ConfigError

    monkeypatch.setenv("TIERWISE_THREADS", "3")
    assert fixed_threads() == 3
    monkeypatch.setenv("TIERWISE_THREADS", "many")
    with pytest.raises(ConfigError, match="TIERWISE_THREADS is 'many'"):
        fixed_threads()
    monkeypatch.delenv("TIERWISE_THREADS")
    assert fixed_threads() is None
    assert usable_cores() >= 1
