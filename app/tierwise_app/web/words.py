"""The app's words, in one catalogue: ``strings/LANGUAGE/PAGE.toml``."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("strings")
# What Markdown, and Streamlit's additions to it, would take for more than text.
_MARKED = re.compile(r"[\\`*_{}\[\]()#+\-.!|<>~$:&]")
# Where a bare address, or the name of an icon, begins to be one: they come alive however they are escaped, unless
# something of no width stands between.
_ALIVE = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)|(?<=:)(?=[\w+/-]+:)")


def say(key: str, **values: object) -> str:
    """A text of the catalogue, in Streamlit's Markdown.

    Args:
        key: ``PAGE.NAME``, or deeper.
        values: what stands in its ``{braces}``; it is shown as it is, whatever Markdown it looks like.

    Raises:
        KeyError: if the catalogue has no such text, or the text has a brace that is not filled.
    """
    return _catalogue()[key].format(**{name: plain(str(value)) for name, value in values.items()})


def raw(key: str, **values: object) -> str:
    """As :func:`say` where no Markdown is read: placeholders, file names, plain text."""
    return _catalogue()[key].format(**values)


def known(key: str) -> bool:
    """Whether the catalogue has a text: for what is named by codes, of which newer ones may come."""
    return key in _catalogue()


def plain(text: str) -> str:
    """A text that Streamlit's Markdown shows as it is, on one line: no formatting, links, images, icons or formulas."""
    apart = _ALIVE.sub("\u2060", _line(text))
    return _MARKED.sub(lambda found: "\\" + found[0] if found[0] not in "&<>:$" else f"&#{ord(found[0])};", apart)


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@cache
def _catalogue(language: str = "en") -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((_FOLDER / language).glob("*.toml")):
        _flatten(tomllib.loads(path.read_text(encoding="utf-8")), path.stem, found)
    return found


def _flatten(table: dict[str, object], prefix: str, into: dict[str, str]) -> None:
    for name, value in table.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}.{name}", into)
        else:
            into[f"{prefix}.{name}"] = str(value)
