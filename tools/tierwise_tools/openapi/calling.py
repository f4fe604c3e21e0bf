"""Sending a request: within the base, within bounds, with a key that nothing else gets to see."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import httpx2

from tierwise_tools.errors import ToolError
from tierwise_tools.openapi.base import BaseUrl
from tierwise_tools.openapi.keys import Key
from tierwise_tools.openapi.operation import KeyPlace
from tierwise_tools.openapi.request import Request
from tierwise_tools.text import first_line

LARGEST = 2_000_000
_MOST_REDIRECTS = 3
_SECONDS_TO_CONNECT = 10.0
_READS = ("GET", "HEAD")
_HEADERS = {"Accept": "application/json, text/*;q=0.9, */*;q=0.5", "Accept-Encoding": "gzip, deflate"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: for example 404.
        reason: its words, for example ``Not Found``.
        headers: names in lower case.
        content: decompressed, at most :data:`LARGEST` bytes.
        whole: false if there was more.
    """

    status: int
    reason: str
    headers: dict[str, str]
    content: bytes
    whole: bool = True


async def send(request: Request, *, base: BaseUrl, key: Key, place: KeyPlace | None) -> Reply:
    """Send a request and read the reply; only a read follows redirects, and only below the base.

    How long it may take is up to the caller, who cancels it.

    Raises:
        ToolError: if there is no reply, or it leads elsewhere; the text is for the model.
    """
    timeout = httpx2.Timeout(None, connect=_SECONDS_TO_CONNECT)
    try:
        transport = _KeyedTransport(_transport(base), key, place if key else None)
        async with httpx2.AsyncClient(transport=transport, timeout=timeout, headers=_HEADERS) as client:
            url = httpx2.URL(request.url)
            for _ in range(_MOST_REDIRECTS + 1):
                made = client.build_request(
                    request.method,
                    url,
                    headers=request.headers,
                    content=request.content,
                    files=list(request.uploads) or None,
                )
                response = await client.send(made, stream=True)
                try:
                    if not response.has_redirect_location:
                        return await _read(response)
                    url = _target(response, base, key, may_follow=request.method in _READS)
                finally:
                    await response.aclose()
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ImportError, ValueError) as error:
        raise ToolError(key.hide(_worded(error, base))) from error
    raise ToolError(f"{base} redirects more than {_MOST_REDIRECTS} times: the call was given up")


async def _read(response: httpx2.Response) -> Reply:
    content = bytearray()
    whole = True
    async for chunk in response.aiter_bytes():  # decompressed in pieces of at most 1 MB
        content += chunk
        if len(content) > LARGEST:
            whole = False
            break
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, response.reason_phrase, headers, bytes(content[:LARGEST]), whole)


def _target(response: httpx2.Response, base: BaseUrl, key: Key, *, may_follow: bool) -> httpx2.URL:
    target = response.url.join(response.headers["location"])
    where = key.hide(f"{target.scheme}://{target.netloc.decode('ascii')}{target.path}")[:200]
    if not may_follow:
        raise ToolError(f"{base} answered {response.status_code} and points to {where}; only a GET follows that")
    if not base.holds(target):
        raise ToolError(f"{base} points to {where}, which is not below it, and was not followed")
    return target


class _KeyedTransport(httpx2.AsyncBaseTransport):
    """Puts the key into a copy of the request, last of all: the client logs requests and hangs them on its errors."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, key: Key, place: KeyPlace | None) -> None:
        self._inner = inner
        self._key = key
        self._place = place

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._place is None:
            return await self._inner.handle_async_request(request)
        url, headers = request.url, request.headers.copy()
        if header := self._key.header(self._place):
            name, value = header
            cookies = headers.get(name) if self._place.kind == "cookie" else None
            headers[name] = f"{cookies}; {value}" if cookies else value
        else:
            url = _with_key(url, self._place.name, self._key.secret)
        sent = httpx2.Request(
            request.method, url, headers=headers, stream=request.stream, extensions=request.extensions
        )
        return await self._inner.handle_async_request(sent)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _with_key(url: httpx2.URL, name: str, secret: str) -> httpx2.URL:
    own = quote(name, safe="")
    kept = [pair for pair in url.query.decode("ascii").split("&") if pair and pair.partition("=")[0] != own]
    return url.copy_with(query="&".join([*kept, f"{own}={quote(secret, safe='')}"]).encode("ascii"))


def _transport(base: BaseUrl) -> httpx2.AsyncHTTPTransport:
    url = httpx2.URL(base.origin)
    proxy = None if _is_here(url.host) or proxy_bypass(url.host) else getproxies().get(url.scheme)
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"
    verify = _certificates() if url.scheme == "https" else False
    return httpx2.AsyncHTTPTransport(verify=verify, proxy=proxy)


@cache
def _certificates() -> ssl.SSLContext:
    """Loaded once: it takes longer than many a call."""
    return httpx2.create_ssl_context()


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _worded(error: Exception, base: BaseUrl) -> str:
    why = first_line(error) or type(error).__name__
    if isinstance(error, httpx2.ConnectTimeout):
        return f"{base} could not be reached within {_SECONDS_TO_CONNECT:g} seconds"
    if isinstance(error, httpx2.ConnectError):
        return f"{base} could not be reached ({why}): it may be down, or its address wrong"
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        return f"{base} broke off before its answer was complete ({why})"
    if isinstance(error, httpx2.DecodingError):
        return f"{base} sent an answer that cannot be decompressed ({why})"
    return f"the request to {base} failed ({why})"
