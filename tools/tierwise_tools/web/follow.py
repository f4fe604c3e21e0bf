"""From a URL to the answer at the end of its redirects, each checked like the first; and an answer as it came."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from tierwise_tools.errors import ToolError
from tierwise_tools.web.body import Body, read_body
from tierwise_tools.web.connect import Network, answered, is_local
from tierwise_tools.web.urls import Target, join_url, read_url

if TYPE_CHECKING:
    import httpx2

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MIME = re.compile(r"[\w.+-]{1,40}/[\w.+-]{1,80}")
_CHARSET = re.compile(r"""charset=["']?([\w-]{1,30})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """What a server answered.

    Attributes:
        url: where the answer came from, after redirects.
        status: of HTTP.
        kind: its media type in lower case; empty if none is given.
        charset: the encoding that the server declares.
        etag: what names this version for the server.
        modified: when it was changed last, as the server writes it.
        body: empty unless the status is 200.
    """

    url: str
    status: int
    kind: str
    charset: str | None
    etag: str | None
    modified: str | None
    body: Body


async def get_page(
    url: str,
    *,
    network: Network | None = None,
    allow_loopback: bool = False,
    headers: Mapping[str, str] | None = None,
    most: int,
) -> Page:
    """Get a page as it is, from the public internet and nowhere else; see :func:`fetch_tool`.

    Args:
        url: in full.
        network: the way to the web, if it is not the usual one.
        allow_loopback: servers on this machine may be asked too.
        headers: conditions, such as ``If-None-Match``.
        most: bytes of the body that are kept.

    Raises:
        ToolError: if it may not be asked for, or nothing comes back. Any status is an answer.
    """
    way = network or Network()
    async with followed(read_url(url), way, loopback=allow_loopback, headers=headers) as (target, response):
        good = response.status_code == HTTPStatus.OK
        body = await read_body(response, most=most) if good else Body(b"", whole=True)
        kind, charset = content_type(response)
        given = response.headers
        return Page(
            str(target), response.status_code, kind, charset, given.get("etag"), given.get("last-modified"), body
        )


@asynccontextmanager
async def followed(
    target: Target, network: Network, *, loopback: bool, headers: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[Target, httpx2.Response]]:
    """The first answer that is no redirect, its body unread, and where it came from.

    Args:
        target: where to begin.
        network: how to get there.
        loopback: this machine may be asked too; a page from outside cannot redirect to it.
        headers: more of each request's.

    Raises:
        ToolError: as :func:`answered`, and if there are too many redirects.
    """
    where = ""
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            async with answered(target, network, loopback=loopback, headers=headers) as response:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    yield target, response
                    return
                where = "after a redirect: "
                loopback = loopback and is_local(target)  # who has left this machine does not come back
                target = join_url(target, response.headers["location"])
        except ToolError as error:
            raise ToolError(f"{where}{error}") from error
    raise ToolError(f"the page redirects more than {_MOST_REDIRECTS} times; try another source")


def content_type(response: httpx2.Response) -> tuple[str, str | None]:
    """Media type and declared encoding of an answer."""
    kind, _, parameters = response.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    charset = _CHARSET.search(parameters)
    return (kind if _MIME.fullmatch(kind) else ""), (charset[1] if charset else None)


def status_line(code: int) -> str:
    """A status as people know it: ``404 Not Found``."""
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)
