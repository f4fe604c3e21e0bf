"""When a tier is left alone, how it comes back, and when a request is sent again."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import (
    AuthError,
    ContextTooLong,
    ModelError,
    ModelTimeout,
    QuotaExceeded,
    RateLimited,
    ServerError,
    TierResting,
)
from tierwise.graph.health import Breaker, Deadline, Health, leave_to_ask, leave_to_retry
from tierwise.graph.health.breaker import FAILURES, FIRST_REST, LIMITED, LONGEST_REST, LONGEST_WISH, REFUSED_REST
from tierwise.graph.health.retries import CAPACITY

DOWN = ServerError("It is down.")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def limited(retry_after: float | None = None) -> RateLimited:
    error = RateLimited("Too many.")
    error.retry_after = retry_after
    return error


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, error: ModelError = DOWN, times: int = 1) -> None:
    for _ in range(times):
        permit = breaker.admit()
        assert permit is not None
        breaker.failed(permit, error)


def seconds(breaker: Breaker) -> float | None:
    rest = breaker.rest()
    return None if rest is None else rest.seconds


def test_it_opens_after_five_failures_in_a_row_and_a_success_between_them_counts(breaker: Breaker) -> None:
    fail(breaker, times=FAILURES - 1)
    permit = breaker.admit()
    assert permit is not None
    breaker.went_well(permit)
    fail(breaker, times=FAILURES - 1)
    assert seconds(breaker) is None
    fail(breaker)
    assert seconds(breaker) == FIRST_REST
    assert breaker.admit() is None


def test_one_request_tries_and_each_failure_makes_the_rest_longer(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, times=FAILURES)
    rests = []
    for _ in range(6):
        rests.append(seconds(breaker))
        clock.now += rests[-1] or 0
        assert seconds(breaker) is None
        probe = breaker.admit()
        assert probe is not None and probe.probe
        assert breaker.admit() is None, "one only"
        assert seconds(breaker) == 0
        breaker.failed(probe, DOWN)
    assert rests == [5, 10, 20, 40, LONGEST_REST, LONGEST_REST]
    clock.now += LONGEST_REST
    probe = breaker.admit()
    assert probe is not None
    breaker.went_well(probe)
    assert seconds(breaker) is None
    fail(breaker, times=FAILURES)
    assert seconds(breaker) == FIRST_REST, "it begins anew"


def test_a_trial_that_is_stopped_lets_another_try(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, times=FAILURES)
    clock.now += FIRST_REST
    probe = breaker.admit()
    assert probe is not None
    breaker.left(probe)
    assert breaker.admit() is not None


def test_a_first_word_lets_the_others_in_and_breaking_off_then_rests_longer(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, times=FAILURES)
    clock.now += FIRST_REST
    probe = breaker.admit()
    assert probe is not None
    breaker.answers(probe)
    assert breaker.admit() is not None
    breaker.failed(probe, DOWN)
    assert seconds(breaker) == 2 * FIRST_REST


@pytest.mark.parametrize(
    ("wish", "rest"), [(7.0, 7.0), (0.0, 0.1), (86_400.0, LONGEST_WISH)], ids=["seconds", "none", "a day"]
)
def test_what_the_server_wishes_for_is_kept_at_once(breaker: Breaker, wish: float, rest: float) -> None:
    fail(breaker, limited(wish))
    assert seconds(breaker) == pytest.approx(rest)


@pytest.mark.parametrize("error", [AuthError("The key is refused."), QuotaExceeded("No credit.")])
def test_a_dead_key_is_not_tried_by_everybody(breaker: Breaker, error: ModelError) -> None:
    fail(breaker, error)
    assert seconds(breaker) == REFUSED_REST


def test_a_run_of_refusals_without_a_wish_opens_sooner(breaker: Breaker) -> None:
    fail(breaker, limited(), times=LIMITED)
    assert seconds(breaker) == FIRST_REST


def test_many_threads_and_one_trial(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, times=FAILURES)
    clock.now += FIRST_REST
    permits, gate = [], threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        permits.append(breaker.admit())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(permit is not None for permit in permits) == 1


@given(st.lists(st.sampled_from(["ask", "well", "fail", "limit", "stop", "wait", "words"]), max_size=60))
def test_no_row_of_events_leaves_a_tier_closed_for_ever_or_lets_two_try(events: list[str]) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    out = []
    for event in events:
        if event == "wait":
            clock.now += 5
        elif event == "ask":
            if (permit := breaker.admit()) is not None:
                out.append(permit)
        elif out:
            permit = out.pop(0)
            if event == "words":
                breaker.answers(permit)
                out.append(permit)
            elif event == "well":
                breaker.went_well(permit)
            elif event == "stop":
                breaker.left(permit)
            else:
                breaker.failed(permit, limited(30.0) if event == "limit" else DOWN)
        rest = breaker.rest()
        assert rest is None or 0 <= rest.seconds <= LONGEST_REST
    for permit in out:
        breaker.left(permit)
    clock.now += LONGEST_REST
    assert breaker.admit() is not None


# -- sending again -----------------------------------------------------------------------------------------------------


def later(seconds: float = 60.0) -> Deadline:
    return Deadline(seconds, time.perf_counter())


async def after(health: Health, error: ModelError, *, retry: int = 0, spared: bool = True) -> bool:
    """Whether a request that failed with this error may be sent again."""
    permit = await leave_to_ask(health, "deep", spared=spared)
    with pytest.raises(type(error)), health.asking("deep", permit):
        raise error
    again = await leave_to_retry(health, later(), "deep", error, retry=retry, spared=spared)
    if again is not None:
        with health.asking("deep", again):
            pass
    return again is not None


async def test_what_passes_is_sent_again_twice_at_most() -> None:
    assert await after(Health(), DOWN)
    assert await after(Health(), DOWN, retry=1)
    assert not await after(Health(), DOWN, retry=2)


@pytest.mark.parametrize("kind", [AuthError, QuotaExceeded, ContextTooLong, ModelError, ModelTimeout])
async def test_what_does_not_pass_is_not_sent_again(kind: type[ModelError]) -> None:
    assert not await after(Health(), kind("It does not pass."), spared=False)


async def test_a_wish_longer_than_it_is_worth_is_left_to_the_breaker(clock: Clock) -> None:
    health = Health(clock)
    assert not await after(health, limited(21.0), spared=True)
    rest = health.rest("deep")
    assert rest is not None and rest.seconds == 21
    with pytest.raises(TierResting, match=r"deep rests for another 21 s after a failure \(Too many\)"):
        await leave_to_ask(health, "deep", spared=True)


async def test_no_wait_goes_beyond_the_end_of_the_turn() -> None:
    health = Health()
    permit = health.try_admit("deep")
    assert permit is not None
    with pytest.raises(RateLimited), health.asking("deep", permit):
        raise (error := limited(5.0))
    assert await leave_to_retry(health, later(2.0), "deep", error, retry=0, spared=False) is None


async def test_a_short_wish_is_kept_to_the_second() -> None:
    health, started = Health(), time.monotonic()
    assert await after(health, limited(0.3))
    assert time.monotonic() - started >= 0.3


async def test_when_nearly_everything_fails_nobody_sends_again() -> None:
    health = Health()
    sent = 0
    while health.retries.take():
        sent += 1
    assert sent == CAPACITY
    assert not await after(health, DOWN)
    for _ in range(2):
        health.retries.give()
    assert await after(health, DOWN)


async def test_turns_that_have_no_other_tier_wait_for_the_one_that_tries() -> None:
    health = Health()
    answered = []

    async def turn(n: int) -> None:
        permit = await leave_to_ask(health, "deep", spared=False)
        with health.asking("deep", permit):
            await asyncio.sleep(0.05)
        answered.append(n)

    permit = health.try_admit("deep")
    assert permit is not None
    with pytest.raises(RateLimited), health.asking("deep", permit):
        raise limited(0.2)
    await asyncio.gather(*(turn(n) for n in range(8)))
    assert sorted(answered) == list(range(8))


async def test_the_deadline_ends_what_runs_and_begins_nothing() -> None:
    with pytest.raises(ModelTimeout, match=r"was not done when the 0\.5 s"):
        async with later(0.5).bound("deep"):
            await asyncio.sleep(30)
    over = Deadline(0.1, time.perf_counter() - 1)
    with pytest.raises(ModelTimeout, match="over before deep could be asked") as caught:
        async with over.bound("deep"):
            raise AssertionError("nothing may begin")
    assert caught.value.nothing_sent
    with pytest.raises(TimeoutError):
        async with later().bound("deep"):
            raise TimeoutError("of somebody else")
