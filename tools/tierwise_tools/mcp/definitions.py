"""A tool as its server describes it, in the form that is compared, kept and shown to a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tierwise_tools.mcp.hidden import with_escapes

LONGEST_NAME = 128
LARGEST_SCHEMA = 32_000
LARGEST = 96_000
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Definition:
    """What a person agrees to.

    Attributes:
        name: what the server calls the tool.
        data: ``name``, ``title``, ``description``, ``inputSchema``, ``outputSchema`` and ``annotations`` as the
            server sent them, in the protocol's spelling; what it did not send is left out.
    """

    name: str
    data: dict[str, Any]

    @classmethod
    def of(cls, tool: Any) -> Definition:
        """The definition in a ``Tool`` of the SDK."""
        annotations = tool.annotations and tool.annotations.model_dump(by_alias=True, mode="json", exclude_none=True)
        data = {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": tool.input_schema,
            "outputSchema": tool.output_schema,
            "annotations": annotations,
        }
        return cls(tool.name, {key: value for key, value in data.items() if value is not None})

    @property
    def shown_name(self) -> str:
        """Its name for a person, with escapes for what would not be seen."""
        return with_escapes(self.name).replace("\n", "\\n")

    @property
    def sha256(self) -> str:
        """Of the canonical JSON; two definitions that differ in anything differ in this."""
        return canonical_sha256(self.data)

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments."""
        return dict(self.data.get("inputSchema") or {})

    def hint(self, name: str) -> bool | None:
        """What the server says of the tool, for example ``readOnlyHint``; ``None`` if it does not."""
        return (self.data.get("annotations") or {}).get(name)

    @property
    def titles(self) -> tuple[str, ...]:
        """The names it wants to have on a screen."""
        found = (self.data.get("title"), (self.data.get("annotations") or {}).get("title"))
        return tuple(str(title) for title in found if title)

    def fault(self) -> str | None:
        """Why it cannot be offered at all, or ``None``."""
        if not self.name or len(self.name) > LONGEST_NAME:
            return f"Its name has {len(self.name):,} characters; 1 to {LONGEST_NAME} are allowed."
        if _depth(self.data) > _DEEPEST:
            return f"Its schema is nested deeper than {_DEEPEST} levels."
        if (size := len(json.dumps(self.schema))) > LARGEST_SCHEMA:
            return f"Its schema has {size:,} bytes; at most {LARGEST_SCHEMA:,} are read."
        if (size := len(json.dumps(self.data))) > LARGEST:
            return f"Its definition has {size:,} bytes; at most {LARGEST:,} are read."
        return None

    def texts(self) -> Iterator[str]:
        """Every text in it, names of parameters included."""
        return every_text(self.data)

    def readable(self) -> str:
        """For a person: all of it, what is hidden as escapes, one thing a line.

        What the server wrote is indented and what we say is not, so that a description cannot look like our words.
        """
        lines = []
        for key, value in self.data.items():
            text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
            lines += [f"{key}:", *(f"    {line}" for line in with_escapes(text).split("\n"))]
        return "\n".join(lines)


def canonical_sha256(value: Any) -> str:
    """SHA-256 of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return sha256(text.encode("ascii")).hexdigest()


def every_text(value: Any) -> Iterator[str]:
    """All texts in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from every_text(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every_text(inner)


def _depth(value: Any) -> int:
    """How deep a JSON value is nested, found without recursion: the value may be deeper than the stack."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth
