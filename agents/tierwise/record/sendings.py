"""What people were shown before it left the device, what they said to it, and what they took out.

What is taken out of a request stays out of every later request of its thread that leaves the device. What a tier on the
device writes after it has read something that was taken out may repeat it: such turns are noted (``repeats``), and what
they wrote leaves only after it was shown.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from tierwise.errors import InvalidInput
from tierwise.jsonable import from_json, to_json
from tierwise.record.database import Database
from tierwise.turns import DecisionRecord, Outgoing, OutgoingItem
from tierwise.types import Passage

SendingState = Literal["waiting", "allowed", "denied", "sent"]
ItemKey = tuple[str, str]
_WORD = re.compile(r"\w+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf])")
_RUN = 12  # words in a row; a text that has so many from another repeats it
_RECENT = 60  # turns that are looked through for how long a tier's answers are


@dataclass(frozen=True, slots=True)
class Sending:
    """A request that was shown: how far it is, where it goes, what it was."""

    state: SendingState
    place: str
    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class TakenOut:
    """What stays out of requests of a thread that leave the device.

    Attributes:
        turns: turns of which neither question nor answer leaves.
        after: nor does anything up to this place of the thread.
        passages: passages that do not leave, wherever they are found again.
        drafts: answers of smaller tiers, by their words.
        texts: the words of all that was taken out.
        repeats: turns whose answer, or draft, may repeat it.
    """

    turns: frozenset[str] = frozenset()
    after: int = 0
    passages: tuple[Passage, ...] = ()
    drafts: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    repeats: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything was taken out."""
        return bool(self.texts)

    def has_passage(self, passage: Passage) -> bool:
        """Whether a passage was taken out, or shares words with one that was: by its place, or because it holds it."""
        return any(_same_words(passage, out) for out in self.passages)

    def has_draft(self, text: str) -> bool:
        """Whether a draft with these words was taken out."""
        return " ".join(text.split()) in self.drafts

    def repeated_in(self, text: str) -> bool:
        """Whether a text has something that was taken out, or a good piece of it, word for word."""
        if not self.texts:
            return False
        held = f" {_words(text)}  {_words(_unescaped(text))} "
        return any(f" {run} " in held for out in self.texts for run in _runs(out))


def item_key(item: OutgoingItem) -> ItemKey:
    """What two items have in common that are the same with the same words."""
    return item.id, sha256(item.text.encode("utf-8", "surrogatepass")).hexdigest()


