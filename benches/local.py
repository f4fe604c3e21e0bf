"""A local model without its process: requests are run step by step, by hand. For benches and tests of the engine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tierwise.errors import ModelError
from tierwise.models.local.answer import Generation, Outcome
from tierwise.models.local.prefixes import Adapter
from tierwise.models.local.scheduler import Request
from tierwise.models.local.worker import Loaded
from tierwise.models.memory import BATCH

GREEDY = Generation(max_tokens=48)


@dataclass
class Heard:
    """What a request was told."""

    pieces: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    begins: list[float | None] = field(default_factory=list)
    read: list[tuple[int, int]] = field(default_factory=list)
    outcome: Outcome | None = None
    error: ModelError | None = None
    withdrawn: bool = False
    started: float = 0.0
    begun: float = 0.0
    first: float = 0.0
    ended: float = 0.0

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def over(self) -> bool:
        return self.outcome is not None or self.error is not None or self.withdrawn

    @property
    def seconds_a_token(self) -> float:
        """From the end of reading on."""
        assert self.outcome is not None
        return (self.ended - self.begun) / self.outcome.completion_tokens

    @property
    def seconds_read(self) -> float:
        """From the first to the last report of reading."""
        return self.begun - self.started

    def queued(self, ahead: int, seconds: float | None) -> None:
        self.places.append(ahead)
        self.begins.append(seconds)

    def reading(self, done: int, total: int) -> None:
        self.read.append((done, total))
        self.begun = time.perf_counter()
        self.started = self.started or self.begun

    def wrote(self, text: str) -> None:
        self.first = self.first or time.perf_counter()
        self.pieces.append(text)

    def completed(self, outcome: Outcome) -> None:
        self.outcome, self.ended = outcome, time.perf_counter()

    def failed(self, error: ModelError) -> None:
        self.error = error

    def cancelled(self) -> None:
        self.withdrawn = True


class Local:
    """A loaded model.

    Args:
        path: the GGUF.
        context: tokens.
        threads: at most.
        adapt: use fewer while that is faster.
        parallel: answers in work together.
        prefix_budget: bytes for other conversations.
        safe_mode: without the CPU-specific kernels.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        context: int = 1024,
        threads: int = 1,
        adapt: bool = False,
        parallel: int = 1,
        prefix_budget: int = 0,
        safe_mode: bool = False,
    ) -> None:
        self.loaded = Loaded(
            {
                "path": str(path),
                "n_ctx": context,
                "n_threads": threads,
                "adapt": adapt,
                "parallel": parallel,
                "prefix_budget": prefix_budget,
                "batch": BATCH,
                "gpu_layers": 0,
                "mmap": True,
                "safe_mode": safe_mode,
            }
        )
        self.engine, self.scheduler = self.loaded.engine, self.loaded.scheduler
        self._numbers = itertools.count(1)

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of a text."""
        return self.engine.tokenize(text, special=special)

    def submit(
        self,
        prompt: Sequence[int],
        how: Generation = GREEDY,
        *,
        thread: str = "",
        grammar: str | None = None,
        adapter: Adapter | None = None,
    ) -> tuple[int, Heard]:
        """Hand in a request; returns its number and what it will be told."""
        number, heard = next(self._numbers), Heard()
        self.scheduler.submit(Request(number, thread, list(prompt), how, heard, grammar, adapter))
        return number, heard

    def steps(self) -> Iterator[int]:
        """Compute step after step until nothing is left to do; yields after each."""
        for number in itertools.count(1):
            if self.scheduler.idle:
                return
            self.engine.stop_now = False
            self.scheduler.step()
            yield number

    def finish(self) -> None:
        """Compute until nothing is left to do."""
        for _ in self.steps():
            pass

    def ask(self, prompt: Sequence[int], how: Generation = GREEDY, **more: str | None) -> Heard:
        """Run one request to its end.

        Raises:
            ModelError: if it failed.
        """
        _, heard = self.submit(prompt, how, **more)  # type: ignore[arg-type]
        self.finish()
        if heard.error is not None:
            raise heard.error
        return heard
