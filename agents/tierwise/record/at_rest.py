"""What is stored of a turn holds no secret.

A turn that runs or waits must be able to go on, so what it goes on with is kept as it is: its checkpoints, what it was
begun with, its calls, the requests it has shown. When it is over that is wiped, or secrets are taken out of it.
"""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from tierwise.redact import LEFT_OUT, Redaction, redact_value, redaction, replaced
from tierwise.turns import Attempt, DecisionRecord, Notice, Outgoing, Retrieval, ToolStep, Unsupported, WaitingCall
from tierwise.types import Citation, Passage, Reason, ToolCall
from tierwise.types import Redaction as Kept

Text = Callable[[str], str]
CODE = "secrets_left_out"
_TEXTS = {
    "secrets": "A secret was left out of what is stored of this turn.",
    "personal": "Secrets or personal data were left out of what is stored of this turn.",
}
_MORE = ' What was said is shown only now; redact = "nothing" in tierwise.toml keeps it.'


@dataclass(frozen=True, slots=True)
class AtRest:
    """Takes out of what is stored what must not be there.

    Attributes:
        kind: ``secrets``; ``personal``: those and personal data; ``nothing``: everything is stored as it is.
    """

    kind: Kept = "secrets"

    def text(self, text: str) -> str:
        """A text as it is stored."""
        return text if self.kind == "nothing" else self._redaction()(text)

    def partial(self, text: str) -> str:
        """A text as it is stored that breaks off, maybe in the middle of a secret."""
        return text if self.kind == "nothing" else self._redaction().open_end(text)

    def beginning(self, record: DecisionRecord) -> DecisionRecord:
        """A turn as it is stored while it runs or waits: with its calls and its request as they are."""
        if self.kind == "nothing":
            return record
        return replace(self._clean(record), waiting=record.waiting, outgoing=record.outgoing)

    def ending(self, record: DecisionRecord) -> tuple[DecisionRecord, DecisionRecord]:
        """A turn that is over, as it is told and as it is stored; both say so if they differ."""
        if self.kind == "nothing":
            return record, record
        stored = self._clean(record)
        if stored == record:
            return record, record
        notice = Notice(CODE, _TEXTS[self.kind] + _MORE)
        if notice in record.notices:
            return record, stored
        return replace(record, notices=(*record.notices, notice)), replace(stored, notices=(*stored.notices, notice))

    def wipe_turn(self, db: sqlite3.Connection, turn_id: str) -> bool:
        """Take out of what belongs to a turn that is over, within a transaction; returns whether anything was."""
        if self.kind == "nothing":
            return False
        text = self._redaction()
        changed = 0
        for row in db.execute("SELECT rowid AS rowid, * FROM calls WHERE turn_id = ?", (turn_id,)).fetchall():
            old = (row["arguments"], row["reason"], row["waiting"], row["step"])
            new = (
                _json(row["arguments"], lambda value: redact_value(value, text)),
                text(row["reason"]),
                _json(row["waiting"], lambda value: _fields(value, ("arguments", "why"), text)),
                _json(row["step"], lambda value: _fields(value, ("arguments", "result", "mended"), text)),
            )
            if new != old:
                sql = "UPDATE calls SET arguments = ?, reason = ?, waiting = ?, step = ? WHERE rowid = ?"
                changed += db.execute(sql, (*new, row["rowid"])).rowcount
        for row in db.execute("SELECT rowid AS rowid, shown FROM sendings WHERE turn_id = ?", (turn_id,)).fetchall():
            shown = _json(row["shown"], lambda value: _items(value, text))
            if shown != row["shown"]:
                changed += db.execute("UPDATE sendings SET shown = ? WHERE rowid = ?", (shown, row["rowid"])).rowcount
        return self._wipe_taken_out(db, turn_id, text) or bool(changed)

    def wipe_copy(self, db: sqlite3.Connection) -> None:
        """Take secrets out of what turns that are not over go on with, in a copy of the file that nothing runs from.

        Where something is taken out, a turn that is restored from the copy does not go on with it: a call with other
        arguments than those that were shown is not run.
        """
        if self.kind == "nothing":
            return
        text = self._redaction()
        db.row_factory = sqlite3.Row
        rows = db.execute(
            "SELECT turn_id, begun_with, record FROM turns WHERE status = 'running' OR parked IS NOT NULL"
        ).fetchall()
        for row in rows:
            begun = _json(row["begun_with"], lambda value: redact_value(value, text))
            record = _json(row["record"], lambda value: _unfinished(value, text))
            if (begun, record) != (row["begun_with"], row["record"]):
                sql = "UPDATE turns SET begun_with = ?, record = ? WHERE turn_id = ?"
                db.execute(sql, (begun, record, row["turn_id"]))
            self.wipe_turn(db, row["turn_id"])

    def _redaction(self) -> Redaction:
        return redaction(personal=self.kind == "personal")

    def _wipe_taken_out(self, db: sqlite3.Connection, turn_id: str, text: Text) -> bool:
        """What was taken out of requests is still compared with what unfinished turns of the thread hold."""
        rows = db.execute(
            "SELECT taken_out.rowid AS rowid, taken_out.text, passage FROM taken_out JOIN turns USING (thread)"
            " WHERE turns.turn_id = ? AND NOT EXISTS (SELECT 1 FROM turns AS other WHERE other.thread = turns.thread"
            " AND other.turn_id != turns.turn_id AND (other.status = 'running' OR other.parked IS NOT NULL))",
            (turn_id,),
        ).fetchall()
        changed = 0
        for row in rows:
            new = text(row["text"]), _json(row["passage"], lambda value: _fields(value, _OF_PASSAGE, text))
            if new != (row["text"], row["passage"]):
                sql = "UPDATE taken_out SET text = ?, passage = ? WHERE rowid = ?"
                changed += db.execute(sql, (*new, row["rowid"])).rowcount
        return bool(changed)

    def _clean(self, record: DecisionRecord) -> DecisionRecord:
        take = self._redaction()
        broken = record.status not in ("done", "running", "needs_approval")
        answer = take.open_end if broken and record.text else take
        moved = _Moved(record.text, take)
        text = answer(record.text)
        return replace(
            record,
            asked=take(record.asked),
            text=text,
            reasons=_reasons(record.reasons, take),
            attempts=tuple(_attempt(one, take) for one in record.attempts),
            passages=tuple(_passage(one, take) for one in record.passages),
            citations=tuple(_citation(one, take, moved) for one in record.citations),
            tools=tuple(_step(one, take) for one in record.tools),
            notices=tuple(replace(one, text=take(one.text)) for one in record.notices),
            feedback=_maybe(record.feedback, take),
            error=_maybe(record.error, take),
            waiting=tuple(_waiting(one, take) for one in record.waiting),
            searched=_maybe(record.searched, take),
            unsupported=tuple(_unsupported(one, moved) for one in record.unsupported),
            only=redact_value(record.only, take),
            retrieval=_retrieval(record.retrieval, take),
            outgoing=_outgoing(record.outgoing, take),
            calls=tuple(_call(one, take) for one in record.calls),
            attached=redact_value(record.attached, take),
        )


