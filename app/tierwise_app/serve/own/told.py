"""What turns, threads, approvals and feedback are answered with."""

from __future__ import annotations

import json
import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from tierwise import DecisionRecord, Outgoing
from tierwise.turns import WaitingCall
from tierwise.types import TurnStatus
from tierwise_app.serve.own.shapes import ThreadName

Status = TurnStatus | Literal["running"]


class TurnRef(BaseModel):
    """Where a turn is, and how it stands."""

    turn_id: str
    thread: str
    status: Status


class TurnLine(TurnRef):
    """A turn in a list; all of it is at `/v1/turns/{turn_id}`."""

    asked: str
    created: float = Field(description="Seconds since 1970.")
    text: str = Field(description="The answer, or what there is of it.")
    tier: str | None = Field(description="The tier that answered.")
    error: str | None
    locked: bool
    overruled: str | None = Field(description="How another answer took its place, if one did.")

    @classmethod
    def of(cls, record: DecisionRecord) -> dict[str, Any]:
        """The line as JSON values."""
        return {
            **ref_of(record),
            "asked": record.asked,
            "created": record.created,
            "text": record.text,
            "tier": record.final,
            "error": record.error,
            "locked": record.locked,
            "overruled": record.overruled,
        }


class TurnPage(BaseModel):
    """Turns, the newest first; the next page is what comes `before` the last of them."""

    object: Literal["list"]
    data: list[TurnLine]
    has_more: bool


class ThreadLine(BaseModel):
    """A thread in a list."""

    thread: str
    title: str = Field(description="Given, or made from its first question.")
    turns: int
    last: float = Field(description="When its last turn began, or it was made, in seconds since 1970.")
    locked: bool
    title_locked: bool = Field(description="The title repeats words that stay on the device.")
    caller: str | None = Field(description="The key that began it; null for a person of the server's machine.")
    passing: bool = Field(description="It was for one question alone.")


class ThreadPage(BaseModel):
    """Threads, the most recently used first."""

    object: Literal["list"]
    data: list[ThreadLine]


class ThreadView(ThreadLine):
    """A thread with a page of its turns, the newest first."""

    page: TurnPage


class Deleted(BaseModel):
    """A thread that is gone."""

    thread: ThreadName
    deleted: int = Field(description="How many turns it had.")


class Waiting(BaseModel):
    """A turn that waits for a person."""

    turn_id: str
    thread: str
    asked: str
    created: float
    waiting: list[WaitingCall] = Field(description="Tool calls to say yes or no to.")
    outgoing: Outgoing | None = Field(description="The request that waits to leave the device.")


class WaitingPage(BaseModel):
    """Turns that wait for a person, the oldest first."""

    object: Literal["list"]
    data: list[Waiting]


class Judged(BaseModel):
    """The feedback as it is kept."""

    turn_id: str
    feedback: str


class Problems(BaseModel):
    """Every error."""

    class Inner(BaseModel):
        """What went wrong."""

        model_config = ConfigDict(extra="allow")

        message: str
        type: str
        param: str | None
        code: str

    error: Inner


def ref_of(record: DecisionRecord) -> dict[str, Any]:
    """A :class:`TurnRef` as JSON values."""
    return {"turn_id": record.turn_id, "thread": record.thread, "status": record.status}


def as_json(value: Any) -> str:
    """JSON in one line. A number that is none (old records have some) is ``null``: JSON has no word for it."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))


def told(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response of JSON values that are made already."""
    return Response(as_json(value), status, headers=headers, media_type="application/json")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
