"""What a person sees of a server before its tools are offered, and the yes to exactly that."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from tierwise_tools.mcp.background import in_background
from tierwise_tools.mcp.connection import Connection
from tierwise_tools.mcp.definitions import Definition
from tierwise_tools.mcp.listing import Listing
from tierwise_tools.mcp.pins import Pins
from tierwise_tools.mcp.settings import McpServer
from tierwise_tools.mcp.suspicions import suspicions
from tierwise_tools.toolset import Problem


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One definition as it is shown.

    Attributes:
        name: what the server calls the tool, with escapes for what would not be seen.
        definition: what is accepted.
        text: the definition, or how it differs from the accepted one; nothing in it is hidden.
        warnings: what looks suspicious; a model is not shown the words of such a tool unless that is asked for.
    """

    name: str
    definition: Definition
    text: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """What a server offers beside what was accepted of it.

    Attributes:
        server: its name.
        new: tools that were not there.
        changed: tools that are not what was accepted; ``text`` is the difference.
        same: tools that are as they were accepted.
        removed: names of accepted tools that are not offered any more.
        problems: tools that cannot be offered whatever is accepted.
    """

    server: str
    new: tuple[Reviewed, ...]
    changed: tuple[Reviewed, ...]
    same: tuple[Reviewed, ...]
    removed: tuple[str, ...]
    problems: tuple[Problem, ...]
    _pins: Pins
    _pinned_as: str
    _words_before: frozenset[str]

    @property
    def is_settled(self) -> bool:
        """Nothing is new, changed or gone."""
        return not (self.new or self.changed or self.removed)

    def accept(self, *, words: Iterable[str] = ()) -> None:
        """Accept what this review shows, and not what the server may say by now.

        Args:
            words: suspicious tools whose words a model may read nevertheless, by the server's own names.

        Raises:
            KeyError: for a name in ``words`` that is not shown.
            SourceError: if it cannot be written down.
        """
        shown = [item.definition for item in (*self.new, *self.changed, *self.same)]
        wanted = set(words)
        if unknown := sorted(wanted - {item.name for item in shown}):
            raise KeyError(unknown[0])
        self._pins.accept(self._pinned_as, shown, words=wanted | self._words_before)


async def review(server: McpServer, pins: Pins) -> Review:
    """Connect to a server, ask what it offers, and compare that with what was accepted.

    Raises:
        SourceError: if the server cannot be used or the file of accepted definitions cannot be read.
    """
    accepted = pins.of(server.pinned_as) or {}
    listing = await in_background(_listing(server))
    new, changed, same = [], [], []
    for definition in listing.definitions:
        before = accepted.get(definition.name)
        if before is None:
            new.append(_reviewed(definition, definition.readable()))
        elif before.definition.sha256 != definition.sha256:
            changed.append(_reviewed(definition, _difference(before.definition, definition)))
        else:
            same.append(_reviewed(definition, definition.readable()))
    offered = {definition.name for definition in listing.definitions}
    return Review(
        server.name,
        tuple(new),
        tuple(changed),
        tuple(same),
        tuple(name for name in accepted if name not in offered),
        listing.problems,
        pins,
        server.pinned_as,
        frozenset(item.definition.name for item in same if accepted[item.definition.name].words),
    )


async def _listing(server: McpServer) -> Listing:
    connection = Connection(server)
    try:
        return await connection.refresh()
    finally:
        await connection.close()


def _reviewed(definition: Definition, text: str) -> Reviewed:
    return Reviewed(definition.shown_name, definition, text, suspicions(definition))


def _difference(before: Definition, after: Definition) -> str:
    lines = difflib.unified_diff(
        before.readable().split("\n"), after.readable().split("\n"), "accepted", "now", lineterm="", n=2
    )
    return "\n".join(lines)
