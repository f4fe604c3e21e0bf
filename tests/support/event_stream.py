"""A client of our own events: reads them from a response, and puts the text together from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sent:
    """An event as it was received."""

    name: str
    data: dict[str, Any]
    id: str | None


def sent(response: Any) -> Iterator[Sent]:
    """The events of a response, as they come."""
    assert response.headers["content-type"].startswith("text/event-stream"), response.read()
    yield from parsed(response.iter_lines())


def parsed(lines: Iterable[str]) -> Iterator[Sent]:
    """The events in lines; comments are left out."""
    name, data, place = "message", list[str](), None
    for line in lines:
        field, _, value = line.partition(": ")
        if line == "" and data:
            yield Sent(name, json.loads("\n".join(data)), place)
            name, data, place = "message", [], None
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            place = value


class Text:
    """What a client shows: every attempt's text, as far as it stands."""

    def __init__(self) -> None:
        self.attempts: dict[int, str] = {}
        self.last_id: str | None = None
        self.answer: dict[str, Any] | None = None
        self.names: list[str] = []

    def take(self, event: Sent) -> None:
        data = event.data
        self.names.append(event.name)
        self.last_id = event.id or self.last_id
        if event.name == "snapshot":
            self.attempts = {one["attempt"]: one["text"] for one in data["attempts"]}
        elif event.name == "attempt.started":
            self.attempts[data["attempt"]] = ""
        elif event.name == "text.delta":
            self.attempts[data["attempt"]] = self.attempts.get(data["attempt"], "") + data["text"]
        elif event.name == "attempt.discarded":
            self.attempts.pop(data["attempt"], None)
        elif event.name in ("answer.ready", "turn.failed"):
            self.answer = data["answer"]

    @property
    def shown(self) -> str:
        """The text of the last attempt that stands."""
        return self.attempts[max(self.attempts)] if self.attempts else ""
