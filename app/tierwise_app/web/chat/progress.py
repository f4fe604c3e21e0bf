"""What a running turn has come to, from its events: the phases, and the text there is so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from tierwise import Event
from tierwise import events as ev

State = Literal["running", "complete", "error"]
_LONGEST = 80  # characters of an argument or a result in a phase


@dataclass(slots=True)
class Phase:
    """One step of the turn, for people.

    Attributes:
        key: ``line``, ``search``, ``choose``, ``wait``, ``read``, ``write``, ``check``, ``look``, ``escalate``,
            ``tool`` or ``ask``.
        state: as ``st.status`` has it.
        values: what its words are filled with.
        share: how much of it is done, in [0, 1], where that is known.
    """

    key: str
    state: State = "running"
    values: dict[str, Any] = field(default_factory=dict)
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Replaced:
    """A draft that another tier's answer took the place of."""

    tier: str
    text: str


class Progress:
    """Grows with a turn's events; each is taken once.

    Attributes:
        phases: what has been done and is being done, in order.
        replaced: drafts that were discarded.
        tier: whose text is being written, ``None`` before any.
        taken: how many events were taken.
    """

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self.replaced: list[Replaced] = []
        self.tier: str | None = None
        self.taken = 0
        self._texts: dict[int, list[str]] = {}
        self._tiers: dict[int, str] = {}
        self._attempt: int | None = None
        self._calls: dict[str, Phase] = {}

    @property
    def text(self) -> str:
        """The text that stands now; that of a smaller tier until a larger one has said its first word."""
        return "" if self._attempt is None else "".join(self._texts[self._attempt])

    @property
    def writer(self) -> str | None:
        """The tier whose text that is."""
        return None if self._attempt is None else self._tiers[self._attempt]

    @property
    def now(self) -> Phase | None:
        """The phase the turn is in."""
        return self.phases[-1] if self.phases else None

    def take(self, events: Iterable[Event]) -> None:
        """Take what happened since."""
        for event in events:
            self._take(event)
            self.taken += 1

    def _take(self, event: Event) -> None:
        match event:
            case ev.TurnStarted():
                self._begin("search")
            case ev.TurnQueued():
                self.phases = [phase for phase in self.phases if phase.key != "search"]  # it has not begun
                self._go_to("line", ahead=event.ahead, seconds=event.seconds)
            case ev.PassagesFound():
                if self.phases and self.phases[-1].key == "line":
                    self._begin("search")
                self._end(found=len(event.passages))
            case ev.TierChosen():
                self._begin("choose", tier=event.tier, why=event.reasons[0].text if event.reasons else "")
            case ev.AttemptStarted():
                self.tier = event.tier
                self._tiers[event.attempt], self._texts[event.attempt] = event.tier, []
                self._begin("read", tier=event.tier)
            case ev.AttemptQueued():
                self._go_to("wait", tier=self.tier, ahead=event.ahead, seconds=event.seconds)
            case ev.PromptProgress():
                share = event.done / event.total if event.total else None
                phase = self._go_to("read", tier=self.tier, done=event.done, total=event.total)
                phase.share = None if share is None else min(1.0, share)
            case ev.TextDelta():
                self._write(event)
            case ev.DraftVerified():
                p_good = event.verdict.p_good
                self._begin("check", outcome=event.verdict.outcome, p_good=p_good)
                self._end()
            case ev.LookStarted():
                self._begin("look", look=event.look)
            case ev.LookFinished():
                self._end()
            case ev.TierEscalated():
                why = event.reasons[0].text if event.reasons else ""
                self._begin("escalate", tier=event.to_tier, was=event.from_tier, why=why)
            case ev.AttemptDiscarded():
                self._discard(event.attempt)
            case _:
                self._take_tool(event)

    def _take_tool(self, event: Event) -> None:
        match event:
            case ev.ToolRequested():
                self._begin("tool", name=event.name, arguments=_short(event.arguments), said="")
                self._calls[event.call_id] = self.phases[-1]
            case ev.ToolProgress() if event.call_id in self._calls:
                self._calls[event.call_id].values["said"] = _short(event.text)
            case ev.ToolFinished():
                phase = self._calls.get(event.call_id) or self._begin("tool", name=event.name, arguments="", said="")
                phase.state = "complete" if event.ok else "error"
                phase.values["said"] = _short(event.result)
            case ev.ApprovalNeeded():
                self._begin("ask", name=event.call.name)
            case ev.TurnFailed():
                if self.phases:
                    self.phases[-1].state = "error"
            case ev.AnswerReady():
                self._end()
            case _:
                pass

    def _write(self, event: ev.TextDelta) -> None:
        self._texts.setdefault(event.attempt, []).append(event.text)
        self._tiers.setdefault(event.attempt, self.tier or "")
        self._attempt = event.attempt
        self._go_to("write", tier=self._tiers[event.attempt])

    def _discard(self, attempt: int) -> None:
        text = "".join(self._texts.get(attempt, []))
        if text:
            self.replaced.append(Replaced(self._tiers[attempt], text))
        if self._attempt == attempt:
            self._attempt = None

    def _begin(self, key: str, **values: Any) -> Phase:
        self._end()
        self.phases.append(Phase(key, values=values))
        return self.phases[-1]

    def _go_to(self, key: str, **values: Any) -> Phase:
        """Be in a phase: the last one, or a new one."""
        if not self.phases or self.phases[-1].key != key or self.phases[-1].values.get("tier") != values.get("tier"):
            return self._begin(key, **values)
        self.phases[-1].values |= values
        return self.phases[-1]

    def _end(self, **values: Any) -> None:
        if not self.phases:
            return
        last = self.phases[-1]
        last.values |= values
        if last.state == "running" and not (last.key == "tool" and last in self._calls.values()):
            last.state = "complete"


def _short(value: object) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{name}={_short(one)}" for name, one in value.items())
    line = " ".join(str(value).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
