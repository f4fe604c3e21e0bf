"""Words and figures as people read them; everything here is a pure function."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tierwise.errors import InvalidInput
from tierwise_tools.mcp.hidden import with_escapes

# C0 and C1 control characters but tab and newline: text from a model or a document must never steer the terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_AGE = re.compile(r"(\d+)([hdw])")
_SECONDS = {"h": 3600.0, "d": 86400.0, "w": 604800.0}


def clean(text: str) -> str:
    """``text`` without characters that a terminal would obey; carriage returns become line ends."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def visible(text: str) -> str:
    r"""``text`` on one line, with an escape for each character that a person would not see (``\u{202e}``, ``\n``)."""
    return with_escapes(text).replace("\n", "\\n")


def one_line(text: str, limit: int = 160) -> str:
    """``text`` cleaned, on one line, cut to ``limit`` characters with an ellipsis."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def money(usd: float) -> str:
    """``$0``, ``$0.00012``, ``$1.25``: two digits that say something."""
    if usd == 0:
        return "$0"
    return f"${usd:.2f}" if usd >= 0.1 else f"${usd:.2g}" if usd >= 0.0001 else f"${usd:.6f}"


def duration(ms: float) -> str:
    """Milliseconds as ``85 ms``, ``3.2 s`` or ``2 min 5 s``."""
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    return f"{int(ms // 60_000)} min {int(ms % 60_000 // 1000)} s"


def rough(seconds: float) -> str:
    """A guess at a time: ``1 s`` at least, ``14 s``, ``3 min``."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def size(count: float) -> str:
    """Bytes as ``512 B``, ``3.1 kB``, ``138 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("unreachable")


def plural(count: int, noun: str) -> str:
    """``1 passage``, ``3 passages``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def points(gain: float) -> str:
    """A difference of two chances: ``12 points``."""
    return f"{100 * gain:+.0f} points"


def when(seconds: float) -> str:
    """Seconds since the epoch as local date and minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def place(source: str, page: int | None = None) -> str:
    """A source as people name it: the file's name and the page."""
    name = clean(Path(source).name or source)
    return name if page is None else f"{name}, page {page}"


def from_home(path: str) -> str:
    """A path as people write it: from ``~`` on if it is in their home folder; addresses stay as they are."""
    try:
        return str("~" / Path(path).relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return path


def since(word: str, now: float | None = None) -> float:
    """``12h``, ``30d``, ``4w`` ago or a day such as ``2026-11-01``, as seconds since the epoch.

    Raises:
        InvalidInput: for anything else.
    """
    if match := _AGE.fullmatch(word.strip()):
        return (time.time() if now is None else now) - int(match[1]) * _SECONDS[match[2]]
    try:
        return time.mktime(time.strptime(word.strip(), "%Y-%m-%d"))
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{word!r} is not a time.", fix="Write 12h, 30d, 4w or a day such as 2026-11-01.") from error
