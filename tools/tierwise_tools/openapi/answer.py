"""What a model reads of a reply, and what a person gets beside it."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path

from tierwise_tools.context import ToolContext
from tierwise_tools.errors import ToolError
from tierwise_tools.openapi.calling import LARGEST, Reply
from tierwise_tools.openapi.keys import Key
from tierwise_tools.openapi.operation import Operation
from tierwise_tools.result import KeptFile, ToolResult

_LONGEST_ERROR = 500
# Kept only if they begin as such a file does: what they are shown with trusts the type.
_KEPT = {
    "image/png": (".png", b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": (".jpg", b"\xff\xd8\xff"),
    "application/pdf": (".pdf", b"%PDF-"),
    "application/zip": (".zip", b"PK"),
    "text/csv": (".csv", b""),
}
# The usual ones: among all that Python knows are some that take minutes for a megabyte.
_CHARSET = re.compile(
    r"charset=[\"']?((?:utf|iso|windows|cp|koi8|euc|gb|shift|big5|us-ascii|latin)[\w-]*)", re.ASCII | re.IGNORECASE
)
_TEXTS = ("application/xml", "application/javascript", "application/x-ndjson", "application/yaml")


async def tell(
    reply: Reply, operation: Operation, *, key: Key, key_env: str | None, context: ToolContext
) -> ToolResult:
    """The reply as a result.

    JSON is given without its spaces, other text as it is. A PNG, JPEG, PDF, ZIP or CSV is kept in the context's folder,
    if there is one; other bytes are only described.

    Raises:
        ToolError: for a status from 400 up.
    """
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    text = _text(reply, kind)
    if text is not None:
        text = key.hide(text)
    if reply.status >= 400:
        raise ToolError(_complaint(reply, text or "", operation, key=key, key_env=key_env))
    if not reply.content:
        return ToolResult(key.hide(_about_nothing(reply)))
    content = key.hide_bytes(reply.content)
    file = None
    if kind in _KEPT and content.startswith(_KEPT[kind][1]) and context.folder is not None and reply.whole:
        ending = _KEPT[kind][0]
        path = await asyncio.to_thread(_keep, content, context.folder, operation.name, ending)
        file = KeptFile(path, kind, f"{operation.name}{ending}")
    if text is None:
        size = f"{'more than ' if not reply.whole else ''}{len(content):,} bytes of {kind or 'no stated type'}"
        text = f"{size}: {'kept as a file for the person who asked' if file else 'no text, and not kept'}"
    elif not reply.whole:
        text += f"\n(cut: the answer is larger than {LARGEST:,} bytes)"
    return ToolResult(text, (file,) if file else ())


def _text(reply: Reply, kind: str) -> str | None:
    """The content as text, ``None`` if it is none."""
    if kind in _KEPT and kind != "text/csv":
        return None
    is_json = kind == "application/json" or kind.endswith("+json")
    charset = _CHARSET.search(reply.headers.get("content-type", ""))
    is_text = is_json or kind.startswith("text/") or kind.endswith("+xml") or kind in _TEXTS
    if not is_text and b"\x00" in reply.content:
        return None
    try:
        text = reply.content.decode(charset[1] if charset else "utf-8")
    except (LookupError, ValueError):
        if not is_text:
            return None
        text = reply.content.decode("utf-8", "replace")
    return _compact(text) if is_json else text


def _compact(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text


def _about_nothing(reply: Reply) -> str:
    where = f"; location: {reply.headers['location'][:500]}" if "location" in reply.headers else ""
    return f"{reply.status} {reply.reason}: it worked, and nothing was returned{where}".replace("  ", " ")


def _complaint(reply: Reply, text: str, operation: Operation, *, key: Key, key_env: str | None) -> str:
    said = " ".join(text.split())
    if len(said) > _LONGEST_ERROR:
        said = said[:_LONGEST_ERROR] + "…"
    parts = [f"{operation.method} {operation.path} answered {reply.status} {reply.reason}".strip(), said]
    return ". ".join(key.hide(part) for part in (*parts, _hint(reply, operation, key_env if key else None)) if part)


def _hint(reply: Reply, operation: Operation, key_env: str | None) -> str:
    if reply.status in (401, 403):
        if operation.key and key_env is None:
            return "It needs a key: whoever set this API up has to name one with key_env"
        return f"{f'The key in {key_env}' if key_env else 'The server'} does not allow this: do not try again"
    if reply.status == 404:
        return "Check the ids that go into its path"
    if reply.status in (400, 422):
        return "Correct the arguments that it names"
    if reply.status == 429:
        wait = reply.headers.get("retry-after", "")[:40]
        return f"Too many calls: wait{f' {wait} seconds' if wait.isdecimal() else ''} before the next"
    return ""


def _keep(content: bytes, folder: Path, name: str, ending: str) -> Path:
    """Write a file of its own, readable by nobody else."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / f"{name}{'' if number == 1 else f'_{number}'}{ending}"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            return path
        except FileExistsError:
            number += 1
