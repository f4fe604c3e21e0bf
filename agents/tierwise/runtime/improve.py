"""Answers that are improved later: questions that a larger tier should have had, asked of it once that can be done."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

from tierwise.errors import Blocked, InvalidInput, ModelError, TierwiseError
from tierwise.graph.caps import read_caps
from tierwise.graph.context import Services
from tierwise.record.missed import MISSED
from tierwise.routing.budget import THREAD, TURN, Cap, obstacles
from tierwise.runtime.options import AgainOptions
from tierwise.turns import Answer, DecisionRecord, Outgoing
from tierwise.types import ShowBeforeSending

_ENOUGH = 2  # failures in a row after which the tier is left alone
_RAISE_IT = "Raise it under [budget] in tierwise.toml, or go on when there is money again: tierwise improve"
_LATER = "Try again later: tierwise improve"


@dataclass(frozen=True, slots=True)
class Improvable:
    """A turn that a larger tier should have answered and could not be asked.

    Attributes:
        turn_id: the turn.
        thread: its thread.
        asked: its question.
        missed: code of the notice that said so: ``would_escalate`` or ``degraded``.
        why: the notice's words.
        tier: the tier that is to be asked; ``None`` if there is none.
        host: where the question would go; empty for a tier on the device.
        bytes: what would be sent, near the size of the body.
        usd: what that and an answer of the usual length cost; ``None`` without a price.
        against: why it is left out, unless the turn is named; ``None`` if nothing speaks against it.
    """

    turn_id: str
    thread: str
    asked: str
    missed: str
    why: str
    tier: str | None = None
    host: str = ""
    bytes: int = 0
    usd: float | None = None
    against: str | None = None


class Improving(ABC):
    """The part of a copilot that asks missed questions again."""

    _services: Services

    @abstractmethod
    def _check_open(self) -> None: ...

    @abstractmethod
    async def again(self, turn_id: str, *, tier: str = "auto", **options: Unpack[AgainOptions]) -> Answer:
        """Ask the question of an earlier turn again."""

    @abstractmethod
    async def outgoing(self, turn_id: str = "last", *, tier: str) -> Outgoing:
        """What that would send."""

    async def improvable(self, turn_ids: Sequence[str] | None = None, *, last: int | None = None) -> list[Improvable]:
        """The answers that can be improved, oldest first, with what it would cost and send; nothing is sent or stored.

        Left out, unless they are named, are turns whose tools changed something, for they might do it again, and turns
        that were asked in a form or with an adapter, which are not remembered.

        Args:
            turn_ids: only these turns.
            last: only so many, the newest.

        Raises:
            UsageError: for a turn that is not there, or that no larger tier missed.
        """
        self._check_open()
        record = self._services.record
        turns = await asyncio.to_thread(record.missed, None if turn_ids is not None else last)
        if turn_ids is not None:
            ids = [(await asyncio.to_thread(record.get, word)).turn_id for word in turn_ids]
            known = {turn.turn_id: turn for turn in turns}
            if stray := next((one for one in ids if one not in known), None):
                raise InvalidInput(
                    f"Turn {stray} has no answer that a larger tier could improve.",
                    fix=f"Ask its question again: tierwise ask --again {stray}",
                )
            turns = [known[one] for one in dict.fromkeys(ids)]
        return [await self._improvable(turn, named=turn_ids is not None) for turn in turns]

    async def improve(
        self,
        turn_ids: Sequence[str] | None = None,
        *,
        last: int | None = None,
        show_before_sending: ShowBeforeSending | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Ask the questions of :meth:`improvable` again, each of the tier that was missed, one after the other.

        An answer of that tier takes the place of the old one, as with :meth:`~tierwise.AsyncCopilot.again`; one by any
        other does not. Closing the iterator stops the turn that runs; what was improved stays.

        Args:
            turn_ids: only these turns; they are asked whatever speaks against them.
            last: only so many, the newest.
            show_before_sending: as in ``ask``.

        Yields:
            The answers, also those that failed or wait for a person.

        Raises:
            UsageError: as :meth:`improvable`, and for a turn that is named and cannot be improved.
            Blocked: if nothing may leave the device, or the money is spent; says how many are left.
            ModelError: if the tier failed twice in a row; says how many are left.
        """
        settings = self._services.settings
        if settings.offline or settings.locked:
            state = "offline" if settings.offline else "locked"
            raise Blocked(f"tierwise is {state}, so no larger tier can be asked now.", fix="Try again when it is not.")
        found = await self.improvable(turn_ids, last=last)
        if turn_ids is not None and (stuck := next((one for one in found if one.against is not None), None)):
            raise InvalidInput(f"Turn {stuck.turn_id} cannot be improved: {stuck.against}", fix="Leave it out.")
        todo = [one for one in found if one.against is None and one.tier is not None]
        failed, poor = 0, ""
        for n, one in enumerate(todo):
            left, tier = len(todo) - n, one.tier or ""
            if (spent := await self._spent(one)) is not None:
                if spent.period is not THREAD:
                    raise Blocked(f"{_left(left)} {_reason(tier, spent)}", fix=_RAISE_IT)
                poor = _reason(tier, spent)  # other threads have their own
                continue
            if (down := self._down(tier)) is not None:
                raise ModelError(f"{_left(left)} {tier} cannot be asked now: {down}", fix=_LATER)
            answer = await self.again(one.turn_id, tier=tier, show_before_sending=show_before_sending)
            yield answer
            helped = answer.status == "needs_approval" or (answer.status == "done" and answer.tier == tier)
            failed = 0 if helped else failed + 1
            if failed == _ENOUGH and left > 1:
                raise ModelError(f"{_left(left - 1)} {tier} failed twice in a row.", fix=_LATER)
        if poor:
            raise Blocked(poor, fix=_RAISE_IT)

    async def _improvable(self, turn: DecisionRecord, *, named: bool) -> Improvable:
        notice = next(notice for notice in turn.notices if notice.code in MISSED)
        found = Improvable(turn.turn_id, turn.thread, turn.asked, notice.code, notice.text)
        tier = _missed_tier([t.name for t in self._services.tiers], turn)
        if tier is None:
            return replace(found, against="No tier above the one that answered is configured.")
        against = None if named else _against(turn)
        try:
            leaves = await self.outgoing(turn.turn_id, tier=tier)
        except TierwiseError as error:
            return replace(found, tier=tier, against=against or str(error))
        return replace(found, tier=tier, host=leaves.host, bytes=leaves.bytes, usd=leaves.usd, against=against)

    async def _spent(self, one: Improvable) -> Cap | None:
        """The budget that speaks against asking now, if one does; the turn that asks is a new one."""
        if not self._services.tier(one.tier or "").costs:
            return None
        caps = await asyncio.to_thread(read_caps, self._services, one.turn_id)
        own = [replace(cap, spent=0.0, aside=0.0) if cap.period is TURN else cap for cap in caps]
        reached = [cap for cap in own if cap.reached]
        return min(reached, key=lambda cap: cap.period is THREAD, default=None)

    def _down(self, tier: str) -> str | None:
        return next(state.down for state in self._services.tier_states() if state.name == tier)


def _missed_tier(names: Sequence[str], turn: DecisionRecord) -> str | None:
    """The tier that failed when it was to take over, else the one above the answer's."""
    if turn.final not in names:
        return None
    above = names[names.index(turn.final) + 1 :]
    tried = [attempt.tier for attempt in turn.attempts if attempt.outcome == "failed" and attempt.tier in above]
    return next(iter((*tried, *above)), None)


def _against(turn: DecisionRecord) -> str | None:
    """Why a turn is not simply asked again."""
    changed = [step.name for step in turn.tools if step.outcome != "refused" and not set(step.effects) <= {"read"}]
    if changed:
        return f"Its tools did more than read ({', '.join(dict.fromkeys(changed))}), and might do it again."
    if any(attempt.prompt.get("form") for attempt in turn.attempts):
        return "It was asked for an answer in a form, which is not remembered."
    if turn.refused == "adapter":
        return "It was asked with an adapter, which is not remembered."
    return None


def _reason(tier: str, cap: Cap) -> str:
    return obstacles(tier, (cap,))[0].text


def _left(count: int) -> str:
    return f"{count} answer{'' if count == 1 else 's'} left to improve."
