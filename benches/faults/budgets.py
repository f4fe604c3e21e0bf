"""Budgets of one cent, and turns that would spend more: what the server served beyond them, by its own count.

    python -m benches.faults.budgets [--turns 16] [--processes 4] [--each 8] [--kills 6]

A free local tier escalates every question to a hosted tier on loopback, whose model asks for a tool again and again: a
turn makes up to nine requests of 0.08 to 0.24 cents. For a budget of a turn, of a thread and of a day:
turns one after the other, turns at once in one process, in several, and processes that are killed in the middle of a
request and go on. The bar: no account is overspent by more than the dearest of its requests.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tierwise import Budget, Copilot, Price, Settings, Tier
from tierwise.errors import TierwiseError
from tierwise.models.base import ChatRequest, Chunk, Delta
from tierwise.testing import LoopbackServer, ScriptedModel, Step
from tierwise.types import Draft, ToolCall, Verdict

CAP = 0.01
SCOPES = ("turn", "thread", "day")
PRICE = Price(0.2, 100.0)
LEAST_WORDS, MOST_WORDS = 8, 24
_MARK = re.compile(r"Mark (\w+)\.(\w+):")
_SLOW, _FAST = 0.02, 0.002  # seconds a word


class Nothing:
    """No documents."""

    def search(self, query: str, *, k: int = 5, collection: Any = None, vector: Any = None) -> list[Any]:
        return []


class Unsure:
    """Nothing the small tier writes is good enough."""

    async def verify(self, draft: Draft, *, dial: Any = "balanced") -> Verdict:
        return Verdict("escalate" if draft.tier == "quick" else "accept", 0.5)


@dataclass
class Till:
    """The hosted model: it keeps the account of what it served, by turn, by thread and in all.

    Attributes:
        delay: seconds a word.
        served: USD by account.
        dearest: USD of the dearest request of each.
        begun: how many requests came.
    """

    delay: float = _FAST
    name: str = "till"
    served: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    dearest: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    begun: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def capabilities(self) -> Any:
        """Of a hosted model."""
        return self._model().capabilities

    def _model(self, *, tools: bool = True) -> ScriptedModel:
        words = LEAST_WORDS + 7 * self.begun % (MOST_WORDS - LEAST_WORDS + 1)
        call = ToolCall(f"c{self.begun}", "calculator", {"expression": f"{self.begun} + 1"})
        step = Step(" ".join(["word"] * words), calls=(call,) if tools else (), delay=self.delay)
        return ScriptedModel([step], on_device=False)

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """Ask for a tool, and count: what was read, and every word that was said."""
        asked = [match for m in request.messages if m.role == "user" for match in _MARK.findall(m.content)]
        thread, turn = asked[-1]
        accounts = (f"turn {thread}.{turn}", f"thread {thread}", "day")
        with self._lock:
            self.begun += 1
            model = self._model(tools=bool(request.tools))
        read = sum(await model.count_tokens([m.content for m in request.messages]))
        cost = PRICE.cost(read, 0)
        self._add(accounts, cost, cost)
        async for chunk in model.stream(request):
            if isinstance(chunk, Delta):
                cost += PRICE.cost(0, 1)
                self._add(accounts, PRICE.cost(0, 1), cost)
            yield chunk

    def _add(self, accounts: tuple[str, ...], usd: float, cost: float) -> None:
        with self._lock:
            for account in accounts:
                self.served[account] += usd
                self.dearest[account] = max(self.dearest[account], cost)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """A word is a token."""
        return await self._model().count_tokens(texts)

    async def aclose(self) -> None:
        """There is nothing to free."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one way to spend.

    Attributes:
        name: the way, and what the budget was for.
        requests: that the server was sent.
        turns: how they ended.
        beyond: USD beyond the cap of the account that was overspent most, in units of its dearest request.
        used: the share of the caps that was used, of the account that used least.
        unaccounted: USD that were served and are not in the record; what is set aside too much is not.
    """

    name: str
    requests: int
    turns: Counter[str]
    beyond: float
    used: float
    unaccounted: float

    @property
    def held(self) -> bool:
        """Whether the budget was kept, and every turn came to its end."""
        return self.beyond <= 1.0 and self.unaccounted <= 1e-9 and set(self.turns) <= {"done"}

    def text(self) -> str:
        """For people."""
        ends = ", ".join(f"{n} {status}" for status, n in sorted(self.turns.items()))
        return (
            f"{self.name:<34} {self.requests:4} requests, turns: {ends}; most beyond a cap: {self.beyond:+.2f}"
            f" requests; least used {self.used:.0%}; served and not in the record ${self.unaccounted:.4f}"
        )


def copilot_at(home: Path, url: str, scope: str) -> Copilot:
    """A free tier that never suffices, and a hosted one with a price, under a budget."""
    tiers = [
        Tier("quick", ScriptedModel(["I am not sure."], name="quick", repeat=True)),
        Tier("deep", "openai:till", base_url=url, price=PRICE, max_tokens=MOST_WORDS),
    ]
    settings = Settings(home=home, budget=Budget(**{scope: CAP}))
    return Copilot(tiers, settings=settings, retriever=Nothing(), embedder=None, verifier=Unsure())


def ask(home: Path, url: str, scope: str, marks: list[tuple[str, str]], *, at_once: bool) -> Counter[str]:
    """Ask a question for every thread and turn; how the turns ended."""
    with copilot_at(home, url, scope) as copilot:
        running = []
        for thread, turn in marks:
            running.append(copilot.start(f"Mark {thread}.{turn}: how much?", thread=thread))
            if not at_once:
                running[-1].wait()
        for one in running:
            one.wait()
        return Counter(one.answer.status if one.answer is not None else repr(one.error) for one in running)


def _program(home: Path, url: str, scope: str, marks: list[tuple[str, str]], ends: Any) -> None:
    ends.put(ask(home, url, scope, marks, at_once=True))


def _starting() -> Any:
    """How processes are started: forked from one without threads that has imported all of it already."""
    ways = multiprocessing.get_context("forkserver")
    ways.set_forkserver_preload(["tierwise.testing", "tierwise.graph.checkpoints", "tierwise.models.hosted.chat"])
    return ways


def go_on(home: Path, url: str, scope: str) -> Counter[str]:
    """Go on with what was left in the middle."""
    ends: Counter[str] = Counter()
    with copilot_at(home, url, scope) as copilot:
        for thread in [one.thread for one in copilot.record.threads(1000)]:
            turn = copilot.record.parked_turn(thread)
            if turn is not None:
                try:
                    ends[copilot.go_on(turn).status] += 1
                except TierwiseError as error:
                    ends[error.code] += 1
    return ends


@contextmanager
def served(delay: float) -> Iterator[tuple[Till, LoopbackServer, Path]]:
    """A server with an empty account, and a home folder."""
    till = Till(delay)
    with tempfile.TemporaryDirectory(prefix="tierwise-budgets-") as folder, LoopbackServer(till) as server:
        yield till, server, Path(folder)


def marks_of(scope: str, turns: int, first: int = 0) -> list[tuple[str, str]]:
    """Threads and turns: of a thread's budget several turns share one."""
    share = 4 if scope == "thread" else 1
    return [(f"t{(first + n) // share}", f"n{first + n}") for n in range(turns)]


