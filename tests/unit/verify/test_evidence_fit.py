"""The fit behind an evidence card: it finds what is there, and nothing where there is nothing."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tierwise.fitting.metrics import auroc, brier

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture(scope="module")
def evidence_fit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("evidence_fit", SCRIPTS / "evidence_fit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["evidence_fit"] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    module.REPEATS = 1  # more only steady the figures of a real fit
    return module


def drafts(n: int, strength: float) -> tuple[list[dict[str, float]], list[bool]]:
    rng = np.random.default_rng(3)
    signal = rng.normal(size=n)
    right = rng.random(n) < 1 / (1 + np.exp(-strength * signal))
    rows = [{"logprob_mean": float(s), "margin_mean": float(rng.normal())} for s in signal]
    for row in rows[::3]:
        row["supported_share"] = float(rng.random())
    return rows, right.tolist()


def test_a_feature_that_tells_is_found_and_a_rise_in_it_never_counts_against(evidence_fit: ModuleType) -> None:
    rows, right = drafts(300, 2.0)
    fitted = evidence_fit.fit(rows, right)
    weights = dict(zip(evidence_fit.SIGNS, fitted.weights, strict=True))
    assert weights["logprob_mean"] == max(weights.values()) > 0.5
    assert all(sign * weights[name] >= 0 for name, sign in evidence_fit.SIGNS.items() if sign)
    assert auroc(fitted.predicted, np.array(right, float)) > 0.75


def test_noise_gives_no_confidence(evidence_fit: ModuleType) -> None:
    rows, right = drafts(300, 0.0)
    fitted = evidence_fit.fit(rows, right)
    assert brier(fitted.predicted, np.array(right, float)) > 0.23
    assert 0.35 < auroc(fitted.predicted, np.array(right, float)) < 0.65


def test_lines_rise_with_the_cost_of_a_wrong_answer(evidence_fit: ModuleType) -> None:
    rows, right = drafts(300, 2.0)
    predicted = evidence_fit.fit(rows, right).predicted
    lines = [evidence_fit.accept_at(predicted, right, cost) for cost in (0.5, 1.0, 3.0)]
    assert lines == sorted(lines)
    assert 0.2 < lines[0] < lines[2] < 0.95


def test_the_question_set_can_be_graded() -> None:
    lines = (SCRIPTS / "evidence" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len({row["question"] for row in rows}) == len(rows) >= 120
    documents = " ".join(p.read_text(encoding="utf-8") for p in (SCRIPTS / "evidence" / "documents").iterdir())
    plain = [row for row in rows if row["kind"] == "documents"]
    found = [row for row in plain if re.search(row["right"], documents, re.IGNORECASE | re.DOTALL)]
    assert len(found) >= len(plain) - 4  # a few ask for a yes, a no or a sum
    assert not any(re.search(row["right"], "", re.IGNORECASE) for row in rows)
