"""An OpenAI-compatible server on 127.0.0.1 in front of any ``ChatModel``.

Tests use it as a hosted tier that is a real HTTP server; the demo uses it as a stand-in for a large model.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from tierwise.errors import ContextTooLong, ModelError, UsageError
from tierwise.models.base import Called, ChatModel, Chunk, Completed, Delta, Embedder
from tierwise.testing.loopback_chat import ChatFlavour
from tierwise.testing.loopback_embeddings import WordVectors, embeddings
from tierwise.testing.loopback_flavour import Events, Flavour
from tierwise.testing.loopback_responses import ResponsesFlavour
from tierwise.types import ToolCall

if TYPE_CHECKING:
    from types import TracebackType

_FLAVOURS: dict[str, type[Flavour]] = {"/v1/chat/completions": ChatFlavour, "/v1/responses": ResponsesFlavour}
_EMBEDDINGS = "/v1/embeddings"


@dataclass(frozen=True, slots=True)
class Fault:
    """A reply that is played instead of an answer: ``body`` is sent as it is.

    Attributes:
        status: of HTTP.
        body: the text to send; its type is ``application/json`` unless ``headers`` say otherwise.
        headers: more headers.
        delay: seconds to wait before it.
        cut: hang up after so many bytes of the body, though its whole length was announced.
    """

    status: int
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None


class LoopbackServer:
    """Serves ``/v1/chat/completions``, ``/v1/responses``, ``/v1/embeddings`` and ``/v1/models`` in a thread.

    The first two answer plain and streamed, with tools and with answers by JSON Schema, as far as the model goes.

    Args:
        model: what answers; it is not closed with the server.
        api_key: if set, requests without it get 401.
        usage: report usage (streamed chat completions only when asked to), as good servers do.
        embedder: makes the vectors; by default one of words, which tells equal texts from different ones.

    Attributes:
        requests: bodies of the requests that could be read, in order; those for ``/v1/models`` have none.
        paths: the path of each of them.
        connections: how many connections were accepted.
        faults: played first in, first out, one a request.
    """

    def __init__(
        self, model: ChatModel, *, api_key: str | None = None, usage: bool = True, embedder: Embedder | None = None
    ) -> None:
        self.model = model
        self.api_key = api_key
        self.usage = usage
        self.embedder = embedder or WordVectors()
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.faults: list[Fault] = []
        self.connections = 0
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True, name="loopback")
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL to configure, ending in ``/v1``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def close(self) -> None:
        """Stop serving and free the port; safe to call twice."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> LoopbackServer:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: LoopbackServer

    def get_request(self) -> Any:
        request = super().get_request()
        self.owner.connections += 1
        return request

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is not an error worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def owner(self) -> LoopbackServer:
        return cast(_Server, self.server).owner

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: the terminal belongs to the program that started the server."""

    def do_GET(self) -> None:
        if not self._authorised():
            return
        if self.path.rstrip("/") == "/v1/models":
            self._json(200, {"object": "list", "data": [{"id": self.owner.model.name, "object": "model"}]})
        else:
            self._error(404, "not_found", f"no such path: {self.path}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self._authorised():
            return
        path = self.path.split("?")[0].rstrip("/")
        if path not in _FLAVOURS and path != _EMBEDDINGS:
            self._error(404, "not_found", f"no such path: {self.path}")
            return
        try:
            data = json.loads(body)
            flavour = _FLAVOURS[path](data, self.owner.model.name) if path in _FLAVOURS else None
            vectors = embeddings(data, self.owner.embedder) if flavour is None else {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._error(400, "invalid_request_error", f"not a request for {path}: {error}")
            return
        except ModelError as error:
            self._model_error(error)
            return
        self.owner.requests.append(data)
        self.owner.paths.append(path)
        if self.owner.faults:
            self._play(self.owner.faults.pop(0))
        elif flavour is None:
            self._json(200, vectors)
        else:
            answer = self._stream if data.get("stream") else self._whole
            asyncio.run(answer(self.owner.model.stream(flavour.request), flavour))

    async def _whole(self, chunks: AsyncIterator[Chunk], flavour: Flavour) -> None:
        text = ""
        calls: list[ToolCall] = []
        done: Completed | None = None
        try:
            async for chunk in chunks:
                if isinstance(chunk, Delta):
                    text += chunk.text
                elif isinstance(chunk, Called):
                    calls.append(chunk.call)
                elif isinstance(chunk, Completed):
                    done = chunk
        except (ModelError, UsageError) as error:
            self._model_error(error)
            return
        assert done is not None
        self._json(200, flavour.whole(text, calls, done, usage=self.owner.usage))

    async def _stream(self, chunks: AsyncIterator[Chunk], flavour: Flavour) -> None:
        started = False

        def send(events: Events) -> None:
            nonlocal started
            if not started:
                started = True
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
            for event in events:
                self.wfile.write(flavour.line(event).encode())
            self.wfile.flush()

        async with aclosing(cast("Any", chunks)) as stream:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                try:
                    async for chunk in stream:
                        if isinstance(chunk, Delta):
                            send(flavour.text(chunk.text))
                        elif isinstance(chunk, Called):
                            send(flavour.call(chunk.call))
                        elif isinstance(chunk, Completed):
                            send(flavour.end(chunk, usage=self.owner.usage))
                except (ModelError, UsageError) as error:
                    if not started:
                        self._model_error(error)
                        return
                    send(flavour.failure(str(error)))

    def _authorised(self) -> bool:
        key = self.owner.api_key
        if key is None or self.headers.get("Authorization") == f"Bearer {key}":
            return True
        self._error(401, "invalid_api_key", "Incorrect API key provided.")
        return False

    def _play(self, fault: Fault) -> None:
        time.sleep(fault.delay)
        headers = {"Content-Type": "application/json", **fault.headers}
        self._send(fault.status, fault.body.encode(), headers, cut=fault.cut)

    def _model_error(self, error: ModelError | UsageError) -> None:
        if isinstance(error, ContextTooLong):
            self._error(400, "context_length_exceeded", str(error))
        elif isinstance(error, UsageError):
            self._error(400, error.code, str(error))
        else:
            self._error(500, "server_error", str(error))

    def _error(self, status: int, code: str, message: str) -> None:
        self._json(status, {"error": {"message": message, "type": code, "code": code}})

    def _json(self, status: int, data: dict[str, Any]) -> None:
        self._send(status, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True
