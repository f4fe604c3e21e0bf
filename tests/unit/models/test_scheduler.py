"""Several answers at a time: each is what it would be alone, nobody starves, whoever leaves takes nothing along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from benches.local import Heard, Local
from hypothesis import given
from hypothesis import strategies as st
from llama_cpp import _utils

from tierwise.models import locate
from tierwise.models.local.answer import Generation
from tierwise.models.local.prefixes import Adapter
from tierwise.models.local.scheduler import Request, Scheduler
from tierwise.models.local.threads import StepThreads
from tierwise.models.local.waiting import FairQueue, Pace

# The binding opens these at import and never closes them, which would end the run with a warning.
_utils.outnull_file.close()
_utils.errnull_file.close()

SMOLLM = locate("smollm2-135m")
END = 0


class Counting:
    """An engine whose next token depends on the whole sequence before it, so that any mix-up shows.

    It keeps what each sequence holds as llama.cpp does, and a step that is stopped leaves some of its rows behind.
    """

    def __init__(self, n_ctx: int, stops: Sequence[bool] = ()) -> None:
        self.n_ctx, self.batch_size = n_ctx, 40
        self.held: dict[int, list[int]] = {}
        self.adapter: Adapter | None = None
        self._stops = list(stops)
        self._logits: dict[int, list[int]] = {}

    def compute(self, rows: Sequence[tuple[int, int, int, bool]], *, threads: int) -> bool:
        stopped = bool(self._stops) and self._stops.pop(0)
        self._logits = {}
        for index, (token, position, sequence, wanted) in enumerate(rows[: len(rows) // 2] if stopped else rows):
            held = self.held.setdefault(sequence, [])
            assert len(held) == position, "a row at the wrong place"
            held.append(token)
            if wanted:
                self._logits[index] = list(held)
        assert sum(map(len, self.held.values())) <= self.n_ctx, "more tokens than the memory holds"
        return not stopped

    def logits(self, row: int) -> Any:
        scores = np.zeros(64, np.float32)
        scores[follower(self._logits[row], self.adapter)] = 5.0
        return scores

    def piece(self, token: int) -> bytes:
        return f"{token} ".encode()

    def ends(self, token: int) -> bool:
        return token == END

    def wear(self, adapter: Adapter | None) -> None:
        self.adapter = adapter

    def trim(self, sequence: int, length: int) -> int:
        del self.held.setdefault(sequence, [])[length:]
        return len(self.held[sequence])

    def share(self, source: int, target: int, length: int) -> int:
        self.held[target] = self.held[source][:length]
        return length

    def state_size(self, sequence: int) -> int:
        return len(self.held[sequence])

    def save(self, sequence: int, length: int) -> Any:
        return np.array(self.held[sequence], np.uint8) if len(self.held[sequence]) == length else None

    def restore(self, sequence: int, state: Any) -> bool:
        self.held[sequence] = [int(token) for token in state]
        return True


def follower(tokens: Sequence[int], adapter: Adapter | None) -> int:
    """The token after these; sometimes the end."""
    value = sum((n + 1) * token for n, token in enumerate(tokens)) + (
        len(adapter.path) + adapter.version if adapter else 0
    )
    return END if value % 23 == 0 else 1 + value % 63


def expected(prompt: Sequence[int], limit: int, adapter: Adapter | None) -> tuple[str, str]:
    tokens = list(prompt)
    while len(tokens) - len(prompt) < limit:
        token = follower(tokens, adapter)
        if token == END:
            return "".join(f"{t} " for t in tokens[len(prompt) :]), "stop"
        tokens.append(token)
    return "".join(f"{t} " for t in tokens[len(prompt) :]), "length"


requests = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bert", "carla"]),
        st.integers(0, 5).map(lambda n: [7] * 33 + [n + 1] * 9),  # a beginning in common, as instructions are
        st.lists(st.integers(1, 63), min_size=1, max_size=60),
        st.integers(1, 30),
        st.sampled_from([None, None, Adapter("legal", 1), Adapter("legal", 2), Adapter("medical", 1)]),
        st.integers(0, 12),  # after how many steps it comes
        st.none() | st.integers(0, 40),  # after how many it is withdrawn
    ),
    min_size=1,
    max_size=8,
)


@given(
    requests=requests,
    parallel=st.integers(1, 4),
    n_ctx=st.integers(140, 400),
    budget=st.sampled_from([0, 150, 4000]),
    stops=st.lists(st.booleans(), max_size=20),
)
def test_each_answer_is_what_it_would_be_alone(
    requests: list[Any], parallel: int, n_ctx: int, budget: int, stops: list[bool]
) -> None:
    scheduler = Scheduler(
        Counting(n_ctx, stops),
        parallel=parallel,
        prefix_budget=budget,
        threads=StepThreads(1, adapt=False),
        grammar=lambda text: None,  # type: ignore[arg-type,return-value]
        row=lambda *row: row,
    )
    heard = [Heard() for _ in requests]
    for step in range(4000):
        for number, (thread, shared, own, limit, adapter, comes, leaves) in enumerate(requests):
            if step == comes:
                how = Generation(max_tokens=limit)
                scheduler.submit(Request(number, thread, shared + own, how, heard[number], adapter=adapter))
            if leaves is not None and step == comes + leaves:
                scheduler.cancel(number)
        if scheduler.idle and step > 60:
            break
        scheduler.step()
    for told, (_, shared, own, limit, adapter, _, leaves) in zip(heard, requests, strict=True):
        assert told.over, "somebody was forgotten"
        if told.withdrawn:
            assert leaves is not None
            assert expected(shared + own, limit, adapter)[0].startswith(told.text)
            continue
        assert told.outcome is not None
        assert (told.text, told.outcome.finish) == expected(shared + own, limit, adapter)


def test_a_prompt_that_cannot_fit_is_refused_at_once_and_disturbs_nobody() -> None:
    scheduler = Scheduler(
        Counting(64),
        parallel=2,
        prefix_budget=0,
        threads=StepThreads(1, adapt=False),
        grammar=lambda text: None,  # type: ignore[arg-type,return-value]
        row=lambda *row: row,
    )
    small, large = Heard(), Heard()
    scheduler.submit(Request(1, "a", [5, 6], Generation(max_tokens=8), small))
    scheduler.submit(Request(2, "b", [1] * 64, Generation(max_tokens=8), large))
    assert large.error is not None and "64 tokens" in str(large.error)
    while not scheduler.idle:
        scheduler.step()
    assert small.text == expected([5, 6], 8, None)[0]


def test_whoever_opens_and_closes_requests_does_not_keep_the_others_from_coming_on() -> None:
    scheduler = Scheduler(
        Counting(200, stops=[False, True, False]),
        parallel=2,
        prefix_budget=0,
        threads=StepThreads(1, adapt=False),
        grammar=lambda text: None,  # type: ignore[arg-type,return-value]
        row=lambda *row: row,
    )
    for number in (1, 2, 3):
        scheduler.submit(Request(number, f"guest {number}", [5, 6], Generation(max_tokens=30), Heard()))
    scheduler.step()
    assert [scheduler.worth_stopping(number) for number in (1, 2, 3)] == [True, True, False], "the third only waits"
    scheduler.step()  # which is stopped
    assert not any(scheduler.worth_stopping(number) for number in (1, 2, 3))
    scheduler.step()
    assert scheduler.worth_stopping(2)


def test_threads_take_turns_however_much_one_of_them_asks() -> None:
    queue: FairQueue[str] = FairQueue()
    for n in range(5):
        queue.put("busy", f"busy {n}")
    queue.put("modest", "modest 0")
    queue.put("busy", "busy 5")
    assert queue.order()[:3] == ["busy 0", "modest 0", "busy 1"]
    assert queue.take() == "busy 0"
    assert queue.take() == "modest 0"
    queue.put("modest", "modest 1")
    assert queue.take() == "busy 1"
    assert queue.take() == "modest 1"


@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99)) | st.none() | st.integers(0, 99), max_size=40)
)
def test_the_announced_order_is_the_order(steps: list[Any]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    waiting: list[tuple[str, int]] = []
    for step in steps:
        if step is None:
            if waiting:
                announced = queue.order()
                assert sorted(announced) == sorted(waiting)
                assert queue.first() == announced[0]
                taken = queue.take()
                assert taken == announced[0]
                assert queue.order() == announced[1:] or taken[0] in [thread for thread, _ in announced[1:]]
                waiting.remove(taken)
        elif isinstance(step, tuple):
            if step not in waiting:
                queue.put(step[0], step)
                waiting.append(step)
        else:
            gone = next((item for item in waiting if item[1] == step), None)
            if gone is not None:
                assert queue.remove(gone)
                waiting.remove(gone)
        assert len(queue) == len(waiting)
    assert not queue.remove(("z", 0))


# -- on a real model ---------------------------------------------------------------------------------------------------


def test_four_answers_together_say_what_each_says_alone_and_a_fifth_waits_its_turn() -> None:
    questions = ["Name three animals.", "What is rain?", "Count to five.", "Who was Ada Lovelace?", "Say hello."]
    prompts = [f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n" for question in questions]
    together, alone = Local(SMOLLM, parallel=4), Local(SMOLLM)
    how = Generation(max_tokens=12)
    heard = [together.submit(together.tokens(p, special=True), how, thread=p)[1] for p in prompts]
    steps = sum(1 for _ in together.steps())
    assert [told.text for told in heard] == [alone.ask(alone.tokens(p, special=True), how).text for p in prompts]
    assert heard[4].places == [4]
    assert not any(told.places for told in heard[:4])
    assert steps < 5 * 12


def test_a_quotation_is_guessed_from_the_prompt_and_reads_the_same() -> None:
    passage = (
        "The heat pump in the cellar was installed on 14 March 2019 by the firm Albers and Sons, and it must be "
        "serviced every eighteen months by a certified technician."
    )
    model = Local(SMOLLM)
    prompt = model.tokens(
        f"<|im_start|>user\nRepeat this text word for word: {passage}<|im_end|>\n<|im_start|>assistant\n", special=True
    )
    guessed = model.ask(prompt, Generation(max_tokens=40))
    plain = model.ask(prompt, Generation(max_tokens=40, lookup=False))
    assert guessed.text == plain.text
    assert guessed.outcome is not None and plain.outcome is not None
    assert guessed.outcome.kept > 12
    assert plain.outcome.guessed == 0
    assert len(guessed.outcome.logprobs) == len(plain.outcome.logprobs) == guessed.outcome.completion_tokens


# -- when it begins ----------------------------------------------------------------------------------------------------


def test_who_waits_begins_when_those_before_are_done_as_fast_as_the_latest() -> None:
    pace = Pace()
    assert pace.begins([1.0, 2.0], 3) == [None, None, None]
    pace.note(10.0)
    assert pace.begins([1.0, 4.0], 5) == [6.0, 9.0, 16.0, 19.0, 26.0]
    assert pace.begins([60.0], 2) == [0.0, 10.0]  # it takes longer than usual
    for _ in range(40):
        pace.note(2.0)
    assert pace.begins([0.0], 2) == [2.0, 4.0]


@given(st.lists(st.floats(0, 100), max_size=8), st.integers(0, 30), st.floats(0.1, 100))
def test_nobody_begins_before_who_came_first(running: list[float], waiting: int, usual: float) -> None:
    pace = Pace()
    pace.note(usual)
    begins = pace.begins(running, waiting)
    assert len(begins) == waiting
    assert all(one is not None and one >= 0 for one in begins)
    assert begins == sorted(begins, key=lambda one: one or 0.0)


def test_a_request_that_waits_is_told_when_it_will_begin_once_answers_have_ended() -> None:
    scheduler = Scheduler(
        Counting(64),
        parallel=1,
        prefix_budget=0,
        threads=StepThreads(1, adapt=False),
        grammar=lambda text: None,  # type: ignore[arg-type,return-value]
        row=lambda *row: row,
    )
    heard = [Heard() for _ in range(3)]
    for number, listener in enumerate(heard):
        scheduler.submit(Request(number, f"t{number}", [1, 2, 3], Generation(max_tokens=4), listener))
    while not scheduler.idle:
        scheduler.step()
    assert [one.places for one in heard] == [[], [1], [2, 1]]
    assert [one is None for one in heard[2].begins] == [True, False]
