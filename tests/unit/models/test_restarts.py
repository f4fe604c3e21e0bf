"""When a process that died is started again, and how one that hangs is told from one that is slow."""

from __future__ import annotations

import itertools
import threading

import pytest

from tierwise.models.local import watchdog
from tierwise.models.local.restarts import DEATHS, LONGEST_REST, PAUSES, REST, WITHIN, Restarts
from tierwise.models.local.watchdog import Watchdog, pulse


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def restarts(clock: Clock) -> Restarts:
    return Restarts(clock)


def test_each_death_makes_the_next_start_wait_longer(restarts: Restarts, clock: Clock) -> None:
    waits = [restarts.pause]
    for _ in range(DEATHS - 1):
        restarts.died()
        waits.append(restarts.pause)
    assert waits == [0.0, *PAUSES]
    clock.now += PAUSES[-1]
    assert restarts.pause == 0.0, "the time since the death counts"
    assert restarts.down_for == 0.0


def test_three_deaths_in_five_minutes_stop_restarts_for_a_minute(restarts: Restarts, clock: Clock) -> None:
    for _ in range(DEATHS):
        clock.now += WITHIN / DEATHS - 1
        restarts.died()
    assert restarts.down_for == REST
    clock.now += REST
    assert restarts.down_for == 0.0


def test_three_deaths_in_a_longer_time_do_not_stop_them(restarts: Restarts, clock: Clock) -> None:
    for _ in range(DEATHS):
        clock.now += WITHIN
        restarts.died()
    assert restarts.down_for == 0.0


def test_a_trial_that_dies_stops_them_at_once_for_twice_as_long(restarts: Restarts, clock: Clock) -> None:
    for _ in range(DEATHS):
        restarts.died()
    rests = []
    for _ in range(6):
        rests.append(restarts.down_for)
        clock.now += rests[-1]
        restarts.died()
    assert rests == [REST, 2 * REST, 4 * REST, 8 * REST, LONGEST_REST, LONGEST_REST]


def test_a_trial_that_works_begins_anew(restarts: Restarts, clock: Clock) -> None:
    for _ in range(DEATHS):
        restarts.died()
    clock.now += WITHIN
    restarts.worked()
    restarts.died()
    assert restarts.down_for == 0.0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "BEAT", 0.01)
    monkeypatch.setattr(watchdog, "HANG", 0.05)


def test_silence_while_nothing_is_wanted_is_no_hang(quick: None) -> None:
    busy, barked = threading.Event(), threading.Event()
    dog = Watchdog(busy.is_set, barked.set)
    dog.heard()
    assert not barked.wait(0.3)
    busy.set()
    dog.wanted()
    assert barked.wait(60)


def test_what_is_heard_now_and_then_does_not_hang(quick: None) -> None:
    begun, over, barked = threading.Event(), threading.Event(), threading.Event()
    looks = itertools.count()

    def busy() -> bool:
        """Heard by the dog's own thread, so that no pause of another one is a silence."""
        begun.wait(60)
        look = next(looks)
        if look % 3 == 0:
            dog.heard()
        if look == 30:
            over.set()
        return True

    dog = Watchdog(busy, barked.set)
    begun.set()
    assert over.wait(60)
    assert not barked.is_set()
    dog.stop()
    assert not barked.wait(0.2)


def test_loading_may_take_longer_than_a_step(quick: None) -> None:
    barked = threading.Event()
    dog = Watchdog(lambda: True, barked.set)
    assert not barked.wait(0.3)
    dog.heard()
    assert barked.wait(60)


def test_the_pulse_stops_with_the_work(quick: None) -> None:
    ticks, beats, looked, rest = [0], threading.Semaphore(0), threading.Event(), threading.Event()

    def look() -> int:
        before = ticks[0]
        looked.set()
        return before

    pulse(lambda _: beats.release(), look)
    assert looked.wait(60)
    for _ in range(3):
        ticks[0] += 1
        assert beats.acquire(timeout=60)
    rest.wait(0.05)
    assert not beats.acquire(blocking=False)
