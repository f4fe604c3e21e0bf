"""Checkpoints that stay few, and that only the process which runs a turn now reads."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple, get_checkpoint_id
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from tierwise.damage import Damage, note_damage
from tierwise.storage import identity, is_busy, is_damage

_PATIENT, _IMPATIENT = 5000, 50  # milliseconds to wait for another process that writes
KEPT = 2
"""Checkpoints of a turn that stay: the last, which it goes on from, and the one before."""

# Within the transaction of the checkpoint that comes: there are never more. The last is the one that was stored last;
# ids are made from the time of day, which may be set back between two processes.
_PRUNE = """
CREATE TEMP TRIGGER IF NOT EXISTS keep_few AFTER INSERT ON main.checkpoints BEGIN
  DELETE FROM checkpoints WHERE thread_id = new.thread_id AND checkpoint_ns = new.checkpoint_ns AND rowid NOT IN (
    SELECT rowid FROM checkpoints WHERE thread_id = new.thread_id AND checkpoint_ns = new.checkpoint_ns
    ORDER BY rowid DESC LIMIT :kept
  );
END;
CREATE TEMP TRIGGER IF NOT EXISTS keep_few_writes AFTER DELETE ON main.checkpoints BEGIN
  DELETE FROM writes WHERE thread_id = old.thread_id AND checkpoint_ns = old.checkpoint_ns
    AND checkpoint_id = old.checkpoint_id;
END;
"""


class TurnSaver(AsyncSqliteSaver):
    """Keeps the last :data:`KEPT` checkpoints of a turn, with what belongs to them.

    A turn's checkpoints are named after it, and, once it was taken up again, after its epoch, too: ``TURN@EPOCH``. What
    a process still writes after another took the turn up from it stands under the old name, where nobody looks.
    """

    path: Path | None = None
    """The file, if it is one."""
    opened: tuple[int, int] = (0, 0)
    """Which file that was, see :func:`~tierwise.storage.identity`."""
    _waited = False
    damaged = False
    """Set by whoever finds that the file is not what was written."""

    @property
    def stale(self) -> bool:
        """Whether the file has to be opened again: it is damaged, or another has come in its place."""
        return self.damaged or (self.path is not None and identity(self.path) != self.opened)

    async def setup(self) -> None:
        """Make the tables if they are not there."""
        if not self.is_setup:
            await super().setup()
            await self.conn.executescript(_PRUNE.replace(":kept", str(KEPT)))

    async def name_of(self, turn_id: str) -> str:
        """The name under which a turn's checkpoints are kept now; its id if there are none."""
        await self.setup()
        found = await self.conn.execute_fetchall(
            "SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id = ? OR thread_id GLOB ? || '@*'",
            (turn_id, turn_id),
        )
        return max((row[0] for row in found), key=_epoch, default=turn_id)

    async def take_up(self, turn_id: str, epoch: int) -> str:
        """Give a turn's checkpoints a name of the epoch in which it is taken up, all of them or none.

        Returns:
            The name.
        """
        old, new = await self.name_of(turn_id), f"{turn_id}@{epoch}"
        async with self.lock:
            await self.conn.execute("UPDATE checkpoints SET thread_id = ? WHERE thread_id = ?", (new, old))
            await self.conn.execute("UPDATE writes SET thread_id = ? WHERE thread_id = ?", (new, old))
            await self.conn.commit()
        return new

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """A checkpoint: the one that is named, else the one that was stored last."""
        if get_checkpoint_id(config):
            return await super().aget_tuple(config)
        await self.setup()
        where = {"thread_id": str(config["configurable"]["thread_id"])}
        where["checkpoint_ns"] = config["configurable"].get("checkpoint_ns", "")
        async with self.lock:
            found = list(
                await self.conn.execute_fetchall(
                    "SELECT checkpoint_id FROM checkpoints WHERE thread_id = :thread_id"
                    " AND checkpoint_ns = :checkpoint_ns ORDER BY rowid DESC LIMIT 1",
                    where,
                )
            )
        if not found:
            return None
        return await super().aget_tuple({"configurable": {**where, "checkpoint_id": found[0][0]}})

    async def wipe(self, turn_ids: Iterable[str], *, empty: bool) -> None:
        """Drop what is kept of turns that nobody goes on with.

        Args:
            turn_ids: the turns.
            empty: also empty the write-ahead log, which still holds what was dropped; not now, if others read or write.
        """
        for turn_id in turn_ids:
            await self.adelete_thread(await self.name_of(turn_id))
        if empty and self.path is not None:
            async with self.lock:
                await self.conn.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def aput(self, *args: Any, **named: Any) -> RunnableConfig:
        """Store a checkpoint."""
        async with self._patience():
            return await super().aput(*args, **named)

    async def aput_writes(self, *args: Any, **named: Any) -> None:
        """Store what a step wrote."""
        async with self._patience():
            await super().aput_writes(*args, **named)

    async def adelete_thread(self, thread_id: str) -> None:
        """Drop the checkpoints of that name."""
        async with self._patience():
            await super().adelete_thread(thread_id)

    @asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        """Wait for another process that writes, but only once: what a turn still has to write would wait as long."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if is_busy(error) and not self._waited:
                self._waited = True
                await self.conn.execute(f"PRAGMA busy_timeout = {_IMPATIENT}")
            raise
        if self._waited:
            self._waited = False
            await self.conn.execute(f"PRAGMA busy_timeout = {_PATIENT}")

    async def drop_damaged(self, turn_id: str, name: str, error: Exception) -> None:
        """Forget the checkpoints of a turn that cannot be read: it begins anew."""
        self.damaged = self.damaged or is_damage(error)
        with suppress(sqlite3.Error):
            await self.adelete_thread(name)
        if self.path is not None:
            text = f"What was stored of turn {turn_id} in threads.sqlite was damaged: it begins anew with its question."
            note_damage(self.path.parent, Damage("threads.sqlite", text, time.time()))


def _epoch(name: str) -> int:
    epoch = name.partition("@")[2]
    return int(epoch) if epoch.isdecimal() else 0
