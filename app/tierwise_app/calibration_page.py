"""A calibration as a picture, and as a page that needs nothing else."""

from __future__ import annotations

import html
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise.errors import InvalidInput
from tierwise_app.text import when

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tierwise.routing import Calibration

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .9rem .2rem 0; text-align: left; }
th { border-bottom: 1px solid #999; } td + td { font-variant-numeric: tabular-nums; }
svg { max-width: 100%; height: auto; }
@media (prefers-color-scheme: dark) { body { background: #fff; } }
"""


def draw_curve(figures: Mapping[str, Any], tier: str, target: Path) -> None:
    """Quality against share of calls, beside always, never, random and the oracle, with the dial's settings.

    Raises:
        InvalidInput: if the picture cannot be written.
    """
    made = _figure(figures, tier)
    try:
        made.savefig(target)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise InvalidInput(
            f"{target} cannot be written: {why}.", fix="Choose another place, such as curve.png."
        ) from error


def write_page(calibration: Calibration, target: Path) -> None:
    """The report with its pictures in one file.

    Raises:
        InvalidInput: if it cannot be written.
    """
    parts = [f"<h1>Calibration {html.escape(calibration.id)}</h1>"]
    parts.append(f"<p>{html.escape(when(calibration.created))}, {calibration.questions} questions. ")
    parts.append(", ".join(f"{html.escape(t)}: {html.escape(m)}" for t, m in calibration.models.items()) + "</p>")
    for tier, figures in calibration.figures.items():
        parts.append(f"<h2>Drafts of {html.escape(tier)}</h2>{_svg(_figure(figures, tier))}{_table(figures)}")
    body = "\n".join(parts)
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Calibration</title><style>{_STYLE}</style>'
    try:
        target.write_text(f"{page}<body>{body}</body></html>\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}.", fix="Choose another place.") from error


def _figure(figures: Mapping[str, Any], tier: str) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_quality(left, figures, tier)
    _draw_reliability(right, figures)
    return figure


def _draw_quality(axes: Axes, figures: Mapping[str, Any], tier: str) -> None:
    weak, strong = figures["weak"], figures["strong"]
    axes.plot([0, 1], [weak, strong], color="#777777", linestyle=":", label="at random")
    axes.plot(figures["oracle"]["share"], figures["oracle"]["quality"], color="#999999", linestyle="--", label="oracle")
    asked = figures["curve_asked"]
    axes.plot(asked["share"], asked["quality"], color="#d95f02", linewidth=1, label="from the question alone")
    axes.plot(figures["curve"]["share"], figures["curve"]["quality"], color="#1b6ca8", label="from the draft")
    for name in ("economy", "balanced", "quality"):
        point = figures["dial"][name]
        axes.plot(point["share"], point["quality"], "o", color="#1b6ca8", markersize=5)
        axes.annotate(name, (point["share"], point["quality"]), xytext=(4, -11), textcoords="offset points", fontsize=8)
    before = figures["before"]
    axes.plot(before["share"], before["quality"], "x", color="#333333", label="before calibration")
    axes.set(xlabel="share sent up", ylabel="share right", title=f"{tier} and the largest tier", xlim=(0, 1))
    axes.legend(loc="lower right", fontsize=8, frameon=False)


def _draw_reliability(axes: Axes, figures: Mapping[str, Any]) -> None:
    said, came = [b[1] for b in figures["reliability"]], [b[2] for b in figures["reliability"]]
    axes.plot([0, 1], [0, 1], color="#777777", linestyle=":")
    axes.plot(said, came, "o-", color="#1b6ca8", markersize=4, linewidth=1)
    axes.set(xlabel="estimated chance", ylabel="share right", title="reliability", xlim=(0, 1), ylim=(0, 1))


def _svg(figure: Figure) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg")
    text = file.getvalue()
    return text[text.index("<svg") :]


def _table(figures: Mapping[str, Any]) -> str:
    rows = {"never": {"share": 0.0, "quality": figures["weak"]}, "before calibration": figures["before"]}
    rows |= {name if name.isalpha() else f"share {float(name):.0%}": p for name, p in figures["dial"].items()}
    rows["always"] = {"share": 1.0, "quality": figures["strong"]}
    cells = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{p['share']:.0%}</td><td>{p['quality']:.1%}</td></tr>"
        for name, p in rows.items()
    )
    low, high = figures["apgr_interval"]
    text = (
        f"APGR {_known(figures['apgr'])} [{_known(low)}, {_known(high)}], Brier {figures['brier']:.3f} (base rate"
        f" {figures['base']:.3f}), calibration error {figures['error']:.3f} (expected up to"
        f" {figures['error_expected']:.3f}). Cross-validated."
    )
    return f"<table><tr><th></th><th>sent up</th><th>right</th></tr>{cells}</table><p>{text}</p>"


def _known(value: float | None) -> str:
    return "unknown" if value is None or math.isnan(value) else f"{value:.3f}"
