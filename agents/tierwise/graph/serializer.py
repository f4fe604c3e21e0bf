"""How checkpoints are written: JSON values only, with a checksum."""

from __future__ import annotations

import zlib
from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from tierwise.errors import StoreDamaged

_MARK = "+crc32"
_LENGTH = 4


class SummedSerializer(JsonPlusSerializer):
    """Refuses to build any type named in the file, and what is not as it was written."""

    def __init__(self) -> None:
        super().__init__(allowed_msgpack_modules=None)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """A value as it is stored, behind its checksum."""
        kind, data = super().dumps_typed(obj)
        return f"{kind}{_MARK}", zlib.crc32(data).to_bytes(_LENGTH, "big") + data

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value that was stored, also by versions that knew no checksums.

        Raises:
            StoreDamaged: if it is not as it was written.
        """
        kind, stored = data
        if not kind.endswith(_MARK):
            return super().loads_typed(data)
        stored = bytes(stored)
        if zlib.crc32(stored[_LENGTH:]) != int.from_bytes(stored[:_LENGTH], "big"):
            raise StoreDamaged("What was stored of a turn is damaged.", fix="Ask the question anew.")
        return super().loads_typed((kind.removesuffix(_MARK), stored[_LENGTH:]))
