"""Checkpoints of turns in ``threads.sqlite``: kept while a turn runs, dropped when it is over."""

from __future__ import annotations

from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from tierwise.home import open_home, private


async def open_checkpoints(home: Path) -> AsyncSqliteSaver:
    """Open the store for the running event loop.

    The strict serializer refuses to build any type named in the file: the state holds JSON values only.

    Raises:
        StoreError: if the file cannot be made.
    """
    path = private(open_home(home) / "threads.sqlite")
    connection = aiosqlite.connect(path, timeout=5.0)
    connection._thread.daemon = (
        True  # no public way to say it: a program that forgets to close must still be able to end
    )
    db = await connection
    await db.execute("PRAGMA journal_mode = WAL")
    await db.execute("PRAGMA synchronous = NORMAL")
    saver = AsyncSqliteSaver(db, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
    await saver.setup()
    return saver
