"""Answers and decision records as lines for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tierwise.signals import SECOND_SAMPLE, SELF_CHECK, words_of
from tierwise.turns import Answer, Attempt, DecisionRecord, Notice, SentOut, ToolStep
from tierwise.types import Citation, Decision, Reason, ToolOutcome
from tierwise.wish import wish_text
from tierwise_app.outgoing_text import outgoing_line
from tierwise_app.text import clean, duration, money, one_line, place, plural, size, when

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_LOOKS = (*SELF_CHECK, *SECOND_SAMPLE)
_OUTCOMES: dict[ToolOutcome, str] = {
    "done": "gave",
    "failed": "failed",
    "denied": "denied",
    "refused": "refused",
    "unfinished": "was begun, and nobody knows whether it was done",
}
_QUOTE = 200
NO_SOURCE = "[no source]"
_SHORT_TEXT = 600


def answer_marks(answer: Answer | DecisionRecord) -> list[tuple[int, str]]:
    """Where marks belong in the text of an answer: ``[n]`` behind what is cited, else :data:`NO_SOURCE`."""
    marks = [(end, f"[{n}]") for end, n in sorted({(c.sentence_end, c.n) for c in answer.citations})]
    return sorted(marks + [(sentence.end, NO_SOURCE) for sentence in answer.unsupported], key=lambda mark: mark[0])


def marked_text(answer: Answer | DecisionRecord) -> Text:
    """The text of an answer with ``[n]`` after what is cited, and ``[no source]`` after what no passage says."""
    from rich.text import Text

    found, at = Text(), 0
    for end, mark in answer_marks(answer):
        found.append(clean(answer.text[at:end]))
        found.append(f" {mark}", "dim yellow" if mark == NO_SOURCE else "")
        at = end
    return found.append(clean(answer.text[at:]))


def print_answer_end(console: Console, answer: Answer, *, marked: bool = True) -> None:
    """Everything that follows the text of an answer: citations, then the line that says what it took, then notices.

    Args:
        console: where to.
        answer: the answer.
        marked: its text was shown with its marks; if not, the sentences that no passage says are shown here.
    """
    print_citations(console, answer.citations)
    if answer.unsupported and marked:
        console.print(f"  {NO_SOURCE}: no sentence of the passages could be matched to this", style="dim yellow")
    elif answer.unsupported:
        for sentence in answer.unsupported:
            console.print(f"  {NO_SOURCE}: “{one_line(sentence.text, _QUOTE)}”", style="dim yellow")
    console.print(summary_line(answer), style="dim")
    print_notices(console, answer.notices)


def print_citations(console: Console, citations: Sequence[Citation]) -> None:
    """One line a citation: number, file, page, quote. Sentences that share a span share the line."""
    for n, citation in {c.n: c for c in citations}.items():
        quote = one_line(citation.quote, _QUOTE)
        console.print(f"  [{n}] {place(citation.source, citation.page)}: “{quote}”")


def print_notices(console: Console, notices: Iterable[Notice]) -> None:
    """One line a notice."""
    for notice in notices:
        console.print(f"! {notice.code}: {clean(notice.text)}", style="yellow")


def summary_line(answer: Answer) -> str:
    """Tier, why, cost, time and what left the device, on one line."""
    parts = [f"[{answer.tier or answer.status}] {why(answer.decision)}".rstrip()]
    parts += [money(answer.cost_usd), duration(answer.ms), sent(answer.sent_out)]
    return " · ".join(parts)


def why(decision: Decision | None) -> str:
    """The first cause of the choice, empty if none was made; ``tierwise why`` shows all."""
    return f"why: {reason_text(decision.reasons[0])}" if decision and decision.reasons else ""


def reason_text(reason: Reason) -> str:
    """A reason with its figures: what was measured against what."""
    text = clean(reason.text).rstrip(".")
    if reason.value is None:
        return text
    if any(format(reason.value, form) in text for form in (".3g", ".2f", ".0%")):
        return text
    if f"{100 * reason.value:.0f} points" in text:
        return text
    if reason.code == "gain":
        against = "" if reason.threshold is None else f" against {100 * reason.threshold:.0f}"
        return f"{text} ({100 * reason.value:.0f}{against} points)"
    against = "" if reason.threshold is None else f" against {reason.threshold:.3g}"
    return f"{text} ({reason.value:.3g}{against})"


def sent(out: SentOut) -> str:
    """What left the device."""
    if not out.bytes:
        return "nothing left this device"
    passages = f" with {plural(out.passages, 'passage')}" if out.passages else ""
    return f"{size(out.bytes)}{passages} sent to {', '.join(out.hosts) or 'a server'}"


def record_lines(record: DecisionRecord) -> Iterator[tuple[str, str]]:
    """A decision record as ``(label, text)``; a line that goes on has an empty label."""
    yield "turn", f"{record.turn_id} in thread {record.thread}, {when(record.created)}"
    yield "asked", one_line(record.asked, 300)
    wishes = [f"tier {record.requested_tier}", f"dial {wish_text(record.dial)}"]
    wishes += ["locked to this device"] * record.locked + ["offline"] * record.offline
    yield "wish", ", ".join(wishes)
    yield "outcome", _outcome(record)
    yield from _labelled("why", (reason_text(r) for r in record.reasons))
    if record.p_good:
        yield "p(good)", ", ".join(f"{tier} {p:.2f}" for tier, p in record.p_good.items())
    if record.calibration:
        yield "calibration", record.calibration
    for attempt in record.attempts:
        yield from _attempt_lines(attempt)
    yield from _labelled("looked again", looks_of(record))
    yield from _labelled("tool", map(step_text, record.tools))
    yield from _labelled("waits", (f"{call.name} (call {call.id}): {clean(call.why)}" for call in record.waiting))
    if record.outgoing is not None:
        yield "waits", f"to be seen before it leaves {outgoing_line(record.outgoing)}"
    if record.document:
        yield "document", clean(record.document)
    if record.searched:
        yield "searched", f"with what it goes on with: {one_line(record.searched, 300)}"
    found = record.retrieval.found if record.retrieval is not None else ()
    unread = {one.id: f" (not read: {one.why})" for one in found if not one.kept and one.why}
    yield from _labelled(
        "passage",
        (
            f"{p.score:.2f} {place(p.source, p.page)}: {one_line(p.text, 90)}{unread.get(p.id, '')}"
            for p in record.passages
        ),
    )
    cited = {c.n: c for c in record.citations}.values()
    yield from _labelled("cited", (f"[{c.n}] {place(c.source, c.page)}: “{one_line(c.quote, 120)}”" for c in cited))
    yield from _labelled("no source", (one_line(sentence.text, 120) for sentence in record.unsupported))
    yield "left device", sent(record.sent_out)
    tokens = f"{record.usage.prompt_tokens:,} tokens read, {record.usage.completion_tokens:,} written"
    yield "cost", f"{money(record.cost_usd)}, {tokens}{' (estimated)' if record.usage.estimated else ''}"
    phases = ", ".join(f"{phase} {duration(ms)}" for phase, ms in record.ms.items() if phase != "total")
    if "total" in record.ms:
        yield "time", duration(record.ms["total"]) + (f" ({phases})" if phases else "")
    yield from _labelled("notice", (f"{n.code}: {clean(n.text)}" for n in record.notices))
    if record.overrules:
        yield "asked again", f"the question of turn {record.overrules}"
    if record.overruled:
        where = "a larger" if record.overruled == "escalate" else "a smaller"
        yield "overruled", f"{record.overruled}: you had {where} tier answer again; models read that answer only"
    if record.feedback:
        yield "feedback", one_line(record.feedback)
    if record.error:
        yield "error", clean(record.error)


def _outcome(record: DecisionRecord) -> str:
    if record.final is None:
        return record.status
    way = f"{record.chosen} tried first, " if record.chosen and record.chosen != record.final else ""
    stage = f" ({record.stage})" if record.stage else ""
    return f"{record.status}: {way}{record.final} answered{stage}"


def _attempt_lines(attempt: Attempt) -> Iterator[tuple[str, str]]:
    served = "" if attempt.model_served == attempt.model_requested else f", served {attempt.model_served}"
    model = f"{clean(attempt.model_requested)}{clean(served)}"
    yield f"attempt {attempt.n}", f"{attempt.tier} ({model}) {attempt.outcome}: {', '.join(attempt_figures(attempt))}"
    for reason in attempt.reasons:
        yield "", f"because {reason_text(reason)}"
    if attempt.error:
        yield "", f"error: {clean(attempt.error)}"
    if attempt.text and attempt.outcome != "accepted":
        yield "", f"its draft: {one_line(attempt.text, _SHORT_TEXT)}"


def attempt_figures(attempt: Attempt) -> list[str]:
    """What an attempt took, and how sure it was."""
    figures = [duration(attempt.ms)]
    if attempt.first_token_ms is not None:
        figures.append(f"first word after {duration(attempt.first_token_ms)}")
    if attempt.p_good is not None:
        figures.append(f"p(good) {attempt.p_good:.2f}")
    return [*figures, money(attempt.cost_usd)]


def look_text(found: Mapping[str, float]) -> str:
    """What a further look at a draft found, for people; empty if it found nothing."""
    return ", ".join(f"{words_of(name)} {found[name]:.2f}" for name in _LOOKS if name in found)


def looks_of(record: DecisionRecord) -> Iterator[str]:
    """What further looks at the drafts found, tier by tier."""
    for tier in dict.fromkeys(attempt.tier for attempt in record.attempts):
        own = f"{tier}."
        found = {name.removeprefix(own): value for name, value in record.features.items() if name.startswith(own)}
        if text := look_text(found):
            yield f"{tier}: {text}"


def step_text(step: ToolStep) -> str:
    """A tool call of a turn on one line: what was asked for, and what came of it."""
    arguments = one_line(", ".join(f"{name}={_short(value)}" for name, value in step.arguments.items()), 100)
    marks = ["approved"] * step.approved + ["arguments changed by you"] * step.edited
    marks += [f"left {plural(len(step.files), 'file')}"] * bool(step.files)
    marks += [duration(step.ms)] * bool(step.ms)
    said = "" if step.outcome == "unfinished" else f": {one_line(step.result, 120)}"
    marked = f" ({', '.join(marks)})" if marks else ""
    return f"{step.name}({arguments}) {_OUTCOMES[step.outcome]}{said}{marked}"


def tool_text(name: str, ok: bool, result: str, ms: float) -> str:
    """A call that is just over, on one line."""
    took = f" ({duration(ms)})" if ms else ""
    return f"{name} {'gave' if ok else 'did not work'}: {one_line(result, 120)}{took}"


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _labelled(label: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        yield label, text
        label = ""


def print_record(console: Console, record: DecisionRecord) -> None:
    """Why a turn went as it went, for people."""
    for label, text in record_lines(record):
        console.print(f"{label:<12} {text}")


def print_table(
    console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str] = ()
) -> None:
    """A plain table: columns as wide as their widest cell, nothing cut, no frames.

    Args:
        console: where to.
        heads: of the columns.
        rows: of cells.
        spare: columns to leave out, the first first, as far as a terminal is too narrow; it says so below.
    """
    cells = [list(heads), *([one_line(cell, 1000) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    left_out: list[str] = []
    for head in spare:
        if not console.is_terminal or sum(widths) + 2 * (len(widths) - 1) <= console.width:
            break
        place = cells[0].index(head)
        left_out.append(head)
        del widths[place]
        for row in cells:
            del row[place]
    for i, row in enumerate(cells):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        console.print(line, style="bold" if i == 0 else None)
    if left_out:
        console.print(f"A wider terminal also shows: {', '.join(left_out)}", style="dim")
