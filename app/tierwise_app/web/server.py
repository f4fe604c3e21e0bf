"""The app's server: Streamlit on this machine's own address, with headers that keep a page from calling out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from tierwise.redact import install

SCRIPT = Path(__file__).with_name("main.py")
# Streamlit would look for such a file in the folder that the command is run in, which is not ours.
_LOOKS = Path(__file__).with_name("looks.toml")
# What a page may load comes from this server. Whatever an answer, a document or a tool's result puts into a page, the
# browser then asks nobody else for anything. Streamlit's own code needs the words marked unsafe.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class SafeHeaders:
    """Adds the headers to every response."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, sending)


GUARDS = (
    # A foreign page whose name is made to lead to this machine must not become a page of ours.
    Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False),
    Middleware(SafeHeaders),
)
"""What stands before every request."""


def run(*, address: str, port: int, browser: bool) -> None:
    """Serve until the program is interrupted."""
    install()  # Streamlit shows errors of a page in its log, and libraries may log what was sent
    # All that pages need is imported here, in one thread. Windows that open at once would import it in one thread each,
    # and where modules need one another a thread may get one that another thread has only begun.
    import_module("tierwise_app.web.frame")
    import_module("tierwise_app.web.chat.page")
    app = st.App(SCRIPT, middleware=[*GUARDS])
    place = {"server.address": address, "server.port": port, "server.headless": not browser}
    app.run(config=dict(_options(tomllib.loads(_LOOKS.read_text(encoding="utf-8")))) | place)


def _options(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _options(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
