"""Keys that are none, and ways around them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from abuse_place import Case, Place, Seen

_NO = frozenset({401})
_NOT_THERE = frozenset({401, 404})


def _with(**headers: str) -> Callable[[Place], Seen]:
    """A list of models with headers; ``{ann}`` stands for her key."""

    def run(place: Place) -> Seen:
        made = {name.replace("_", "-"): value.replace("{ann}", place.keys["ann"]) for name, value in headers.items()}
        return place.call("GET", "/v1/models", to=place.keyed, headers=made)

    return run


def _derived(change: Callable[[str], str]) -> Callable[[Place], Seen]:
    return lambda place: _with(Authorization=f"Bearer {change(place.keys['ann'])}")(place)


def _path(target: str, method: str = "GET") -> Callable[[Place], Seen]:
    """A path as it is, without a key."""
    line = f"{method} {target} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n".encode("latin-1")
    return lambda place: place.raw(line, to=place.keyed)


def _raw(headers: bytes) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        own = headers.replace(b"{ann}", place.keys["ann"].encode())
        return place.raw(
            b"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n" + own + b"\r\n", to=place.keyed
        )

    return run


def _same_every_time(place: Place) -> Seen:
    """Capitals and blanks: 200 or 401, and the same three times."""
    seen = [_raw(b"Authorization: bearer {ann} \r\n")(place) for _ in range(3)]
    return seen[0] if len({one.status for one in seen}) == 1 else Seen(500, {}, "once so, once otherwise")


def _guessed(place: Place) -> Seen:
    """Many wrong keys at once; the right one meanwhile is not kept waiting."""
    with ThreadPoolExecutor(24) as pool:
        wrong = [pool.submit(place.call, "GET", "/v1/models", key=f"tw-guess{n}") for n in range(200)]
        right = [pool.submit(place.call, "GET", "/v1/models", key="ann") for _ in range(5)]
        statuses = {future.result().status for future in wrong}
        good = {future.result().status for future in right}
    if good != {200}:
        return Seen(500, {}, f"the right key got {good}")
    return Seen(401) if statuses <= {401, 429} else Seen(500, {}, f"wrong keys got {statuses}")


def _removed(place: Place) -> Seen:
    """A key that was taken out a moment ago."""
    keys = place.keyed.parts.keys
    _, secret = keys.add("gone")
    assert place.call("GET", "/v1/models", key=secret).status == 200
    keys.remove("gone")
    return place.call("GET", "/v1/models", key=secret)


def _only_ok(seen: Seen, _: Place) -> str | None:
    return None if len(seen.text) < 40 else f"it tells {seen.text[:100]}"


HEADERS = {
    "no-key": ({}, "no key"),
    "only-scheme": ({"Authorization": "Bearer"}, "no key behind the scheme"),
    "empty-header": ({"Authorization": ""}, "empty header"),
    "bare-key": ({"Authorization": "{ann}"}, "no scheme"),
    "other-scheme": ({"Authorization": "Token {ann}"}, "another scheme"),
    "two-words": ({"Authorization": "Bearer {ann} {ann}"}, "two keys in one"),
    "with-comma": ({"Authorization": "Bearer {ann},Bearer x"}, "a list"),
    "with-tab": ({"Authorization": "Bearer\t{ann}"}, "a tab is no blank"),
    "quoted": ({"Authorization": 'Bearer "{ann}"'}, "in quotes"),
    "x-api-key": ({"X-Api-Key": "{ann}"}, "a header of another API"),
    "cookie": ({"Cookie": "Authorization=Bearer {ann}"}, "a browser sends cookies unasked"),
    "proxy": ({"Proxy-Authorization": "Bearer {ann}"}, "meant for a proxy"),
    "from-here": ({"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"}, "says that it is from this machine"),
    "as-health": ({"X-Original-URL": "/healthz", "X-Rewrite-URL": "/healthz"}, "says that it is for another path"),
    "long-key": ({"Authorization": "Bearer tw-" + "a" * 8000}, "a key of 8 kB"),
    "star": ({"Authorization": "Bearer *"}, "a wildcard"),
    "null-word": ({"Authorization": "Bearer null"}, "what programs send that have none"),
}
DERIVED: dict[str, tuple[Callable[[str], str], str]] = {
    "hash-as-key": (lambda key: hashlib.sha256(key.encode()).hexdigest(), "the hash from the file"),
    "upper-key": (str.upper, "capitals"),
    "no-prefix": (lambda key: key.removeprefix("tw-"), "without its prefix"),
    "cut-key": (lambda key: key[:-1], "one letter short"),
    "more-key": (lambda key: key + "a", "one letter more"),
    "basic": (lambda key: base64.b64encode(f"ann:{key}".encode()).decode(), "as of the Basic scheme"),
}
PATHS = {
    "encoded-letter": ("/v1/%63hat/completions", "encoded"),
    "double-slash": ("//v1/models", "double slash"),
    "dots": ("/v1/../v1/models", "dots"),
    "dots-from-open": ("/healthz/../v1/models", "from an open path"),
    "encoded-dots": ("/healthz/%2e%2e/v1/models", "encoded dots from an open path"),
    "encoded-slash": ("/healthz%2f..%2fv1%2fmodels", "encoded slashes"),
    "semicolon": ("/healthz;/../v1/models", "a parameter of a path"),
    "capitals": ("/V1/MODELS", "capitals"),
    "end-slash": ("/v1/models/", "a slash at the end"),
    "nul": ("/v1/models%00", "a NUL at the end"),
    "backslash": ("/healthz\\..\\v1\\models", "backslashes"),
    "double-encoded": ("/v1/%256dodels", "encoded twice"),
    "overlong": ("/v1/%c0%af", "overlong UTF-8"),
    "question-encoded": ("/v1/models%3f", "an encoded question mark"),
    "hash": ("/healthz#/../v1/models", "a fragment"),
    "document": ("/openapi.json", "the document tells the version"),
    "figures": ("/metrics", "figures tell what is asked"),
    "favicon": ("/docs", "no page is served"),
}

_TWO = b"Authorization: Bearer {ann}\r\nAuthorization: Bearer x\r\n"
CASES: list[Case] = [
    *(Case(f"auth-{name}", "auth", why, _with(**headers), _NO) for name, (headers, why) in HEADERS.items()),
    *(Case(f"auth-{name}", "auth", why, _derived(change), _NO) for name, (change, why) in DERIVED.items()),
    *(
        Case(f"path-{name}", "auth", why, _path(target), _NOT_THERE | {400, 405})
        for name, (target, why) in PATHS.items()
    ),
    *(
        Case(f"method-{method.lower()}", "auth", "another method", _path("/v1/models", method), _NO | {400, 405})
        for method in ("HEAD", "OPTIONS", "TRACE", "PUT", "PROPFIND", "get", "CONNECT")
    ),
    Case("auth-case-and-blank", "auth", "case and blank", _same_every_time, frozenset({200, 401})),
    Case("auth-empty-key", "auth", "empty key", _raw(b"Authorization: Bearer \r\n"), _NO),
    Case("auth-two-headers", "auth", "two headers", _raw(_TWO), _NO),
    Case("auth-folded", "auth", "a folded header", _raw(b"Authorization: Bearer\r\n {ann}\r\n"), _NO | {200, 400}),
    Case("auth-latin", "auth", "bytes that are no text", _raw(b"Authorization: Bearer \xff\xfe\r\n"), _NO | {400}),
    Case("auth-nul", "auth", "a NUL", _raw(b"Authorization: Bearer {ann}\x00\r\n"), _NO | {400}),
    Case(
        "auth-query",
        "auth",
        "a key in the address ends in logs",
        lambda place: place.call("GET", f"/v1/models?api_key={place.keys['ann']}", to=place.keyed),
        _NO,
    ),
    Case(
        "auth-open-paths",
        "auth",
        "open paths tell more than ok",
        lambda place: place.call("GET", "/readyz", to=place.keyed),
        frozenset({200}),
        check=_only_ok,
    ),
    Case("auth-removed", "auth", "a key that was removed", _removed, _NO),
    Case("auth-guessed", "auth", "many guesses", _guessed, _NO),
]
