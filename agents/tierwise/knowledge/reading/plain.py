"""Bytes to text, and plain text itself."""

from __future__ import annotations

import codecs
import re

from tierwise.knowledge.document import Document, Page
from tierwise.knowledge.reading.problem import Unreadable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOK = 65536  # bytes that are looked at to tell what they are
_CONTROLS = bytes({*range(32), 127} - set(b"\a\b\t\n\v\f\r\x1b"))
_HIGH = bytes(range(128, 256))
_LONE_RUN = re.compile(rb"(?<![A-Za-z\x80-\xff])[\x80-\xff]{3,}(?![A-Za-z\x80-\xff])")
# Other encodings of Latin letters are believed only of a language that needs them: its habits look like others' else.
_SLAVIC = frozenset({"Polish", "Czech", "Slovak", "Croatian", "Slovene"})
_LATIN = {
    "cp1250": _SLAVIC,
    "iso8859_2": _SLAVIC,
    "cp1254": frozenset({"Turkish"}),
    "cp1257": frozenset({"Lithuanian", "Latvian"}),
}
_OTHERS = (
    *("cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "cp874"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
_DENSE = 0.3  # of the bytes are beyond ASCII: no language in Latin letters has so many ...
_DENSE_FROM = 12  # ... but a few words may
# What a document may declare; the others (utf-7, unicode_escape, punycode ...) can say anything.
_DECLARABLE = re.compile(
    r"utf-?8.*|utf-?16.*|ascii|cp\d+|iso8859-\d+|koi8-[rtu]|mac-\w+|gb\w+|big5\w*|euc_\w+|shift_jis\w*|iso2022_jp\w*"
)
_AS_BROWSERS_DO = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}


def read_plain(data: bytes, name: str) -> Document:
    """A text as it stands, on one page.

    Raises:
        Unreadable: if it is not text.
    """
    text, warnings = decode(data)
    return Document(name, None, (Page(None, text),), tuple(warnings))


def decode(data: bytes, *, declared: str | None = None) -> tuple[str, list[str]]:
    """Bytes to text with universal newlines and without a byte order mark; a guess comes with a warning.

    A mark is believed first, then UTF-8 that is valid, then what the document declares, then the habits of languages.
    In text that is UTF-8 for the most part, what is not becomes U+FFFD.

    Args:
        data: all the bytes.
        declared: the encoding that the document itself names.

    Raises:
        Unreadable: if the bytes are not text.
    """
    text, warnings = _decoded(data, _declared(declared))
    return text.replace("\r\n", "\n").replace("\r", "\n"), warnings


def _decoded(data: bytes, declared: str | None) -> tuple[str, list[str]]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _with_replacements(data, encoding)
    text: str | None
    if (wide := _wide(data)) is not None and (text := _try(data, wide)) is not None:
        return text, [f"It is taken for {wide.upper()}; it has no mark that says so."]
    if _is_binary(data):
        raise _binary()
    if (text := _try(data, "utf-8")) is not None and (declared is None or not text.isascii()):
        return text, []
    if declared is not None and (text := _try(data, declared)) is not None:
        return text, []
    older = _legacy(data)
    if older is not None and (text := _try(data, older)) is not None:
        return text, [f"It is not UTF-8; it was read as {_label(older)}. Save it as UTF-8 if characters look wrong."]
    return _with_replacements(data, "utf-8")


def _try(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
        if encoding != "utf-8":
            text.encode()  # some codecs make halves of surrogate pairs, which nothing can store
    except (LookupError, ValueError):  # each codec has its own way to fail
        return None
    return text


def _with_replacements(data: bytes, encoding: str) -> tuple[str, list[str]]:
    text = data.decode(encoding, "replace")
    count = text.count("\ufffd")
    if not count:
        return text, []
    if count > 10 and count * 4 > len(text):
        raise _binary()
    where = "1 place" if count == 1 else f"{count:,} places"
    return text, [f"It is not valid {encoding.removesuffix('-sig').upper()} in {where}, marked with \ufffd."]


def _declared(name: str | None) -> str | None:
    try:
        known = codecs.lookup(name).name if name else ""
    except LookupError:
        return None
    return _AS_BROWSERS_DO.get(known, known) if _DECLARABLE.fullmatch(known) else None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: where most characters are Western, every other byte is zero."""
    head = data[: _LOOK & ~1]
    even, odd, half = head[::2].count(0), head[1::2].count(0), len(head) // 2
    if len(data) % 2 or not half:
        return None
    if odd * 10 > half * 6 and even * 50 < half:
        return "utf-16-le"
    if even * 10 > half * 6 and odd * 50 < half:
        return "utf-16-be"
    return None


def _is_binary(data: bytes) -> bool:
    """Whether there are more control characters than a few that went astray."""
    head = data[:_LOOK]
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls > 2 + len(head) // 200 or data.count(0) > 2 + len(data) // 200


def _legacy(data: bytes) -> str | None:
    """The encoding that text was most likely written in before UTF-8; ``None`` if it is rather UTF-8 with faults."""
    head = data[:_LOOK]
    high = len(head) - len(head.translate(None, _HIGH))
    bad = head.decode("utf-8", "replace").count("\ufffd")
    if bad * 3 < high:  # most of what is beyond ASCII is valid, which does not happen by chance
        return None
    if high < max(_DENSE_FROM, _DENSE * len(head.translate(None, b" \t\r\n"))):
        # Accented letters stand in words; a longer run of such bytes with no letter beside it is damage.
        return None if _LONE_RUN.search(head) else _guess(head, tuple(_LATIN)) or "cp1252"
    return _guess(head, _OTHERS)


def _guess(head: bytes, encodings: tuple[str, ...]) -> str | None:
    import charset_normalizer

    # A character that is cut in half at the end would rule its encoding out.
    found = charset_normalizer.from_bytes(head[: max(head.rfind(b"\n"), 0) or None], cp_isolation=list(encodings))
    return next(
        (match.encoding for match in found if match.language in _LATIN.get(match.encoding, {match.language})), None
    )


def _label(encoding: str) -> str:
    if encoding.startswith("cp125"):
        return f"Windows-{encoding[2:]}"
    return encoding.upper().replace("ISO8859", "ISO-8859").replace("_", "-")


def _binary() -> Unreadable:
    return Unreadable("It is a binary file, not text.", fix="Leave it out, or export it as text, HTML or PDF.")
