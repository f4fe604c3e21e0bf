"""A calibration's figures for people at a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tierwise_app.console import out
from tierwise_app.text import plural, when

if TYPE_CHECKING:
    from tierwise.routing import Calibration

_STAGES = {
    "asked": "from the question alone",
    "begun": "from the first words",
    "draft": "from the draft",
    "self_check": "and a self-check",
    "second_sample": "and a second sample",
}


def print_report(calibration: Calibration) -> None:
    """Before and after, for each drafting tier."""
    say = out().print
    say(f"calibration {calibration.id}, {when(calibration.created)}, {plural(calibration.questions, 'question')}")
    for tier, figures in calibration.figures.items():
        top = list(calibration.models)[-1]
        say()
        say(f"{tier} or {top}", style="bold")
        _print_points(figures, tier, top)
        _print_figures(figures)


def report_rows(figures: Mapping[str, Any], tier: str, top: str) -> list[tuple[str, float, float, float | None]]:
    """Settings of a drafting tier: name, share sent up, share right, and what sending as many at random would give.

    Args:
        figures: those of the tier, of a calibration.
        tier: the tier.
        top: the largest one.
    """
    weak, strong, best = figures["weak"], figures["strong"], figures["oracle"]["quality"]
    points = {
        "before, balanced": figures["before"],
        **{_wish(name): point for name, point in figures["dial"].items()},
    }
    between = [
        (name, point["share"], point["quality"], weak + point["share"] * (strong - weak))
        for name, point in points.items()
    ]
    oracle = figures["oracle"]["share"][best.index(max(best))]
    return [(f"always {tier}", 0.0, weak, None), *between, (f"always {top}", 1.0, strong, None),
            ("oracle", oracle, max(best), None)]  # fmt: skip


def report_notes(figures: Mapping[str, Any]) -> list[str]:
    """What else the figures of a drafting tier say, a sentence or two each; plain text."""
    low, high = figures["apgr_interval"]
    notes = [
        f"APGR {_known(figures['apgr'])} [{_known(low)}, {_known(high)}] (0.5 is chance; before"
        f" {_known(figures['before']['apgr'])});"
        f" AUROC {_known(figures['auroc'])} (before {_known(figures['before']['auroc'])})",
        f"Brier {figures['brier']:.3f} (always saying the share of right ones: {figures['base']:.3f});"
        f" calibration error {figures['error']:.3f}"
        f" (a true chance stays under {figures['error_expected']:.3f} at this sample size)",
    ]
    for name, stage in figures["stages"].items():
        notes.append(f"  {_STAGES.get(name, name):<26} AUROC {_known(stage['auroc'])}, Brier {stage['brier']:.3f}")
    if not figures["prediction"]:
        notes.append("Prediction from the question alone is off: it has not proven itself on these questions.")
    labels = figures.get("labels")
    if labels:
        sizes = ", ".join(f"{n} labels {score:.3f}" for n, score in labels["curve"])
        notes.append(f"APGR by labels: {sizes}. Twice as many are expected to add about {labels['doubling']:+.3f}.")
    return notes


def _print_points(figures: Mapping[str, Any], tier: str, top: str) -> None:
    from rich.table import Table

    table = Table("", "sent up", "right", "at random")
    for name, share, quality, chance in report_rows(figures, tier, top):
        table.add_row(name, f"{share:.0%}", f"{quality:.1%}", "" if chance is None else f"{chance:.1%}")
    out().print(table)


def _print_figures(figures: Mapping[str, Any]) -> None:
    say = out().print
    for note in report_notes(figures):
        say(note)
    say("All figures are cross-validated: each question was judged by what was learned from the others.", style="dim")


def _known(value: float | None) -> str:
    return "unknown" if value is None or math.isnan(value) else f"{value:.3f}"


def _wish(name: str) -> str:
    return name if name.isalpha() else f"share {float(name):.0%}"