def one_after_the_other(scope: str, turns: int) -> Result:
    """Turns in a row."""
    with served(0.0) as (till, server, home):
        ends = ask(home, server.url, scope, marks_of(scope, turns), at_once=False)
        return _result(f"in a row, budget of a {scope}", till, home, scope, ends)


def at_once(scope: str, turns: int) -> Result:
    """Turns in one process, all begun together."""
    with served(_FAST) as (till, server, home):
        ends = ask(home, server.url, scope, marks_of(scope, turns), at_once=True)
        return _result(f"{turns} at once, budget of a {scope}", till, home, scope, ends)


def in_processes(scope: str, processes: int, each: int) -> Result:
    """Turns in several processes."""
    ways = _starting()
    with served(_FAST) as (till, server, home):
        queue: Any = ways.Queue()
        # The threads are the same in all processes where they share a budget.
        marks = [marks_of(scope, each, 0 if scope == "thread" else 100 * n) for n in range(processes)]
        if scope == "thread":
            marks = [[(thread, f"p{n}{turn}") for thread, turn in own] for n, own in enumerate(marks)]
        programs = [ways.Process(target=_program, args=(home, server.url, scope, own, queue)) for own in marks]
        for one in programs:
            one.start()
        ends: Counter[str] = sum((queue.get(timeout=300) for _ in programs), Counter())
        for one in programs:
            one.join()
        return _result(f"{processes} processes x {each}, budget of a {scope}", till, home, scope, ends)


def killed(scope: str, kills: int) -> Result:
    """Processes that are killed (SIGKILL) in the middle of a request, each followed by one that goes on."""
    ways = _starting()
    ends: Counter[str] = Counter()
    with served(_SLOW) as (till, server, home):
        for n in range(kills):
            queue: Any = ways.Queue()
            program = ways.Process(target=_program, args=(home, server.url, scope, marks_of(scope, 2, 2 * n), queue))
            before = till.begun
            program.start()
            while till.begun <= before and program.is_alive():
                time.sleep(0.005)
            time.sleep(0.1)
            program.kill()
            program.join()
            ends += go_on(home, server.url, scope)
        ends += ask(home, server.url, scope, marks_of(scope, 4, 1000), at_once=True)
        time.sleep(0.2)  # a server notices late that nobody listens any more
        return _result(f"{kills} kills, budget of a {scope}", till, home, scope, ends)


def _result(name: str, till: Till, home: Path, scope: str, ends: Counter[str]) -> Result:
    from tierwise.record import Record

    record = Record(home)
    try:
        booked = record.spent(0.0)
    finally:
        record.close()
    own = {account: usd for account, usd in till.served.items() if account.startswith(scope)}
    beyond = max(((usd - CAP) / till.dearest[account] for account, usd in own.items()), default=0.0)
    used = min((min(usd / CAP, 1.0) for usd in own.values()), default=0.0)
    return Result(name, till.begun, ends, beyond, used, max(0.0, till.served["day"] - booked))


def main(words: list[str] | None = None) -> int:
    """Print the figures; 1 if a budget was overspent by more than a request, or money went unaccounted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=16)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--each", type=int, default=8)
    parser.add_argument("--kills", type=int, default=6)
    args = parser.parse_args(words)
    results = []
    for scope in SCOPES:
        ways: tuple[Callable[[], Result], ...] = (
            partial(one_after_the_other, scope, args.turns // 2),
            partial(at_once, scope, args.turns),
            partial(in_processes, scope, args.processes, args.each),
            partial(killed, scope, args.kills),
        )
        for way in ways:
            results.append(way())
            print(results[-1].text(), flush=True)
    worst = max(result.beyond for result in results)
    print(f"most that a cap of ${CAP} was passed by: {worst:+.2f} requests (bar: 1)")
    return int(not all(result.held for result in results))


if __name__ == "__main__":
    sys.exit(main())
