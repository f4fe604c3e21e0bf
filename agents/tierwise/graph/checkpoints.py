"""Checkpoints of turns in ``threads.sqlite``: kept while a turn runs, dropped when it is over."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiosqlite

from tierwise.damage import Damage, note_damage, set_aside
from tierwise.errors import StoreDamaged
from tierwise.graph.saver import TurnSaver
from tierwise.graph.serializer import SummedSerializer
from tierwise.home import open_home, private
from tierwise.locks import hold
from tierwise.record import Record
from tierwise.storage import LONGEST_LOG, explained, identity, is_damage

_NAME = "threads.sqlite"
_WAIT = 5.0  # seconds to wait for another process that opens it


async def open_checkpoints(home: Path, record: Record) -> TurnSaver:
    """Open the store for the running event loop, and drop what turns that are over have left in it.

    A damaged file is put aside: turns that were stored in it begin anew with their question when they go on.

    Args:
        home: folder of the stores.
        record: knows which turns are over.

    Raises:
        StoreBusy: if another process writes for too long.
        StoreError: if the file cannot be made or opened.
    """
    path = open_home(home) / _NAME
    try:
        with hold(home / "threads.lock", wait=_WAIT, shared=True):
            saver = await _open(path)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise explained(path, error) from error
        saver = await _anew(path, record)
    try:
        await _tidy(saver, record)
    except sqlite3.Error as error:
        await saver.conn.close()
        raise explained(path, error) from error
    return saver


def _worth(values: Mapping[str, Any]) -> object:
    """What a turn has that nobody wants to pay or wait for again: model steps, tool calls, looks, a person's no."""
    draft = values.get("draft") or {}
    counts = (values.get("step", 0), len(values.get("rounds", ())), len(values.get("results", ())))
    return *counts, len(draft.get("looks_had", ())), bool(values.get("kept_here"))


async def _anew(path: Path, record: Record) -> TurnSaver:
    """Put a damaged file aside and make a new one, unless another process has just done it."""
    with hold(path.with_name("threads.lock"), wait=_WAIT):
        try:
            return await _open(path)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise explained(path, error) from error
            problem = str(error)
        try:
            aside = set_aside(path)
            saver = await _open(path)
        except (OSError, sqlite3.Error) as error:
            raise StoreDamaged(
                f"{path} is damaged ({problem}) and cannot be put aside: {error}.",
                fix="Close other programs that use it, free some space, and try again.",
            ) from error
    parked = sum(map(len, (await asyncio.to_thread(record.parked)).values()))
    turns = f"{parked} turn{'' if parked == 1 else 's'} that can go on will begin anew" if parked else "No turn waited"
    text = f"{_NAME} was damaged ({problem}) and was made anew. {turns}. The damaged file is kept: {aside.name}"
    note_damage(path.parent, Damage(_NAME, text, time.time(), aside.name))
    return saver


async def _open(path: Path) -> TurnSaver:
    connection = aiosqlite.connect(private(path), timeout=_WAIT, isolation_level=None)
    # There is no public way to say it: a program that forgets to close must still be able to end.
    connection._thread.daemon = True
    db = await connection
    try:
        await db.execute("PRAGMA journal_mode = WAL")
        await db.execute("PRAGMA synchronous = NORMAL")
        await db.execute(f"PRAGMA journal_size_limit = {LONGEST_LOG}")
        await db.execute("PRAGMA secure_delete = ON")  # a turn that is over leaves nothing behind
        async with db.execute("PRAGMA integrity_check(1)") as rows:
            (word,) = await rows.fetchone() or ("",)
        if word != "ok":
            raise sqlite3.DatabaseError(f"file is not a database as it was written: {word}")
        saver = TurnSaver(db, serde=SummedSerializer())
        saver.path, saver.opened = path, identity(path)
        saver.worth = _worth
        await saver.setup()
        await db.execute_fetchall("SELECT thread_id, type, checkpoint FROM checkpoints LIMIT 1")
        await db.execute_fetchall("SELECT thread_id, type, value FROM writes LIMIT 1")
    except BaseException:
        await db.close()
        raise
    return saver


async def _tidy(saver: TurnSaver, record: Record) -> None:
    """Drop what was written in the background after it had been dropped."""
    async with saver.conn.execute("SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes") as rows:
        kept = [row[0] async for row in rows]
    for name in await asyncio.to_thread(record.ended, kept):
        await saver.adelete_thread(name)
