"""Checkpoints that stay few, and that only the process which runs a turn now reads."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.types import ERROR
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


_PUT = (
    "INSERT OR REPLACE INTO checkpoints"
    " (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_WRITE = "INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value) VALUES "


@dataclass
class _Unsaved:
    """A checkpoint that is not worth storing by itself, with what its tasks have written."""

    config: RunnableConfig
    checkpoint: Checkpoint
    metadata: CheckpointMetadata
    writes: list[tuple[RunnableConfig, Sequence[tuple[str, Any]], str, str]] = field(default_factory=list)


class TurnSaver(AsyncSqliteSaver):
    """Keeps the last :data:`KEPT` checkpoints of a turn, with what belongs to them.

    A step that has cost nothing worth keeping since the last one that is stored, or at all (``worth``), waits in
    memory: it is stored if the turn then waits for a person, a task fails, or one of several tasks is over, and is made
    again by a turn that goes on elsewhere. The connection commits every statement by itself: a step takes one way to
    its thread.

    A turn's checkpoints are named after it, and, once it was taken up again, after its epoch, too: ``TURN@EPOCH``. What
    a process still writes after another took the turn up from it stands under the old name, where nobody looks.
    """

    path: Path | None = None
    """The file, if it is one."""
    opened: tuple[int, int] = (0, 0)
    """Which file that was, see :func:`~tierwise.storage.identity`."""
    _waited = False
    worth: Callable[[Mapping[str, Any]], object] | None = None
    """What a checkpoint's values are worth: it is stored when that has changed. Without it, every one is."""
    damaged = False
    """Set by whoever finds that the file is not what was written."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._unsaved: dict[str, _Unsaved] = {}
        self._stored: dict[str, object] = {}
        self._last: dict[str, str] = {}  # the checkpoint that was stored last
        self._owed: set[tuple[str, str]] = set()  # checkpoints that have to be stored when they come

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
            await self.conn.execute_fetchall("BEGIN IMMEDIATE")
            try:
                await self.conn.execute("UPDATE checkpoints SET thread_id = ? WHERE thread_id = ?", (new, old))
                await self.conn.execute("UPDATE writes SET thread_id = ? WHERE thread_id = ?", (new, old))
                await self.conn.commit()
            except BaseException:
                await self.conn.rollback()
                raise
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

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint, or keep it in memory if it is worth no more than the one before."""
        name, space = _place(config)
        step = _Unsaved(config, checkpoint, metadata)
        worth = None if self.worth is None else self.worth(checkpoint["channel_values"])
        owed = (name, checkpoint["id"]) in self._owed
        if self.worth is not None and self._stored.get(name, self.worth({})) == worth and not owed:
            self._unsaved[name] = step
        else:
            self._owed.discard((name, checkpoint["id"]))
            self._unsaved.pop(name, None)
            await self._put(step)
            self._stored[name] = worth
        return {"configurable": {"thread_id": name, "checkpoint_ns": space, "checkpoint_id": checkpoint["id"]}}

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task of a step wrote; that of a step which is not stored, only if it must not be lost.

        That a task was cancelled is not stored: whoever goes on does it anew, and the graph, which is leaving, does not
        wait for it.
        """
        if any(channel == ERROR and isinstance(value, asyncio.CancelledError) for channel, value in writes):
            return
        name, _ = _place(config)
        must = any(channel in WRITES_IDX_MAP or channel == "results" for channel, _ in writes)
        step, number = self._unsaved.get(name), str(get_checkpoint_id(config))
        if step is None or step.checkpoint["id"] != number:
            kept = self.worth is None or self._last.get(name) == number
            if must and not kept:  # it may come before its checkpoint, which is then owed to it
                self._owed.add((name, number))
            if must or kept:
                await self._put_writes(config, writes, task_id, task_path)
            return
        step.writes.append((config, writes, task_id, task_path))
        if must:
            del self._unsaved[name]
            await self._put(step)
            for write in step.writes:
                await self._put_writes(*write)

    async def adelete_thread(self, thread_id: str) -> None:
        """Drop the checkpoints of that name."""
        self._unsaved.pop(thread_id, None)
        self._stored.pop(thread_id, None)
        self._last.pop(thread_id, None)
        self._owed = {(name, number) for name, number in self._owed if name != thread_id}
        async with self._patience(), self.lock:
            await self.conn.execute_fetchall("DELETE FROM checkpoints WHERE thread_id = ?", (thread_id,))
            await self.conn.execute_fetchall("DELETE FROM writes WHERE thread_id = ?", (thread_id,))

    async def _put(self, step: _Unsaved) -> None:
        await self.setup()
        name, space = _place(step.config)
        self._last[name] = step.checkpoint["id"]
        kind, data = self.serde.dumps_typed(step.checkpoint)
        about = json.dumps(get_checkpoint_metadata(step.config, step.metadata), ensure_ascii=False)
        parent = step.config["configurable"].get("checkpoint_id")
        values = (name, space, step.checkpoint["id"], parent, kind, data, about.encode("utf-8", "ignore"))
        async with self._patience(), self.lock:
            await self.conn.execute_fetchall(_PUT, values)

    async def _put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str
    ) -> None:
        await self.setup()
        place = (*_place(config), str(get_checkpoint_id(config)), task_id, task_path)
        rows = [
            (*place, WRITES_IDX_MAP.get(channel, index), channel, *self.serde.dumps_typed(value))
            for index, (channel, value) in enumerate(writes)
        ]
        if not rows:
            return
        special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(rows))
        how = f"INSERT OR {'REPLACE' if special else 'IGNORE'} {_WRITE}{marks}"
        async with self._patience(), self.lock:
            await self.conn.execute_fetchall(how, [value for row in rows for value in row])

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


def _place(config: RunnableConfig) -> tuple[str, str]:
    return str(config["configurable"]["thread_id"]), str(config["configurable"].get("checkpoint_ns", ""))


def _epoch(name: str) -> int:
    epoch = name.partition("@")[2]
    return int(epoch) if epoch.isdecimal() else 0
