"""Going on with the events of a turn, wherever the client was and wherever the turn is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from tierwise.events import TurnStarted
from tierwise.record import Record, Standing
from tierwise_app.serve.own.events import (
    Drafts,
    Place,
    ending,
    failure,
    is_last,
    snapshot,
    standing_attempts,
    written,
)
from tierwise_app.serve.parts import Parts
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Watched

LOOK_EVERY = 0.4  # seconds between two looks at a turn of another process; it stores its text as often
MEND_EVERY = 10  # looks after which turns of dead processes are ended
_MOMENT = 0.02  # seconds


async def followed(parts: Parts, watched: Watched, after: int = 0, *, discreet: bool) -> AsyncGenerator[str, None]:
    """The events of a turn that runs here, without the first ``after`` items, up to its end.

    A turn that was stopped has no last event: one is made from its record, which may have some words more.
    """
    ended = False
    try:
        async with aclosing(watched.grow(after)) as sizes:
            async for size in sizes:
                happened, after = range(after, size), size  # what has come at once is sent at once
                ended = is_last(watched.items[size - 1])
                yield "".join([written(watched, n, discreet=discreet) for n in happened])
                if ended:  # what is put in order behind it is nothing to wait for
                    return
        if not ended:
            for text in await _ending(parts.copilot.record, watched.turn_id, discreet):
                yield text
    except Exception as error:
        if not ended:  # what is wrong with the request itself is raised after the last event
            yield failure(error)


async def resumed(
    parts: Parts, turn_id: str, place: Place | None = None, *, discreet: bool
) -> AsyncGenerator[str, None]:
    """The events of a turn from a place on, up to its end: the same events, or a snapshot and what comes after it."""
    try:
        async with aclosing(_resumed(parts, turn_id, place, discreet)) as texts:
            async for text in texts:
                yield text
    except Exception as error:
        yield failure(error)


def has_all(parts: Parts, turn_id: str, epoch: int, place: Place) -> bool:
    """Whether nothing comes after a place, for it is the end of the turn's last run."""
    watched = parts.turns.find(turn_id)
    if watched is None or not watched.items or watched.run != place.run:
        return False
    return watched.run == str(epoch) and place.seen == len(watched.items) and is_last(watched.items[-1])


async def _resumed(parts: Parts, turn_id: str, place: Place | None, discreet: bool) -> AsyncGenerator[str, None]:
    record, shown, looks = parts.copilot.record, "", 0
    while True:
        now = await asyncio.to_thread(record.standing, turn_id)
        if now is None:
            raise Problem(404, "unknown_turn", f"There is no turn {turn_id!r}.")
        watched = parts.turns.find(turn_id)
        if watched is not None and watched.over and watched.run != str(now.epoch):
            watched = None  # it has gone on elsewhere since
        if watched is None and now.parked == "crashed" and turn_id in await asyncio.to_thread(record.unfinished):
            parts.turns.go_on(turn_id, now.record.caller or "local")  # whoever serves next goes on with it
            continue
        if watched is None:
            text = snapshot(turn_id, now.record.status, _stored(now))
            if text != shown:
                shown = text
                yield text
            if now.record.status != "running":
                yield ending(now.record, discreet=discreet)
                return
            looks += 1
            if looks % MEND_EVERY == 0:  # nobody else tells that its process has died
                await asyncio.to_thread(record.repair)
            await asyncio.sleep(LOOK_EVERY)
            continue
        if not watched.over and watched.run and now.record.status != "running":
            await asyncio.sleep(_MOMENT)  # it ends, or begins, right now
            continue
        after = 0
        if place is not None and place.run == watched.run and place.seen <= len(watched.items):
            after = place.seen
        elif place is not None or shown or not _is_whole(watched):
            after = len(watched.items)
            yield snapshot(turn_id, *_known(now, watched))
            if watched.over:
                yield ending(now.record, discreet=discreet)
                return
        async with aclosing(followed(parts, watched, after, discreet=discreet)) as texts:
            async for text in texts:
                yield text
        return


def _is_whole(watched: Watched) -> bool:
    """Whether its items are all of the turn: it was begun in this run, not taken up."""
    return any(isinstance(item, TurnStarted) for item in watched.items)


def _known(now: Standing, watched: Watched) -> tuple[str, list[dict[str, Any]]]:
    """Status and texts of a turn that this process runs, or ran last."""
    if watched.over:
        return now.record.status, _stored(now)
    before = [] if _is_whole(watched) else standing_attempts(now.record)
    return "running", Drafts(before).take(watched.items).told


def _stored(now: Standing) -> list[dict[str, Any]]:
    """The texts of a turn as far as they are stored."""
    return Drafts([*standing_attempts(now.record), *now.partials]).told


async def _ending(record: Record, turn_id: str | None, discreet: bool) -> tuple[str, str]:
    found = None if turn_id is None else await asyncio.to_thread(record.find, turn_id)
    if found is None or found.status == "running":
        raise Problem(503, "stopped", "The turn was stopped before it began.", fix="Ask again.")
    return snapshot(found.turn_id, found.status, Drafts(standing_attempts(found)).told), ending(
        found, discreet=discreet
    )
