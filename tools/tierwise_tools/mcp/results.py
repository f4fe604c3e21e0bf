"""What a server answers, as a text for the model and files for the person."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tierwise_tools.errors import ToolError
from tierwise_tools.mcp.redaction import redacted
from tierwise_tools.mcp.words import clean_words
from tierwise_tools.result import KeptFile, ToolResult
from tierwise_tools.text import cut

_LONGEST_ERROR = 1_500
_FILES = 8
_ALIKE = {"image/jpg": "image/jpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/mp3": "audio/mpeg"}
# ending, and what stands at a place of the file
_KINDS: dict[str, tuple[str, tuple[tuple[int, bytes], ...]]] = {
    "image/png": ("png", ((0, b"\x89PNG\r\n\x1a\n"),)),
    "image/jpeg": ("jpg", ((0, b"\xff\xd8\xff"),)),
    "image/gif": ("gif", ((0, b"GIF8"),)),
    "image/webp": ("webp", ((0, b"RIFF"), (8, b"WEBP"))),
    "audio/wav": ("wav", ((0, b"RIFF"), (8, b"WAVE"))),
    "audio/mpeg": ("mp3", ((0, b"ID3"),)),
    "application/pdf": ("pdf", ((0, b"%PDF-"),)),
}


def read_result(result: Any, *, tool: str, folder: Path | None, secrets: Iterable[str]) -> ToolResult:
    """Read a ``CallToolResult`` of the SDK.

    Args:
        result: of a call.
        tool: what we call the tool; files are named after it.
        folder: where files are kept, ``None`` if there is no such place.
        secrets: left out of an error.

    Raises:
        ToolError: if the server says that the call failed, with its words.
    """
    texts: list[str] = []
    said = False
    files: list[KeptFile] = []
    for block in result.content:
        resource = getattr(block, "resource", None)
        text = getattr(block if resource is None else resource, "text", None)
        if text is not None:
            texts.append(text)
            said = said or bool(text.strip())
        elif block.type == "resource_link":
            texts.append(f"(a link: {clean_words(block.name, 100)}, {clean_words(str(block.uri), 300)})")
        else:
            encoded, mime = (block.data, block.mime_type) if resource is None else (resource.blob, resource.mime_type)
            kept = _kept(encoded, str(mime or ""), tool, folder, len(files))
            if isinstance(kept, KeptFile):
                files.append(kept)
                texts.append(f"(saved for the user: {kept.title}, {kept.mime})")
            else:
                texts.append(kept)
    if result.structured_content is not None and not said:
        texts.insert(0, json.dumps(result.structured_content, ensure_ascii=False))
    whole = "\n".join(texts)
    if result.is_error:
        raise ToolError(cut(redacted(whole, secrets), _LONGEST_ERROR) or "it failed and does not say why")
    return ToolResult(whole, tuple(files))


def _kept(encoded: str, mime: str, tool: str, folder: Path | None, number: int) -> KeptFile | str:
    """The file, or words about why there is none."""
    mime = mime.partition(";")[0].strip().casefold()
    mime = _ALIKE.get(mime, mime)
    what = clean_words(mime, 60) or "unknown kind"
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return f"(left out: {what}, whose base64 is broken)"
    size = f"{what}, {len(data):,} bytes"
    if mime not in _KINDS:
        return f"(left out: {size}; files of this kind are not kept)"
    if not _is(data, mime):
        return f"(left out: {size}; its bytes are something else)"
    if folder is None:
        return f"(left out: {size}; there is no place to keep files)"
    if number >= _FILES:
        return f"(left out: {size}; {_FILES} files are kept at most)"
    return _written(data, mime, tool, folder)


def _is(data: bytes, mime: str) -> bool:
    if mime == "audio/mpeg" and len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:
        return True  # a frame without a tag before it
    return all(data[at : at + len(mark)] == mark for at, mark in _KINDS[mime][1])


def _written(data: bytes, mime: str, tool: str, folder: Path) -> KeptFile | str:
    ending = _KINDS[mime][0]
    for number in range(1, 1_000):
        path = folder / f"{tool}-{number}.{ending}"
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            continue
        except OSError as error:
            return f"(left out: {mime}; it could not be saved: {error.strerror})"
        return KeptFile(path, mime, path.name)
    return f"(left out: {mime}; the folder is full)"
