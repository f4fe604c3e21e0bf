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
        ValueError: if the frame cannot be sent.
    """
    write_bytes(pipe, encoded(frame))


def encoded(frame: Frame) -> bytes:
    """A frame as it is sent.

    Raises:
        ValueError: if it is no JSON, or longer than the other side takes.
    """
    try:
        body = json.dumps(frame, ensure_ascii=True, separators=(",", ":")).encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if len(body) > MAX_FRAME:
        raise ValueError(f"it is {len(body):,} bytes long, and at most {MAX_FRAME:,} can be sent")
    return _HEADER.pack(len(body)) + body


def write_bytes(pipe: IO[bytes], data: bytes) -> None:
    """Write what :func:`encoded` made and flush.

    Raises:
        OSError: if the other side is gone.
    """
    pipe.write(data)
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
