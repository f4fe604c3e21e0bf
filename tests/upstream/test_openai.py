"""The OpenAI client: its clocks, its retries, its reader of streams."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import openai
import pytest

Still = Callable[[bool, str], None]
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    data = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(data)}\n\n".encode()


def chunk(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def read_request(connection: socket.socket) -> None:
    """All of it: to close a connection with something unread resets it, and throws away what was answered."""
    with connection.makefile("rb") as file:
        length = 0
        while line := file.readline().strip().lower():
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        file.read(length)


@contextmanager
def server(play: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[int]]]:
    """Plays the same to every request; the address, and a list with one entry a request."""
    seen: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    seen.append(1)
                    try:
                        read_request(connection)
                        play(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", seen
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(60)


def said(client: openai.OpenAI) -> list[str]:
    with client.chat.completions.create(**ASKED) as stream:  # type: ignore[call-overload]
        return [part.choices[0].delta.content for part in stream]


def test_the_read_timeout_starts_anew_with_every_piece(still: Still) -> None:
    """openai/openai-python#2599: it is no bound on an answer."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        for _ in range(10):
            connection.sendall(chunk(b": ping\n\n"))
            time.sleep(0.3)
        connection.sendall(chunk(event("late")) + chunk(b"data: [DONE]\n\n") + chunk(b""))

    place = "the clocks of hosted tiers (models/hosted/client.py)"
    with server(drip) as (url, _), openai.OpenAI(base_url=url, api_key="k", timeout=2.0, max_retries=0) as client:
        try:
            still(said(client) == ["late"], place)
        except (openai.APITimeoutError, httpx2.TimeoutException):
            still(False, place)


def test_a_stream_that_broke_is_not_asked_for_again(still: Still) -> None:
    def breaks(connection: socket.socket) -> None:
        connection.sendall(HEAD + chunk(event("half")))

    with server(breaks) as (url, seen), openai.OpenAI(base_url=url, api_key="k", max_retries=2) as client:
        with pytest.raises((openai.APIError, httpx2.HTTPError)):
            said(client)
        still(len(seen) == 1, "the retry of a step (graph/step.py)")


def test_a_byte_order_mark_hides_the_first_event(still: Still) -> None:
    def marked(connection: socket.socket) -> None:
        body = b"\xef\xbb\xbf" + event("one") + event("two") + b"data: [DONE]\n\n"
        connection.sendall(HEAD + chunk(body) + chunk(b""))

    with server(marked) as (url, _), openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
        still(said(client) == ["two"], "the bytes that are passed on (models/hosted/client.py, _Bounded)")


def test_the_path_is_put_behind_the_query_of_an_address(still: Still) -> None:
    asked: list[httpx2.URL] = []

    def note(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url)
        return httpx2.Response(200, json={"object": "list", "data": []})

    http = httpx2.Client(transport=httpx2.MockTransport(note))
    with openai.OpenAI(base_url="http://server.invalid/v1?api-version=1", api_key="k", http_client=http) as client:
        client.models.list()
    still(asked[0].path != "/v1/models", "the query that travels separately (models/hosted/client.py, Endpoint)")
