"""What a server said beside the protocol, kept short for the error message that may need it."""

from __future__ import annotations

from collections.abc import Iterable

from tierwise_tools.mcp.hidden import without_hidden
from tierwise_tools.mcp.redaction import redacting

_KEPT = 4_000
_TOLD = 300


class LastWords:
    """The end of what a server wrote to stderr, and how its transport ended.

    Args:
        secrets: never told.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = tuple(secrets)
        self._said = redacting(self.secrets)
        self._tail = ""
        self._ending = ""

    def heard(self, text: str) -> None:
        """Something more on stderr."""
        self._tail = (self._tail + self._said.feed(without_hidden(text)))[-_KEPT:]

    def ended(self, how: str) -> None:
        """The transport came to an end, or nearly; the first cause stays."""
        self._ending = self._ending or how

    def __str__(self) -> str:
        """One or two sentences with a space before them, or nothing."""
        lines = (self._tail + self._said.pending()).split("\n")
        said = " | ".join(line.strip() for line in lines if line.strip())[-_TOLD:]
        told = [f"It {self._ending}."] if self._ending else []
        told += [f'It last wrote: "{said}"'] if said else []
        return "".join(f" {sentence}" for sentence in told)
