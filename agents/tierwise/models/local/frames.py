"""Length-prefixed JSON over a pipe: how a copilot and a model's process talk."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_HEADER = struct.Struct(">I")
MAX_FRAME = 64 * 1024 * 1024

Frame = dict[str, Any]


def write_frame(pipe: IO[bytes], frame: Frame) -> None:
    """Write one frame and flush.

    Raises:
        OSError: if the other side is gone.
    """
    body = json.dumps(frame, ensure_ascii=True, separators=(",", ":")).encode()
    pipe.write(_HEADER.pack(len(body)) + body)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> Frame | None:
    """Read one frame; ``None`` when the other side has ended or sent something that is no frame."""
    header = pipe.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    (length,) = _HEADER.unpack(header)
    if length > MAX_FRAME:
        return None
    body = pipe.read(length)
    if len(body) < length:
        return None
    try:
        frame = json.loads(body)
    except ValueError:
        return None
    return frame if isinstance(frame, dict) else None
