"""What a GGUF file says about itself, read in Python before llama.cpp may touch it.

Nothing in the file is believed: every length is checked against the bytes that are there, and every tensor must lie
inside the file. llama.cpp ends its process on some damaged files and reads past buffers on hostile ones.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tierwise.errors import ModelFileError

MAX_TENSORS = 100_000
MAX_KEYS = 10_000
MAX_KEY_LENGTH = 65_535
MAX_ITEMS = 4_000_000  # of all arrays together; the largest vocabularies have some 300,000 tokens and as many merges
MAX_DIMENSIONS = 4
MAX_CONTEXT = 1 << 24
_KEEP_ITEMS = 1024  # per-layer figures are kept, vocabularies are not
_KEEP_TEXT = 1 << 20
_EMBEDDING, _OUTPUT = "token_embd.weight", "output.weight"

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

# ggml tensor type -> (weights in a block, bytes of a block)
_BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 40),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
    40: (64, 36),
    41: (128, 18),
}

Value = str | int | float | bool | list[str] | list[int] | list[float]
_FIX = "Get the file again, or use another GGUF."


@dataclass(frozen=True)
class GgufHeader:
    """A checked header.

    Attributes:
        path: the file.
        architecture: for example ``llama`` or ``phi3``.
        context_length: tokens the model was trained for.
        weight_bytes: bytes of all tensors together.
        metadata: key to value; arrays longer than 1,024 items are left out, their lengths are in ``lengths``.
        lengths: key to number of items, for every array.
        lookup_bytes: part of ``weight_bytes`` of which a step reads one row (an embedding apart from the output).
    """

    path: Path
    architecture: str
    context_length: int
    weight_bytes: int
    metadata: dict[str, Value] = field(repr=False)
    lengths: dict[str, int] = field(repr=False)
    lookup_bytes: int = 0

    def number(self, key: str, default: int = 0) -> int:
        """A whole number below the architecture's prefix (``block_count`` is ``phi3.block_count``).

        For a list with a figure a layer, the largest.
        """
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        if isinstance(value, list):
            return max((int(v) for v in value if not isinstance(v, str)), default=default)
        return int(value) if isinstance(value, int) else default


def read_header(path: Path, *, sha256: str | None = None) -> GgufHeader:
    """Read and check the header.

    Args:
        path: the file.
        sha256: what the file's SHA-256 must be; ``None`` skips that check (it reads the whole file).

    Raises:
        ModelFileError: if it is no GGUF that can be used; the text says what it is instead, or what is wrong.
    """
    try:
        with path.open("rb") as file:
            header = _Reader(path, file, os.fstat(file.fileno()).st_size).model()
            if sha256 is not None:
                file.seek(0)
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    raise ModelFileError(f"{path} is not the file it should be: its SHA-256 differs.", fix=_FIX)
            return header
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from error


def read_adapter(path: Path) -> str:
    """Read and check the header of a LoRA adapter.

    Returns:
        The architecture of the models it was made for.

    Raises:
        ModelFileError: if it is no GGUF that holds a LoRA adapter.
    """
    try:
        with path.open("rb") as file:
            return _Reader(path, file, os.fstat(file.fileno()).st_size).adapter()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from error


class _Reader:
    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._path, self._file, self._size = path, file, size
        self._items = 0
        self._at = 0
        self._lengths: dict[str, int] = {}
        self._sizes: dict[str, int] = {}  # of the tensors at either end

    def model(self) -> GgufHeader:
        metadata, weights = self._contents()
        return self._checked(metadata, weights)

    def adapter(self) -> str:
        metadata, _ = self._contents()
        if metadata.get("general.type") != "adapter" or metadata.get("adapter.type") != "lora":
            raise self._bad("is a GGUF, but no LoRA adapter", fix="Use a file made by llama.cpp's LoRA converter.")
        return str(metadata.get("general.architecture", ""))

    def _contents(self) -> tuple[dict[str, Value], int]:
        self._magic()
        (version,) = self._unpack("I")
        if version in (0x02000000, 0x03000000):
            raise self._bad("is written in big-endian byte order, which this machine does not use")
        if version not in (2, 3):
            raise self._bad(f"has GGUF version {version}; versions 2 and 3 are known")
        tensors, keys = self._unpack("QQ")
        if tensors > MAX_TENSORS or keys > MAX_KEYS:
            raise self._bad(f"claims {tensors:,} tensors and {keys:,} metadata keys")
        metadata: dict[str, Value] = {}
        for _ in range(keys):
            key = self._text(MAX_KEY_LENGTH, "a metadata key")
            value = self._value(key)
            if value is not None:
                metadata[key] = value
        return metadata, self._tensors(tensors, metadata)

    # -- pieces --------------------------------------------------------------------------------------------------------

    def _magic(self) -> None:
        head = self._file.read(512)
        self._file.seek(4)
        self._at = 4
        if head[:4] == b"GGUF":
            return
        text = head.lstrip().lower()
        if not head:
            raise self._bad("is empty")
        if head.startswith(b"version https://git-lfs"):
            raise self._bad("is a Git LFS pointer, not the model itself", fix="Run: git lfs pull")
        if text.startswith((b"<!doctype html", b"<html", b"<?xml")):
            raise self._bad("is a web page that was saved as a model")
        if head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd")):
            raise self._bad("is an archive", fix="Unpack it and use the .gguf inside.")
        if head[:4] in (b"lmgg", b"tjgg", b"fmgg", b"algg"):
            raise self._bad("is in the old GGML format, which llama.cpp no longer reads")
        if head[:4] == b"FUGG":
            raise self._bad("is written in big-endian byte order, which this machine does not use")
        raise self._bad("is not a GGUF model")

    def _value(self, key: str) -> Value | None:
        (kind,) = self._unpack("I")
        if kind == _STRING:
            return self._text(self._size, f"{key!r}", keep=_KEEP_TEXT)
        if kind in _SCALARS:
            value: Value = self._unpack(_SCALARS[kind])[0]
            return value
        if kind != _ARRAY:
            raise self._bad(f"has metadata {key!r} of the unknown type {kind}")
        item_kind, count = self._unpack("IQ")
        self._items += count
        if self._items > MAX_ITEMS:
            raise self._bad(f"claims {count:,} items in {key!r}")
        self._lengths[key] = count
        if item_kind == _STRING:
            texts = []
            for _ in range(count):
                text = self._text(MAX_KEY_LENGTH, f"{key!r}")
                if count <= _KEEP_ITEMS:
                    texts.append(text)
            return texts if count <= _KEEP_ITEMS else None
        if item_kind not in _SCALARS:
            raise self._bad(f"has an array of type {item_kind} in {key!r}")
        form = _SCALARS[item_kind]
        data = self._bytes(count * struct.calcsize(form))
        return list(struct.unpack(f"<{count}{form}", data)) if count <= _KEEP_ITEMS else None

    def _tensors(self, count: int, metadata: dict[str, Value]) -> int:
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 8 <= alignment <= 1 << 20 or alignment & (alignment - 1):
            raise self._bad(f"wants its tensors aligned to {alignment} bytes")
        total = end = 0
        for _ in range(count):
            name = self._text(MAX_KEY_LENGTH, "a tensor's name")
            (dimensions,) = self._unpack("I")
            if not 1 <= dimensions <= MAX_DIMENSIONS:
                raise self._bad(f"has a tensor {name[:64]!r} of {dimensions} dimensions")
            shape = self._unpack(f"{dimensions}Q")
            kind, offset = self._unpack("IQ")
            if kind not in _BLOCKS:
                raise self._bad(f"has a tensor {name[:64]!r} of the unknown type {kind}")
            per_block, block_bytes = _BLOCKS[kind]
            elements = 1
            for length in shape:
                elements *= length
            if not 0 < elements < 1 << 62 or max(shape) >= 1 << 31 or shape[0] % per_block:
                raise self._bad(f"has a tensor {name[:64]!r} of the impossible shape {shape}")
            if offset % alignment:
                raise self._bad(f"has a tensor {name[:64]!r} at an unaligned place")
            length = elements // per_block * block_bytes
            total += length
            end = max(end, offset + length)
            if name in (_EMBEDDING, _OUTPUT):
                self._sizes[name] = length
        start = -(-self._at // alignment) * alignment
        if count and (missing := max(0, start + end - self._size)):
            raise ModelFileError(f"{self._path} is cut: {missing:,} bytes are missing.", fix="Get the file again.")
        if total > end:
            raise self._bad("has tensors that lie on top of each other")
        # What lies behind the last tensor is mapped into memory too, so it counts.
        return max(total, self._size - start) if count else 0

    def _checked(self, metadata: dict[str, Value], weights: int) -> GgufHeader:
        architecture = metadata.get("general.architecture")
        if not isinstance(architecture, str) or not architecture:
            raise self._bad("does not name its architecture")
        if isinstance(parts := metadata.get("split.count"), int) and parts > 1:
            raise self._bad(f"is one of {parts} parts", fix="Join them first: llama-gguf-split --merge")
        if "tokenizer.ggml.model" not in metadata or not self._lengths.get("tokenizer.ggml.tokens"):
            raise self._bad("has no tokenizer")
        context = metadata.get(f"{architecture}.context_length")
        if not isinstance(context, int) or isinstance(context, bool) or not 1 < context <= MAX_CONTEXT:
            raise self._bad("does not say how long its context is")
        if not weights:
            raise self._bad("has no weights, only a vocabulary")
        lookup = self._sizes.get(_EMBEDDING, 0) if _OUTPUT in self._sizes else 0
        return GgufHeader(self._path, architecture, context, weights, metadata, self._lengths, lookup)

    # -- bytes ---------------------------------------------------------------------------------------------------------

    def _text(self, limit: int, what: str, *, keep: int = MAX_KEY_LENGTH) -> str:
        (length,) = self._unpack("Q")
        if length > limit:
            raise self._bad(f"claims {length:,} bytes for {what}")
        return self._bytes(length, keep).decode("utf-8", "replace")

    def _unpack(self, form: str) -> tuple[int, ...]:
        form = f"<{form}"
        return struct.unpack(form, self._bytes(struct.calcsize(form)))

    def _bytes(self, length: int, keep: int | None = None) -> bytes:
        if length > self._size - self._at:
            raise ModelFileError(
                f"{self._path} is cut: its header needs at least {length - self._size + self._at:,} more bytes.",
                fix="Get the file again.",
            )
        self._at += length
        if keep is not None and length > keep:
            data = self._file.read(keep)
            self._file.seek(self._at)
            return data
        data = self._file.read(length)
        if len(data) < length:
            raise ModelFileError(f"{self._path} changed while it was read.", fix="Try again when it is complete.")
        return data

    def _bad(self, what: str, *, fix: str = _FIX) -> ModelFileError:
        return ModelFileError(f"{self._path} {what}.", fix=fix)
