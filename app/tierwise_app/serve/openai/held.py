"""An answer as it may be shown: once it is verified, or live. Texts of two attempts are never put together."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from starlette.requests import Request

from tierwise import Answer, TierwiseError
from tierwise.events import (
    AnswerReady,
    AttemptDiscarded,
    AttemptQueued,
    AttemptStarted,
    TextDelta,
    TurnFailed,
    TurnQueued,
)
from tierwise.serve_settings import Hold
from tierwise_app.serve.leaving import attend, until_over, while_there
from tierwise_app.serve.line import Waits
from tierwise_app.serve.openai.telling import TurnProblem, early_headers, problem_of, stopped
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Watched

_PIECE = re.compile(r"\s*(?:\S{1,40}\s*){1,6}|\s+")
_PATIENCE = 5.0  # seconds that a stream waits for something to tell, before it says that it lives


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the answer's text, and the tier that wrote it; ``None`` if no model did."""

    text: str
    tier: str | None


@dataclass(frozen=True, slots=True)
class Queued:
    """The turn waits: so many come first, and in how many seconds it begins, if that can be told."""

    ahead: int
    seconds: float | None

    @property
    def words(self) -> str:
        """For people."""
        about = "" if self.seconds is None else f", about {max(1, round(self.seconds))} s"
        return f"queued, {self.ahead} ahead{about}"


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn has its answer: status ``done``, every piece was given."""

    answer: Answer


Told = Queued | Piece | Ended


class Spliced(TurnProblem):
    """Live text was given away, and another text takes its place."""

    def __init__(self, watched: Watched, *, goes_on: bool) -> None:
        turn_id = watched.turn_id
        fix = (
            f"The turn goes on; its answer will be at /v1/turns/{turn_id}."
            if goes_on
            else 'Ask again with hold "verified" to get text only when it is settled.'
        )
        super().__init__(
            409,
            "answer_replaced",
            "What was shown so far is not the answer: another text takes its place.",
            fix=fix,
            about={"turn_id": turn_id},
            again=False,
            headers=early_headers(turn_id),
        )


async def released(watched: Watched, hold: Hold, *, goes_on: bool = False) -> AsyncGenerator[Told, None]:
    """What may be shown of a turn, up to its :class:`Ended`; closing the iterator stops the turn.

    ``verified`` gives nothing of the text until the turn has its answer. ``live`` gives the text as the model writes
    it, with marks and blanks that the answer does not have.

    Args:
        watched: the turn.
        hold: when text may be shown.
        goes_on: if live text is replaced, the turn goes on without this watcher.

    Raises:
        Problem: if the turn ends without an answer, or live text is replaced (:class:`Spliced`).
        TierwiseError: if it could not begin.
    """
    shown: int | None = None  # the attempt that text was given of
    tiers: dict[int, str] = {}
    failed: TurnFailed | None = None
    with watched.watching():
        async for item in watched.follow(texts=hold == "live"):
            match item:
                case Waits() | TurnQueued() | AttemptQueued():
                    yield Queued(item.ahead, getattr(item, "seconds", None))
                case AttemptStarted():
                    tiers[item.attempt] = item.tier
                case TextDelta() if item.text:
                    if shown not in (None, item.attempt):
                        raise _spliced(watched, goes_on)
                    shown = item.attempt
                    yield Piece(item.text, tiers.get(item.attempt))
                case AttemptDiscarded() if item.attempt == shown:
                    raise _spliced(watched, goes_on)
                case AnswerReady():
                    answer = item.answer
                    if answer.status != "done":
                        raise problem_of(answer)
                    if shown is None:
                        for text in pieces(answer.text):
                            yield Piece(text, answer.tier)
                    yield Ended(answer)
                    return
                case TurnFailed():
                    failed = item  # what is wrong with the request itself is raised at the end of the turn
        if failed is not None:
            raise problem_of(failed.answer, failed.code)
        raise stopped(watched.turn_id)


async def settled(request: Request, watched: Watched) -> Answer:
    """Wait for a turn's answer, for as long as the client does.

    Raises:
        Problem: if the turn ends without an answer, or the client has left.
        TierwiseError: if it could not begin.
    """
    attend(request, watched)
    return await while_there(request, _settled(watched))


async def opened(request: Request, watched: Watched, hold: Hold, *, goes_on: bool) -> AsyncGenerator[Told, None]:
    """As :func:`released`, once there is something to tell, or a few seconds have passed.

    What goes wrong before is raised here: it can still be told by the status of the response.
    """
    attend(request, watched)
    parts = released(watched, hold, goes_on=goes_on)
    first = asyncio.ensure_future(anext(parts))
    # The client may leave before what is returned here is begun: then nobody else ends it, or asks what it raised.
    first.add_done_callback(lambda done: done.cancelled() or done.exception())
    until_over(request.scope).callback(first.cancel)
    try:
        await while_there(request, asyncio.wait({first}, timeout=_PATIENCE))
        if first.done():
            first.result()
    except BaseException:
        first.cancel()
        await asyncio.wait({first})
        await parts.aclose()
        raise
    return _opened(first, parts)


async def _settled(watched: Watched) -> Answer:
    async with aclosing(released(watched, "verified")) as parts:
        async for told in parts:
            if isinstance(told, Ended):
                return told.answer
    raise stopped(watched.turn_id)


async def _opened(first: asyncio.Future[Told], parts: AsyncGenerator[Told, None]) -> AsyncGenerator[Told, None]:
    try:
        yield await first
        async for told in parts:
            yield told
    finally:
        if not first.done():
            first.cancel()
            await asyncio.wait({first})
        await parts.aclose()


def pieces(text: str) -> Iterator[str]:
    """A text in pieces of a few words; joined they are the text."""
    for match in _PIECE.finditer(text):
        yield match[0]


def as_problem(error: Exception) -> Problem:
    """What a turn raises, as a problem; what is neither ours nor expected is raised on."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, TierwiseError):
        return Problem.of(error)
    raise error


def _spliced(watched: Watched, goes_on: bool) -> Spliced:
    watched.stays = watched.stays or goes_on
    return Spliced(watched, goes_on=watched.stays)
