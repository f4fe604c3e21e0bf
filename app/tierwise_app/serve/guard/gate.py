"""The gate: what every request passes before it comes to a route, and every response on its way out."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tierwise.serve_settings import ServeSettings
from tierwise_app.serve.guard.access import Access
from tierwise_app.serve.guard.bodies import Upload, again, check_json, read, too_large
from tierwise_app.serve.guard.places import Places, path_is_plain
from tierwise_app.serve.guard.rates import Rates
from tierwise_app.serve.keys import Keys
from tierwise_app.serve.leaving import until_over
from tierwise_app.serve.logging import Served, log_error, log_request
from tierwise_app.serve.problems import Problem

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_HEADER_NAMES = re.compile(r"[a-z0-9-]+(?: *, *[a-z0-9-]+)*")
_OPEN = frozenset({"/healthz", "/readyz"})  # they tell nothing that a stranger may not know
_UPLOADS = ("POST", "/v1/knowledge/sources")
_MOST_HEADERS = 100
_FORM_ROOM = 64 << 10  # bytes around a document in a form
_METHODS = "GET, POST, PATCH, DELETE"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


@dataclass(slots=True)
class _Request:
    """A request on its way through."""

    scope: Scope
    receive: Receive
    send: Send
    id: str
    began: float = field(default_factory=time.perf_counter)
    headers: dict[str, str] = field(default_factory=dict)  # for its response
    status: int = 0
    turn: str | None = None
    refused: str | None = None
    upload: Upload | None = None

    async def out(self, message: Message) -> None:
        """Send a part of the response, with what belongs on every one."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=message["headers"])
            self.turn = headers.get("x-tierwise-turn")
            for name, value in {**_ALWAYS, **self.headers, "X-Request-Id": self.id}.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
            message = {**message, "headers": headers.raw}
        await self.send(message)


class Gate:
    """Lets requests through to the application, as ASGI middleware.

    Args:
        app: what is behind it.
        settings: of the server.
        keys: who may ask.
        needs_key: a key is needed though there is none.
        told: is told of every request that is over.
    """

    def __init__(
        self, app: ASGIApp, *, settings: ServeSettings, keys: Keys, needs_key: bool, told: Callable[[Served], None]
    ) -> None:
        self._app, self._told = app, told
        self._places = Places(settings.host, settings.hosts, settings.origins)
        self._access = Access(keys, needed=needs_key, clock=time.monotonic)
        self._rates = Rates(time.monotonic)
        self._most = int(settings.body_mb * 1e6)
        self._most_upload = int(settings.document_mb * 1e6) + _FORM_ROOM

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request = _Request(scope, receive, send, given if _ID.fullmatch(given) else f"req-{secrets.token_hex(8)}")
        scope["tierwise.request_id"] = request.id
        until_over(scope)
        try:
            await self._guarded(request)
        finally:
            stack: ExitStack = until_over(scope)
            stack.close()
            self._report(request)

    async def _guarded(self, request: _Request) -> None:
        try:
            if not await self._admit(request):
                return
        except Problem as problem:
            request.refused = problem.code
            await problem.response(request.scope, request.receive, request.out)
            return
        try:
            await self._app(request.scope, request.receive, _held_back(request))
            if request.upload is not None and request.upload.problem is not None and not request.status:
                request.refused = request.upload.problem.code
                await request.upload.problem.response(request.scope, request.receive, request.out)
        except Exception as error:
            log_error(request.id, error)
            if not request.status:
                text = f"Something unexpected went wrong. The server's log names it by the id {request.id}."
                await Problem(500, "internal", text).response(request.scope, request.receive, request.out)
            # else the connection is cut: the response ends without its end, and is seen to be incomplete

    async def _admit(self, request: _Request) -> bool:
        """Check a request; ``False`` if it is answered already.

        Raises:
            Problem: if it may not pass.
        """
        scope, headers = request.scope, Headers(scope=request.scope)
        if len(scope["headers"]) > _MOST_HEADERS:
            raise Problem(431, "too_many_headers", f"The request has more than {_MOST_HEADERS} headers.")
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if not self._places.host_is_ours(hosts, (scope.get("server") or (None,))[0]):
            raise Problem(
                421, "wrong_host", "This server does not go by that name.", fix="Its owner can add it: [serve] hosts."
            )
        if origins:
            if not self._places.origin_may_ask(origins, hosts[0]):
                raise Problem(
                    403,
                    "wrong_origin",
                    "This web page may not ask.",
                    fix="The server's owner can add it: [serve] origins.",
                )
            request.headers |= {
                "Access-Control-Allow-Origin": origins[0],
                "Access-Control-Expose-Headers": "*",
                "Vary": "Origin",
            }
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                await _preflight(request, headers)
                return False
        if not path_is_plain(scope.get("raw_path") or scope["path"].encode()):
            raise Problem(404, "not_found", "There is nothing at this address.")
        if scope["path"] not in _OPEN:
            peer = (scope.get("client") or ("",))[0]
            key = await self._access.key(headers.getlist("authorization"), peer)
            scope["tierwise.key"] = key
            if key is not None:
                request.headers |= self._rates.count(key)
        await self._take_body(request, headers)
        return True

    async def _take_body(self, request: _Request, headers: Headers) -> None:
        length, chunked = headers.get("content-length"), "transfer-encoding" in headers
        if length is not None and chunked:
            raise Problem(400, "invalid_request", "The request says twice how long it is.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Problem(415, "unsupported_encoding", "Bodies are not unpacked here.", fix="Send it as it is.")
        if not chunked and length in (None, "0"):
            return
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if (request.scope["method"], request.scope["path"]) == _UPLOADS and kind == "multipart/form-data":
            if length is not None and int(length) > self._most_upload:
                raise too_large(self._most_upload)
            request.upload = request.receive = Upload(request.receive, self._most_upload)
            return
        if kind != "application/json":  # what a form of a foreign page may send without asking ends here
            raise Problem(415, "unsupported_media_type", "The body must be JSON.", fix="Content-Type: application/json")
        if length is not None and int(length) > self._most:
            raise too_large(self._most)
        body = await read(request.receive, self._most)
        if body:
            await check_json(body)
        request.receive = again(body, request.receive)

    def _report(self, request: _Request) -> None:
        route = getattr(request.scope.get("route"), "path", None) or "none"
        key = request.scope.get("tierwise.key")
        served = Served(
            id=request.id,
            key=None if key is None else key.id,
            method=request.scope["method"],
            route=route,
            status=request.status or 499,
            seconds=time.perf_counter() - request.began,
            turn=request.turn,
            refused=request.refused,
        )
        log_request(served)
        self._told(served)


def _held_back(request: _Request) -> Send:
    """Sends what the application sends, unless its upload went wrong: then it knows the wrong reason."""

    async def send(message: Message) -> None:
        if request.upload is None or request.upload.problem is None or request.status:
            await request.out(message)

    return send


async def _preflight(request: _Request, headers: Headers) -> None:
    """Tell a browser that a page may ask."""
    wished = headers.get("access-control-request-headers", "").lower()
    request.headers |= {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": wished if _HEADER_NAMES.fullmatch(wished) else "authorization, content-type",
        "Access-Control-Max-Age": "600",
    }
    if headers.get("access-control-request-private-network") == "true":
        request.headers["Access-Control-Allow-Private-Network"] = "true"
    start: Message = {"type": "http.response.start", "status": 204, "headers": []}
    for message in (start, {"type": "http.response.body", "body": b""}):
        await request.out(message)
