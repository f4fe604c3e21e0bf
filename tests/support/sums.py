"""Two scripted tiers that add numbers: a quick one that knows some sums and is sure of those, and a deep one."""

from __future__ import annotations

import random
import re
from typing import Any

from tierwise import Tier
from tierwise.models import ChatRequest
from tierwise.runtime.question_file import LabelledQuestion
from tierwise.testing import ScriptedModel, Step
from tierwise.types import TokenEvidence


def asked(n: int) -> str:
    return f"What is {n} plus {n}?"


def questions(count: int, **more: Any) -> list[LabelledQuestion]:
    return [LabelledQuestion(f"q{n}", asked(n), gold=str(2 * n), **more) for n in range(1, count + 1)]


def quick_knows(n: int) -> bool:
    return random.Random(n).random() < 0.55


def deep_knows(n: int) -> bool:
    return random.Random(n + 1000).random() < 0.95


def number(request: ChatRequest) -> int:
    found = [re.search(r"What is (\d+) plus", message.content) for message in request.messages]
    return int(next(match[1] for match in reversed(found) if match))


def _evidence(mean: float) -> TokenEvidence:
    return TokenEvidence((mean / 2, mean, 1.5 * mean), (0.8, 0.6, 0.4), (0.2, 0.5, 0.9))


def quick_says(request: ChatRequest) -> Step:
    n = number(request)
    knows, noise = quick_knows(n), random.Random(n + 2000).uniform(0.7, 1.6)
    if request.choices:
        sure = random.Random(n + 3000).uniform(0.3, 0.9 if knows else 0.6)
        return Step("Yes", evidence=TokenEvidence((-1 + sure,), (0.5,), (0.5,)))
    if request.temperature > 0:
        return Step(f"It is {2 * n if knows else 2 * n + 2}.", evidence=_evidence(-0.5))
    return Step(f"It is {2 * n if knows else 2 * n + 1}.", evidence=_evidence((-0.3 if knows else -0.6) * noise))


def deep_says(request: ChatRequest) -> Step:
    n = number(request)
    return Step(f"It is {2 * n if deep_knows(n) else 2 * n + 5}.")


def quick_model(says: Any = quick_says) -> ScriptedModel:
    return ScriptedModel([says], name="sums-quick", repeat=True)


def deep_model(says: Any = deep_says, name: str = "sums-deep") -> ScriptedModel:
    return ScriptedModel([says], name=name, on_device=False, host="sums.invalid", repeat=True)


def tiers(quick: ScriptedModel | None = None, deep: ScriptedModel | None = None, **of_deep: Any) -> list[Tier]:
    return [Tier("quick", quick or quick_model()), Tier("deep", deep or deep_model(), **of_deep)]
