"""Whose tokens are computed next: one step after the other, each for every answer in work.

A step costs little more for four sequences than for one, so answers of different threads are decoded together
(continuous batching, Yu et al. 2022, "Orca"); a prompt that is read meanwhile goes in small pieces, so that the others
keep flowing. What finds no room waits in a fair queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from tierwise.errors import ContextTooLong, ModelError
from tierwise.models.local.answer import Answer, Generation, Logits, Outcome
from tierwise.models.local.conversations import Conversations, Memory, Slot
from tierwise.models.local.masks import Mask
from tierwise.models.local.prefixes import Adapter
from tierwise.models.local.threads import StepThreads
from tierwise.models.local.waiting import FairQueue, Pace

_FEW = 16  # tokens: an answer's own next ones, forced ones included; more than that is a prompt
_BESIDE = 32  # tokens of a prompt read in one step while others write


class Computer(Memory, Protocol):
    """What the scheduler needs of an engine."""

    n_ctx: int
    batch_size: int

    def compute(self, rows: Sequence[Any], *, threads: int) -> bool: ...  # noqa: D102
    def logits(self, row: int) -> Logits: ...  # noqa: D102
    def piece(self, token: int) -> bytes: ...  # noqa: D102
    def ends(self, token: int) -> bool: ...  # noqa: D102
    def wear(self, adapter: Adapter | None) -> None: ...  # noqa: D102


class Listener(Protocol):
    """Who is told what becomes of a request; the last call is one of ``completed``, ``failed``, ``cancelled``."""

    def queued(self, ahead: int, seconds: float | None) -> None: ...  # noqa: D102
    def reading(self, done: int, total: int) -> None: ...  # noqa: D102
    def wrote(self, text: str) -> None: ...  # noqa: D102
    def completed(self, outcome: Outcome) -> None: ...  # noqa: D102
    def failed(self, error: ModelError) -> None: ...  # noqa: D102
    def cancelled(self) -> None: ...  # noqa: D102


@dataclass(eq=False)
class Request:
    """One request in the model's process.

    Attributes:
        number: its id.
        thread: whose it is.
        prompt: token ids, at least one.
        how: limits and sampling.
        grammar: what the answer is held to.
        adapter: what it is answered with.
        listener: who is told.
        ahead: the place in the queue it was told last.
    """

    number: int
    thread: str
    prompt: list[int]
    how: Generation
    listener: Listener
    grammar: str | None = None
    adapter: Adapter | None = None
    ahead: int = 0


@dataclass(eq=False)
class _Job:
    request: Request
    answer: Answer
    slot: Slot
    began: float = field(default_factory=time.monotonic)

    @property
    def pending(self) -> list[int]:
        return self.answer.tokens[len(self.slot.tokens) :]


@dataclass(frozen=True)
class _Part:
    """A job's share of a step: tokens that are due, then guessed ones."""

    job: _Job
    due: list[int]
    guessed: list[int]
    first_row: int

    @property
    def answers(self) -> bool:
        """The step reaches the end of what is due, so the next token can be chosen after it."""
        return len(self.job.slot.tokens) + len(self.due) == len(self.job.answer.tokens)


