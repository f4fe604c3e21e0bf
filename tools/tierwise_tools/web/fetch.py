"""``fetch_url``: a page of the public web as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import LONGEST, Origin, Tool
from tierwise_tools.errors import ToolError
from tierwise_tools.function import tool
from tierwise_tools.running import call_function
from tierwise_tools.text import cut
from tierwise_tools.web.body import decoded, looks_like_text, read_body
from tierwise_tools.web.connect import Network
from tierwise_tools.web.follow import content_type, followed, status_line
from tierwise_tools.web.markup import Page, read_page
from tierwise_tools.web.urls import Target, join_url, read_url

if TYPE_CHECKING:
    import httpx2

_MOST_LINKS = 20
_PARSING_S = 10.0
_TEXTS = re.compile(r"text/.*|application/(?:.*[+])?(?:json|xml|yaml|x-yaml|x-ndjson|javascript|toml|sql)")
_MARKUP = frozenset({"text/html", "application/xhtml+xml"})
_STARTS_PAGE = re.compile(rb"\s*(?:<!doctype html|<html)", re.IGNORECASE)


def fetch_tool(
    *,
    seconds: float = 20.0,
    characters: int = LONGEST,
    allow_loopback: bool = False,
    network: Network | None = None,
) -> Tool[..., Any]:
    """The tool ``fetch_url``. It reaches the public internet and nothing else, whatever a name or a redirect says.

    Args:
        seconds: for a call, redirects included.
        characters: of the result.
        allow_loopback: servers on this machine may be asked too, by ``localhost`` or their address and on any port; a
            page from outside cannot redirect to one.
        network: the way to the web, if it is not the usual one.
    """
    way = network or Network()

    @tool(effects=("read", "network"), repeatable=True, seconds=seconds, characters=characters)
    async def fetch_url(url: str) -> str:
        """Fetch a page of the web by its URL: its title, text and links, or a text or JSON as it is.

        Args:
            url: in full, such as https://example.org/page
        """
        return await _fetched(read_url(url), way, loopback=allow_loopback, room=characters)

    return fetch_url.but(origin=Origin("built-in", "web"))


async def _fetched(target: Target, network: Network, *, loopback: bool, room: int) -> str:
    async with followed(target, network, loopback=loopback) as (place, response):
        return await _told(place, response, room)


async def _told(target: Target, response: httpx2.Response, room: int) -> str:
    """An answer as the model reads it. Refusals are in our words only: the server's are for a result, not an error."""
    if response.status_code >= 400:
        raise ToolError(f"the server answered {status_line(response.status_code)}; try another URL")
    kind, charset = content_type(response)
    unknown = kind in ("", "application/octet-stream")
    if not unknown and not _TEXTS.fullmatch(kind) and kind not in _MARKUP:
        return f"{target} is no text but {kind}; it was not read."
    body = await read_body(response)
    if unknown and not looks_like_text(body.data):
        return f"{target} is no text, and the server does not say what it is."
    text = decoded(body.data, charset)
    more = "" if body.whole else f"\n(only the first {len(body.data):,} bytes were read)"
    if kind in _MARKUP or (unknown and _STARTS_PAGE.match(body.data)):
        page = await call_function(lambda: read_page(text), {}, context=ToolContext(), takes=None, seconds=_PARSING_S)
        return _page_told(target, page, room - len(more)) + more
    return cut(text, room - len(more) - 50) + more if more else text


def _page_told(target: Target, page: Page, room: int) -> str:
    head = f"Title: {page.title or '(none)'}\nURL: {target}\n\n"
    links = "\n".join(_links(target, page))
    tail = f"\n\nLinks:\n{links}" if links else ""
    text = page.text or "(the page shows no text; it may be made by a script)"
    return head + cut(text, max(0, room - len(head) - len(tail) - 50)) + tail


def _links(target: Target, page: Page) -> Iterator[str]:
    """The first links that can be fetched, each place once."""
    with suppress(ToolError):
        target = join_url(target, page.base) if page.base else target
    seen = {str(target)}
    for link in page.links:
        try:
            place = str(join_url(target, link.reference))
        except ToolError:
            continue  # mail, a script, or a URL nobody could be sure of
        if place not in seen and link.words:
            seen.add(place)
            yield f"- {link.words}: {place}"
        if len(seen) > _MOST_LINKS:
            return
