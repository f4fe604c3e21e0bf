"""Bodies by what they are: too large, cut, packed, of another kind; and documents."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

from abuse_place import Case, Place, Seen
from abuse_rows import BAD, FINE, KIND, SAID, cases, chat, text


def _streamed(place: Place) -> Seen:
    """More than is allowed, in pieces, its length untold."""
    piece = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return place.raw(head + b"Transfer-Encoding: chunked\r\n\r\n", rest=piece * 40)


def _claimed(size: int, path: str = "/v1/chat/completions", kind: str = "application/json") -> Callable[[Place], Seen]:
    head = f"POST {path} HTTP/1.1\r\nHost: {{host}}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n{{"
    return lambda place: place.raw(head.encode())


_QUESTION = json.dumps({"messages": SAID})
_FORM = "application/x-www-form-urlencoded"
KINDS = cases(
    deep=("deep JSON", text('{"messages":[' * 50_000)),
    deep_whole=("deep JSON that ends", text("[" * 5000 + "]" * 5000)),
    claimed=("200 MB", _claimed(200_000_000), frozenset({413})),
    claimed_document=(
        "a document of 200 MB",
        _claimed(200_000_000, "/v1/knowledge/sources", "multipart/form-data; boundary=x"),
        frozenset({413}),
    ),
    streamed=("2.5 MB in pieces", _streamed, frozenset({413})),
    cut=("JSON that is cut", text('{"messages":[{"role":"us')),
    nothing=("no body", text(b"")),
    array=("a list", text("[]")),
    string=("a text", text('"hello"')),
    null=("null", text("null")),
    trailing=("two values", text("{} {}")),
    comment=("a comment", text("{/* x */}")),
    bom=("a byte order mark", text(b"\xef\xbb\xbf{}")),
    utf16=("UTF-16", text(_QUESTION.encode("utf-16"))),
    latin=("bytes that are no UTF-8", text(b'{"messages":[{"role":"user","content":"\xe9\xff"}]}')),
    surrogate=("half a character", text(b'{"messages":[{"role":"user","content":"\\ud800 x"}]}')),
    surrogate_key=("half a character as a key", text(b'{"messages":[],"\\udfff":1}')),
    key_twice=(
        "a key twice: the last counts, and here it is no list",
        text('{"messages":[{"role":"user","content":"x"}],"messages":"x"}'),
    ),
    proto=("names with a meaning elsewhere", chat(__proto__={"x": 1}, constructor={"prototype": {}}), FINE | BAD),
    plain=("JSON as plain text, as a foreign page may send it", text(_QUESTION, Content_Type="text/plain"), KIND),
    form_body=("JSON as a form", text(_QUESTION, Content_Type=_FORM), KIND),
    upper=("a kind that only looks like JSON", text(_QUESTION, Content_Type="application/jsonx"), KIND),
    gzipped=(
        "a body that unpacks to a gigabyte",
        text(gzip.compress(b"[" + b" " * 10_000_000), Content_Encoding="gzip"),
        KIND,
    ),
    brotli=("another packing", text(b"{}", Content_Encoding="br"), KIND),
    packed_twice=("packed twice", text(b"{}", Content_Encoding="identity, gzip"), KIND),
    upload=(
        "a document to the wrong door",
        lambda place: place.call("POST", "/v1/chat/completions", files=[("file", ("a.txt", b"x"))]),
        KIND,
    ),
)


def _sent(data: bytes, name: str) -> Callable[[Place], Seen]:
    return lambda place: place.call("POST", "/v1/knowledge/sources", files=[("file", (name, data))])


def _form_of(content: bytes, kind: str = "multipart/form-data; boundary=x") -> Callable[[Place], Seen]:
    return lambda place: place.body(content, "/v1/knowledge/sources", Content_Type=kind)


_FIELD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
DOCUMENTS = cases(
    program=("type by content, not by name", _sent(b"MZ\x90\x00" + bytes(60), "a.pdf"), frozenset({422})),
    elf=("a program named as text", _sent(b"\x7fELF\x02" + bytes(60), "a.txt"), frozenset({422})),
    bomb=("a file that unpacks to 60 MB", _sent(gzip.compress(b" x" * 30_000_000), "a.txt.gz"), frozenset({422})),
    no_pdf=("a name that lies", _sent(b"hello", "a.pdf"), frozenset({422})),
    empty_file=("nothing", _sent(b"", "a.txt"), frozenset({422})),
    place=(
        "a place of the machine",
        lambda place: place.call("POST", "/v1/knowledge/sources", json={"path": "/etc/passwd"}),
        KIND,
    ),
    address=(
        "an address to fetch",
        lambda place: place.call("POST", "/v1/knowledge/sources", data={"url": place.canary}),
        KIND,
    ),
    place_field=(
        "a place beside a file",
        lambda place: place.call(
            "POST", "/v1/knowledge/sources", files=[("file", ("a.txt", b"x"))], data={"path": "/etc/passwd"}
        ),
    ),
    collection=(
        "a place as collection",
        lambda place: place.call(
            "POST", "/v1/knowledge/sources", files=[("file", ("a.txt", b"x"))], data={"collection": "../../x"}
        ),
    ),
    no_end=("a form without an end", _form_of(_FIELD + b"\r\nhello")),
    no_boundary=("a form without a boundary", _form_of(b"x", "multipart/form-data")),
    long_boundary=("a boundary of 4 kB", _form_of(b"x", "multipart/form-data; boundary=" + "x" * 4000)),
    many_headers=("a part of a thousand headers", _form_of(_FIELD + b"X: y\r\n" * 1000 + b"\r\nx\r\n--x--\r\n")),
    long_header=("a header of 100 kB", _form_of(_FIELD + b"X: " + b"y" * 100_000 + b"\r\n\r\nx\r\n--x--\r\n")),
    many_parts=("a thousand files", _form_of((_FIELD + b"\r\nx\r\n") * 1000 + b"--x--\r\n")),
    charset=(
        "a charset that does not exist",
        _form_of(_FIELD + b"\r\nMZ\x00\r\n--x--\r\n", "multipart/form-data; boundary=x; charset=zlib"),
        frozenset({400, 422}),
    ),
)
CASES: list[Case] = [*KINDS, *DOCUMENTS]
