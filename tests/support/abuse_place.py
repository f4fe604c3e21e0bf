"""What abuse is tried on: an open server, one with keys, a way to speak HTTP badly, and who judges what came back."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from serving import Server, serving

from tierwise import ToolCall, tool
from tierwise.models import ChatRequest
from tierwise.testing import Step
from tierwise_app.serve.guard import access
from tierwise_app.serve.keys import Keys

REFUSED = frozenset({400, 401, 403, 404, 405, 408, 409, 411, 413, 414, 415, 421, 422, 429, 431})
_LEAKS = re.compile(r"Traceback|\.py[\":]|site-packages|sqlite3|/tmp/|/home/|/root/|root:x:0|tw-[A-Za-z0-9_-]{20}")


@dataclass(frozen=True)
class Seen:
    """A response; status 0 is a connection that was closed without one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.text)


@dataclass
class Place:
    """Two servers over scripted tiers.

    Attributes:
        open: nobody needs a key.
        keyed: everybody does.
        keys: by their names: ``ann`` and ``bob`` see their own, ``rob`` has no documents, ``root`` may everything.
        sent: what the tool that sends was run with.
        canary: address of a server that nothing may speak to, and how often it was spoken to.
    """

    open: Server
    keyed: Server
    keys: dict[str, str]
    sent: list[str]
    canary: str
    visits: list[bytes]

    def call(self, method: str, path: str, *, key: str | None = None, to: Server | None = None, **more: Any) -> Seen:
        """A request as a well-behaved client sends it; to the server with keys if there is a key."""
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {self.keys.get(key, key)}"
        server = to or (self.open if key is None else self.keyed)
        try:
            with server.client.stream(method, path, headers=headers, timeout=60, **more) as answer:
                answer.read()
                return Seen(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.text)
        except httpx2.TimeoutException:
            return Seen(599, {}, "no answer within 60 s")
        except httpx2.TransportError as error:
            return Seen(0, {}, type(error).__name__)

    def chat(self, question: Any = "What is the capital of Peru?", **body: Any) -> Seen:
        """A chat completion; ``body`` takes the place of what it says."""
        more = {name: body.pop(name) for name in ("key", "to", "headers") if name in body}
        messages = [{"role": "user", "content": question}]
        return self.call("POST", "/v1/chat/completions", json={"model": "auto", "messages": messages, **body}, **more)

    def body(self, content: bytes, path: str = "/v1/chat/completions", **headers: str) -> Seen:
        """A body as it is."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("POST", path, content=content, headers={"Content-Type": "application/json", **given})

    def raw(self, data: bytes, *, to: Server | None = None, wait: float = 10.0, rest: bytes = b"") -> Seen:
        """Bytes on a connection; ``{host}`` stands for the server's address. The first response is given."""
        server = to or self.open
        host = server.url.removeprefix("http://")
        name, _, port = host.partition(":")
        answer = b""
        with socket.create_connection((name, int(port)), timeout=wait) as connection:
            try:
                connection.sendall(data.replace(b"{host}", host.encode()).replace(b"{port}", port.encode()))
                if rest:
                    connection.sendall(rest)
                while not _is_whole(answer) and (piece := connection.recv(65536)):
                    answer += piece
            except TimeoutError:
                return Seen(599, {}, f"no end within {wait:.0f} s; {answer[:200]!r}")
            except OSError:
                pass  # it was closed while we were speaking: what it said before counts
        return parsed(answer)

    def asked(self) -> int:
        """How many requests the models got."""
        return sum(len(model.requests) for server in (self.open, self.keyed) for model in server.models.values())


@dataclass(frozen=True)
class Case:
    """One try.

    Attributes:
        id: names it.
        kind: ``auth``, ``body``, ``browser``, ``tenant_state`` or ``wire``.
        why: what would be wrong.
        run: does it.
        allowed: the statuses that are right.
        asks: a model may be asked.
        check: what else is wrong with what came back, in words.
        slow: it takes seconds.
    """

    id: str
    kind: str
    why: str
    run: Callable[[Place], Seen]
    allowed: frozenset[int] = REFUSED
    asks: bool = False
    check: Callable[[Seen, Place], str | None] | None = None
    slow: bool = False


