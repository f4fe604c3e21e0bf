"""Requests that are sent twice by programs that are not sure of the first: one turn for both."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request

from tierwise_app.serve.parts import caller_of, parts_of
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Turns, Watched

_MOST = 1024  # keys of one caller; the oldest are forgotten
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass
class _Asked:
    said: str
    watched: Watched | None
    turn_id: str | None = None


class Repeats:
    """What was asked with which key, by caller. In memory: it is gone with the server.

    Args:
        turns: those that run here; of one that is over only its id is kept.
    """

    def __init__(self, turns: Turns) -> None:
        self._asked: dict[str, OrderedDict[str, _Asked]] = {}
        self._running: dict[Watched, tuple[str, str, _Asked]] = {}
        turns.ended.append(self._ended)

    def find(self, caller: str, key: str, said: str) -> Watched | str | None:
        """The turn that was begun with a key, or its id; ``None`` if the key is new.

        Raises:
            Problem: 422 if something else was asked with it.
        """
        asked = self._asked.get(caller, OrderedDict()).get(key)
        if asked is None:
            return None
        if asked.said != said:
            raise Problem(
                422,
                "idempotency_key_reused",
                "This Idempotency-Key came with another question before.",
                fix="Make a new key for each question.",
                param="Idempotency-Key",
            )
        return asked.watched or asked.turn_id

    def note(self, caller: str, key: str, said: str, watched: Watched) -> None:
        """Remember a turn that has just begun."""
        keys, asked = self._asked.setdefault(caller, OrderedDict()), _Asked(said, watched)
        keys[key] = asked
        self._running[watched] = (caller, key, asked)
        while len(keys) > _MOST:
            keys.popitem(last=False)

    def _ended(self, watched: Watched) -> None:
        if watched not in self._running:
            return
        caller, key, asked = self._running.pop(watched)
        asked.watched, asked.turn_id = None, watched.turn_id
        if asked.turn_id is None and self._asked[caller].get(key) is asked:  # it never began: ask anew
            del self._asked[caller][key]


def repeats_of(request: Request) -> Repeats:
    """The application's."""
    state = request.app.state
    if not hasattr(state, "repeats"):
        state.repeats = Repeats(parts_of(request).turns)
    found: Repeats = state.repeats
    return found


def repeat_key(request: Request) -> str | None:
    """The request's ``Idempotency-Key``.

    Raises:
        Problem: 400 for one that is too long, or sent twice.
    """
    sent = request.headers.getlist("Idempotency-Key")
    if not sent:
        return None
    if len(sent) > 1 or not _KEY.fullmatch(sent[0]):
        raise Problem(
            400,
            "invalid_header",
            "Idempotency-Key is sent once, with 1 to 255 visible characters.",
            fix="A random UUID will do.",
            param="Idempotency-Key",
        )
    return sent[0]


def whose(request: Request) -> str:
    """Whose keys they are."""
    return caller_of(request).id
