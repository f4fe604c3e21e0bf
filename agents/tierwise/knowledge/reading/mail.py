"""Mail: who wrote what to whom and when, then the words of the message; attachments are named, not opened."""

from __future__ import annotations

import re
from datetime import UTC
from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

from tierwise.knowledge.document import Block, Document, Page
from tierwise.knowledge.reading.html import read_html
from tierwise.knowledge.reading.lines import Lines
from tierwise.knowledge.reading.plain import decode
from tierwise.knowledge.reading.problem import Unreadable, original_of

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_MAX_HEADER = 500
_MAX_PARTS = 500
_MAX_NAMED = 10
_QUOTE = re.compile(r"[ \t]{0,3}>")
_Part = MIMEPart  # what the parts of a message are, itself included
_NO_WORDS = {"text/calendar", "text/vcard", "text/x-vcard", "text/rtf"}
_DECLARED = re.compile(r"[\w:.+-]{1,40}")


def read_mail(data: bytes, name: str) -> Document:
    """Read one message (``.eml``): headers, a blank line, its plain text, or its HTML as text if it has no other.

    The title is its subject, the date its own. A quoted reply is kept as a block whose head says who is quoted.

    Raises:
        InvalidInput: if it is not a message, or encrypted.
    """
    try:
        message = BytesParser(policy=policy.default).parsebytes(data)
        parts = _parts(message)
    except (RecursionError, ValueError, TypeError, LookupError, AttributeError) as error:  # its own bugs on bad input
        raise Unreadable(
            "It is a damaged message.", fix="Save it again in your mail program.", original=original_of(error)
        ) from error
    headers = {shown: _header(message, shown) for shown in _SHOWN}
    if not any(headers.values()):
        raise Unreadable("It has none of a message's headers.", fix="Save it again in your mail program as .eml.")
    if message.get_content_type() == "multipart/encrypted" or any(_is_smime(part) for part in parts):
        raise Unreadable("It is encrypted.", fix="Open it in your mail program and save it decrypted.")
    warnings: list[str] = []
    body = _body(parts, name, warnings)
    attached = [_attachment(part) for part in parts if _is_attached(part)]
    if attached:
        named = ", ".join(attached[:_MAX_NAMED]) + (" and others" if len(attached) > _MAX_NAMED else "")
        warnings.append(f"Its attachments are not read with it: {named}. Save them as files and bring those in.")
    top = "\n".join(f"{key}: {value}" for key, value in headers.items() if value)
    text = f"{top}\n\n{body}".rstrip() + "\n"
    page = Page(None, text, blocks=tuple(_quotes(text, len(top))))
    return Document(
        name, headers["Subject"] or None, (page,), tuple(warnings), kind="mail", date=_date(headers["Date"])
    )


def _parts(message: EmailMessage) -> list[_Part]:
    """The parts that hold something, without those of attached messages."""
    found: list[_Part] = []
    waiting: list[_Part] = [message]
    while waiting and len(found) < _MAX_PARTS:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart":
            waiting += reversed(list(part.iter_parts()))
        else:
            found.append(part)
    return found


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = str(message[name] or "")
    except Exception:  # the standard library's parser of addresses fails in many ways on made-up ones
        value = next((str(raw) for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    return " ".join(value.encode("utf-8", "replace").decode().split())[:_MAX_HEADER]


def _date(value: str) -> float | None:
    try:
        when = parsedate_to_datetime(value)
        return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _body(parts: list[_Part], name: str, warnings: list[str]) -> str:
    """All plain text that is no attachment; HTML where there is none."""
    texts = [part for part in parts if part.get_content_maintype() == "text" and not _is_attached(part)]
    words = [_words(part, warnings) for part in texts if part.get_content_type() != "text/html"]
    if any(piece.strip() for piece in words):
        return "\n\n".join(piece.strip("\n") for piece in words if piece.strip())
    pieces = []
    for part in texts:
        if part.get_content_type() == "text/html" and (source := _words(part, warnings)):
            pieces += [page.text.strip() for page in read_html(source.encode(), name).pages]
    return "\n\n".join(filter(None, pieces))


def _words(part: _Part, warnings: list[str]) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes) or not payload.strip():
        return ""
    charset = part.get_content_charset() or ""
    try:
        text, guessed = decode(payload, declared=charset if _DECLARED.fullmatch(charset) else None)
    except Unreadable:
        warnings.append("A part of it is not text, although it says so; it was left out.")
        return ""
    warnings += [warning for warning in guessed if warning not in warnings]
    return text


def _is_attached(part: _Part) -> bool:
    if part.get_content_maintype() == "text" and part.get_content_type() not in _NO_WORDS:
        return part.get_content_disposition() == "attachment"
    return part.get_content_type() != "application/pgp-signature"


def _attachment(part: _Part) -> str:
    try:
        name = part.get_filename()
    except Exception:  # see _header
        name = None
    return " ".join((name or f"one of type {part.get_content_type()}").split())[:100]


def _is_smime(part: _Part) -> bool:
    if part.get_content_type() not in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return False
    return str(part.get_param("smime-type", "enveloped-data")) != "signed-data"


def _quotes(text: str, start: int) -> list[Block]:
    """Runs of quoted lines; the line above says who wrote them, if it ends with a colon."""
    lines = Lines(text)
    blocks = []
    first: int | None = None
    for number in range(len(lines) + 1):
        quoted = number < len(lines) and lines.start(number) > start and _QUOTE.match(lines[number]) is not None
        if quoted and first is None:
            first = number
        elif not quoted and first is not None:
            above = lines[first - 1].strip() or (lines[first - 2].strip() if first > 1 else "")
            a, b = lines.span(first, number)
            blocks.append(Block(a, b, "record", above[:200] if above.endswith(":") else None))
            first = None
    return blocks