class Scheduler:
    """Runs the requests of one model.

    Args:
        engine: computes.
        parallel: answers that may be in work together.
        prefix_budget: bytes for conversations that are not.
        threads: how many threads a step gets.
        grammar: makes the mask of a grammar.
        row: makes a row of a step from token, position, sequence and whether its logits are wanted.
    """

    def __init__(
        self,
        engine: Computer,
        *,
        parallel: int,
        prefix_budget: int,
        threads: StepThreads,
        grammar: Callable[[str], Mask],
        row: Callable[[int, int, int, bool], Any],
    ) -> None:
        self._engine = engine
        self._conversations = Conversations(engine, parallel, prefix_budget)
        self._threads, self._grammar, self._row = threads, grammar, row
        self._waiting: FairQueue[Request] = FairQueue()
        self._jobs: list[_Job] = []
        self._pace = Pace()
        self._stopped = False

    @property
    def idle(self) -> bool:
        """Nothing is in work and nobody waits."""
        return not self._jobs and not len(self._waiting)

    def submit(self, request: Request) -> None:
        """Take a request; one that cannot fit is told so at once."""
        if len(request.prompt) + 1 > self._engine.n_ctx:
            request.listener.failed(
                ContextTooLong(
                    f"The prompt has {len(request.prompt):,} tokens, and the model's window holds "
                    f"{self._engine.n_ctx:,} with the answer.",
                    fix="Shorten the question or the history, or give the tier a larger context_window.",
                )
            )
            return
        self._waiting.put(request.thread, request)

    def cancel(self, number: int) -> None:
        """Withdraw a request, if it is not over."""
        for job in self._jobs:
            if job.request.number == number:
                self._end(job)
                job.request.listener.cancelled()
                return
        for request in self._waiting.order():
            if request.number == number:
                self._waiting.remove(request)
                request.listener.cancelled()

    def worth_stopping(self, number: int) -> bool:
        """Whether the step in work should be ended because a request is withdrawn; from any thread.

        Not for a request that waits. While others are in work, not for two steps in a row: they must come on, however
        often somebody opens and closes requests.
        """
        jobs = self._jobs.copy()
        return any(job.request.number == number for job in jobs) and (len(jobs) == 1 or not self._stopped)

    def step(self) -> None:
        """Let those in who find room, then compute one step for everyone who is in."""
        self._admit()
        self._tell_places()
        parts = self._parts()
        if not parts:
            return
        rows = [row for part in parts for row in self._rows(part)]
        threads = self._threads.count(len(rows))
        started, cpu_started = time.perf_counter(), time.process_time()
        try:
            computed = self._engine.compute(rows, threads=threads)
        except ModelError as error:
            self._give_up(error)
            return
        self._stopped = not computed
        if self._stopped:
            for part in parts:
                self._conversations.cut(part.job.slot, len(part.job.slot.tokens))
            return
        self._threads.note(len(rows), time.perf_counter() - started, time.process_time() - cpu_started)
        for part in parts:
            self._advance(part)

    # -- who is in -----------------------------------------------------------------------------------------------------

    def _admit(self) -> None:
        while (request := self._waiting.first()) is not None and self._conversations.free:
            if self._jobs and (request.adapter != self._jobs[0].request.adapter or not self._fits(request)):
                return  # nobody overtakes it, so its time comes
            self._waiting.take()
            try:
                self._start(request)
            except ModelError as error:
                request.listener.failed(error)

    def _fits(self, request: Request) -> bool:
        in_use = sum(len(job.request.prompt) + job.answer.limit for job in self._jobs)
        return in_use + len(request.prompt) + self._limit(request) <= self._engine.n_ctx

    def _limit(self, request: Request) -> int:
        return min(request.how.max_tokens, self._engine.n_ctx - len(request.prompt))

    def _start(self, request: Request) -> None:
        mask = self._grammar(request.grammar) if request.grammar is not None else None
        self._engine.wear(request.adapter)
        evicted = self._conversations.prefixes.evicted
        slot = self._conversations.place(request.prompt, request.adapter)
        answer = Answer(
            request.prompt,
            request.how,
            room=self._engine.n_ctx - len(request.prompt),
            mask=mask,
            piece=self._engine.piece,
            ends=self._engine.ends,
        )
        answer.outcome.cached_tokens = len(slot.tokens)
        answer.outcome.evicted = self._conversations.prefixes.evicted - evicted
        self._jobs.append(_Job(request, answer, slot))
        self._tell_reading(self._jobs[-1])

    def _tell_places(self) -> None:
        waiting = self._waiting.order()
        changed = [
            (place, request) for place, request in enumerate(waiting) if request.ahead != len(self._jobs) + place
        ]
        if not changed:
            return
        now = time.monotonic()
        begins = self._pace.begins([now - job.began for job in self._jobs], len(waiting))
        for place, request in changed:
            request.ahead = len(self._jobs) + place
            request.listener.queued(request.ahead, begins[place])

    # -- one step ------------------------------------------------------------------------------------------------------

    def _parts(self) -> list[_Part]:
        writing = [job for job in self._jobs if len(job.pending) <= _FEW]
        reading = [job for job in self._jobs if len(job.pending) > _FEW]
        parts: list[_Part] = []
        rows = 0
        for job in writing:
            guessed = job.answer.guess() if len(self._jobs) == 1 and len(job.pending) == 1 else []
            parts.append(_Part(job, job.pending, guessed, rows))
            rows += len(job.pending) + len(guessed)
        if reading:
            job = reading[0]
            room = min(_BESIDE, self._engine.batch_size - rows) if parts else self._engine.batch_size
            parts.append(_Part(job, job.pending[:room], [], rows))
        return parts

    def _rows(self, part: _Part) -> list[Any]:
        position, slot = len(part.job.slot.tokens), part.job.slot.number
        tokens = part.due + part.guessed
        first_wanted = len(part.due) - 1 if part.answers else len(tokens)
        return [self._row(token, position + n, slot, n >= first_wanted) for n, token in enumerate(tokens)]

    def _advance(self, part: _Part) -> None:
        job, answer = part.job, part.job.answer
        answers = part.answers
        job.slot.tokens += part.due
        if answer.written == 0:
            self._tell_reading(job)
        if not answers:
            return
        last = part.first_row + len(part.due) - 1
        rows = [partial(self._engine.logits, last + n) for n in range(1 + len(part.guessed))]
        try:
            kept = answer.choose(rows, part.guessed)
        except ModelError as error:
            self._end(job)
            job.request.listener.failed(error)
            return
        job.slot.tokens += part.guessed[:kept]
        if kept < len(part.guessed):
            self._conversations.cut(job.slot, len(job.slot.tokens))
        if text := answer.text():
            job.request.listener.wrote(text)
        if answer.done:
            self._end(job)
            self._pace.note(time.monotonic() - job.began)
            job.request.listener.completed(answer.outcome)

    def _tell_reading(self, job: _Job) -> None:
        total = len(job.request.prompt)
        job.request.listener.reading(min(len(job.slot.tokens), total), total)

    def _end(self, job: _Job) -> None:
        self._jobs.remove(job)
        self._conversations.release(job.slot)

    def _give_up(self, error: ModelError) -> None:
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            self._conversations.release(job.slot)
            job.request.listener.failed(error)
        self._conversations.forget()
