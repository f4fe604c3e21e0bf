"""Deleting threads, with what their turns left elsewhere."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence

from tierwise.errors import UnknownName
from tierwise.home import files_of
from tierwise.record.file.backups import forget
from tierwise.record.lookup import Lookup
from tierwise.record.wiping import Wiping

_PASSING_FOR = 30 * 86_400.0  # seconds that a thread for one question is kept
_AT_ONCE = 200  # threads that are deleted in one transaction


class Deleting(Wiping, Lookup):
    """Threads that are deleted leave their costs behind, and nothing else."""

    def delete_thread(self, thread: str) -> int:
        """Delete a thread with all its turns, and the files that its tools left behind.

        Returns:
            How many turns it had.

        Raises:
            UnknownName: if there is no such thread.
        """
        if not self._rows("SELECT 1 FROM threads WHERE thread = ?", (thread,)):
            raise UnknownName(f"There is no thread {thread!r}.", fix="List them: tierwise threads list")
        return self._delete([thread])

    def forget_passing(self, older_than_seconds: float = _PASSING_FOR) -> int:
        """Delete the threads that were for one question alone, and old; what they cost is kept.

        Args:
            older_than_seconds: since their last turn began. One that runs, or waits for a person, keeps its thread.

        Returns:
            How many threads were deleted.
        """
        gone = 0
        while rows := self._rows(
            "SELECT thread FROM threads WHERE passing = 1 AND created < ? AND NOT EXISTS (SELECT 1 FROM turns"
            " WHERE turns.thread = threads.thread AND (created >= ? OR status IN ('running', 'needs_approval')))"
            " LIMIT ?",
            (before := time.time() - older_than_seconds, before, _AT_ONCE),
        ):
            self._delete([row["thread"] for row in rows])
            gone += len(rows)
        return gone

    def _delete(self, threads: Sequence[str]) -> int:
        names = json.dumps(threads)
        with self._writing() as db:
            turns = db.execute(
                "SELECT turn_id, parked IS NOT NULL OR status = 'running' AS begun FROM turns"
                " WHERE thread IN (SELECT value FROM json_each(?))",
                (names,),
            ).fetchall()
            db.execute("DELETE FROM turns WHERE thread IN (SELECT value FROM json_each(?))", (names,))
            db.execute("DELETE FROM threads WHERE thread IN (SELECT value FROM json_each(?))", (names,))
            # Their checkpoints hold what was said; the next turn that ends here drops them.
            begun = (row["turn_id"] for row in turns if row["begun"])
            self._dropped, self._due = (*self._dropped, *begun), True
        for row in turns:
            shutil.rmtree(files_of(self._home, row["turn_id"]), ignore_errors=True)
        forget(self._home, threads)
        return len(turns)
