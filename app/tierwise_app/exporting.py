"""A thread as a document: Markdown for people, decision records for programs. Secrets are taken out of both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tierwise.jsonable import to_json
from tierwise.redact import redact, redact_value, redaction
from tierwise.turns import DecisionRecord
from tierwise_app.text import clean, one_line, place, plural, when

_WHERE = "locked to this device"


def thread_markdown(title: str, turns: Sequence[DecisionRecord]) -> str:
    """A thread with its questions, answers and sources.

    Args:
        title: its heading.
        turns: in order; what stays on this device is marked.
    """
    return redact("\n".join(_parts(title, turns)))


def thread_records(turns: Sequence[DecisionRecord]) -> list[dict[str, Any]]:
    """A thread's decision records as JSON values.

    Where a secret was taken out of a text, places that count in it (``sentence_end`` and the like) no longer fit.
    """
    found: list[dict[str, Any]] = redact_value(to_json(turns), redaction())
    return found


def thread_json(turns: Sequence[DecisionRecord]) -> str:
    """A thread's decision records as a JSON text."""
    return json.dumps(thread_records(turns), indent=2, ensure_ascii=False) + "\n"


def _parts(title: str, turns: Sequence[DecisionRecord]) -> Iterator[str]:
    yield f"# {one_line(title, 1000)}\n"
    if locked := sum(turn.locked for turn in turns):
        yield f"*{plural(locked, 'turn')} {_WHERE}: keep this file here.*\n"
    for turn in turns:
        yield f"## {one_line(turn.asked, 1000)}\n\n{clean(turn.text) or '*(no answer)*'}\n"
        for citation in {c.n: c for c in turn.citations}.values():
            yield f"- [{citation.n}] {place(citation.source, citation.page)}: “{one_line(citation.quote, 400)}”"
        marks = f" · {_WHERE}" * turn.locked
        marks += f" · overruled ({turn.overruled})" if turn.overruled else ""
        yield f"\n*{turn.final or turn.status} · {when(turn.created)} · {turn.turn_id}{marks}*\n"
