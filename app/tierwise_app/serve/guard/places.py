"""Where a request is for, and where it comes from: names of this server, web pages that may ask, paths as they are."""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Iterable

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9._-]{0,252}[a-z0-9_])?)(?::([0-9]{1,5}))?")
_ALWAYS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_MAPPED = "::ffff:"
_PERCENT = re.compile(rb"%(.{0,2})", re.DOTALL)
# What never needs to be encoded: where it is, somebody wants two names for one thing.
_PLAIN = frozenset((string.ascii_letters + string.digits + "-._~/\\").encode()) | frozenset(range(32)) | {127}


def written(address: str) -> str:
    """An address or name as it stands in ``Host``: version 6 in brackets, a mapped one as version 4."""
    address = (
        address.lower().removeprefix(_MAPPED) if address.lower().startswith(_MAPPED) and "." in address else address
    )
    return f"[{address.lower()}]" if ":" in address and not address.startswith("[") else address.lower()


def is_loopback(host: str) -> bool:
    """Whether an address or name is reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Places:
    """Which values of ``Host`` and ``Origin`` are let in.

    Args:
        host: where the server listens.
        hosts: more names of it.
        origins: web pages that may ask.
    """

    def __init__(self, host: str, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._hosts = _ALWAYS | {written(name) for name in (host, *hosts)}
        self._origins = frozenset(origin.lower() for origin in origins)

    def host_is_ours(self, given: list[str], local: str | None) -> bool:
        """Whether a request is for this server.

        A web page can have its own name lead to this machine. Its requests still carry that name.

        Args:
            given: the values of the header ``Host``.
            local: the address at which the connection was taken: no page can name it but by its number.
        """
        found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
        if found is None or (found[2] is not None and int(found[2]) > 65535):
            return False
        return found[1] in self._hosts or (local is not None and found[1] == written(local))

    def origin_may_ask(self, given: list[str], host: str) -> bool:
        """Whether the page that asks is the server's own or one that was named; ``null`` is neither.

        Args:
            given: the values of the header ``Origin``.
            host: the header ``Host``, which is ours.
        """
        if len(given) != 1:
            return False
        origin = given[0].lower()
        return origin in self._origins or origin in (f"http://{host.lower()}", f"https://{host.lower()}")


def path_is_plain(raw: bytes) -> bool:
    """Whether a path is written in the one way there is: nothing that a proxy before us may have read otherwise."""
    if not raw.startswith(b"/") or b"//" in raw or b"\\" in raw or len(raw) > 2048:
        return False
    if any(part in (b".", b"..") for part in raw.split(b"/")):
        return False
    for found in _PERCENT.finditer(raw):
        try:
            byte = int(found[1], 16) if len(found[1]) == 2 and found[1].isalnum() else -1
        except ValueError:
            return False
        if byte < 0 or byte in _PLAIN:
            return False
    try:
        _unquoted(raw).decode()
    except UnicodeDecodeError:
        return False
    return True


def _unquoted(raw: bytes) -> bytes:
    return _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), raw)
