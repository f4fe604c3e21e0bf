"""cascadeflow's confidence on the drafts that ``benches.escalation`` measured: same models, questions and calls.

    python -m benches.escalation_peers --keep FOLDER --gguf MODEL.gguf

FOLDER is the one that ``benches.escalation`` kept its answers in. Needs ``pip install "tierwise[bench]"``. cascadeflow
gets the question, the draft and, in the second line, the log-probabilities of its tokens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tierwise.fitting.metrics import auroc, brier, curve, resamples
from tierwise.graph.prompt import build_messages
from tierwise.models import ChatRequest, Completed, LlamaModel
from tierwise.models.kept import KeptModel

MAX_TOKENS = 384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--gguf", type=Path, required=True)
    args = parser.parse_args()
    rows = [json.loads(line) for line in (args.keep / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    logprobs = asyncio.run(drafted(rows, args.keep, args.gguf))
    print("| questions | judge | AUROC | Brier | APGR | points above the line at 20 / 30 / 50 % of calls |")
    print("|---|---|---|---|---|---|")
    for kind in ("all", *sorted({row["question"]["kind"] for row in rows})):
        chosen = [i for i, row in enumerate(rows) if kind in ("all", row["question"]["kind"])]
        some = [rows[i] for i in chosen]
        last = list(some[0]["p"])[-1]
        show(kind, "tierwise, " + last, some, [r["p"][last] for r in some], [r["gain"][last] for r in some])
        show(kind, "tierwise, draft alone", some, [r["p"]["draft"] for r in some], [r["gain"]["draft"] for r in some])
        for name, tokens in (("text", None), ("text and log-probabilities", logprobs)):
            said = [confidence(row, tokens[i] if tokens else None) for i, row in zip(chosen, some, strict=True)]
            show(kind, f"cascadeflow, {name}", some, said, [-value for value in said])


def confidence(row: dict[str, Any], logprobs: list[float] | None) -> float:
    found = estimator().estimate(row["text"], row["question"]["question"], logprobs, temperature=0.0)
    return float(found.final_confidence)


@cache
def estimator() -> Any:
    from cascadeflow.quality.confidence import ProductionConfidenceEstimator

    return ProductionConfidenceEstimator()


def show(kind: str, judge: str, rows: list[dict[str, Any]], p: list[float], gain: list[float]) -> None:
    weak, strong = np.array([r["weak"] for r in rows]), np.array([r["strong"] for r in rows])
    made = curve(np.array(gain), weak, strong)
    bound = np.quantile(
        [curve(np.array(gain), weak, strong, w).above_line(0.5) for w in resamples(len(rows), 1000)], 0.05
    )
    above = " / ".join(f"{100 * made.above_line(share):+.0f}" for share in (0.2, 0.3, 0.5))
    chances = np.array(p)
    print(
        f"| {kind} ({len(rows)}) | {judge} | {auroc(chances, weak):.3f} | {brier(chances, weak):.3f} |"
        f" {made.apgr:.3f} |"
        f" {above} (at 50 %: at least {100 * bound:+.0f}) |"
    )


async def drafted(rows: list[dict[str, Any]], keep: Path, gguf: Path) -> list[list[float]]:
    """Log-probabilities of the drafts' tokens, as they were kept."""
    model = KeptModel(LlamaModel(gguf), keep / "quick.jsonl")
    found = []
    for row in rows:
        async for chunk in model.stream(
            ChatRequest(build_messages(row["question"]["question"]), max_tokens=MAX_TOKENS)
        ):
            if isinstance(chunk, Completed) and chunk.evidence is not None:
                found.append(list(chunk.evidence.logprobs))
    await model.aclose()
    return found


if __name__ == "__main__":
    main()
