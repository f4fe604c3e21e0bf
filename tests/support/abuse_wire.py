"""HTTP as it should not be spoken, names that are not the server's, and pages that may not ask."""

from __future__ import annotations

from collections.abc import Callable

from abuse_place import REFUSED, Case, Place, Seen

_NO_NAME = frozenset({400, 421})
_CUT = frozenset({0})  # closed without a word
_ANSWERED = frozenset({200})


def _head(*lines: str, target: str = "/v1/models", method: str = "GET", host: str = "{host}") -> bytes:
    named = [f"Host: {host}"] if host else []
    return "\r\n".join([f"{method} {target} HTTP/1.1", *named, "Connection: close", *lines, "", ""]).encode("latin-1")


def _raw(data: bytes, rest: bytes = b"") -> Callable[[Place], Seen]:
    return lambda place: place.raw(data, rest=rest)


def _host(name: str) -> Callable[[Place], Seen]:
    return lambda place: place.raw(_head(host=name))


def _origin(*values: str, method: str = "POST") -> Callable[[Place], Seen]:
    """A chat completion that a page asks for."""
    body = b'{"messages":[{"role":"user","content":"x"}]}'
    lines = [f"Origin: {value}" for value in values]
    head = _head(
        *lines,
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        method=method,
        target="/v1/chat/completions",
    )
    return lambda place: place.raw(head + body)


def _preflight(origin: str) -> Callable[[Place], Seen]:
    lines = (
        f"Origin: {origin}",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type",
        "Access-Control-Request-Private-Network: true",
    )
    return lambda place: place.raw(_head(*lines, method="OPTIONS"))


def _no_grant(seen: Seen, _: Place) -> str | None:
    granted = [name for name in seen.headers if name.startswith("access-control-allow")]
    return f"it grants {granted}" if granted else None


def _no_echo(seen: Seen, _: Place) -> str | None:
    """Nothing that was sent has become a header of the response."""
    return "a header was made" if "x-made" in seen.headers or "x-made:" in seen.text.lower() else None


_POST = ("Content-Type: application/json",)
HOSTS = {
    "foreign": "evil.example",
    "rebound": "127.0.0.1.nip.io",
    "end-dot": "localhost.",
    "below": "x.localhost",
    "above": "localhost.evil.example",
    "as-user": "localhost@evil.example",
    "user": "evil.example@127.0.0.1",
    "large-port": "127.0.0.1:99999",
    "no-number": "127.0.0.1:http",
    "minus": "127.0.0.1:-1",
    "hex": "0x7f000001",
    "decimal": "2130706433",
    "octal": "0177.0.0.1",
    "short": "127.1",
    "any": "0.0.0.0:8411",
    "any6": "[::]",
    "mapped": "[::ffff:127.0.0.1]",
    "zone": "[::1%25lo]",
    "path": "127.0.0.1/evil.example",
    "scheme": "http://127.0.0.1",
    "list": "127.0.0.1, evil.example",
    "space": "127.0.0.1 evil.example",
    "metadata": "169.254.169.254",
    "cyrillic": "l\xf6calhost",
    "nothing": " ",
}
ORIGINS = {
    "null": ("null",),
    "foreign": ("https://evil.example",),
    "other-port": ("http://127.0.0.1:1",),
    "above": ("http://localhost.evil.example",),
    "file": ("file://",),
    "extension": ("chrome-extension://abcdefghijklmnop",),
    "user": ("http://127.0.0.1@evil.example",),
    "with-path": ("http://127.0.0.1/x",),
    "list": ("null, https://evil.example",),
    "two": ("http://{host}", "https://evil.example"),
    "star": ("*",),
    "empty": ("",),
}

