"""What a decision costs beyond the embedding: before drafting, and after it.

    python -m benches.deciding

The calibration is fitted on made-up questions; how long it takes to use one does not depend on what it learned.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

import numpy as np

from tierwise.models import MiniLM
from tierwise.routing.base import Question
from tierwise.routing.calibration.fit import fit_drafts
from tierwise.routing.calibration.judge import CalibratedJudge
from tierwise.routing.calibration.labelled import Labelled
from tierwise.routing.calibration.router import CalibratedRouter
from tierwise.routing.calibration.stages import Calibration
from tierwise.routing.choose import TierState, choose
from tierwise.routing.dial import Window
from tierwise.runtime.evidence_cards import evidence_for
from tierwise.types import Draft, Passage, TokenEvidence
from tierwise.verify.evidence import judge, measure
from tierwise.verify.remember import Remembering

ROUNDS = 200
QUESTION = "How many days of notice does the tenant have to give, and does it change after five years in the flat?"
PASSAGE = (
    "The tenant may end the lease with three months of notice to the end of a month. After five years in the flat the"
    " landlord's notice grows to six months, and after eight years to nine; the tenant's stays at three months. Notice"
    " has to be given in writing and signed by all tenants."
)
DRAFT = (
    "The tenant has to give three months of notice to the end of a month. It does not change after five years:"
    " only the landlord's notice grows to six months then. Notice has to be given in writing."
)
TIERS = (TierState("quick", True, 8192), TierState("deep", False, 128_000))


def main() -> None:
    rng = np.random.default_rng(1)
    embedder = Remembering(MiniLM())
    vector = embedder.embed([QUESTION])[0]
    calibration = _calibration(rng, len(vector))
    windows = {name: Window(stages.gains) for name, stages in calibration.drafts.items()}
    router, weigher = CalibratedRouter(calibration, windows), CalibratedJudge(calibration, windows)
    passages = (Passage("p", "/lease.txt", "default", None, 0, len(PASSAGE), PASSAGE, 0.7),)
    question = Question(QUESTION, ("quick", "deep"), passages=passages, vector=vector)

    loop = asyncio.new_event_loop()
    before_ms = _median(lambda: choose(TIERS, assessment=loop.run_until_complete(router.assess(question))))
    loop.close()

    tokens = len(DRAFT) // 4
    logprobs = tuple(-rng.exponential(0.3, tokens).round(4))
    starts = tuple(range(0, tokens * 4, 4))
    spread = tuple(rng.random(tokens).round(4))
    evidence = TokenEvidence(logprobs, spread, tuple(2 * s for s in spread), starts)
    draft = Draft("quick", "llama:x", QUESTION, DRAFT, "stop", passages, evidence, higher=("deep",))
    card = evidence_for("llama:x")
    measure(draft, embedder)  # its sentences are embedded now, and remembered

    def after() -> None:
        judge(draft, measure(draft, embedder), card, "balanced", weigher)

    after_ms = _median(after)
    print(f"before drafting, beyond the embedding: {before_ms:.2f} ms (bar 1 ms)")
    print(f"after drafting, beyond embedding the sentences: {after_ms:.2f} ms (bar 5 ms)")


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _calibration(rng: np.random.Generator, dimension: int) -> Calibration:
    rows = []
    for n in range(200):
        sure = rng.normal()
        right = float(sure + rng.normal() > 0)
        vector = rng.normal(size=dimension)
        vector[0] += 3 * right
        rows.append(
            Labelled(
                str(n),
                {"quick": right, "deep": float(rng.random() < 0.9)},
                {"log_words": rng.normal(), "digits": rng.normal()},
                {"quick": {"logprob_mean": -abs(sure - 2), "begun_logprob": -abs(sure - 2), "entropy_mean": -sure}},
                vector=tuple(map(float, vector / np.linalg.norm(vector))),
            )
        )
    stages = fit_drafts(rows, "quick", ["deep"]).stages
    assert stages.asked is not None, "prediction from the question must be on: it is part of what is measured"
    return Calibration("bench", 0.0, len(rows), "made up", {}, "", "", {"quick": stages})


if __name__ == "__main__":
    main()
