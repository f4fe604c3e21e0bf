"""One request to an address that was checked: the name is looked up once, and the connection goes to what was found."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from tierwise_tools.context import ToolContext
from tierwise_tools.errors import ToolError
from tierwise_tools.running import call_function
from tierwise_tools.web.addresses import Address, is_public
from tierwise_tools.web.urls import Target, at

if TYPE_CHECKING:
    import httpx2

_LOOKUP_S = 5.0
_CONNECT_S = 5.0
_READ_S = 10.0
_MOST_TRIED = 4
# Public hosts serve pages on these; a request to any other port is a way to talk to something that is no web server.
_PORTS = frozenset({80, 443, 8080, 8443})
_LOCAL = "localhost"
_HEADERS = {
    "User-Agent": "tierwise",
    "Accept": "text/html, text/plain, application/json, */*;q=0.5",
    "Accept-Encoding": "gzip",
    "Connection": "close",
}


def look_up(name: str) -> Sequence[str]:
    """All addresses of a name, from the system's resolver; blocking.

    Raises:
        OSError: if there are none.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _directly(address: str, port: int) -> tuple[str, int]:
    return address, port


@dataclass(frozen=True, slots=True)
class Network:
    """The way to the web, for those whose way is not the usual one.

    Attributes:
        resolve: ``resolve(name)`` gives the addresses of a name, or raises ``OSError``; blocking. They are checked.
        route: ``route(address, port)`` tells what to connect to instead of a checked address: a gateway, or a server
            that stands in for the public one. What it gives is not checked.
        trust: the certificates to believe; by default those of the system.
    """

    resolve: Callable[[str], Sequence[str]] = look_up
    route: Callable[[str, int], tuple[str, int]] = _directly
    trust: ssl.SSLContext | None = None


@asynccontextmanager
async def answered(
    target: Target, network: Network, *, loopback: bool, headers: Mapping[str, str] | None = None
) -> AsyncIterator[httpx2.Response]:
    """The answer to a GET request, its body unread; redirects are answers like others.

    Nothing that identifies anybody is sent: no cookies, no credentials, no page one comes from. No proxy of the
    environment is used. A connection serves one request, so none is shared by two names.

    Args:
        target: where to.
        network: how to get there.
        loopback: this machine may be asked too, on any port, if it is called by an address or as ``localhost``.
        headers: more of the request's, such as conditions.

    Raises:
        ToolError: if the place may not be asked or does not answer.
    """
    import httpx2

    addresses = await _checked_addresses(target, network, loopback=loopback)
    try:
        async with httpx2.AsyncClient(
            verify=network.trust or _system_trust(),
            trust_env=False,
            headers={**_HEADERS, **(headers or {})},
            timeout=httpx2.Timeout(_READ_S, connect=_CONNECT_S),
        ) as client:
            response = await _first_answer(client, target, [network.route(str(a), target.port) for a in addresses])
            try:
                yield response
            finally:
                await response.aclose()
    except httpx2.TimeoutException as error:
        raise ToolError("the server did not answer in time; try another source") from error
    except httpx2.ConnectError as error:
        why = "its certificate is not valid" if _is_about_certificates(error) else "it does not accept connections"
        raise ToolError(f"the server cannot be reached: {why}") from error
    except httpx2.HTTPError as error:
        raise ToolError("the server's answer is broken or its headers are too large") from error


async def _first_answer(
    client: httpx2.AsyncClient, target: Target, places: Sequence[tuple[str, int]]
) -> httpx2.Response:
    import httpx2

    for number, (host, port) in enumerate(places, 1):
        # The URL holds the address, so that nothing is looked up again; the name goes into Host and into TLS, where the
        # certificate is checked against it.
        request = client.build_request(
            "GET",
            f"{target.scheme}://{at(host, port)}{target.path}",
            headers={"Host": target.authority},
            extensions={"sni_hostname": target.host},
        )
        try:
            return await client.send(request, stream=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            if number == len(places):
                raise
    raise ToolError("the name has no address")


async def _checked_addresses(target: Target, network: Network, *, loopback: bool) -> Sequence[Address]:
    """Where the target may be reached: one address that may not be asked refuses them all."""
    local = loopback and is_local(target)
    if not local and target.port not in _PORTS:
        allowed = ", ".join(map(str, sorted(_PORTS)))
        raise ToolError(f"the URL's port may not be asked; only {allowed} may")
    addresses = [target.address] if target.address is not None else await _looked_up(target.host, network, local=local)
    for address in addresses:
        if not (local and address.is_loopback) and not is_public(address):
            raise ToolError("the URL leads to this machine or a private network, which may not be asked")
    return addresses[:_MOST_TRIED]


def is_local(target: Target) -> bool:
    """Whether a target names this machine outright; other names that lead here do not count."""
    return target.host == _LOCAL or (target.address is not None and target.address.is_loopback)


async def _looked_up(name: str, network: Network, *, local: bool) -> list[Address]:
    if "." not in name and not local:
        raise ToolError("the URL's host is a name of this machine or network, which may not be asked")
    try:
        # In a thread that nobody waits for at the end of the program: a resolver can hang for minutes.
        found = await call_function(
            lambda: network.resolve(name), {}, context=ToolContext(), takes=None, seconds=_LOOKUP_S
        )
        addresses = [ip_address(address) for address in found]
    except TimeoutError as error:
        raise ToolError(f"the name of the server was not found within {_LOOKUP_S:g} seconds") from error
    except (OSError, UnicodeError) as error:
        raise ToolError("there is no server of that name, or this machine is offline") from error
    except ValueError as error:
        raise ToolError("the name of the server leads to something that is no address") from error
    if not addresses:
        raise ToolError("there is no server of that name")
    return addresses


@cache
def _system_trust() -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
