"""Whether the dial keeps its promise: shares of calls held on rows of recorded tables that nothing was fitted to.

    python -m benches.dial --data DIR [--cache DIR]

A model is trained on one part of a table. The gains it expects of 300 further rows fill the window, as those of a
calibration do; then all other rows come one after the other, and each is decided by the line that the window has then.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benches.routing_tables import Remembering, fitted, load, rows_of, scored
from tierwise.routing.dial import Window
from tierwise.types import Wish

TABLES = ("mmlu", "mmlu_pro", "llmrouter_mix")
TRAINED, FILLING = 1500, 300
WISHES: tuple[Wish, ...] = (0.1, 0.2, 0.3, 0.5, "economy", "balanced", "quality")


def served(window: Window, wish: Wish, gains: Sequence[float]) -> np.ndarray:
    """Which rows went up."""
    called = []
    for gain in gains:
        called.append(gain > window.line(wish))
        window.note(gain)
    return np.array(called)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    encoder = Remembering(args.cache)
    print("| table | rows | wish | share sent up | quality | at random |\n|---|---|---|---|---|---|")
    worst = 0.0
    for table in load(args.data, encoder, TABLES):
        order = np.random.default_rng(5).permutation(len(table))
        model = fitted([rows_of(table, order[:TRAINED])], encoder, answers=False)
        rest = rows_of(table, order[TRAINED:])
        gains, _ = scored(model, rest, encoder, answers=False)
        weak, strong = rest.weak[FILLING:], rest.strong[FILLING:]
        for wish in WISHES:
            up = served(Window(gains[:FILLING].tolist()), wish, gains[FILLING:].tolist())
            share, quality = float(up.mean()), float(np.where(up, strong, weak).mean())
            chance = float(weak.mean() + share * (strong.mean() - weak.mean()))
            print(f"| {table.name} | {len(up)} | {wish} | {share:.1%} | {quality:.3f} | {chance:.3f} |", flush=True)
            if not isinstance(wish, str):
                worst = max(worst, abs(share - wish))
    print(f"\nlargest distance from a target share: {100 * worst:.1f} points")


if __name__ == "__main__":
    main()
