"""Ways to write down what bodies are tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from abuse_place import Case, Place, Seen

BAD = frozenset({400})
KIND = frozenset({415})
FINE = frozenset({200})
SAID = [{"role": "user", "content": "What is the capital of Peru?"}]


def chat(**body: Any) -> Callable[[Place], Seen]:
    return lambda place: place.chat(**{"messages": SAID, **body})


def both(**body: Any) -> Callable[[Place], Seen]:
    """The same to Responses."""
    return lambda place: place.call("POST", "/v1/responses", json={"model": "auto", "input": "What?", **body})


def text(content: bytes | str, **headers: str) -> Callable[[Place], Seen]:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda place: place.body(data, **headers)


def part(**part: Any) -> Callable[[Place], Seen]:
    """A part of a message; ``CANARY`` stands for an address that must not be spoken to."""

    def run(place: Place) -> Seen:
        filled = json.loads(json.dumps(part).replace("CANARY", place.canary))
        return place.chat([{"type": "text", "text": "What is this?"}, filled])

    return run


def cases(**rows: tuple[Any, ...]) -> list[Case]:
    """Rows of (why, run), (why, run, allowed) or (why, run, allowed, check); what may be right may ask a model."""
    made = []
    for name, (why, run, *rest) in rows.items():
        allowed = rest[0] if rest else BAD
        check = rest[1] if len(rest) > 1 else None
        made.append(Case(f"body-{name}", "body", why, run, allowed, asks=200 in allowed, check=check))
    return made
