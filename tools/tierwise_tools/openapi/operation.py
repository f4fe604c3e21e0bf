"""An operation as a tool calls it: flat parameters, and where each goes in the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tierwise_tools.effects import Asks, Effect

Place = Literal["path", "query", "header", "cookie", "body"]
KeyKind = Literal["header", "query", "cookie", "bearer", "basic"]
BodyType = Literal["json", "form", "multipart", "text"]


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of the tool.

    Attributes:
        place: where it goes.
        wire: what the API calls it; empty for a body that is sent whole.
        name: what the model calls it.
        style: how lists and objects are written: ``simple``, ``form``, ``deepObject``, ``spaceDelimited``,
            ``pipeDelimited``, or ``json`` (also the only one in a JSON body).
        explode: each item or property by itself.
        is_file: a part of a multipart body that is a file.
    """

    place: Place
    wire: str
    name: str = ""
    style: str = "json"
    explode: bool = False
    is_file: bool = False

    def __str__(self) -> str:
        where = f"{self.place} {self.wire}".strip()
        return where if self.name == self.wire else f"{where} (as {self.name})"


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where the key goes: a header, query parameter or cookie by name, or ``Authorization``."""

    kind: KeyKind
    name: str = "Authorization"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation and the tool it becomes.

    Attributes:
        name: of the tool.
        id: its ``operationId``, or empty.
        method: in capitals.
        path: the template.
        tags: as the document groups it.
        description: what a model is told.
        parameters: JSON Schema of the flat arguments.
        fields: where each argument goes.
        body: what the body is, ``None`` if there is none.
        media_type: of the body.
        body_required: a request without one is refused.
        key: where the key goes, ``None`` if the operation takes none.
        asks: ``always`` if the document's author marks it as consequential.
    """

    name: str
    id: str
    method: str
    path: str
    tags: tuple[str, ...]
    description: str
    parameters: dict[str, Any]
    fields: tuple[Field, ...]
    body: BodyType | None = None
    media_type: str = ""
    body_required: bool = False
    key: KeyPlace | None = None
    asks: Asks = "by_effect"

    @property
    def effects(self) -> tuple[Effect, ...]:
        """By the method alone: whatever is not made for reading may change something."""
        return ("read", "network") if self.method in ("GET", "HEAD") else ("write", "network")

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when its end is not known.

        HTTP promises that PUT and DELETE may; not every server keeps that, and no change is repeated on another's word.
        """
        return self.method in ("GET", "HEAD")
