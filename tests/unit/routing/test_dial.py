"""The dial's line: a wish in shares is kept as said, a word recovers its part with the fewest calls."""

from __future__ import annotations

import random
import threading
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.routing.dial import ALWAYS, NEVER, RECOVERED, WINDOW, Window, line_for, share_above
from tierwise.types import Dial

WORDS: tuple[Dial, ...] = get_args(Dial)
_gains = st.lists(st.floats(-1, 1), min_size=1, max_size=80)
# Several of the same value, as drafts that fail plainly have them.
_tied = st.lists(st.sampled_from([-0.5, 0.0, 0.1, 0.25, 1.0]), min_size=1, max_size=60)


def recovered(line: float, gains: list[float]) -> float:
    """Part of what always asking where it helps would gain."""
    total = sum(g for g in gains if g > 0)
    return sum(g for g in gains if g > line) / total


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=80, unique=True), st.floats(0, 1))
def test_a_share_is_kept_to_one_question(gains: list[float], wish: float) -> None:
    assert abs(share_above(line_for(wish, gains), gains) - wish) <= 1 / len(gains)


@given(_tied, st.floats(0, 1))
def test_equal_gains_stay_together_and_the_nearer_share_is_taken(gains: list[float], wish: float) -> None:
    kept = share_above(line_for(wish, gains), gains)
    possible = [share_above(line, gains) for line in (NEVER, ALWAYS, *(g + 1e-9 for g in gains), *gains)]
    wanted = round(wish * len(gains)) / len(gains)
    assert abs(kept - wanted) == pytest.approx(min(abs(p - wanted) for p in possible))


@given(_gains)
def test_none_and_all(gains: list[float]) -> None:
    assert line_for(0.0, gains) == NEVER
    assert share_above(line_for(0.0, gains), gains) == 0
    assert share_above(line_for(1.0, gains), [max(g, -0.999) for g in gains]) == 1


@given(_gains | _tied, st.floats(0, 1), st.floats(0, 1))
def test_a_wish_for_more_never_sends_less(gains: list[float], one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert line_for(less, gains) >= line_for(more, gains)


@given(_gains | _tied)
def test_the_words_stand_in_their_order(gains: list[float]) -> None:
    lines = [line_for(word, gains) for word in WORDS]
    assert lines == sorted(lines, reverse=True)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=80, unique=True), st.sampled_from(WORDS))
def test_a_word_recovers_its_part_with_as_few_calls_as_that_takes(gains: list[float], word: Dial) -> None:
    line = line_for(word, gains)
    if sum(g for g in gains if g > 1e-6) <= 1e-6:
        return
    assert recovered(line, gains) >= RECOVERED[word] - 1e-9
    called = sorted(g for g in gains if g > line)
    assert sum(called[1:]) < RECOVERED[word] * sum(g for g in gains if g > 0)


@given(st.lists(st.floats(-1, 0), min_size=1, max_size=40), st.sampled_from(WORDS))
def test_where_nothing_is_to_be_gained_nobody_is_asked(gains: list[float], word: Dial) -> None:
    assert line_for(word, gains) == NEVER


@given(_gains | _tied, st.sampled_from(WORDS))
def test_a_word_never_sends_up_what_would_get_worse(gains: list[float], word: Dial) -> None:
    assert line_for(word, gains) >= 0


# -- the window --------------------------------------------------------------------------------------------------------


def traffic(n: int, shift: float = 0.0, seed: int = 5) -> list[float]:
    return np.clip(np.random.default_rng(seed).normal(0.1 + shift, 0.2, n), -1, 1).tolist()


@pytest.mark.parametrize("wish", [0.1, 0.3, "balanced"])
def test_before_anything_is_asked_the_line_is_that_of_calibration(wish: float | Dial) -> None:
    before = traffic(1000)
    assert line_for(wish, before) == pytest.approx(Window(before).line(wish), abs=0.01)


def test_a_few_questions_hardly_move_the_line() -> None:
    window = Window(traffic(400))
    first = window.line(0.2)
    for _ in range(3):
        window.note(1.0)
    assert window.line(0.2) == pytest.approx(first, abs=0.05)


def test_only_the_latest_count() -> None:
    window = Window([0.0], size=10)
    for gain in [*[1.0] * 30, *[0.01 * n for n in range(10)]]:
        window.note(gain)
    assert window.line(0.5) == line_for(0.5, [0.01 * n for n in range(10)])


@pytest.mark.parametrize("shift", [0.3, -0.3])
@pytest.mark.parametrize("wish", [0.1, 0.3, 0.5])
def test_when_what_is_asked_changes_the_share_is_kept(wish: float, shift: float) -> None:
    window = Window(traffic(300))
    for gain in traffic(WINDOW, shift, seed=8):
        window.note(gain)
    sent = []
    for gain in traffic(200, shift, seed=9):
        sent.append(gain > window.line(wish))
        window.note(gain)
    assert sum(sent) / len(sent) == pytest.approx(wish, abs=0.03 + 1.5 * (wish * (1 - wish) / 200) ** 0.5)
    assert share_above(line_for(wish, traffic(300)), traffic(200, shift, seed=9)) != pytest.approx(wish, abs=0.06)


def test_the_words_follow_what_is_asked_too() -> None:
    window = Window(traffic(300))
    latest = traffic(WINDOW, 0.3, seed=8)
    for gain in latest:
        window.note(gain)
    lines = [window.line(word) for word in WORDS]
    assert lines == [line_for(word, latest) for word in WORDS]
    assert all(a >= b for a, b in pairwise(lines))


def test_many_turns_at_once_lose_nothing() -> None:
    window, per_thread, threads = Window([0.0] * 50, size=400), 100, 4
    problems: list[BaseException] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for _ in range(per_thread):
                window.note(rng.uniform(0.5, 1.0))
                assert -1 <= window.line(rng.choice([0.1, 0.5, "quality"])) <= 1
        except BaseException as error:
            problems.append(error)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not problems
    assert window.line(1.0) == ALWAYS
    assert window.line(0.99) >= 0.5  # the filling is gone: every note is there
