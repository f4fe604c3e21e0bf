"""Checkpoints of turns in ``threads.sqlite``: kept while a turn runs, dropped when it is over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from tierwise.home import open_home, private
from tierwise.record import Record


async def open_checkpoints(home: Path, record: Record) -> AsyncSqliteSaver:
    """Open the store for the running event loop, and drop what turns that are over have left in it.

    The strict serializer refuses to build any type named in the file: the state holds JSON values only.

    Args:
        home: folder of the stores.
        record: knows which turns are over.

    Raises:
        StoreError: if the file cannot be made.
    """
    path = private(open_home(home) / "threads.sqlite")
    connection = aiosqlite.connect(path, timeout=5.0)
    # There is no public way to say it: a program that forgets to close must still be able to end.
    connection._thread.daemon = True
    db = await connection
    await db.execute("PRAGMA journal_mode = WAL")
    await db.execute("PRAGMA synchronous = NORMAL")
    saver = AsyncSqliteSaver(db, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    await saver.setup()
    async with db.execute("SELECT DISTINCT thread_id FROM checkpoints") as rows:
        kept = [row[0] async for row in rows]
    for turn_id in await asyncio.to_thread(record.ended, kept):  # written in the background after they were dropped
        await saver.adelete_thread(turn_id)
    return saver
