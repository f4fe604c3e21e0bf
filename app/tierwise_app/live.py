"""A turn on the terminal while it happens.

Text on a terminal streams as it is written. When a draft is discarded it stays visible, struck out and named as
replaced, and the next tier's text starts below it: two models' words are never spliced. Where stdout is not a terminal
nothing is printed before the answer is final.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from tierwise import events as ev
from tierwise.record import answer_of
from tierwise.turns import Answer, Outgoing, WaitingCall
from tierwise.types import Look
from tierwise_app.console import err, out
from tierwise_app.outgoing_text import print_outgoing
from tierwise_app.render import look_text, marked_text, print_answer_end, reason_text, tool_text
from tierwise_app.text import clean, one_line, rough
from tierwise_app.waiting_calls import print_waiting

if TYPE_CHECKING:
    from tierwise import Copilot

_LOOKS: dict[Look, str] = {"self_check": "self-check", "second_sample": "second sample"}


class Status:
    """One dim line on stderr that says what is going on; it vanishes when something real is printed."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty() and not err().is_dumb_terminal
        self._shown = False

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._live:
            console = err()
            console.file.write("\r\x1b[2K")
            console.print(one_line(text, max(10, console.width - 1)), style="dim", end="")
            console.file.flush()
            self._shown = True

    def note(self, text: str, style: str) -> bool:
        """Put a line there that stays; false where there is no status line at all."""
        if self._live:
            self.clear()
            err().print(one_line(text, max(10, err().width - 1)), style=style)
        return self._live

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False


class TurnView:
    """Shows the events of one turn.

    Args:
        quiet: print nothing on stdout at all (the caller prints JSON).
        drafts: name discarded drafts also where nothing streams.
        waiting: at the end, print the tool calls, or the request, that wait for a person.
    """

    def __init__(self, *, quiet: bool = False, drafts: bool = False, waiting: bool = True) -> None:
        self.answer: Answer | None = None
        self.turn_id: str | None = None
        self._stream = sys.stdout.isatty() and not quiet
        self._drafts = drafts and not quiet
        self._quiet = quiet
        self._status = Status()
        self._tiers: dict[int, str] = {}
        self._tools: dict[str, str] = {}
        self._problem = ""
        self._waits: Sequence[WaitingCall] = ()
        self._outgoing: Outgoing | None = None
        self._show_waits = waiting and not quiet
        self._causes = ""
        # The text at the bottom of the screen: whose it is, what it is, how many lines about tools stand in it, and
        # whether the cursor is on the line below it.
        self._attempt = 0
        self._draft = ""
        self._notes = 0
        self._ended = False

    def show(self, event: ev.Event) -> None:
        """Show one event."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def close(self) -> None:
        """The turn is over, or a person stopped it: end the line and say what went wrong."""
        self._status.clear()
        self._end_line()
        if self._problem and not self._quiet:
            err().print(self._problem, style="red")
        if self._waits and self._show_waits:
            print_waiting(out(), self._waits)
        if self._outgoing is not None and self._show_waits:
            print_outgoing(out(), self._outgoing)

    def _on_start(self, event: ev.TurnStarted) -> None:
        self.turn_id = event.turn_id
        self._status.show("searching …")

    def _on_line(self, event: ev.TurnQueued) -> None:
        before = "1 message comes" if event.ahead == 1 else f"{event.ahead} messages come"
        self._tell(f"this thread is being answered: {before} first{_about(event.seconds)}")

    def _on_attempt(self, event: ev.AttemptStarted) -> None:
        self._tiers[event.attempt] = event.tier
        self._tell(f"drafting on {event.tier} ({event.model}) …")

    def _on_queue(self, event: ev.AttemptQueued) -> None:
        before = "1 request comes" if event.ahead == 1 else f"{event.ahead} requests come"
        self._tell(f"{self._tiers.get(event.attempt)} is busy: {before} first{_about(event.seconds)}")

    def _on_progress(self, event: ev.PromptProgress) -> None:
        self._tell(f"{self._tiers.get(event.attempt)} reads the prompt: {event.done}/{event.total} tokens")

    def _on_tool(self, event: ev.ToolRequested) -> None:
        self._tools[event.call_id] = event.name
        self._tell(f"using {event.name} …")

    def _on_tool_progress(self, event: ev.ToolProgress) -> None:
        self._tell(f"{self._tools.get(event.call_id, 'a tool')}: {event.text}")

    def _on_tool_end(self, event: ev.ToolFinished) -> None:
        self._end_line()
        text = tool_text(event.name, event.ok, event.result, event.ms)
        if self._status.note(text, "dim" if event.ok else "yellow") and self._draft:
            self._notes += 1

    def _on_approval(self, event: ev.ApprovalNeeded) -> None:
        self._tell(f"{event.call.name} waits for your yes")

    def _on_sending(self, event: ev.SendingNeeded) -> None:
        self._tell(f"what {event.outgoing.tier} would get waits for your yes")

    def _on_look(self, event: ev.LookStarted) -> None:
        self._tell(f"checking again: {_LOOKS[event.look]} by {self._tiers.get(event.attempt)} …")

    def _on_looked(self, event: ev.LookFinished) -> None:
        found = look_text(event.found) or "found nothing"
        self._tell(f"checked again: {found}")

    def _on_escalation(self, event: ev.TierEscalated) -> None:
        self._causes = "; ".join(reason_text(r) for r in event.reasons[:1])
        self._tell(f"escalating from {event.from_tier} to {event.to_tier}: {self._causes}")

    def _on_text(self, event: ev.TextDelta) -> None:
        text = clean(event.text)
        if event.attempt != self._attempt:
            self._end_line()
            self._attempt, self._draft, self._notes = event.attempt, "", 0
        elif self._ended:
            self._draft += "\n"
            text = text.removeprefix("\n")  # the line has been ended already
        self._ended = False
        self._draft += text
        if self._stream:
            self._status.clear()
            out().print(text, end="")
            sys.stdout.flush()
        else:
            self._status.show(f"drafting on {self._tiers.get(event.attempt)}: {len(self._draft)} characters")

    def _on_discard(self, event: ev.AttemptDiscarded) -> None:
        self._status.clear()
        if event.attempt != self._attempt or not self._draft:
            return
        if self._stream and not self._erase():
            self._end_line()
        elif self._stream or self._drafts:
            out().print(self._draft, style="dim strike")
        if self._stream or self._drafts:
            why = "; ".join(filter(None, (self._causes, clean(event.why))))
            out().print(f"^ draft by {self._tiers.get(event.attempt)}, replaced: {why}\n", style="yellow")
        self._attempt, self._draft, self._notes, self._ended = 0, "", 0, False

    def _on_answer(self, event: ev.AnswerReady) -> None:
        self._status.clear()
        self.answer = event.answer
        if event.answer.status == "blocked":
            self._problem = f"blocked: {clean(event.answer.error or event.answer.text)}"
        elif event.answer.status == "needs_approval":
            self._end_line()
            self._waits, self._outgoing = event.answer.waiting, event.answer.outgoing
        elif not self._quiet:
            self._finish(event.answer)

    def _on_failure(self, event: ev.TurnFailed) -> None:
        self._status.clear()
        self.answer = event.answer
        self._problem = f"error: {clean(event.message)}"

    def _finish(self, answer: Answer) -> None:
        text = marked_text(answer)
        shown = self._stream and self._draft
        # A draft that has scrolled away cannot be marked any more; what follows carries the quotes and the sentences.
        marked = not shown or (text.plain.strip() != self._draft.strip() and self._erase())
        if marked:
            out().print(text)
        else:
            self._end_line()
        self._draft = ""
        print_answer_end(out(), answer, marked=marked)

    def _tell(self, text: str) -> None:
        """Show what goes on; the status line must not take the place of the text's last line."""
        self._end_line()
        self._status.show(text)

    def _end_line(self) -> None:
        if self._stream and self._draft and not self._ended:
            out().print()
            self._ended = True

    def _erase(self) -> bool:
        return erase(self._draft + "\n" * (self._notes + self._ended))


