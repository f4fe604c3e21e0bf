"""The catalogue of words: every text that is asked for is there, none is left over, and foreign text stays text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import tierwise_app.web.words as words
from tierwise_app.web.words import plain, raw, say

WEB = Path(words.__file__).parent
_ANY = "\0"  # what is filled in when the program runs


def literals() -> Iterator[str]:
    """All texts in the app's code that may name one of the catalogue; what is filled in stands as one sign."""
    for path in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(one.value if isinstance(one, ast.Constant) else _ANY for one in node.values)


def asked_for() -> set[str]:
    """The names that stand in a call of ``say`` or ``raw``."""
    found = set()
    for path in WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("say", "raw") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(first.value)
    return found


def test_every_text_that_is_asked_for_is_there() -> None:
    assert not sorted(asked_for() - words._catalogue().keys())


def test_no_text_is_left_over() -> None:
    named = {text for text in literals() if "." in text and " " not in text}
    fixed = {text for text in named if _ANY not in text}
    open_ones = [re.compile(re.escape(text).replace(re.escape(_ANY), ".+")) for text in named - fixed]
    left = [key for key in words._catalogue() if key not in fixed and not any(one.fullmatch(key) for one in open_ones)]
    assert not left


def test_foreign_text_stays_text() -> None:
    shown = say("chat.draft_by", tier="**deep** :material/lock: ![x](http://a.invalid)")
    assert "**" not in shown
    assert ":material" not in shown
    assert "![" not in shown
    assert plain("a\n\n# b") == "a \\# b"
    assert raw("chat.draft_by", tier="a*b") == "Draft by a*b"