def wrong_with(case: Case, place: Place) -> str | None:
    """Try it; what is wrong with how it went, ``None`` if nothing is."""
    asked, visits = place.asked(), len(place.visits)
    seen = case.run(place)
    if seen.status not in case.allowed:
        return f"{seen.status}: {seen.text[:200]}"
    if seen.status >= 500:
        return None if seen.status in case.allowed else f"{seen.status}"
    if not case.asks and place.asked() > asked:
        return "a model was asked"
    if len(place.visits) > visits:
        return "somebody else was spoken to"
    if found := _LEAKS.search(seen.text if seen.status >= 400 else ""):
        return f"it tells {found[0]!r}: {seen.text[:200]}"
    if seen.text and seen.status >= 400 and seen.headers.get("content-type", "").startswith("application/json"):
        error = seen.json.get("error")
        if not isinstance(error, dict) or not {"message", "type", "param", "code"} <= set(error):
            return f"no error as it should be: {seen.text[:200]}"
    if case.check is not None and (text := case.check(seen, place)):
        return text
    alive = place.call("GET", "/healthz")
    return None if alive.status == 200 else f"the server is gone afterwards: {alive.status}"


def _is_whole(answer: bytes) -> bool:
    seen = parsed(answer)
    length = seen.headers.get("content-length", "")
    return bool(seen.status) and length.isdigit() and len(answer.partition(b"\r\n\r\n")[2]) >= int(length)


def parsed(answer: bytes) -> Seen:
    """The first response in some bytes."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if not lines[0].startswith("HTTP/1.") or len(words) < 2:
        return Seen(0, {}, answer[:200].decode("latin-1"))
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
    length = headers.get("content-length", "")
    body = body[: int(length)] if length.isdigit() else body  # another response may follow
    return Seen(int(words[1]), headers, body.decode("utf-8", "replace"))


@contextmanager
def abused(folder: Path) -> Iterator[Place]:
    """The servers, with wrong keys that are not slowed down, so that the rows take no time."""
    sent: list[str] = []

    @tool(effects="write")
    def send(text: str) -> str:
        """Send a text.

        Args:
            text: what.
        """
        sent.append(text)
        return "sent"

    with ExitStack() as stack:
        stack.enter_context(_unhurried())
        keys = Keys(folder / "keyed")
        made = {name: keys.add(name)[1] for name in ("ann", "bob")}
        made["rob"] = keys.add("rob", documents="none")[1]
        made["root"] = keys.add("root", sees="all", documents="write")[1]
        visits: list[bytes] = []
        canary = stack.enter_context(canary_server(visits))
        opened = stack.enter_context(serving([_plays], home=folder / "open", tools=[send]))
        keyed = stack.enter_context(serving([_plays], home=folder / "keyed", tools=[send]))
        yield Place(opened, keyed, made, sent, canary, visits)


def _plays(request: ChatRequest) -> Step:
    """Asks for the tool if the question says so, else answers."""
    said = [message.content for message in request.messages if message.role == "user"]
    if "send it" in said[-1] and request.messages[-1].role != "tool":
        return Step(calls=(ToolCall("c1", "send", {"text": said[-1]}),))
    return Step(text='{"answer": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}')


@contextmanager
def _unhurried() -> Iterator[None]:
    before = access._FIRST, access._LONGEST
    access._FIRST, access._LONGEST = 0.001, 0.002
    try:
        yield
    finally:
        access._FIRST, access._LONGEST = before


@contextmanager
def canary_server(visits: list[bytes]) -> Iterator[str]:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(1)
                    visits.append(connection.recv(1000))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            thread.join()
