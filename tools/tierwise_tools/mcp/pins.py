"""The definitions that a person accepted, by server, in one file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tierwise_tools.errors import SourceError
from tierwise_tools.mcp.definitions import Definition, canonical_sha256
from tierwise_tools.text import first_line

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Pin:
    """One accepted definition; ``words`` says that its words may be shown to a model though they look suspicious."""

    definition: Definition
    words: bool = False


class Pins:
    """A JSON file (mode 0600) of what was accepted of each server; it need not exist yet.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, server: str) -> dict[str, Pin] | None:
        """What was accepted of a server, by the server's own names; ``None`` if it was never reviewed.

        Args:
            server: what it is pinned as, see :attr:`McpServer.pinned_as`.

        Raises:
            SourceError: if the file cannot be read or was damaged.
        """
        entry = self._read().get(server)
        if entry is None:
            return None
        try:
            pins = {name: _pin(name, kept) for name, kept in entry["tools"].items()}
            if entry["sha256"] != _whole(pins):
                raise ValueError("a checksum does not fit")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._damaged(error) from error
        return pins

    def accept(self, server: str, definitions: Iterable[Definition], *, words: Iterable[str] = ()) -> None:
        """Keep these definitions of a server, and only these.

        Args:
            server: what it is pinned as.
            definitions: what was accepted.
            words: tools whose words may be shown to a model even if they look suspicious.

        Raises:
            SourceError: if the file cannot be read or written.
        """
        shown = set(words)
        pins = {item.name: Pin(item, item.name in shown) for item in definitions}
        tools = {
            name: {"sha256": pin.definition.sha256, "words": pin.words, "definition": pin.definition.data}
            for name, pin in pins.items()
        }
        self._write({**self._read(), server: {"sha256": _whole(pins), "tools": tools}})

    def forget(self, server: str) -> bool:
        """Take back everything that was accepted of a server, however it was reached; false if there was nothing.

        Args:
            server: its name, or what it is pinned as.

        Raises:
            SourceError: if the file cannot be read or written.
        """
        servers = self._read()
        kept = {key: value for key, value in servers.items() if server not in (key, key.partition("@")[0])}
        if len(kept) == len(servers):
            return False
        self._write(kept)
        return True

    def _read(self) -> dict[str, Any]:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise self._damaged(error) from error
        if not isinstance(data, dict) or data.get("format") != _FORMAT or not isinstance(data.get("servers"), dict):
            raise self._damaged("it has another form")
        return dict(data["servers"])

    def _write(self, servers: Mapping[str, Any]) -> None:
        """Replace the file at once: whoever reads sees the old one or the new one."""
        text = json.dumps({"format": _FORMAT, "servers": servers}, indent=1, sort_keys=True)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")  # made with mode 0600
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self._path)
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            raise SourceError(
                f"What you accepted could not be written to {self._path}: {first_line(error.strerror or error)}.",
                fix="Make room or allow writing there, and review again.",
            ) from error

    def _damaged(self, why: object) -> SourceError:
        return SourceError(
            f"The file of accepted tool definitions, {self._path}, cannot be used: {first_line(why)}.",
            fix="Move it away and review your MCP servers again.",
        )


def _pin(name: str, kept: Mapping[str, Any]) -> Pin:
    definition = Definition(name, dict(kept["definition"]))
    if definition.sha256 != kept["sha256"] or definition.data.get("name") != name:
        raise ValueError(f"the entry of {name!r} does not fit its checksum")
    return Pin(definition, kept["words"] is True)


def _whole(pins: Mapping[str, Pin]) -> str:
    return canonical_sha256({name: pin.definition.sha256 for name, pin in pins.items()})
