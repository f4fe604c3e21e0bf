r"""Make a model's evidence card: ask it a stated question set, grade the drafts, fit, and write the [evidence] table.

    python scripts/make_evidence_card.py --tier llama:smollm2-135m \
        --out agents/tierwise/models/store/cards/smollm2-135m.toml

The questions are in scripts/evidence/questions.jsonl: ``kind`` (documents, unanswerable, general), ``question`` and
``right``, a regular expression that a right draft matches; ``"passages": false`` asks it without documents. The
documents are beside them. Prompt, retrieval and features are the product's own.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import re
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import evidence_fit
import numpy as np
import tomlkit

from tierwise.config import Tier
from tierwise.fitting.metrics import auroc, brier
from tierwise.graph.prompt import build_messages
from tierwise.jsonable import from_json, to_json
from tierwise.knowledge import Knowledge
from tierwise.models import MiniLM, open_model
from tierwise.models.base import ChatModel, ChatRequest, Completed, Delta
from tierwise.types import Dial, Draft, Passage
from tierwise.verify.card import EvidenceCard, MadeFrom
from tierwise.verify.evidence import judge, measure

HERE = Path(__file__).parent / "evidence"
MAX_TOKENS = 256
PASSAGES = 5


def main() -> None:
    """Parse arguments, collect drafts, fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", default="llama:smollm2-135m", help="model as in tierwise.toml")
    parser.add_argument("--questions", type=Path, default=HERE / "questions.jsonl")
    parser.add_argument("--documents", type=Path, default=HERE / "documents")
    parser.add_argument("--drafts", type=Path, help="keep drafts here, and reuse those that are there")
    parser.add_argument("--out", type=Path, help="catalogue card whose [evidence] table is replaced")
    parser.add_argument("--cautious", type=Path, help="also write the card of unknown models here")
    args = parser.parse_args()
    questions = [json.loads(line) for line in args.questions.read_text(encoding="utf-8").splitlines()]
    drafts = asyncio.run(collect(args.tier, questions, args.documents, args.drafts))
    command = shlex.join(["python", "scripts/make_evidence_card.py", "--tier", args.tier])
    card = make_card(args.tier.partition(":")[2], questions, drafts, name=args.questions.name, command=command)
    if args.out:
        write_table(args.out, card)
    if args.cautious:
        args.cautious.write_text(tomlkit.dumps(cautious(card).to_dict()), encoding="utf-8")


async def collect(tier: str, questions: list[dict[str, Any]], documents: Path, keep: Path | None) -> list[Draft]:
    """Ask the model every question as the product would, greedily."""
    kept = _kept(keep)
    if all(q["question"] in kept for q in questions):
        return [kept[q["question"]] for q in questions]
    model = open_model(Tier("quick", tier, max_tokens=MAX_TOKENS))
    try:
        with tempfile.TemporaryDirectory() as home:
            knowledge = Knowledge(Path(home), MiniLM())
            knowledge.ingest([documents])
            for i, question in enumerate(questions):
                text = question["question"]
                if text not in kept:
                    found = knowledge.search(text, k=PASSAGES) if question.get("passages", True) else ()
                    kept[text] = await _draft(model, tier, text, tuple(found))
                    _keep(keep, kept[text])
                print(f"\r{i + 1}/{len(questions)} ", end="", file=sys.stderr, flush=True)
            knowledge.close()
    finally:
        await model.aclose()
    print(file=sys.stderr)
    return [kept[q["question"]] for q in questions]


def _kept(path: Path | None) -> dict[str, Draft]:
    if path is None or not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {draft.question: draft for draft in (from_json(Draft, json.loads(line)) for line in lines)}


def _keep(path: Path | None, draft: Draft) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(to_json(draft), ensure_ascii=False) + "\n")


async def _draft(model: ChatModel, tier: str, question: str, passages: tuple[Passage, ...]) -> Draft:
    text, end = "", None
    request = ChatRequest(build_messages(question, passages=passages), max_tokens=MAX_TOKENS)
    async for chunk in model.stream(request):
        if isinstance(chunk, Delta):
            text += chunk.text
        elif isinstance(chunk, Completed):
            end = chunk
    assert end is not None
    return Draft("quick", tier, question, text, end.finish, passages, end.evidence)


