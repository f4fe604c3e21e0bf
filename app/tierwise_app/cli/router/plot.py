"""The curve of quality against share of calls as a picture."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from tierwise.routing import Evaluation

_STYLES = {
    "oracle": ("oracle", "#999999", "--"),
    "baseline": ("baseline", "#d95f02", "-"),
    "scores": ("scores", "#1b6ca8", "-"),
}


def require_matplotlib() -> None:
    """Refuse before any work is done.

    Raises:
        UsageError: if matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib, which is not installed.", fix='Run: pip install "tierwise[plot]".')


def draw(found: Evaluation, title: str, target: Path) -> None:
    """Draw the scores' curve beside random, always-weak, always-strong and the oracle.

    Raises:
        InvalidInput: if the picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axhline(found.weak, color="#bbbbbb", linewidth=0.8)
    axes.axhline(found.strong, color="#bbbbbb", linewidth=0.8)
    axes.annotate("always weak", (0.5, found.weak), ha="center", va="bottom", fontsize=8, color="#777777")
    axes.annotate("always strong", (0.0, found.strong), ha="left", va="bottom", fontsize=8, color="#777777")
    axes.plot([0, 1], [found.weak, found.strong], color="#777777", linestyle=":", label="random (APGR 0.500)")
    for name, (label, colour, line) in _STYLES.items():
        if name in found.curves:
            one = found.curves[name]
            label = f"{label} (APGR {one.apgr:.3f})"
            axes.plot(one.share, one.quality, color=colour, linestyle=line, label=label)
    axes.set(xlabel="share of calls to the strong model", ylabel="mean quality", title=title, xlim=(0, 1))
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    try:
        figure.savefig(target)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise InvalidInput(
            f"{target} cannot be written: {why}.", fix="Choose another place, such as curve.png."
        ) from error
