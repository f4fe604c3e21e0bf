"""What was answered on the device in a period, and what a larger tier would have cost for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from tierwise.config import Price
from tierwise.record.outlines import Outlines, Version


@dataclass(frozen=True, slots=True)
class LocalWork:
    """Answers of a period.

    Attributes:
        answered: turns that are done.
        local: those from which nothing left the device.
        free: those of them that cost nothing.
        prompt_tokens: read for the texts that were served in the free ones; drafts that were thrown away do not count.
        completion_tokens: written for them.
    """

    answered: int = 0
    local: int = 0
    free: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def share(self) -> float | None:
        """Share of the answers from which nothing left the device, in [0, 1]; ``None`` without any."""
        return self.local / self.answered if self.answered else None


def saved(work: LocalWork, price: Price) -> float:
    """USD that a tier would have cost for what the device answered for nothing.

    It is taken for granted that it would have read and written just as many tokens. The device's power is not counted.

    Args:
        work: the answers.
        price: of the tier.
    """
    return price.cost(work.prompt_tokens, work.completion_tokens)


class Savings(Outlines):
    """Sums over the answers of the device; each record is read once, however often they are asked for."""

    _work: dict[str, _Work] | None = None
    _summed: tuple[Version, float, LocalWork] | None = None

    def local_work(self, since: float) -> LocalWork:
        """The answers of turns that began at or after ``since`` (seconds since 1970)."""
        with self._lock:
            version = self.version()
            if self._summed is None or self._summed[:2] != (version, since):
                self._summed = version, since, self._sum(since)
            return self._summed[2]

    def _sum(self, since: float) -> LocalWork:
        with self._lock:
            known = self._work = self._work or {}
            rows = self._rows("SELECT turn_id FROM turns WHERE created >= ? AND status = 'done'", (since,))
            there = [row["turn_id"] for row in rows]
            for turn_id in there:
                if turn_id not in known:  # a turn that is done stays as it was, for all that is looked at here
                    for row in self._rows("SELECT record FROM turns WHERE turn_id = ?", (turn_id,)):
                        known[turn_id] = _work(json.loads(row["record"]))
            found = [known[turn_id] for turn_id in there if turn_id in known]
        local = [one for one in found if one.local]
        free = [one for one in local if one.free]
        return LocalWork(
            len(found), len(local), len(free), sum(one.prompt for one in free), sum(one.completion for one in free)
        )


class _Work(NamedTuple):
    local: bool
    free: bool
    prompt: int
    completion: int


def _work(record: dict[str, Any]) -> _Work:
    """What of a turn counts; an attempt that was served, else all of them."""
    served = [attempt["usage"] for attempt in record["attempts"] if attempt["outcome"] == "accepted"]
    usage = served[-1] if served else record["usage"]
    return _Work(
        not record["sent_out"]["bytes"], not record["cost_usd"], usage["prompt_tokens"], usage["completion_tokens"]
    )
