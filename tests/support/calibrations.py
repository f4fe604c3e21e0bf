"""A calibration with figures that a person can check: the surer the draft's tokens, the likelier it is right."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from tierwise.fitting.logistic import Head
from tierwise.routing.calibration.stages import Calibration, DraftStages, Stage
from tierwise.runtime.prompt_id import prompt_id
from tierwise.types import Look, TokenEvidence

GAINS = tuple(n / 100 for n in range(-20, 80))
SURE = TokenEvidence(logprobs=(-0.1,) * 8, margins=(0.9,) * 8, entropies=(0.1,) * 8)
TORN = TokenEvidence(logprobs=(-2.0,) * 8, margins=(0.1,) * 8, entropies=(2.0,) * 8)


def flat(p: float) -> Head:
    """A head that always says the same."""
    return Head((), (), (), (), math.log(p / (1 - p)))


def by(name: str, mean: float, weight: float) -> Head:
    """A head that says a half at ``mean`` and more on the side of ``weight``."""
    return Head((name,), (mean,), (1.0,), (weight,), 0.0)


def calibration(
    *,
    models: Sequence[str] = ("scripted-quick", "scripted-deep"),
    encoder: str = "tiny/1",
    asked: Stage | None = None,
    looks: dict[Look, Stage] | None = None,
    created: float | None = None,
) -> Calibration:
    """For tiers ``quick`` and ``deep``: sure drafts are right, torn ones are not, and ``deep`` is right in 9 of 10."""
    heads = {"quick": by("logprob_mean", -1.0, 3.0), "deep": flat(0.9)}
    stages = DraftStages(
        higher=("deep",),
        effort={"deep": 1.0},
        draft=Stage(heads, 0.2, 0.8, 0.1),
        looks=looks or {},
        asked=asked,
        begun=None,
        begun_tokens=24,
        begun_left=0.5,
        beyond_asked=0.1,
        gains=GAINS,
    )
    return Calibration(
        id="c0ffee",
        created=time.time() if created is None else created,
        questions=120,
        source="questions.jsonl",
        models=dict(zip(("quick", "deep"), models, strict=True)),
        encoder=encoder,
        prompt=prompt_id(),
        drafts={"quick": stages},
    )
