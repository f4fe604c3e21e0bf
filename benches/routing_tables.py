"""Routing learned on tables of recorded results: figures beside a TF-IDF baseline, and where it stops working.

    python -m benches.routing_tables --data DIR [--cache DIR] [--part folds|mixed|transfer|labels|cost|others ...]

``DIR`` holds ``NAME.csv.gz`` and perhaps ``NAME.weak_responses.csv.gz``. Needs ``pip install "tierwise[bench]"``. Every
prediction is made by a model that has not seen the row, nor one that says nearly the same; all choices are made inside
the training rows. ``folds`` trains on each table by itself, ``mixed`` on all tables at once.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benches.routing_baselines import PUBLISHED, cascadeflow_scores, tfidf_scores
from tierwise.fitting.groups import group_folds, near_duplicates
from tierwise.fitting.metrics import auroc, curve, interval, resamples
from tierwise.models import MiniLM
from tierwise.routing import GainModel, Table, prove, read_responses, read_table, train_gain_model

NAMES = ("mmlu", "mmlu_pro", "gsm8k_phi", "crux_phi", "math5_phi", "gsm8k", "llmrouter_mix", "mt_bench")
FOLDS = 5
DRAWS = 1000
BUDGETS = (50, 100, 300, 1000)
Floats = NDArray[np.float64]


class Remembering:
    """An embedder that keeps each text's vector in memory, and the vectors of whole files on disk."""

    def __init__(self, folder: Path | None) -> None:
        self._model, self._folder, self._known = MiniLM(threads=1), folder, dict[str, NDArray[np.float32]]()
        self.identity, self.dimension = self._model.identity, self._model.dimension

    def learn(self, texts: Sequence[str]) -> None:
        """Embed the texts of a file, or read what a run before has embedded."""
        key = hashlib.sha256("\0".join((self.identity, *texts)).encode()).hexdigest()[:16]
        path = self._folder / f"{key}.npy" if self._folder else None
        if path and path.exists():
            vectors = np.load(path)
        else:
            print(f"embedding {len(texts)} texts", file=sys.stderr, flush=True)
            vectors = self._model.embed(texts)
            if path:
                np.save(path, vectors)
        self._known.update(zip(texts, vectors, strict=True))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in texts if text not in self._known]
        if new:
            self._known.update(zip(new, self._model.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def load(folder: Path, encoder: Remembering, names: Sequence[str]) -> Iterator[Table]:
    """Tables that are there, with their answers."""
    for name in names:
        path, answers = folder / f"{name}.csv.gz", folder / f"{name}.weak_responses.csv.gz"
        if path.exists():
            table = read_table(path)
            encoder.learn(table.prompts)
            if answers.exists():
                found = read_responses([answers])
                table = replace(table, responses=table.with_responses(found).responses)
                encoder.learn([text or "" for text in table.responses])
            yield table


def rows_of(table: Table, index: NDArray[np.intp]) -> Table:
    return Table(
        table.name,
        tuple(table.ids[i] for i in index),
        tuple(table.prompts[i] for i in index),
        tuple(table.responses[i] for i in index) if table.responses else (),
        table.weak[index],
        table.strong[index],
    )


def fitted(tables: Sequence[Table], encoder: Remembering, *, answers: bool) -> GainModel:
    given = {i: r for t in tables for i, r in zip(t.ids, t.responses, strict=False) if r is not None}
    return train_gain_model(tables, encoder, given if answers and given else None)


def scored(model: GainModel, table: Table, encoder: Remembering, *, answers: bool) -> tuple[Floats, NDArray[np.bool_]]:
    found = model.score(table if answers else replace(table, responses=()), encoder)
    return found.gain, found.known


def apgr(score: Floats, table: Table, weights: Floats | None = None) -> float:
    return curve(score, table.weak, table.strong, weights).apgr


def line(name: str, ours: Sequence[Floats], theirs: Sequence[Floats], table: Table) -> tuple[Floats, str]:
    """Mean over repeats, with the paired bootstrap over rows; the draws of the difference are returned, too."""
    mean = np.mean([apgr(s, table) for s in ours])
    base = np.mean([apgr(s, table) for s in theirs])
    first = curve(ours[0], table.weak, table.strong)
    draws = np.array(
        [
            np.mean([apgr(o, table, w) - apgr(b, table, w) for o, b in zip(ours, theirs, strict=True)])
            for w in resamples(len(table), DRAWS)
        ]
    )
    low, high = interval(draws)
    better = auroc(ours[0], (table.gain > 0).astype(float))
    return draws, (
        f"| {name} | {len(table)} | {base:.3f} | {mean:.3f} | {mean - base:+.3f} [{low:+.3f}, {high:+.3f}] | "
        f"{better:.3f} | {100 * first.share_for(0.5):.0f} % | {100 * first.share_for(0.8):.0f} % |"
    )


HEAD = "| table | rows | TF-IDF + surface | tierwise | difference [95 %] | AUROC | CPT50 | CPT80 |\n" + "|---" * 8 + "|"


def folds(tables: Sequence[Table], encoder: Remembering, repeats: int) -> None:
    """Cross-validation within each table, and the mean over all of them."""
    baselines: dict[str, list[Floats]] = {}
    for answers in (False, True):
        print(f"\n{'With the answer' if answers else 'Question only'}\n\n{HEAD}", flush=True)
        every = []
        for table in tables:
            if (answers and not table.responses) or len(table) < 100:
                continue
            groups = near_duplicates(table.prompts, encoder.embed(table.prompts))
            ours, theirs = [], baselines.setdefault(table.name, [])
            for repeat in range(repeats):
                score, base = np.zeros(len(table)), np.zeros(len(table))
                for train, test in group_folds(groups, FOLDS, 1000 + repeat):
                    seen, unseen = rows_of(table, train), rows_of(table, test)
                    score[test], _ = scored(fitted([seen], encoder, answers=answers), unseen, encoder, answers=answers)
                    if len(theirs) <= repeat:
                        base[test] = tfidf_scores(seen, unseen)
                ours.append(score)
                if len(theirs) <= repeat:
                    theirs.append(base)
            draws, text = line(table.name, ours, theirs, table)
            every.append(draws)
            print(text, flush=True)
        if every:
            mean = np.mean(every, axis=0)
            low, high = interval(mean)
            print(
                f"\nMean difference over {len(every)} tables: {mean.mean():+.4f} [{low:+.4f}, {high:+.4f}]", flush=True
            )


def mixed(tables: Sequence[Table], encoder: Remembering) -> None:
    """One model of all tables: 80 % of each trained on, the rest scored."""
    seen, unseen = [], []
    for table in tables:
        groups = near_duplicates(table.prompts, encoder.embed(table.prompts))
        train, test = next(iter(group_folds(groups, FOLDS, 1000)))
        seen.append(rows_of(table, train))
        unseen.append(rows_of(table, test))
    model = fitted(seen, encoder, answers=True)
    print("\n| table | question only | with the answer |\n|---|---|---|")
    for table in unseen:
        plain, _ = scored(model, table, encoder, answers=False)
        judged = f"{apgr(scored(model, table, encoder, answers=True)[0], table):.3f}" if table.responses else "-"
        print(f"| {table.name} | {apgr(plain, table):.3f} | {judged} |", flush=True)


def transfer(tables: Sequence[Table], encoder: Remembering) -> None:
    """Train on all other tables: how many rows are flagged as unknown, what the scores are worth, and the check."""
    print(
        "\n| new table | flagged | APGR | APGR unchecked | AUROC [95 %], by which it is |"
        " trained on it alone: flagged of others |\n" + "|---" * 6 + "|"
    )
    for table in tables:
        others = [t for t in tables if t is not table and len(t) >= 50]
        model = fitted(others, encoder, answers=False)
        score, known = scored(model, table, encoder, answers=False)
        unchecked = replace(model, question=replace(model.question, domain=replace(model.question.domain, line=np.inf)))
        bare, _ = scored(unchecked, table, encoder, answers=False)
        flagged = "-"
        if len(table) >= 100:
            alone = fitted([table], encoder, answers=False)
            flagged = ", ".join(
                f"{t.name} {100 * (1 - scored(alone, t, encoder, answers=False)[1].mean()):.0f} %" for t in others
            )
        check = prove(model, replace(table, responses=()), encoder, draws=300)
        auroc_of = f"{check.auroc.value:.3f} [{check.auroc.low:.3f}, {check.auroc.high:.3f}]"
        print(
            f"| {table.name} | {100 * (1 - known.mean()):.0f} % | {apgr(score, table):.3f} "
            f"| {apgr(bare, table):.3f} | {auroc_of}, {'on' if check.proven else 'off'} | {flagged} |",
            flush=True,
        )


def labels(tables: Sequence[Table], encoder: Remembering, repeats: int) -> None:
    """What a number of labelled rows buys: trained on so many, scored on a fifth that is never trained on."""
    print("\n| table | reads | " + " | ".join(map(str, BUDGETS)) + " |\n" + "|---" * (len(BUDGETS) + 2) + "|")
    for table in tables:
        for answers in (False, True):
            if (answers and not table.responses) or len(table) < 300:
                continue
            groups = near_duplicates(table.prompts, encoder.embed(table.prompts))
            shown = []
            for budget in BUDGETS:
                found = []
                for repeat in range(repeats):
                    train, test = next(iter(group_folds(groups, FOLDS, 1000 + repeat)))
                    some = np.random.default_rng(repeat).permutation(train)[:budget]
                    if len(some) < budget:
                        break
                    model = fitted([rows_of(table, some)], encoder, answers=answers)
                    unseen = rows_of(table, test)
                    found.append(apgr(scored(model, unseen, encoder, answers=answers)[0], unseen))
                shown.append(f"{np.mean(found):.3f}" if found else "-")
            print(f"| {table.name} | {'answer' if answers else 'question'} | {' | '.join(shown)} |", flush=True)


def cost(tables: Sequence[Table], encoder: Remembering) -> None:
    """Milliseconds of one decision beyond the embedding."""
    import time

    for table in tables:
        model = fitted([rows_of(table, np.arange(min(400, len(table))))], encoder, answers=False)
        vectors, taken = encoder.embed(table.prompts[:300]), []
        for prompt, vector in zip(table.prompts[:300], vectors, strict=True):
            begun = time.perf_counter()
            model.predict(prompt, vector)
            taken.append(1e3 * (time.perf_counter() - begun))
        print(
            f"{table.name}: median {np.median(taken):.2f} ms, 90 % within {np.quantile(taken, 0.9):.2f} ms", flush=True
        )


def others(tables: Sequence[Table]) -> None:
    print("\nRouteLLM, published: " + "; ".join(PUBLISHED))
    for table in tables:
        if (found := cascadeflow_scores(table)) is not None:
            print(f"cascadeflow's complexity detector on {table.name}: APGR {apgr(found, table):.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of tables")
    parser.add_argument("--cache", type=Path, help="keep vectors here")
    parser.add_argument("--tables", nargs="*", default=NAMES)
    parser.add_argument("--part", nargs="*", default=("folds", "mixed", "transfer", "labels", "cost", "others"))
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    if arguments.cache:
        arguments.cache.mkdir(parents=True, exist_ok=True)
    encoder = Remembering(arguments.cache)
    tables = list(load(arguments.data, encoder, arguments.tables))
    parts: dict[str, Any] = {
        "folds": lambda: folds(tables, encoder, arguments.repeats),
        "mixed": lambda: mixed(tables, encoder),
        "transfer": lambda: transfer(tables, encoder),
        "labels": lambda: labels([t for t in tables if len(t) >= 300], encoder, arguments.repeats),
        "cost": lambda: cost([t for t in tables if len(t) >= 100], encoder),
        "others": lambda: others(tables),
    }
    for part in arguments.part:
        parts[part]()


if __name__ == "__main__":
    main()
