"""A URL that can be read in one way only.

What programs read differently (a user name before ``@``, a backslash, ``0x7f.1``, full-width digits) is how a request
ends up somewhere else than the check of it looked. So all of that is refused instead of being understood.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, urljoin

from tierwise_tools.errors import ToolError
from tierwise_tools.web.addresses import Address

_LONGEST = 2_000
_URL = re.compile(r"(https?)://([^/?#]+)(/[^?#]*)?(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@]+)(?::([1-9][0-9]{0,4}))?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253
_PORTS = {"http": 80, "https": 443}
_KEPT = "".join(map(chr, range(33, 127))).translate({ord(c): None for c in '"<>\\^`{|}'})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Attributes:
        scheme: ``http`` or ``https``.
        host: a name in ASCII and lower case, or an address as it is usually written, without brackets.
        port: always given.
        path: with the query, in ASCII.
        address: the host, if it is an address.
    """

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None = None

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL; the usual port is left out."""
        return at(self.host, self.port if self.port != _PORTS[self.scheme] else None)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def at(host: str, port: int | None) -> str:
    """A host as it stands in a URL."""
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"


def read_url(text: str) -> Target:
    """Take a URL apart.

    Raises:
        ToolError: if it is none, or could be read in another way. The words are ours: nothing of the URL is in them.
    """
    _check_characters(text)
    match = _URL.fullmatch(text)
    if match is None:
        raise ToolError("only full http:// and https:// URLs can be fetched, such as https://example.org/page")
    scheme = match[1].lower()
    authority = _AUTHORITY.fullmatch(match[2])
    if authority is None:
        raise ToolError("the URL's host is not written plainly; no user name, no odd port: https://example.org/page")
    host, address = _host(authority[1])
    port = int(authority[2] or _PORTS[scheme])
    if port > 65_535:
        raise ToolError("the URL's port does not exist")
    path = quote((match[3] or "/") + (match[4] or ""), safe=_KEPT)
    return Target(scheme, host, port, path, address)


def join_url(base: Target, reference: str) -> Target:
    """Where a reference on a page, or a redirect, leads.

    Raises:
        ToolError: as :func:`read_url`.
    """
    _check_characters(reference)
    try:
        return read_url(urljoin(str(base), reference))
    except ValueError as error:
        raise ToolError("it is no URL") from error


def _check_characters(text: str) -> None:
    if len(text) > _LONGEST:
        raise ToolError(f"the URL is longer than {_LONGEST:,} characters")
    if any(c in "\\ " or unicodedata.category(c)[0] in "CZ" for c in text):
        raise ToolError("the URL contains blanks, backslashes or invisible characters; write a blank as %20")


def _host(text: str) -> tuple[str, Address | None]:
    if text.startswith("["):
        try:
            six = IPv6Address(text[1:-1])
        except AddressValueError as error:
            raise ToolError("the URL's host is no address; write a name such as example.org") from error
        return str(six), six
    name = (text if text.isascii() else _ascii(text)).lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise ToolError("the URL's host is no name; write a name such as example.org")
    if not _NUMBER.fullmatch(labels[-1]):
        return name, None
    try:
        four = IPv4Address(name)  # as it is usually written: four numbers, no zeros before them
    except AddressValueError as error:
        raise ToolError("the URL's host is an address in an unusual spelling; write a name") from error
    return str(four), four


def _ascii(name: str) -> str:
    """An international name as it is looked up."""
    import httpx2

    name = name.lower()
    plain = all(c == "-" or c == "." or unicodedata.category(c)[0] in "LMN" for c in name)
    if not plain or unicodedata.normalize("NFKC", name) != name:
        raise ToolError("the URL's host contains characters that stand for others; write it plainly")
    try:
        return httpx2.URL(f"http://{name}/").raw_host.decode("ascii")
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise ToolError("the URL's host is no name; write a name such as example.org") from error
