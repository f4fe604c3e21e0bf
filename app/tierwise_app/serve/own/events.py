"""A turn's events as a client gets them: each with its place in the run, and snapshots where there is no place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tierwise import Event, event_to_json
from tierwise.errors import TierwiseError
from tierwise.events import AnswerReady, AttemptDiscarded, AttemptStarted, TextDelta, TurnFailed
from tierwise.record import Partial, answer_of
from tierwise.turns import Attempt, DecisionRecord
from tierwise_app.serve import sse
from tierwise_app.serve.discreet import without_folders
from tierwise_app.serve.line import Waits
from tierwise_app.serve.own.told import as_json
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Watched

_PLACE = re.compile(r"(0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,8})")
_text = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Place:
    """How far a client has come: the first ``seen`` items of a run."""

    run: str
    seen: int

    @classmethod
    def read(cls, text: str) -> Place:
        """Read what stands as ``id`` in an event.

        Raises:
            Problem: 400 if it is none of those.
        """
        match = _PLACE.fullmatch(text)
        if match is None:
            raise Problem(
                400,
                "invalid_event_id",
                "Last-Event-ID is no id of an event of a turn.",
                fix="Send the last id that was received, or none.",
                param="Last-Event-ID",
            )
        return cls(match[1], int(match[2]))


class Drafts:
    """The texts of a turn that are not discarded, put together as a client does it.

    Args:
        attempts: what was known before.
    """

    def __init__(self, attempts: Iterable[Attempt | Partial] = ()) -> None:
        self._texts: dict[int, str] = {}
        self._tiers: dict[int, str] = {}
        for one in attempts:
            n = one.attempt if isinstance(one, Partial) else one.n
            self._texts[n], self._tiers[n] = one.text, one.tier

    def take(self, items: Iterable[Event | Waits]) -> Drafts:
        """Add what happened."""
        for item in items:
            match item:
                case AttemptStarted():
                    self._tiers[item.attempt], self._texts[item.attempt] = item.tier, ""
                case TextDelta():
                    self._texts[item.attempt] = self._texts.get(item.attempt, "") + item.text
                case AttemptDiscarded():
                    self._texts.pop(item.attempt, None)
        return self

    @property
    def told(self) -> list[dict[str, Any]]:
        """As a snapshot has them."""
        return [{"attempt": n, "tier": self._tiers.get(n), "text": text} for n, text in sorted(self._texts.items())]


def standing_attempts(record: DecisionRecord) -> list[Attempt]:
    """The attempts of a turn whose text stands: of one that has its answer, that one."""
    if record.status == "done":
        return [attempt for attempt in record.attempts if attempt.outcome == "accepted"]
    return [attempt for attempt in record.attempts if attempt.outcome != "discarded"]


def is_last(item: Event | Waits) -> bool:
    """Whether nothing comes after an event."""
    return isinstance(item, AnswerReady | TurnFailed)


def written(watched: Watched, n: int, *, discreet: bool) -> str:
    """The ``n``-th item of a turn that runs here, from 0, with its place; waiting in the line has none."""
    item = watched.items[n]
    if isinstance(item, Waits):
        return sse.event(as_json({"ahead": item.ahead, "seconds": item.seconds}), name="queued")
    told = sse.event(_json(item, discreet), name=item.type, id=f"{watched.run}-{n + 1}")
    if n > 0 and isinstance(watched.items[n - 1], Waits) and watched.waited is not None:
        return sse.event(as_json({"waited_ms": round(watched.waited * 1000, 1)}), name="begun") + told
    return told


def snapshot(turn_id: str, status: str, attempts: Sequence[dict[str, Any]]) -> str:
    """What a client puts in the place of all it had."""
    return sse.event(as_json({"turn_id": turn_id, "status": status, "attempts": attempts}), name="snapshot")


def ending(record: DecisionRecord, *, discreet: bool) -> str:
    """The last event of a turn that is over, made from its record."""
    answer = answer_of(record)
    event: Event
    if record.status in ("failed", "stopped"):
        message = record.error or f"The turn was {record.status}."
        event = TurnFailed(turn_id=record.turn_id, seq=0, code=record.status, message=message, answer=answer)
    else:
        event = AnswerReady(turn_id=record.turn_id, seq=0, answer=answer)
    return sse.event(_json(event, discreet), name=event.type)


def _json(event: Event, discreet: bool) -> str:
    """An event; ``discreet`` leaves out where things are on this machine."""
    if isinstance(event, TextDelta):  # most events are
        return (
            f'{{"type":"{event.type}","turn_id":{_text(event.turn_id)},"seq":{event.seq}'
            f',"attempt":{event.attempt},"text":{_text(event.text)}}}'
        )
    value = event_to_json(event)
    return as_json(without_folders(value) if discreet else value)


def failure(error: Exception) -> str:
    """Why there is no more to tell, in place of an event."""
    if isinstance(error, TierwiseError):
        error = Problem.of(error)
    if not isinstance(error, Problem):
        error = Problem(500, "internal", "Something unexpected went wrong.")
    return sse.event(as_json(error.body), name="error")
