"""The one place that requests of a document go to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx2

from tierwise_tools.errors import SourceError

_DECODED_AT_MOST = 4


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """Scheme, host, port and path that every request keeps.

    Attributes:
        origin: for example ``https://api.example.org:8443``.
        path: without a slash at its end; empty for the root.
    """

    origin: str
    path: str = ""

    @classmethod
    def read(cls, text: str) -> BaseUrl:
        """From a text such as ``https://api.example.org/v1``.

        Raises:
            ValueError: with the reason.
        """
        if re.search(r"[\s\\?#@{}\x00-\x1f]", text):
            raise ValueError("it may have no spaces and none of \\ @ ? # { }")
        try:
            url = httpx2.URL(text)
        except (httpx2.InvalidURL, ValueError) as error:
            raise ValueError(f"it is no address ({error})") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("it does not begin with http:// or https:// and a host")
        path = url.raw_path.decode("ascii").rstrip("/")
        if has_dots(path):
            raise ValueError("its path has '..' in it")
        return cls(f"{url.scheme}://{url.netloc.decode('ascii')}", path)

    def __str__(self) -> str:
        return self.origin + self.path

    def holds(self, url: httpx2.URL) -> bool:
        """Whether a request to ``url`` stays here, however often a server decodes its path."""
        path = url.raw_path.decode("ascii").partition("?")[0]
        same = f"{url.scheme}://{url.netloc.decode('ascii')}" == self.origin and not url.userinfo
        return same and (path == self.path or path.startswith(f"{self.path}/")) and not has_dots(path)


def has_dots(path: str) -> bool:
    """Whether a part of ``path`` is ``.`` or ``..``, decoded no, one or several times."""
    for _ in range(_DECODED_AT_MOST):
        if {".", ".."} & set(re.split(r"[/\\]", path)):
            return True
        decoded = unquote(path)
        if decoded == path:
            return False
        path = decoded
    return True  # nobody means to encode that often


def base_of(document: dict[str, Any], given: str | None, source: str) -> BaseUrl:
    """Where requests go: ``given``, or the document's first server with its variables at their defaults.

    Raises:
        SourceError: if neither is an address.
    """
    text = given or _first_server(document)
    fix = f"Set base_url for {source}, for example https://api.example.org/v1."
    if given is None and not re.match(r"https?://", text, re.IGNORECASE):
        where = f"only {text!r}" if text else "nothing"
        raise SourceError(f"{source} says {where} about the server its API is on.", fix=fix)
    try:
        return BaseUrl.read(text)
    except ValueError as error:
        raise SourceError(f"{text[:200]!r} cannot be the address of {source}: {error}.", fix=fix) from error


def _first_server(document: dict[str, Any]) -> str:
    servers = document.get("servers")
    server = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    variables = server.get("variables")

    def default(match: re.Match[str]) -> str:
        variable = variables.get(match[1]) if isinstance(variables, dict) else None
        return str(variable["default"]) if isinstance(variable, dict) and "default" in variable else match[0]

    return re.sub(r"{([^{}]*)}", default, str(server.get("url") or ""))
