"""What ``tierwise doctor`` says of documents: the index, what could not be read, how reading is shut in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from tierwise.errors import TierwiseError
from tierwise_app.checks import Check, failed
from tierwise_app.text import clean, place, plural

if TYPE_CHECKING:
    from tierwise.config import Settings


def check_knowledge(settings: Settings) -> Iterator[Check]:
    """One line on the index of vectors, one on the sources that failed, one on the process that reads documents."""
    from tierwise.knowledge import Knowledge
    from tierwise.models import open_embedder

    try:
        with (
            closing(open_embedder(settings.embedder)) as embedder,
            closing(Knowledge(settings.home, embedder)) as knowledge,
        ):
            passages = sum(c.passages for c in knowledge.collections())
            knowledge.search("ready", k=1)
            degraded, failures = knowledge.degraded, knowledge.failures()
    except TierwiseError as error:
        yield failed("vectors", error)
    else:
        if degraded:
            yield Check("vectors", "warn", degraded, "Run: tierwise sources rebuild")
        else:
            yield Check("vectors", "ok", f"{plural(passages, 'passage')}, made by the embedder in use")
        if failures:
            text = f"{plural(len(failures), 'source')} could not be read, {place(failures[0].path)} among them"
            yield Check("sources", "warn", text, "See why: tierwise sources list --failed")
    yield _reading()


def _reading() -> Check:
    from tierwise.knowledge import reading_isolation

    try:
        isolation = reading_isolation()
    except TierwiseError as error:
        return failed("reading", error)
    whole = isolation.memory and isolation.files and isolation.calls
    fix = None if whole else "Read documents from strangers on Linux 6.2 or newer"
    return Check("reading", "ok" if whole else "warn", clean(str(isolation)), fix)
