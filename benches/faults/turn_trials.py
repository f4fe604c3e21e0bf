"""Trials of :mod:`benches.faults.turn_program`: it is killed, started again until it is done, then all is counted."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benches.faults import turn_program
from benches.faults.crash_wraps import Crash, count_points, install
from benches.faults.forked import Ended, run_forked
from benches.faults.turn_judging import OLD_VERSIONS, STORES, Outcome, Trial, check_files, judge, malformed, turns_in
from tierwise.record import lookup
from tierwise.runtime import turn as running
from tierwise.testing import LoopbackServer

OLD = Path(__file__).parents[2] / "tests" / "data" / "stores"
"""Stores as the code of earlier versions left them."""
_MOST_STARTS = 12
_WARM = ("chromadb", "tierwise.graph.build", "tierwise.graph.checkpoints", "tierwise.models.hosted.chat")


@dataclass(frozen=True)
class Ground:
    """Where trials take place: the folder with the prepared homes, and the hosted tier's address."""

    folder: Path
    url: str


@contextmanager
def hosted_tier() -> Iterator[tuple[str, Callable[[], list[dict[str, Any]]]]]:
    """A process that serves the hosted tier: its address, and what tells the requests it got (once, at the end)."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()

    def serve() -> None:
        with LoopbackServer(turn_program.hosted_model()) as server:
            there.send(server.url)
            there.recv()
            there.send(server.requests)

    process = context.Process(target=serve, daemon=True)
    process.start()
    asked: list[list[dict[str, Any]]] = []

    def requests() -> list[dict[str, Any]]:
        if not asked:
            here.send("stop")
            asked.append(here.recv())
        return asked[0]

    try:
        yield here.recv(), requests
    finally:
        requests()
        process.join(10)


def prepare(folder: Path) -> None:
    """Make the homes that trials begin with, in processes of their own: this one must stay without threads.

    What is loaded on first use is loaded here, so that it is not loaded by every fork.
    """
    for module in _WARM:
        import_module(module)
    fresh = folder / "fresh"
    assert run_forked(lambda say: turn_program.make_documents(fresh)).code == 0
    for version in OLD_VERSIONS:
        shutil.copytree(fresh, folder / version)
        for store in STORES:
            (folder / version / store).write_bytes(gzip.decompress((OLD / version / f"{store}.gz").read_bytes()))


@contextmanager
def ground_for_trials() -> Iterator[tuple[Ground, Callable[[], list[dict[str, Any]]]]]:
    """A folder with the prepared homes and a hosted tier, with what tells the requests that the tier got."""
    with tempfile.TemporaryDirectory(prefix="tierwise-kills-") as name, hosted_tier() as (url, requests):
        prepare(Path(name))
        yield Ground(Path(name), url), requests


def begin(ground: Ground, trial: Trial) -> Path:
    """A home for a trial."""
    home = ground.folder / trial.name
    shutil.copytree(ground.folder / trial.start, home)
    return home


def run_trials(trials: Sequence[Trial], *, workers: int) -> tuple[list[Outcome], dict[str, int]]:
    """Run trials side by side.

    Args:
        trials: the trials.
        workers: how many at a time.

    Returns:
        The outcomes in the order of the trials, and the requests of the hosted tier by the trial's name.
    """
    with ground_for_trials() as (ground, requests):
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            outcomes = list(pool.imap(_Runner(ground), trials))
        by_name = {outcome.trial.name: outcome for outcome in outcomes}
        hosted = requests()
        for body in hosted:
            for problem in malformed(body["messages"]):
                by_name[body["model"]].note("malformed requests", f"hosted: {problem}")
        return outcomes, Counter(body["model"] for body in hosted)


class _Runner:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def __call__(self, trial: Trial) -> Outcome:
        return run_trial(self._ground, trial)


def run_trial(ground: Ground, trial: Trial) -> Outcome:
    """Kill the program as the trial says, start it until it is done, and count."""
    home = begin(ground, trial)
    outcome, facts, before = Outcome(trial), list[dict[str, Any]](), turns_in(home)
    began = time.monotonic()
    for number in range(_MOST_STARTS):
        kill = trial.kills[number] if number < len(trial.kills) else None
        ended = start(ground, trial, home, kill, follow_up=kill is None)
        told = [json.loads(line) for line in ended.lines]
        facts += told
        outcome.starts += 1
        if not ended.killed or ended.hung:
            if ended.code or ended.hung:
                outcome.note("threads that cannot go on", f"start {number + 1} {'hung' if ended.hung else 'failed'}")
                break
            if kill is None:
                break
            continue
        outcome.kills += 1
        outcome.at.append(told[-1]["fact"] if told else "nothing")
        check_files(home, outcome)
    outcome.seconds = time.monotonic() - began
    for fact in facts:
        if fact["fact"] == "resumed":
            outcome.resumes.append((fact["start"], fact["call"]))
    judge(home, facts, before, outcome)
    if not outcome.wrong:
        shutil.rmtree(home)
    return outcome


def start(ground: Ground, trial: Trial, home: Path, kill: float | Crash | None, *, follow_up: bool) -> Ended:
    """Start the program once."""

    def work(say: Callable[[str], None]) -> None:
        _set_up(trial, kill if isinstance(kill, Crash) else None, last=kill is None)
        turn_program.life(home, ground.url, trial.name, lambda fact: say(json.dumps(fact)), follow_up=follow_up)

    return run_forked(work, kill_after=kill if isinstance(kill, float) else None)


def probe(trial: Trial) -> Counter[str]:
    """How often the program comes to each place when it is not killed, after the kills of the trial."""
    with ground_for_trials() as (ground, _):
        home = begin(ground, trial)
        for kill in trial.kills:
            start(ground, trial, home, kill, follow_up=False)

        def work(say: Callable[[str], None]) -> None:
            _set_up(trial, None)
            counts = count_points()
            turn_program.life(home, ground.url, trial.name, lambda fact: None)
            say(json.dumps(counts))

        return Counter(json.loads(run_forked(work).lines[-1]))


def _set_up(trial: Trial, crash: Crash | None, *, last: bool = False) -> None:
    """Prepare the forked program: what it is killed at, how it stores its steps."""
    if trial.durability != "ours":
        assert callable(running._durability)
        running._durability = lambda services: trial.durability
    if last:  # as if a minute had gone by: what no turn owns is not kept any longer
        assert lookup._YOUNG
        lookup._YOUNG = 0.0
    if crash is not None:
        install(crash)


def default_workers() -> int:
    """A trial for every core."""
    return os.cpu_count() or 1
