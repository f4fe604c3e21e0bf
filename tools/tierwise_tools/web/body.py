"""The body of an answer: so much of it and no more, and as text."""

from __future__ import annotations

import codecs
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tierwise_tools.errors import ToolError

if TYPE_CHECKING:
    import httpx2

_MOST_KEPT = 2_000_000
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
# The encodings of pages. Others that Python knows are no encodings of text, or slow on purpose.
_CHARSET = re.compile(
    r"utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|(?:iso[-_]?8859|windows|cp|koi8|shift|euc|iso-2022)[-_]?[a-z0-9]{1,6}"
    r"|iso8859-\d{1,2}|latin-?1|shift_jis|sjis|gb2312|gbk|gb18030|big5|mac-?roman",
    re.IGNORECASE,
)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s{0,9}=\s{0,9}[\"']?([\w-]{1,30})", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_UNPRINTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")


@dataclass(frozen=True, slots=True)
class Body:
    """What was read of an answer; ``whole`` is false if there was more."""

    data: bytes
    whole: bool


async def read_body(response: httpx2.Response, *, most: int = _MOST_KEPT) -> Body:
    """The body, unpacked, up to the limit.

    Args:
        response: an answer whose body was not read.
        most: bytes that are kept, from two and a half times as many on the wire.

    Raises:
        ToolError: if it is packed in a way that was not asked for, or not well.
    """
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in _PACKED and packing != "identity":
        raise ToolError("the answer is packed in a way that is not understood")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if packing in _PACKED else None
    data = bytearray()
    sent = 0
    try:
        async for chunk in response.aiter_raw():
            sent += len(chunk)
            # Never more than there is room for: a few bytes may unpack to a thousand times as many.
            data += chunk if unpack is None else unpack.decompress(chunk, most + 1 - len(data))
            if len(data) > most or sent > most * 5 // 2:
                return Body(bytes(data[:most]), whole=False)
            if unpack is not None and unpack.eof:
                break
    except zlib.error as error:
        raise ToolError("the answer cannot be unpacked; it is broken") from error
    return Body(bytes(data), whole=True)


def decoded(data: bytes, charset: str | None) -> str:
    """Bytes as text, in the encoding that is declared or else UTF-8; what does not fit becomes U+FFFD.

    Args:
        data: of a page or a text.
        charset: what the server declares.
    """
    meta = _META_CHARSET.search(data[:4_096])
    declared = (charset or "", meta[1].decode("ascii", "replace") if meta else "")
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    encoding = marked or next((name for name in declared if _is_charset(name)), "utf-8")
    return _UNPRINTED.sub("", data.decode(encoding, "replace").replace("\r\n", "\n"))


def looks_like_text(data: bytes) -> bool:
    """Whether bytes of an unknown kind are text."""
    head = data[:4_096]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _is_charset(name: str) -> bool:
    if not _CHARSET.fullmatch(name):
        return False
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True