_HANDLERS: dict[type[Any], Callable[[TurnView, Any], None]] = {
    ev.TurnStarted: TurnView._on_start,
    ev.TurnQueued: TurnView._on_line,
    ev.AttemptStarted: TurnView._on_attempt,
    ev.AttemptQueued: TurnView._on_queue,
    ev.PromptProgress: TurnView._on_progress,
    ev.TextDelta: TurnView._on_text,
    ev.ToolRequested: TurnView._on_tool,
    ev.ToolProgress: TurnView._on_tool_progress,
    ev.ToolFinished: TurnView._on_tool_end,
    ev.ApprovalNeeded: TurnView._on_approval,
    ev.SendingNeeded: TurnView._on_sending,
    ev.LookStarted: TurnView._on_look,
    ev.LookFinished: TurnView._on_looked,
    ev.TierEscalated: TurnView._on_escalation,
    ev.AttemptDiscarded: TurnView._on_discard,
    ev.AnswerReady: TurnView._on_answer,
    ev.TurnFailed: TurnView._on_failure,
}


def _about(seconds: float | None) -> str:
    return "" if seconds is None else f", about {rough(seconds)}"


def erase(text: str) -> bool:
    """Take text that was just printed off the terminal again; false if the terminal cannot, or it has scrolled."""
    console = out()
    if not console.is_terminal or console.is_dumb_terminal:
        return False
    rows = rows_of(text, console.width)
    if rows >= console.height:
        return False
    console.file.write("\r" + (f"\x1b[{rows - 1}A" if rows > 1 else "") + "\x1b[J")
    console.file.flush()
    return True


def rows_of(text: str, width: int) -> int:
    """Screen rows that ``text`` covers in a terminal ``width`` columns wide that wraps at the edge."""
    from rich.cells import cell_len

    lines = text.expandtabs(8).split("\n")
    return sum(max(1, -(-cell_len(line) // width)) for line in lines)


def run_turn(copilot: Copilot, question: str, view: TurnView, **options: Any) -> Answer:
    """Run one turn and show it; Ctrl-C stops it and gives what there is.

    Raises:
        TierwiseError: if the turn could not begin.
        KeyboardInterrupt: if it was stopped before the message was stored.
    """
    return _shown(copilot, copilot.stream(question, **options), view)


def run_again(copilot: Copilot, turn_id: str, view: TurnView, *, tier: str, **options: Any) -> Answer:
    """As :func:`run_turn`, with the question of an earlier turn on another tier."""
    return _shown(copilot, copilot.stream_again(turn_id, tier=tier, **options), view)


def run_on(copilot: Copilot, turn_id: str, view: TurnView) -> Answer:
    """As :func:`run_turn`, with a turn that waited for a person or was left in the middle."""
    view.turn_id = turn_id
    return _shown(copilot, copilot.stream_on(turn_id), view)


def _shown(copilot: Copilot, events: Iterator[ev.Event], view: TurnView) -> Answer:
    stream = cast("Generator[ev.Event, None, None]", events)
    try:
        with closing(stream):
            for event in stream:
                view.show(event)
    except KeyboardInterrupt:
        view.close()
        if view.turn_id is None:
            raise
        return answer_of(copilot.record.get(view.turn_id))
    view.close()
    assert view.answer is not None, "a turn ends with answer.ready or turn.failed"
    return view.answer