class Sendings(Database):
    """Requests that were shown before they left, and what stays here."""

    def ask_to_send(self, thread: str, place: str, outgoing: Outgoing) -> None:
        """Have a person look at a request, in place of any other of its turn that waits.

        Args:
            thread: of the turn.
            place: where the request goes: its host, or the tier where that is not known.
            outgoing: the request.
        """
        with self._writing_for(outgoing.turn_id) as db:
            db.execute("DELETE FROM sendings WHERE turn_id = ? AND state = 'waiting'", (outgoing.turn_id,))
            db.execute(
                "INSERT INTO sendings (turn_id, id, thread, place, state, shown, asked)"
                " VALUES (?, ?, ?, ?, 'waiting', ?, ?) ON CONFLICT (turn_id, id) DO NOTHING",
                (outgoing.turn_id, outgoing.id, thread, place, _dump(outgoing), time.time()),
            )

    def sendings(self, turn_id: str) -> list[Sending]:
        """The requests of a turn that were shown, in order."""
        rows = self._rows("SELECT state, place, shown FROM sendings WHERE turn_id = ? ORDER BY asked", (turn_id,))
        return [Sending(row["state"], row["place"], from_json(Outgoing, json.loads(row["shown"]))) for row in rows]

    def waiting_outgoing(self, turn_id: str) -> Outgoing | None:
        """The request of a turn that waits for a person to see it."""
        return next((one.outgoing for one in self.sendings(turn_id) if one.state == "waiting"), None)

    def decide_sending(self, turn: DecisionRecord, outgoing: Outgoing, *, allow: bool, without: Sequence[str]) -> None:
        """Store a person's yes or no to a request that was shown.

        Args:
            turn: the turn, with the passages it found.
            outgoing: the request, as it was shown.
            allow: yes or no.
            without: ids of its items that stay here, now and for all later requests of the thread.

        Raises:
            InvalidInput: if it was decided on already.
        """
        items, now = {item.id: item for item in outgoing.items}, time.time()
        with self._writing() as db:
            decided = db.execute(
                "UPDATE sendings SET state = ?, decided = ? WHERE turn_id = ? AND id = ? AND state = 'waiting'",
                ("allowed" if allow else "denied", now, turn.turn_id, outgoing.id),
            ).rowcount
            for item_id in dict.fromkeys(without) if allow and decided else ():
                db.execute(
                    "INSERT OR IGNORE INTO taken_out (thread, item, kind, text, turn_id, tier, passage, taken)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (turn.thread, item_id, *_taken(turn, items[item_id]), now),
                )
        if not decided:
            raise InvalidInput(f"Turn {turn.turn_id} was decided on already.", fix="Go on: tierwise threads resume")

    def note_sent(self, turn_id: str, place: str) -> None:
        """Remember that a request that was allowed has left."""
        with self._writing_for(turn_id) as db:
            db.execute(
                "UPDATE sendings SET state = 'sent', sent = ? WHERE turn_id = ? AND place = ? AND state = 'allowed'",
                (time.time(), turn_id, place),
            )

    def was_shown(self, thread: str, place: str) -> bool:
        """Whether a request of a thread left for a place after a person had seen it."""
        return bool(
            self._rows(
                "SELECT 1 FROM sendings WHERE thread = ? AND place = ? AND state = 'sent' LIMIT 1", (thread, place)
            )
        )

    def seen_items(self, thread: str) -> set[ItemKey]:
        """All items of a thread that left after a person had seen them."""
        rows = self._rows("SELECT shown FROM sendings WHERE thread = ? AND state = 'sent'", (thread,))
        return {item_key(item) for row in rows for item in from_json(Outgoing, json.loads(row["shown"])).items}

    def taken_out(self, thread: str) -> TakenOut:
        """What stays out of a thread's requests."""
        rows = self._rows("SELECT kind, text, turn_id, tier, passage FROM taken_out WHERE thread = ?", (thread,))
        if not rows:
            return TakenOut()
        turns = {row["turn_id"] for row in rows if row["kind"] == "earlier"}
        # A draft that became the answer of its turn after all has not gone with it.
        drafts = json.dumps([[row["turn_id"], row["tier"]] for row in rows if row["kind"] == "draft"])
        turns |= self._ids(
            "SELECT turn_id FROM turns JOIN json_each(?) ON turn_id = value ->> 0 AND final = value ->> 1", drafts
        )
        turns |= self._successors(turns)
        ends = [row["turn_id"] for row in rows if row["kind"] == "condensed"]
        places = self._rows(
            "SELECT max(n) AS n FROM turns WHERE turn_id IN (SELECT value FROM json_each(?))", (json.dumps(ends),)
        )
        repeats = self._rows(
            "SELECT repeats.turn_id FROM repeats JOIN turns USING (turn_id)"
            " WHERE thread = ? AND (final IS NULL OR final = repeats.tier)",
            (thread,),
        )
        return TakenOut(
            frozenset(turns),
            places[0]["n"] or 0,
            tuple(from_json(Passage, json.loads(row["passage"])) for row in rows if row["passage"]),
            frozenset(" ".join(row["text"].split()) for row in rows if row["kind"] == "draft"),
            tuple(row["text"] for row in rows),
            frozenset(row["turn_id"] for row in repeats),
        )

    def note_repeats(self, turn_id: str, tier: str) -> None:
        """Remember that a tier on the device has read something that was taken out: what it writes may repeat it."""
        with self._writing_for(turn_id) as db:
            db.execute(
                "INSERT OR IGNORE INTO repeats (turn_id, tier) SELECT turn_id, ? FROM turns WHERE turn_id = ?",
                (tier, turn_id),
            )

    def usual_answer(self, tier: str) -> float | None:
        """Tokens of a tier's usual answer: the mean of its latest, ``None`` if there is none."""
        rows = self._rows("SELECT record FROM turns ORDER BY n DESC LIMIT ?", (_RECENT,))
        lengths = [
            attempt["usage"]["completion_tokens"]
            for row in rows
            for attempt in json.loads(row["record"]).get("attempts", ())
            if attempt["tier"] == tier and attempt.get("usage", {}).get("completion_tokens")
        ]
        return sum(lengths) / len(lengths) if lengths else None

    def _successors(self, turns: set[str]) -> set[str]:
        """Turns that ask the questions of others again, those that ask theirs again included."""
        return self._ids(
            "WITH RECURSIVE chain (turn_id) AS ("
            " SELECT value FROM json_each(?) UNION"
            " SELECT turns.turn_id FROM turns JOIN chain ON turns.overrules = chain.turn_id"
            ") SELECT turn_id FROM chain",
            json.dumps(sorted(turns)),
        )

    def _ids(self, sql: str, values: str) -> set[str]:
        return {row["turn_id"] for row in self._rows(sql, (values,))}


def _taken(turn: DecisionRecord, item: OutgoingItem) -> tuple[str, str, str, str | None, str | None]:
    """Kind, words, turn, tier and passage of an item that is taken out, as they are stored."""
    if item.kind == "passage":
        passage = next(one for one in turn.passages if one.id == item.id)
        return "passage", passage.text, turn.turn_id, None, _dump(passage)
    if item.kind == "draft":
        return "draft", item.text, turn.turn_id, item.id.rpartition(":")[2], None
    kind, _, about = item.id.partition(":")
    return kind, item.text, about, None, None


def _same_words(one: Passage, other: Passage) -> bool:
    if one.id == other.id:
        return True
    if (one.source, one.page) == (other.source, other.page) and one.start < other.end and other.start < one.end:
        return True
    left, right = f" {_words(one.text)} ", f" {_words(other.text)} "
    return bool(left.strip() and right.strip()) and (left in right or right in left)


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _unescaped(text: str) -> str:
    """A text in which what JSON writes as escapes is what it stands for, as far as words go."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", text)


def _runs(text: str) -> list[str]:
    """Runs of words of a text: all of it if it is short."""
    words = _words(text).split()
    if len(words) <= _RUN:
        return [" ".join(words)] if words else []
    return [" ".join(words[n : n + _RUN]) for n in range(len(words) - _RUN + 1)]


def _dump(value: Any) -> str:
    return json.dumps(to_json(value), ensure_ascii=False)
