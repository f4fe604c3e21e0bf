"""Server-sent events as they are sent: any ends of lines, any cuts; and what becomes of them in an answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder
from plays import Handler, Play, Server, problem, serving, stream

from tierwise import errors
from tierwise.config import Limits
from tierwise.models import ChatRequest, Completed, Delta, OpenAIChat
from tierwise.models.hosted.sse import EventDecoder, ServerEvent
from tierwise.types import Message

MANY = 1 << 20
LINES = st.one_of(
    st.sampled_from(["", "", "", ":", ": ping", "data", "data:", "data: [DONE]", "event: error", "id: 7", "retry: 5"]),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["data", "data", "data", "event", "id", "retry", "other", " data", "DATA", ""]),
        st.sampled_from([":", ": ", ":  ", ""]),
        st.text(st.sampled_from('a: {"}\0\u00e9\u2028\ufeff\U0001f642')),
    ),
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\n", "\r\n", "\r"]))).map(
    lambda lines: "".join(map("".join, lines)).encode()
)
CUTS = st.lists(st.integers(0, 400), max_size=12)


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(place, len(raw)) for place in places), len(raw)]
    return [raw[a:b] for a, b in pairwise(edges)]


def decoded(*parts: bytes) -> list[ServerEvent]:
    decoder = EventDecoder(MANY)
    return [event for part in parts for event in decoder.feed(part)]


# -- the decoder -------------------------------------------------------------------------------------------------------


@given(STREAMS, CUTS)
def test_cuts_change_nothing(raw: bytes, places: list[int]) -> None:
    assert decoded(*cut(raw, places)) == decoded(raw) == decoded(*(raw[n : n + 1] for n in range(len(raw))))


@given(STREAMS, CUTS)
def test_the_official_client_reads_the_same(raw: bytes, places: list[int]) -> None:
    raw = raw.removeprefix("\ufeff".encode())  # which it takes for a part of the first line
    theirs = [
        (event.event or "", event.data)
        for event in SSEDecoder().iter_bytes(iter(cut(raw, places)))
        if event.data  # it passes on what has an id and nothing else
    ]
    assert [(e.name.decode(), e.data.decode()) for e in decoded(raw) if e.data] == theirs


@given(CUTS)
def test_a_byte_order_mark_is_no_part_of_the_first_line(places: list[int]) -> None:
    raw = "\ufeffevent: a\ndata: \ufeff1\n\n".encode()
    assert decoded(*cut(raw, places)) == [ServerEvent(b"a", "\ufeff1".encode())]


def test_what_has_no_data_or_no_end_is_no_event() -> None:
    assert decoded(b"event: a\nid: 1\n\ndata: 1\n\n: ping\n\nretry: 3\n\ndata: 2\n") == [ServerEvent(b"", b"1")]


@pytest.mark.parametrize("part", [b"data: " + b"z" * 100, b"data: z\n" * 20, b": ping\n\n" * 20, b"\n" * 100])
def test_it_takes_no_more_than_it_was_told(part: bytes) -> None:
    decoder = EventDecoder(1000)
    with pytest.raises(ValueError, match="longer than"):
        for _ in range(20):
            decoder.feed(part)


# -- in an answer ------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
async def hosted(server: Server) -> AsyncIterator[Callable[..., OpenAIChat]]:
    opened: list[OpenAIChat] = []

    def make(**options: Any) -> OpenAIChat:
        opened.append(OpenAIChat("big", base_url=server.url, **options))
        return opened[-1]

    yield make
    for model in opened:
        await model.aclose()


def data(content: str, finish: str | None = None, indent: int | None = None) -> str:
    chunk = {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}
    return json.dumps(chunk, ensure_ascii=False, indent=indent)


def piece(content: str, finish: str | None = None) -> str:
    return f"data: {data(content, finish)}\n\n"


DONE = "data: [DONE]\n\n"
HELLO = piece("Hello ") + piece("w\u00f6rld", "stop") + DONE


async def heard(model: OpenAIChat, said: list[str], **options: Any) -> Completed:
    """Ask; note the pieces of text as they come."""
    last: Any = None
    async for last in model.stream(ChatRequest((Message("user", "hi"),), **options)):
        if isinstance(last, Delta):
            said.append(last.text)
    assert isinstance(last, Completed)
    return last


def zipped(handler: Handler) -> None:
    handler.begin(Content_Encoding="gzip")
    handler.write(gzip.compress(HELLO.encode()))


WAYS: dict[str, Play] = {
    "\\r\\n": stream(HELLO.replace("\n", "\r\n")),
    "\\r": stream(HELLO.replace("\n", "\r")),
    "all at once": stream(HELLO),
    "byte by byte": stream(*(HELLO.encode()[n : n + 1] for n in range(len(HELLO.encode())))),
    "data over several lines": stream(
        "".join(f"data: {line}\n" for line in data("Hello ", indent=1).splitlines()) + "\n", piece("w\u00f6rld", "stop")
    ),
    "a ping behind an id": stream("id: 1\n" + piece("Hello ") + ": ping\n\n" + piece("w\u00f6rld", "stop") + DONE),
    "null": stream("data: null\n\n" + HELLO),
    "more behind the end": stream(HELLO + piece("more") + "data: {nonsense\n\n"),
    "zipped": zipped,
}


@pytest.mark.parametrize("play", WAYS.values(), ids=WAYS.keys())
async def test_ways_to_send_the_same_answer(server: Server, hosted: Callable[..., OpenAIChat], play: Play) -> None:
    server.plays = [play]
    said: list[str] = []
    assert (await heard(hosted(), said)).finish == "stop"
    assert said == ["Hello ", "w\u00f6rld"]


FAILURES: dict[str, tuple[str | bytes, type[errors.ModelError], str]] = {
    "error": (f"data: {json.dumps(problem('overloaded'))}\n\n", errors.ServerError, '"overloaded"'),
    "event: error": (
        f"event: error\ndata: {json.dumps(problem('overloaded'))}\n\n",
        errors.ServerError,
        '"overloaded"',
    ),
    "by its name alone": ('event: error\ndata: {"message": "overloaded"}\n\n', errors.ServerError, '"overloaded"'),
    "a text": ('data: {"error": "maximum context length exceeded"}\n\n', errors.ContextTooLong, "does not fit"),
    "no JSON": ("data: {nonsense\n\n", errors.NotTheProtocol, "not the OpenAI protocol"),
    "no UTF-8": (b'data: {"a": "\xff"}\n\n', errors.NotTheProtocol, "not the OpenAI protocol"),
    "no data": ("data:\n\n", errors.NotTheProtocol, "not the OpenAI protocol"),
    "an end in the middle of a character": (
        piece("\u00e9").encode().partition(b"\xa9")[0],
        errors.ServerError,
        "broke off",
    ),
}


@pytest.mark.parametrize(("bad", "kind", "says"), FAILURES.values(), ids=FAILURES.keys())
async def test_what_came_before_a_failure_is_heard(  # though one read brought both
    server: Server, hosted: Callable[..., OpenAIChat], bad: str | bytes, kind: type[errors.ModelError], says: str
) -> None:
    server.plays = [stream(piece("Hel").encode() + (bad if isinstance(bad, bytes) else bad.encode()))]
    said: list[str] = []
    with pytest.raises(kind, match=says):
        await heard(hosted(), said)
    assert said == ["Hel"]


def zipped_without_end(handler: Handler) -> None:
    handler.begin(Content_Encoding="gzip")
    handler.write(gzip.compress(b"data: " + b"z" * 40_000_000))


async def test_what_is_short_on_the_wire_alone_is_bounded_too(
    server: Server, hosted: Callable[..., OpenAIChat]
) -> None:
    server.plays = [zipped_without_end]
    with pytest.raises(errors.NotTheProtocol, match="longer than"):
        await heard(hosted(), [])


@pytest.mark.parametrize("nothing", [": ping\n\n", "\n", piece(""), "data: {}\n\n"])
async def test_a_clock_ends_a_server_that_never_pauses(
    server: Server, hosted: Callable[..., OpenAIChat], nothing: str
) -> None:
    def play(handler: Handler) -> None:
        handler.begin()
        while handler.write(nothing):
            pass

    server.plays = [play]
    with pytest.raises(errors.ModelTimeout, match="did not begin to answer"):
        await heard(hosted(limits=Limits(first_token=0.3)), [])


# -- the connection ----------------------------------------------------------------------------------------------------


def kept(ports: list[int], *, ends: bool = True) -> Play:
    """The answer in chunks, over a connection that stays open; notes the port that asked."""

    def play(handler: Handler) -> None:
        handler.close_connection = False
        ports.append(handler.client_address[1])
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        body = HELLO.encode()
        # In one write: the client waits for the end for a moment only.
        handler.write(b"%x\r\n%b\r\n%b" % (len(body), body, b"0\r\n\r\n" if ends else b""))

    return play


async def test_a_connection_is_used_again_after_the_end(server: Server, hosted: Callable[..., OpenAIChat]) -> None:
    ports: list[int] = []
    server.plays = [kept(ports)]
    model = hosted()
    for _ in range(3):
        await heard(model, [])
    assert len(set(ports)) == 1


async def test_one_that_is_cut_or_does_not_end_is_closed(server: Server, hosted: Callable[..., OpenAIChat]) -> None:
    ports: list[int] = []
    server.plays = [kept(ports), kept(ports, ends=False), kept(ports)]
    model, said = hosted(), list[str]()
    await heard(model, said, stop=("lo",))
    await heard(model, said)
    await heard(model, said)
    assert said == ["Hel", *["Hello ", "w\u00f6rld"] * 2]
    assert len(set(ports)) == 3