def make_card(
    model: str, questions: list[dict[str, Any]], drafts: list[Draft], *, name: str, command: str
) -> EvidenceCard:
    """Grade, measure and fit; print everything one needs to doubt the result."""
    right = [
        re.search(q["right"], d.text, re.IGNORECASE | re.DOTALL) is not None
        for q, d in zip(questions, drafts, strict=True)
    ]
    embedder = MiniLM()
    embedder.embed(["warm"])
    started = time.perf_counter()
    rows = [measure(draft, embedder) for draft in drafts]
    took = (time.perf_counter() - started) * 1000 / len(drafts)
    blank = EvidenceCard(model, MadeFrom("", 0, "", ""), (), (), (), (), 0.0, dict.fromkeys(DIALS, 0.0), 0.5, 0.25, 0.5)
    failed = {}
    for i, (draft, row) in enumerate(zip(drafts, rows, strict=True)):
        verdict = judge(draft, row, blank, "balanced")
        if verdict.outcome != "accept":
            failed[i] = verdict.reasons[0].code
    print(f"drafts: {len(drafts)}; measured in {took:.1f} ms each")
    for kind in dict.fromkeys(q["kind"] for q in questions):
        of_kind = [r for r, q in zip(right, questions, strict=True) if q["kind"] == kind]
        print(f"  {kind:14s} right {sum(of_kind):3d} of {len(of_kind):3d}")
    for code in sorted(set(failed.values())):
        which = [i for i, found in failed.items() if found == code]
        print(f"  fails the check {code!r}: {len(which)}, of which right {sum(right[i] for i in which)}")
    kept = [i for i in range(len(drafts)) if i not in failed]
    y = [right[i] for i in kept]
    x = [rows[i] for i in kept]
    fitted = evidence_fit.fit(x, y)
    lines = [evidence_fit.accept_at(fitted.predicted, y, cost) for cost in evidence_fit.WRONG_COSTS.values()]
    lines = [round(float(line), 3) for line in np.maximum.accumulate(lines)]
    share = float(np.mean(y))
    card = EvidenceCard(
        model=model,
        made_from=MadeFrom(name, len(y), datetime.datetime.now(datetime.UTC).date().isoformat(), command),
        features=tuple(evidence_fit.SIGNS),
        means=_rounded(fitted.means),
        scales=_rounded(fitted.scales),
        weights=_rounded(fitted.weights),
        intercept=round(fitted.intercept, 4),
        accept_at=dict(zip(DIALS, lines, strict=True)),
        auroc=round(auroc(fitted.predicted, np.asarray(y, float)), 3),
        brier=round(brier(fitted.predicted, np.asarray(y, float)), 3),
        base_rate=round(share, 3),
    )
    _report(card, fitted, x, y, [questions[i]["kind"] for i in kept])
    return card


DIALS: tuple[Dial, ...] = ("economy", "balanced", "quality")


def _report(
    card: EvidenceCard, fitted: evidence_fit.Fit, x: list[dict[str, float]], y: list[bool], kinds: list[str]
) -> None:
    print(f"fitted on {len(y)} drafts that pass the checks, {sum(y)} right; ridge {fitted.penalty}")
    print(f"cross-validated: AUROC {card.auroc:.3f}, Brier {card.brier:.3f} (always guessing the share of right ones:")
    print(f"  {card.base_rate * (1 - card.base_rate):.3f}); log-probability alone: AUROC", end=" ")
    print(f"{auroc(np.array([row['logprob_mean'] for row in x]), np.asarray(y, float)):.3f}")
    for kind in dict.fromkeys(kinds):
        of_kind = [i for i, k in enumerate(kinds) if k == kind]
        area = auroc(fitted.predicted[of_kind], np.array([float(y[i]) for i in of_kind]))
        print(f"  AUROC within {kind}: {area:.3f} ({len(of_kind)})")
    for name, mean, scale, weight in zip(card.features, card.means, card.scales, card.weights, strict=True):
        print(f"  {name:18s} mean {mean:8.3f}  scale {scale:7.3f}  weight {weight:+.3f}")
    for dial in DIALS:
        accepted = fitted.predicted >= card.accept_at[dial]
        good = np.asarray(y)
        among = good[accepted].mean() if accepted.any() else float("nan")
        print(
            f"  {dial:9s} accept at {card.accept_at[dial]:.3f}: accepts {accepted.mean():.0%}, right {among:.0%};"
            f" sends up {(~good)[~accepted].sum()} of {(~good).sum()} wrong"
            f" and {good[~accepted].sum()} of {good.sum()} right"
        )


def cautious(card: EvidenceCard) -> EvidenceCard:
    """For models nobody measured: the same figures, every line moved half way to certainty."""
    moved = {dial: round((1 + line) / 2, 3) for dial, line in card.accept_at.items()}
    return EvidenceCard(**{**card.__dict__, "accept_at": moved})


def write_table(path: Path, card: EvidenceCard) -> None:
    """Replace the [evidence] table of a catalogue card; the rest of the file stays as it is."""
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    document["evidence"] = card.to_dict()
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def _rounded(values: Any) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)


if __name__ == "__main__":
    main()
