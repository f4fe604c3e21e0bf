"""What a call gives: a text for the model, and files for the person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic_core

from tierwise_tools.errors import ToolError
from tierwise_tools.text import cut, first_line, whole_characters


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that a call left behind.

    Attributes:
        path: where it is.
        mime: what it holds, for example ``image/png``.
        title: what to call it on a screen.
    """

    path: Path
    mime: str
    title: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool may return instead of a plain value, and what every call comes to.

    Attributes:
        text: what the model reads.
        files: what the person gets beside it; they must lie in :attr:`ToolContext.folder`.
    """

    text: str
    files: tuple[KeptFile, ...] = ()


def as_result(value: Any, *, longest: int) -> ToolResult:
    """Whatever a function returned as text that every model, store and screen can take.

    A ``str`` stays as it is, ``bytes`` must be UTF-8 text, everything else becomes JSON: models, dataclasses, dates and
    sets in their usual forms, a number that JSON does not have (NaN) as text, anything else as its ``str``.

    Args:
        value: what the function returned.
        longest: characters; more is cut, and that is said.

    Raises:
        ToolError: if it cannot be told, with the reason.
    """
    if isinstance(value, ToolResult):
        return ToolResult(cut(whole_characters(value.text), longest), value.files)
    return ToolResult(cut(whole_characters(_told(value)), longest))


def _told(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        try:
            return bytes(value).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ToolError(f"it returned {len(value):,} bytes that are no text") from error
    try:
        data = pydantic_core.to_json(
            value, inf_nan_mode="strings", bytes_mode="base64", serialize_unknown=True, fallback=str
        )
    except Exception as error:  # a __str__ or serializer of the tool's own may raise anything
        raise ToolError(f"its result of type {type(value).__name__} cannot be told: {first_line(error)}") from error
    return data.decode("utf-8", "replace")