WIRE = {
    "two-lengths": (
        "two lengths",
        _raw(_head(*_POST, "Content-Length: 2", "Content-Length: 30", method="POST") + b"{}"),
    ),
    "length-list": ("a list of lengths", _raw(_head(*_POST, "Content-Length: 2, 30", method="POST") + b"{}")),
    "length-and-pieces": (
        "a length, and pieces",
        _raw(_head(*_POST, "Content-Length: 2", "Transfer-Encoding: chunked", method="POST") + b"0\r\n\r\n"),
    ),
    "minus-length": ("a length below nothing", _raw(_head(*_POST, "Content-Length: -1", method="POST"))),
    "plus-length": ("a length with a sign", _raw(_head(*_POST, "Content-Length: +2", method="POST") + b"{}")),
    "word-length": ("a length in words", _raw(_head(*_POST, "Content-Length: two", method="POST"))),
    "long-length": (
        "a length of a thousand digits",
        _raw(_head(*_POST, "Content-Length: " + "9" * 1000, method="POST")),
    ),
    "odd-pieces": (
        "pieces of a kind that is not",
        _raw(_head(*_POST, "Transfer-Encoding: xchunked", method="POST") + b"2\r\n{}\r\n0\r\n\r\n"),
    ),
    "two-codings": (
        "pieces twice",
        _raw(_head(*_POST, "Transfer-Encoding: gzip, chunked", method="POST") + b"2\r\n{}\r\n0\r\n\r\n"),
    ),
    "odd-size": (
        "a piece whose size is no number",
        _raw(_head(*_POST, "Transfer-Encoding: chunked", method="POST") + b"zz\r\n{}"),
    ),
    "huge-size": (
        "a piece of 2^64 bytes",
        _raw(_head(*_POST, "Transfer-Encoding: chunked", method="POST") + b"ffffffffffffffff1\r\n" + b"{" * 2_000_000),
    ),
    "piece-note": (
        "a piece with a note of 100 kB",
        _raw(
            _head(*_POST, "Transfer-Encoding: chunked", method="POST")
            + b"2;x="
            + b"y" * 100_000
            + b"\r\n{}\r\n0\r\n\r\n"
        ),
    ),
    "many-headers": ("ten thousand headers", _raw(_head(*(f"X-{n}: y" for n in range(10_000))))),
    "long-header": ("a header of 1 MB", _raw(_head("X-Long: " + "y" * 1_000_000))),
    "long-target": ("an address of 1 MB", _raw(_head(target="/" + "x" * 1_000_000))),
    "long-path": ("a path of 5 kB", _raw(_head(target="/v1/turns/" + "x" * 5000))),
    "no-host": ("no host", _raw(_head(host=""))),
    "two-hosts": ("two hosts", _raw(_head("Host: evil.example"))),
    "absolute": ("another server's address", _raw(_head(target="http://evil.example/v1/models"))),
    "authority": ("a tunnel", _raw(_head(method="CONNECT", target="evil.example:443"))),
    "star": ("the whole server", _raw(_head(method="OPTIONS", target="*"))),
    "old": ("HTTP/0.9", _raw(b"GET /v1/models\r\n\r\n")),
    "preface": ("HTTP/2 at once", _raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
    "tls": ("TLS", _raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n")),
    "folded": ("a folded host", _raw(_head(host="evil.example\r\n {host}"))),
    "blank-name": ("a blank before the colon", _raw(_head("Host : evil.example"))),
    "nul-header": ("a NUL in a header", _raw(_head("X-Nul: a\0b"))),
    "bare-return": ("a carriage return alone", _raw(_head("X-Made: a\rX-Other: b"))),
    "trace": ("an echo", _raw(_head(method="TRACE"))),
    "unknown": ("a method of one's own", _raw(_head(method="BREW"))),
    "method-override": (
        "another method in a header",
        _raw(_head("X-HTTP-Method-Override: DELETE", target="/v1/knowledge/sources/x", method="POST")),
    ),
    "missing": ("nothing there", _raw(_head(target="/_stcore/upload_file/x/y", method="POST"))),
    "dotted": ("files of the server", _raw(_head(target="/../../../../etc/passwd"))),
    "git": ("files of a folder", _raw(_head(target="/.git/config"))),
}

CASES: list[Case] = [
    *(Case(f"wire-{name}", "wire", why, run, REFUSED | _CUT | {501}) for name, (why, run) in WIRE.items()),
    *(
        Case(f"host-{name}", "browser", "a name that is not ours", _host(host), _NO_NAME)
        for name, host in HOSTS.items()
    ),
    *(
        Case(
            f"origin-{name}",
            "browser",
            "a page that may not ask",
            _origin(*given),
            frozenset({400, 403}),
            check=_no_grant,
        )
        for name, given in ORIGINS.items()
    ),
    *(
        Case(
            f"preflight-{name}",
            "browser",
            "asking whether",
            _preflight(given[0]),
            frozenset({400, 403}),
            check=_no_grant,
        )
        for name, given in ORIGINS.items()
        if name != "two"
    ),
    Case("host-capitals", "browser", "capitals are the same name", _host("LOCALHOST"), _ANSWERED),
    Case("host-six", "browser", "this machine by version 6", _host("[::1]"), _ANSWERED),
    Case("origin-own", "browser", "its own origin", _origin("http://{host}"), _ANSWERED, asks=True),
    Case(
        "wire-upgrade",
        "wire",
        "WebSocket",
        _raw(_head("Upgrade: websocket", "Sec-WebSocket-Key: x", target="/v1/turns")),
        _ANSWERED | REFUSED,
    ),
    Case(
        "wire-h2c",
        "wire",
        "HTTP/2 by upgrade",
        _raw(_head("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")),
        _ANSWERED | REFUSED,
    ),
    Case(
        "wire-lines",
        "wire",
        "lines that end in LF alone",
        _raw(b"GET /healthz HTTP/1.1\nHost: {host}\nConnection: close\n\n"),
        _ANSWERED | REFUSED | _CUT,
    ),
    Case(
        "wire-pieces-note",
        "wire",
        "a trailer that is a header",
        _raw(
            _head(*_POST, "Transfer-Encoding: chunked", method="POST", target="/v1/knowledge/search")
            + b"2\r\n{}\r\n0\r\nX-Made: 1\r\n\r\n"
        ),
        REFUSED,
        check=_no_echo,
    ),
    Case(
        "wire-second",
        "wire",
        "a second request behind a refused one",
        _raw(
            _head(*_POST, "Content-Length: 4", "Transfer-Encoding: chunked", method="POST")
            + b"0\r\n\r\nGET /x HTTP/1.1\r\nX-Made: 1\r\n\r\n"
        ),
        REFUSED,
        check=_no_echo,
    ),
    Case(
        "wire-request-id",
        "wire",
        "a header through the request's id",
        lambda place: place.raw(_head("X-Request-Id: a%0d%0aX-Made: 1", target="/healthz")),
        _ANSWERED,
        check=_no_echo,
    ),
    Case(
        "wire-long-id",
        "wire",
        "an id of 10 kB",
        lambda place: place.raw(_head("X-Request-Id: " + "a" * 10_000, target="/healthz")),
        _ANSWERED,
        check=lambda seen, _: "it was taken" if len(seen.headers.get("x-request-id", "")) > 200 else None,
    ),
    Case(
        "wire-get-body",
        "wire",
        "a body where none belongs",
        _raw(_head("Content-Type: application/json", "Content-Length: 2", target="/healthz") + b"{}"),
        _ANSWERED | REFUSED,
    ),
]