USUAL = AtRest()


class _Moved:
    """Where the characters of a text are once secrets were taken out of it."""

    def __init__(self, text: str, take: Redaction) -> None:
        spans = take.spans(text)
        self.text = replaced(text, spans) if spans else text
        self._starts = [start for start, _ in spans]
        self._spans = spans

    def place(self, at: int, *, end: bool = False) -> int:
        """The new place of a character, or of the end of a piece; within what was taken out, its beginning or end."""
        gone = 0
        for start, stop in self._spans[: bisect_right(self._starts, at)]:
            if at < stop and at > start:
                return start - gone + (len(LEFT_OUT) if end else 0)
            if at >= stop:
                gone += stop - start - len(LEFT_OUT)
        return at - gone


_OF_PASSAGE = ("text", "title", "head")


def _maybe(text: str | None, take: Text) -> str | None:
    return None if text is None else take(text)


def _reasons(reasons: Iterable[Reason], take: Text) -> tuple[Reason, ...]:
    return tuple(replace(one, text=take(one.text)) for one in reasons)


def _attempt(one: Attempt, take: Redaction) -> Attempt:
    text = take.open_end if one.outcome in ("stopped", "failed") and one.text else take
    return replace(one, text=text(one.text), error=_maybe(one.error, take), reasons=_reasons(one.reasons, take))


def _passage(one: Passage, take: Text) -> Passage:
    return replace(one, text=take(one.text), title=_maybe(one.title, take), head=_maybe(one.head, take))


def _citation(one: Citation, take: Text, moved: _Moved) -> Citation:
    start, end = moved.place(one.sentence_start), moved.place(one.sentence_end, end=True)
    return replace(one, quote=take(one.quote), sentence_start=start, sentence_end=end)


def _unsupported(one: Unsupported, moved: _Moved) -> Unsupported:
    start, end = moved.place(one.start), moved.place(one.end, end=True)
    return Unsupported(start, end, moved.text[start:end])


def _step(one: ToolStep, take: Text) -> ToolStep:
    return replace(
        one, arguments=redact_value(one.arguments, take), result=take(one.result), mended=_maybe(one.mended, take)
    )


def _call(one: ToolCall, take: Text) -> ToolCall:
    return replace(
        one,
        arguments=redact_value(one.arguments, take),
        repaired=_maybe(one.repaired, take),
        problem=_maybe(one.problem, take),
    )


def _waiting(one: WaitingCall, take: Text) -> WaitingCall:
    return replace(one, arguments=redact_value(one.arguments, take), why=take(one.why))


def _outgoing(one: Outgoing | None, take: Text) -> Outgoing | None:
    if one is None:
        return None
    return replace(one, items=tuple(replace(item, title=take(item.title), text=take(item.text)) for item in one.items))


def _retrieval(one: Retrieval | None, take: Text) -> Retrieval | None:
    if one is None:
        return None
    found = tuple(replace(passage, why=_maybe(passage.why, take)) for passage in one.found)
    return replace(one, query=take(one.query), found=found)


def _json(stored: str | None, change: Callable[[Any], Any]) -> str | None:
    """A stored JSON text with its value changed; the same text if nothing changes."""
    if stored is None:
        return None
    value = json.loads(stored)
    changed = change(value)
    return stored if changed == value else json.dumps(changed, ensure_ascii=False)


def _fields(value: dict[str, Any], names: Iterable[str], take: Text) -> dict[str, Any]:
    return {**value, **{name: redact_value(value[name], take) for name in names if name in value}}


def _items(value: dict[str, Any] | None, take: Text) -> dict[str, Any] | None:
    if value is None:
        return None
    return {**value, "items": [_fields(item, ("title", "text"), take) for item in value.get("items", ())]}


def _unfinished(value: dict[str, Any], take: Text) -> dict[str, Any]:
    """A stored record whose waiting calls and request were kept as they are."""
    waiting = [_fields(one, ("arguments", "why"), take) for one in value.get("waiting", ())]
    return {**value, "waiting": waiting, "outgoing": _items(value.get("outgoing"), take)}
