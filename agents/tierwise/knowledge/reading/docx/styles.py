"""The styles of Word documents: what they say about the text that they are put on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docx.document import Document
    from lxml.etree import _Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_MAX_CHAIN = 20  # styles based on styles
_HEADING = re.compile(r"heading (\d)", re.I)


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph's or a run's style says about its text."""

    name: str = ""
    level: int | None = None
    hidden: bool = False
    list_id: str | None = None
    list_level: int | None = None


def styles_of(opened: Document) -> dict[str, Style]:
    """Styles by their ids, with what they have from those that they are based on."""
    elements = {s.get(f"{W}styleId", ""): s for s in opened.styles.element.iterchildren(f"{W}style")}
    found: dict[str, Style] = {}
    for key, element in elements.items():
        chain = [element]
        while len(chain) < _MAX_CHAIN and (base := elements.get(value_of(chain[-1], "basedOn") or "")) is not None:
            chain.append(base)
        name = value_of(element, "name") or ""
        level = hidden = list_id = list_level = None
        for style in chain:
            properties = style.find(f"{W}pPr")
            number = properties.find(f"{W}numPr") if properties is not None else None
            match = _HEADING.fullmatch(value_of(style, "name") or "")
            level = level or (int(match[1]) if match else None) or outline_of(properties)
            own = switch_of(style.find(f"{W}rPr/{W}vanish"))
            hidden = own if hidden is None else hidden
            if number is not None and list_id is None:
                list_id = value_of(number, "numId")
                depth = value_of(number, "ilvl")
                list_level = int(depth) if depth and depth.isdigit() else None
        if name.lower() == "title":
            level = 1
        found[key] = Style(name, level, bool(hidden), list_id, list_level)
    return found


def outline_of(properties: _Element | None) -> int | None:
    """The level of the heading that a paragraph's properties make it, from 1."""
    level = value_of(properties, "outlineLvl")
    return int(level) + 1 if level and level in "01234567" else None


def value_of(parent: _Element | None, name: str) -> str | None:
    """The value of a child of that name."""
    child = parent.find(f"{W}{name}") if parent is not None else None
    return None if child is None else child.get(f"{W}val")


def switch_of(element: _Element | None) -> bool | None:
    """Whether an element that can only be on or off is on; ``None`` if it is missing."""
    return None if element is None else element.get(f"{W}val", "true") not in ("0", "false", "off")
