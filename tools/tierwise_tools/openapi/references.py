"""Where a ``$ref`` leads within the document; it leads nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

_LONGEST_CHAIN = 20


class Unusable(Exception):
    """An operation cannot be a tool; the text says why, for a person."""


@dataclass(frozen=True, slots=True)
class References:
    """Resolves the references of one document."""

    document: dict[str, Any]

    def find(self, pointer: str) -> Any:
        """What a reference such as ``#/components/schemas/Pet`` names.

        Raises:
            Unusable: if it leads outside the document or nowhere.
        """
        if not pointer.startswith("#"):
            raise Unusable(f"it refers to {pointer[:200]!r}, which is another document: bundle them into one file")
        if pointer != "#" and not pointer.startswith("#/"):
            raise Unusable(f"it refers to {pointer[:200]!r}, and only references like '#/components/...' are read")
        found: Any = self.document
        for part in pointer.split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                raise Unusable(f"it refers to {pointer[:200]!r}, which is not in the document")
        return found

    def follow(self, value: Any, what: str) -> dict[str, Any]:
        """The object that stands in a place, there itself or by reference.

        Args:
            value: what stands there.
            what: names it in a message, such as ``a parameter``.

        Raises:
            Unusable: if it is no object.
        """
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(value, dict):
                raise Unusable(f"{what} is no object")
            pointer = value.get("$ref")
            if not isinstance(pointer, str):
                return value
            found = self.find(pointer)
            if not isinstance(found, dict):
                raise Unusable(f"{what} refers to {pointer[:200]!r}, which is no object")
            value = {**found, **{key: beside for key, beside in value.items() if key != "$ref"}}
        raise Unusable(f"{what} is a reference that leads back to itself")
