"""One page of the web, got in the way of the tool ``fetch_url``: the public internet and nothing else."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tierwise.errors import InvalidInput
from tierwise.knowledge.sources.files import MAX_BYTES, checked_bytes
from tierwise.knowledge.sources.item import Change, Gone, Item, Trouble
from tierwise_tools.errors import ToolError

if TYPE_CHECKING:
    from tierwise_tools.web import Network, Page

_SECONDS = 60.0
_MISSING = (404, 410)
_NOT_MODIFIED = 304
_ENDINGS = {"text/html": ".html", "application/xhtml+xml": ".xhtml", "application/pdf": ".pdf", "text/plain": ".txt"}
_SAFE = re.compile(r"[^\w.-]+")


def page_address(word: str) -> str:
    """An address in the one way to write it, without the part after ``#``.

    Raises:
        InvalidInput: if it is none, or could be read in two ways.
    """
    from tierwise_tools.web.urls import read_url

    try:
        return str(read_url(word))
    except ToolError as error:
        raise InvalidInput(f"This address cannot be used: {error}.", fix="Correct the address.") from error


@dataclass(frozen=True)
class WebOrigin:
    """One page. Whether it changed is asked of its server, by what the server called the stored version.

    Attributes:
        id: its address.
        allow_loopback: it may be on this machine.
        network: the way to the web, if it is not the usual one.
    """

    id: str
    _: KW_ONLY
    allow_loopback: bool = False
    network: Network | None = None

    def changes(self, known: Mapping[str, str | None], cursor: str | None = None) -> Iterator[Change]:
        """The page, or that it is gone, or why it cannot be had."""
        stored = known.get(self.id)
        try:
            page = self._get(_conditions(stored))
        except InvalidInput as error:
            yield Trouble(self.id, error.what, error.fix or "")
            return
        if page.status == _NOT_MODIFIED and stored is not None:
            yield Item(self.id, _name(self.id, page), stored, lambda: _content(self._get({})))
        elif page.status in _MISSING and self.id in known:
            yield Gone(self.id)
        elif (refusal := _refusal(page)) is not None:
            yield Trouble(self.id, refusal.what, refusal.fix or "")
        else:
            yield Item(self.id, _name(page.url, page), _stamp(page), lambda: _content(page), modified=_modified(page))

    def count(self) -> int:
        """One."""
        return 1

    def _get(self, headers: dict[str, str]) -> Page:
        from tierwise_tools.web import get_page

        async def get() -> Page:
            async with asyncio.timeout(_SECONDS):
                return await get_page(
                    self.id,
                    network=self.network,
                    allow_loopback=self.allow_loopback,
                    headers=headers,
                    most=MAX_BYTES + 1,
                )

        try:
            # In a thread of its own, because this one may run a loop already.
            with ThreadPoolExecutor(1, "page") as thread:
                return thread.submit(asyncio.run, get()).result()
        except ToolError as error:
            what = str(error)[:1].upper() + str(error)[1:]
            raise InvalidInput(f"{what}.", fix="Open it in a browser to see whether it is there.") from error
        except TimeoutError as error:
            raise InvalidInput(f"It did not come within {_SECONDS:g} seconds.", fix="Try again later.") from error


def _conditions(stamp: str | None) -> dict[str, str]:
    kind, _, value = (stamp or "").partition(":")
    header = {"etag": "If-None-Match", "modified": "If-Modified-Since"}.get(kind)
    return {header: value} if header else {}


def _stamp(page: Page) -> str | None:
    for kind, value in (("etag", page.etag), ("modified", page.modified)):
        if value and value.isascii() and value.isprintable() and len(value) <= 500:
            return f"{kind}:{value}"
    return None


def _modified(page: Page) -> float | None:
    with suppress(ValueError, TypeError, OverflowError):
        return parsedate_to_datetime(page.modified or "").timestamp()
    return None


def _refusal(page: Page) -> InvalidInput | None:
    from tierwise_tools.web.follow import status_line

    if page.status == 200:
        return None
    fix = "Check the address." if page.status in _MISSING else "Open it in a browser; pages behind a login stay closed."
    return InvalidInput(f"The server answered {status_line(page.status)}.", fix=fix)


def _content(page: Page) -> bytes:
    """The body as a reader takes it: the server's word on the encoding is not in it, so it is put in.

    Raises:
        InvalidInput: if the server did not give it, or there is nothing in it, or too much.
    """
    if (refusal := _refusal(page)) is not None:
        raise refusal
    if not page.body.whole:
        raise InvalidInput(f"It is larger than {MAX_BYTES / 1e6:.0f} MB, the limit.", fix="Leave it out.")
    data = checked_bytes(page.body.data)
    if page.charset is None or not page.kind.startswith("text/"):
        return data
    from tierwise_tools.web.body import decoded

    return codecs.BOM_UTF8 + decoded(data, page.charset).encode()  # the mark counts more than what the page says inside


def _name(url: str, page: Page) -> str:
    """A file name after the address, with the ending that fits what the server says it is."""
    last = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    name = _SAFE.sub("_", last)[-100:] or "page"
    ending = _ENDINGS.get(page.kind, "")
    if page.kind == "text/plain" and "." in name:  # what a server calls every text whose ending it does not know
        return name
    return name if name.lower().endswith((ending, ".htm") if ending == ".html" else ending) else name + ending
