"""What the routes work with, found through the request: one place for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from tierwise import AsyncCopilot, Caller, DecisionRecord
from tierwise.serve_settings import ServeSettings
from tierwise_app.serve.keys import Key, Keys
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Turns


@dataclass(frozen=True, slots=True)
class Parts:
    """The server's parts.

    Attributes:
        copilot: answers.
        turns: those that run here.
        keys: who may ask.
        settings: of the server.
    """

    copilot: AsyncCopilot
    turns: Turns
    keys: Keys
    settings: ServeSettings


def parts_of(request: Request) -> Parts:
    """The parts."""
    found: Parts = request.app.state.parts
    return found


def key_of(request: Request) -> Key | None:
    """The key that the request came with; ``None`` where nobody needs one."""
    return request.scope.get("tierwise.key")


def caller_of(request: Request) -> Caller:
    """Who asks."""
    key = key_of(request)
    return Caller() if key is None else Caller(key.id, key.usd_day)


def sees(request: Request, caller: str | None) -> bool:
    """Whether whoever asks may see what belongs to a caller (``None``: to a person of this machine)."""
    key = key_of(request)
    return key is None or key.sees == "all" or key.id == caller


def own_turn(request: Request, turn_id: str) -> DecisionRecord:
    """A turn by its full id.

    Raises:
        Problem: 404 if there is none, or it is another caller's.
    """
    record = parts_of(request).copilot.record.find(turn_id)
    if record is None or not sees(request, record.caller):
        raise Problem(404, "unknown_turn", f"There is no turn {turn_id!r}.")
    return record
