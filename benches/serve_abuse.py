"""Does the HTTP server accept what it should refuse? By rows of attacks: those of a file, and our own.

    python -m benches.serve_abuse [--data FILE]

FILE holds rows (id, kind, request, expect, why) of the kinds ``auth``, ``body``, ``browser`` and ``tenant_state``. What
a row asks for in words is made a real request here; one that nobody has made is an error. Our own rows are those of
``tests/http/test_abuse.py``. Two real servers on loopback, one with keys and one without; wrong keys are not slowed
down in them, but for the row that is about that.

Bar: wrong accepts 0.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import abuse_auth  # noqa: E402
import abuse_kinds  # noqa: E402
import abuse_messages  # noqa: E402
import abuse_tenants  # noqa: E402
import abuse_tools  # noqa: E402
import abuse_wire  # noqa: E402
from abuse_place import REFUSED, Case, Place, Seen, abused, wrong_with  # noqa: E402

from tierwise_app.serve.guard import access  # noqa: E402
from tierwise_app.serve.keys import Keys  # noqa: E402

OWN = [
    *(abuse_auth.CASES + abuse_messages.CASES + abuse_tools.CASES),
    *(abuse_kinds.CASES + abuse_wire.CASES + abuse_tenants.CASES),
]
Row = dict[str, Any]
GUESSES = 10_000
ROUNDS = 300
_SLOWED = 4  # times what the first wrong key waits
_LEVEL = 0.25  # of the time of a wrong key, by which a nearly right one may differ


def guesses(place: Place) -> Seen:
    """Wrong keys in a row are slowed down, and how wrong a key is cannot be told from how long it takes."""
    keys: Keys = place.keyed.parts.keys
    right = place.keys["ann"]
    near, far = right[:-1] + ("a" if right[-1] != "a" else "b"), "tw-" + "z" * (len(right) - 3)
    times: dict[str, list[float]] = {near: [], far: [], right: []}
    for _ in range(GUESSES // ROUNDS):
        for secret, taken in times.items():
            began = time.perf_counter()
            for _ in range(ROUNDS // 3):
                keys.find(secret)
            taken.append(time.perf_counter() - began)
    medians = {
        name: statistics.median(taken) for name, taken in zip(("near", "far", "right"), times.values(), strict=True)
    }
    apart = abs(medians["near"] - medians["far"]) / medians["far"]
    before = access._FIRST, access._LONGEST
    access._FIRST, access._LONGEST = 0.05, 1.0
    try:
        waits = []
        for n in range(8):
            began = time.perf_counter()
            seen = place.call("GET", "/v1/models", key=f"tw-slow{n}")
            waits.append(time.perf_counter() - began)
            if seen.status != 401:
                return Seen(500, {}, f"a wrong key got {seen.status}")
    finally:
        access._FIRST, access._LONGEST = before
    if apart > _LEVEL or waits[-1] < _SLOWED * 0.05:
        return Seen(500, {}, f"near and far keys differ by {apart:.0%}; the eighth wrong key waited {waits[-1]:.2f} s")
    return Seen(401)


def own(name: str) -> Callable[[Place], Seen]:
    """One of our own rows, by its name."""
    return next(case for case in OWN if case.id == name).run


def made(row: Row) -> Case:
    """A row as a real request.

    Raises:
        KeyError: if nobody has made it one.
    """
    request, why = row["request"], row["why"]
    run, allowed, asks = _of_words(request, why)
    return Case(
        row["id"], row["kind"], why, run, allowed, asks=asks, check=_granted if "Origin" in str(request) else None
    )


def _granted(seen: Seen, _: Place) -> str | None:
    return "CORS is granted" if "access-control-allow-origin" in seen.headers else None


def _of_words(request: Row, why: str) -> tuple[Callable[[Place], Seen], frozenset[int], bool]:
    at = frozenset
    if "timing" in request:
        return guesses, at({401}), False
    if "body_recipe" in request:
        text, _, times = request["body_recipe"].rpartition("*")
        body = ast.literal_eval(text.strip()).encode() * int(times)
        return (lambda place: place.body(body)), at({400}), False
    if "body_mb" in request:
        size = int(request["body_mb"] * 1_000_000)
        return (lambda place: place.body(b'"' + b"a" * size)), at({413, 0}), False
    if "upload" in request:
        name, data = request["upload"]["name"], b"MZ\x90\x00" + bytes(200)
        return (
            (lambda place: place.call("POST", "/v1/knowledge/sources", files=[("file", (name, data))])),
            at({422}),
            False,
        )
    if "json" in request:
        return _of_json(request["json"])
    if "method" in request:  # of the app in the browser; here there is nothing to be had
        return (lambda place: place.call(request["method"], request["path"])), at({403, 404}), False
    if "path" in request:
        line = f"POST {request['path']} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n".encode()
        return (lambda place: place.raw(line, to=place.keyed)), at({401, 404}), False
    if "headers" in request:
        return _of_headers(request["headers"])
    words: list[tuple[bool, str, set[int]]] = [
        ("where_document" in request, "filter-regex-bomb", {400}),
        ("filter" in request, "filter-operator", {400}),
        ("checkpoint_id" in request, "own-checkpoint", {404}),
        ("thread_id" in request, "thread-path-turn", {400}),
        (request.get("resume") == "twice", "approval-replayed", {409}),
        ("by" in request, "approval-foreign", {403}),
    ]
    for fits, name, statuses in words:
        if fits:
            return own(name), at(statuses), True
    raise KeyError(f"nobody has made a request of: {why} ({json.dumps(request)})")


def _of_json(body: Row) -> tuple[Callable[[Place], Seen], frozenset[int], bool]:
    messages = body.get("messages")
    by_policy = bool(messages) and messages[0]["role"] == "system"
    said = [*messages, {"role": "user", "content": "What?"}] if by_policy else messages
    whole = {**body, **({"messages": said} if messages is not None else {})}
    clamped = "max_tokens" in body
    allowed = {200, 400} if by_policy or clamped else {404} if "model" in body else {400}
    return (lambda place: place.chat(**whole)), frozenset(allowed), by_policy or clamped


def _of_headers(headers: Row) -> tuple[Callable[[Place], Seen], frozenset[int], bool]:
    if "Origin" in headers:
        return (lambda place: place.chat(headers=headers)), REFUSED, False
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def run(place: Place) -> Seen:
        text = f"GET /v1/models HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n{lines}\r\n"
        seen = [place.raw(text.replace("KEY", place.keys["ann"]).encode(), to=place.keyed) for _ in range(3)]
        return seen[0] if len({one.status for one in seen}) == 1 else Seen(500, {}, "once so, once otherwise")

    return run, frozenset({200, 401} if "KEY" in lines else {401}), False


def judge(name: str, cases: list[Case], place: Place) -> int:
    """Try them all and print how it went; how many were wrong."""
    all_, wrong = Counter[str](), Counter[str]()
    for case in cases:
        all_[case.kind] += 1
        if (text := wrong_with(case, place)) is not None:
            wrong[case.kind] += 1
            print(f"  WRONG {case.id} ({case.why}): {text}")
    for kind, count in sorted(all_.items()):
        print(f"  {kind:14} {count - wrong[kind]:3} of {count}")
    print(f"{name}: {all_.total()} rows, wrong accepts {wrong.total()}")
    return wrong.total()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    args = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name, abused(Path(name)) as place:
        if args.data is not None:
            rows = [json.loads(line) for line in args.data.read_text(encoding="utf-8").splitlines() if line.strip()]
            wrong += judge("rows of the file", [made(row) for row in rows], place)
        wrong += judge("our own rows", OWN, place)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
