"""An OpenAI-compatible server on 127.0.0.1 in front of any ``ChatModel``.

Tests use it as a hosted tier that is a real HTTP server; the demo uses it as a stand-in for a large model.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

from tierwise.errors import ContextTooLong, ModelError
from tierwise.models.base import Called, ChatModel, ChatRequest, Chunk, Completed, Delta, ToolSpec
from tierwise.types import Message, ToolCall

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class Fault:
    """A reply that is played instead of an answer: ``body`` is sent as it is."""

    status: int
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)


class LoopbackServer:
    """Serves ``/v1/models`` and ``/v1/chat/completions`` (plain and streamed, tools included) in a thread.

    Args:
        model: what answers; it is not closed with the server.
        api_key: if set, requests without it get 401.
        usage: report usage when asked to, as good servers do.

    Attributes:
        requests: bodies of the chat requests, in order.
        connections: how many connections were accepted.
        faults: played first in, first out, one a chat request.
    """

    def __init__(self, model: ChatModel, *, api_key: str | None = None, usage: bool = True) -> None:
        self.model = model
        self.api_key = api_key
        self.usage = usage
        self.requests: list[dict[str, Any]] = []
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
        if self.path.split("?")[0].rstrip("/") != "/v1/chat/completions":
            self._error(404, "not_found", f"no such path: {self.path}")
            return
        try:
            data = json.loads(body)
            request = read_request(data)
        except (ValueError, KeyError, TypeError) as error:
            self._error(400, "invalid_request_error", f"not a chat request: {error}")
            return
        self.owner.requests.append(data)
        if self.owner.faults:
            fault = self.owner.faults.pop(0)
            self._send(fault.status, fault.body.encode(), {"Content-Type": "application/json", **fault.headers})
            return
        reply = _Reply(str(data.get("model", self.owner.model.name)))
        answer = self._stream if data.get("stream") else self._whole
        wants_usage = self.owner.usage and (not data.get("stream") or _wants_usage(data))
        asyncio.run(answer(self.owner.model.stream(request), reply, wants_usage))

    async def _whole(self, chunks: AsyncIterator[Chunk], reply: _Reply, usage: bool) -> None:
        text = ""
        calls: list[dict[str, Any]] = []
        done: Completed | None = None
        try:
            async for chunk in chunks:
                if isinstance(chunk, Delta):
                    text += chunk.text
                elif isinstance(chunk, Called):
                    calls.append(_call_json(chunk.call, len(calls)))
                elif isinstance(chunk, Completed):
                    done = chunk
        except ModelError as error:
            self._model_error(error)
            return
        assert done is not None
        message = {"role": "assistant", "content": text or None, **({"tool_calls": calls} if calls else {})}
        self._json(200, reply.whole(message, done, usage))

    async def _stream(self, chunks: AsyncIterator[Chunk], reply: _Reply, usage: bool) -> None:
        started = False

        def send(data: dict[str, Any] | str) -> None:
            nonlocal started
            if not started:
                started = True
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
            line = data if isinstance(data, str) else json.dumps(data)
            self.wfile.write(f"data: {line}\n\n".encode())
            self.wfile.flush()

        calls = 0
        async with aclosing(cast("Any", chunks)) as stream:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                try:
                    async for chunk in stream:
                        if isinstance(chunk, Delta):
                            send(reply.delta({"content": chunk.text}))
                        elif isinstance(chunk, Called):
                            send(reply.delta({"tool_calls": [_call_json(chunk.call, calls)]}))
                            calls += 1
                        elif isinstance(chunk, Completed):
                            send(reply.delta({}, chunk.finish))
                            if usage:
                                send(reply.usage(chunk))
                except ModelError as error:
                    if not started:
                        self._model_error(error)
                        return
                    send({"error": {"message": str(error), "type": "server_error"}})
                send("[DONE]")

    def _authorised(self) -> bool:
        key = self.owner.api_key
        if key is None or self.headers.get("Authorization") == f"Bearer {key}":
            return True
        self._error(401, "invalid_api_key", "Incorrect API key provided.")
        return False

    def _model_error(self, error: ModelError) -> None:
        if isinstance(error, ContextTooLong):
            self._error(400, "context_length_exceeded", str(error))
        else:
            self._error(500, "server_error", str(error))

    def _error(self, status: int, code: str, message: str) -> None:
        self._json(status, {"error": {"message": message, "type": code, "code": code}})

    def _json(self, status: int, data: dict[str, Any]) -> None:
        self._send(status, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Reply:
    """The envelope of one completion."""

    def __init__(self, model: str) -> None:
        self._base = {"id": f"chatcmpl-{uuid.uuid4().hex[:16]}", "created": int(time.time()), "model": model}

    def delta(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**self._base, "object": "chat.completion.chunk", "choices": [choice]}

    def usage(self, done: Completed) -> dict[str, Any]:
        return {**self._base, "object": "chat.completion.chunk", "choices": [], "usage": _usage_json(done)}

    def whole(self, message: dict[str, Any], done: Completed, usage: bool) -> dict[str, Any]:
        choice = {"index": 0, "message": message, "finish_reason": done.finish}
        extra = {"usage": _usage_json(done)} if usage else {}
        return {**self._base, "object": "chat.completion", "choices": [choice], **extra}


def _usage_json(done: Completed) -> dict[str, int]:
    prompt, completion = done.usage.prompt_tokens, done.usage.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _wants_usage(data: dict[str, Any]) -> bool:
    return bool((data.get("stream_options") or {}).get("include_usage"))


def _call_json(call: ToolCall, index: int) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"index": index, "id": call.id, "type": "function", "function": function}


def read_request(data: dict[str, Any]) -> ChatRequest:
    """Read the body of a chat-completions request.

    Raises:
        KeyError | TypeError | ValueError: if it is not one.
    """
    stop = data.get("stop") or ()
    return ChatRequest(
        messages=tuple(_read_message(m) for m in data["messages"]),
        max_tokens=int(data.get("max_completion_tokens") or data.get("max_tokens") or 512),
        temperature=float(data.get("temperature") or 0.0),
        seed=data.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        tools=tuple(_read_tool(t["function"]) for t in data.get("tools") or ()),
        evidence=False,
    )


def _read_tool(function: dict[str, Any]) -> ToolSpec:
    return ToolSpec(function["name"], function.get("description", ""), function.get("parameters") or {"type": "object"})


def _read_message(message: dict[str, Any]) -> Message:
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content)
    role = {"developer": "system"}.get(message["role"], message["role"])
    parse: Callable[[str], Any] = json.loads
    calls = tuple(
        ToolCall(c["id"], c["function"]["name"], parse(c["function"]["arguments"] or "{}"))
        for c in message.get("tool_calls") or ()
    )
    return Message(role, content, calls, message.get("tool_call_id"))
