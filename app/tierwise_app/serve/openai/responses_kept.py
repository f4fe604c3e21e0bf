"""Responses that are kept: found again, and the conversation that the next one goes on with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from tierwise import DecisionRecord
from tierwise.record import answer_of
from tierwise_app.serve.openai.responses_input import Item
from tierwise_app.serve.openai.responses_object import PREFIX, kept_output, response_id
from tierwise_app.serve.parts import own_turn, parts_of
from tierwise_app.serve.problems import Problem

_PLACE = "response"  # in what is attached to a turn


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a response beside its turn.

    Attributes:
        input: the items of its request.
        previous: the turn whose conversation it went on with, ``None`` if it began one.
        thread: the thread that it was asked in by name, ``None``: its turn has one for itself.
        model: what was asked for.
        said: fields of the request that come back.
    """

    input: list[Item]
    previous: str | None
    thread: str | None
    model: str
    said: dict[str, Any]

    @property
    def attached(self) -> dict[str, Any]:
        """As it is attached to the turn: the record keeps it and deletes it with everything else of the turn."""
        return {_PLACE: {name: getattr(self, name) for name in self.__slots__}}


@dataclass(frozen=True, slots=True)
class Before:
    """The conversation that a response goes on with.

    Attributes:
        items: what was said, oldest first, answers included.
        previous: the turn that it ends with, ``None`` if a conversation begins.
        thread: the thread to go on in, which knows what was said; ``None``: ``items`` tell it.
        locked: some of it stays on the device.
        tainted: some of it was written by who had read text that may not be trusted.
    """

    items: tuple[Item, ...] = ()
    previous: str | None = None
    thread: str | None = None
    locked: bool = False
    tainted: bool = False


def find(request: Request, name: str) -> tuple[DecisionRecord, Kept]:
    """A response by its id.

    Raises:
        Problem: 404 if there is none, it was not stored, or it is another caller's.
    """
    if name.startswith(PREFIX):
        try:
            record = own_turn(request, name.removeprefix(PREFIX))
        except Problem:
            record = None
        if record is not None and _PLACE in (record.attached or {}):
            return record, _kept(record)
    raise Problem(404, "response_not_found", f"There is no response {_short(name)}.", param="response_id")


def before(request: Request, previous: str | None) -> Before:
    """The conversation up to a response, and with it.

    Raises:
        Problem: 404 if it, or one that it goes on from, is not there; 400 if it has no answer, or its thread has gone
            on since.
    """
    if previous is None:
        return Before()
    record, kept = _earlier(request, previous)
    if record.status != "done":
        text = f"Response {_short(previous)} has no answer to go on from: its turn is {record.status}."
        raise Problem(400, "previous_response_without_answer", text, param="previous_response_id")
    thread, turn_id = kept.thread, record.turn_id
    if thread is not None:
        # The thread's own memory holds the rest, with what is locked or was overruled in it.
        latest = parts_of(request).copilot.record.turns(thread, last=1, standing=True)
        if [turn.turn_id for turn in latest] != [turn_id]:
            raise Problem(
                400,
                "thread_went_on",
                f"Thread {thread!r} has gone on since response {_short(previous)}.",
                fix="Go on from its last response, or leave previous_response_id out.",
                param="previous_response_id",
            )
    rounds = [(kept, record)]
    while thread is None and kept.previous is not None:
        record, kept = _earlier(request, response_id(kept.previous))
        rounds.append((kept, record))
    items = [item for kept, record in reversed(rounds) for item in (*kept.input, *kept_output(answer_of(record)))]
    return Before(
        items=tuple(items),
        previous=turn_id,
        thread=thread,
        locked=any(record.locked for _, record in rounds),
        tainted=any(record.tainted for _, record in rounds),
    )


def _earlier(request: Request, name: str) -> tuple[DecisionRecord, Kept]:
    try:
        return find(request, name)
    except Problem:
        raise Problem(
            404,
            "previous_response_not_found",
            f"Response {_short(name)} is not there to go on from.",
            fix="Send the conversation as input.",
            param="previous_response_id",
        ) from None


def _kept(record: DecisionRecord) -> Kept:
    return Kept(**(record.attached or {})[_PLACE])


def _short(name: str) -> str:
    return repr(name if len(name) <= 100 else f"{name[:100]}...")
