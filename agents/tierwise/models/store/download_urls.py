"""Where a model may come from: ``https`` anywhere, ``http`` on this machine only, and no way from one to the other."""

from __future__ import annotations

import ipaddress
from importlib.metadata import version
from typing import TYPE_CHECKING

import httpx2

from tierwise.errors import InvalidInput, ServerError

if TYPE_CHECKING:
    from tierwise.models.store.download_types import DownloadLimits


def checked_url(url: str) -> str:
    """``url`` if a model may be fetched from there.

    Raises:
        InvalidInput: otherwise; the text does not repeat a password.
    """
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError, ValueError) as error:
        raise InvalidInput(f"{url!r} is not an address.", fix="Write https://HOST/PATH/FILE.gguf.") from error
    if parsed.userinfo:
        raise InvalidInput("The address holds a name or password.", fix="Leave it out: models are fetched without.")
    if not parsed.host or not _allowed(parsed):
        raise InvalidInput(f"{url!r} is not an https address.", fix="Models are fetched by https only.")
    return str(parsed)


def next_url(url: str, location: str) -> str:
    """Where a redirect leads.

    Raises:
        ServerError: if it leads to an unprotected address, or nowhere.
    """
    before = httpx2.URL(url)
    try:
        after = before.join(location)
    except (httpx2.InvalidURL, ValueError) as error:
        raise ServerError(f"{before.host} redirects to an address that is none.", fix="Try again later.") from error
    if not location or not after.host or (after.scheme != "https" and not (_is_loopback(before) and _allowed(after))):
        raise ServerError(f"{before.host} redirects to an unprotected address, which is not followed.")
    return str(after.copy_with(userinfo=b""))


def host_of(url: str) -> str:
    """The host, for messages."""
    return httpx2.URL(url).host


def client_for(url: str, limits: DownloadLimits) -> httpx2.Client:
    """A client that follows nothing by itself; the environment's proxy is for other machines."""
    return httpx2.Client(
        headers={"User-Agent": f"tierwise/{version('tierwise')}"},
        timeout=httpx2.Timeout(limits.idle, connect=limits.connect),
        follow_redirects=False,
        trust_env=not _is_loopback(httpx2.URL(url)),
    )


def _allowed(url: httpx2.URL) -> bool:
    return url.scheme == "https" or (url.scheme == "http" and _is_loopback(url))


def _is_loopback(url: httpx2.URL) -> bool:
    if url.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False
