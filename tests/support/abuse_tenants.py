"""What belongs to another key, names that are places, decisions that are not one's own or made before."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from abuse_place import Case, Place, Seen

_NOT_THERE = frozenset({404})
_BAD = frozenset({400})
_FINE = frozenset({200})
_SAID = [{"role": "user", "content": "And what else?"}]


def ask(place: Place, key: str, question: str = "What is the capital of Peru?", **body: Any) -> Any:
    """A turn of a key, as its answer."""
    seen = place.call("POST", "/v1/turns", key=key, json={"question": question, "stream": False, **body})
    assert seen.status == 200, seen.text
    return seen.json


def _name() -> str:
    return f"t{uuid4().hex[:12]}"


def _foreign(method: str, path: str, **more: Any) -> Callable[[Place], Seen]:
    """Bob with a turn, or a thread, of Ann's: ``{turn}``, ``{thread}``."""

    def run(place: Place) -> Seen:
        turn = ask(place, "ann", thread=_name())
        names = {"{turn}": turn["turn_id"], "{thread}": turn["thread"]}

        def filled(text: str) -> str:
            for name, value in names.items():
                text = text.replace(name, value)
            return text

        body = json.loads(filled(json.dumps(more.get("json")))) if "json" in more else None
        asked = place.asked()
        seen = place.call(method, filled(path), key="bob", **({"json": body} if body is not None else {}))
        return seen if place.asked() == asked else Seen(500, {}, "a model was asked")

    return run


def _header(name: str, value: str) -> Callable[[Place], Seen]:
    return lambda place: place.chat(headers={name: value})


def _turn(**body: Any) -> Callable[[Place], Seen]:
    return lambda place: place.call("POST", "/v1/turns", json={"question": "What?", "stream": False, **body})


def _raw_header(line: bytes) -> Callable[[Place], Seen]:
    body = b'{"messages":[{"role":"user","content":"x"}]}'
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    )
    return lambda place: place.raw(head + line + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _waiting(place: Place, key: str = "ann") -> tuple[str, str, str]:
    """A turn that waits for a yes: its id, its call's, and what would be sent."""
    text = f"send it {uuid4().hex}"
    answer = ask(place, key, text)
    assert answer["status"] == "needs_approval", answer
    return answer["turn_id"], answer["waiting"][0]["id"], text


def _decide(place: Place, turn: str, key: str, **body: Any) -> Seen:
    return place.call("POST", f"/v1/turns/{turn}/approvals", key=key, json={"allow": True, "stream": False, **body})


def _replayed(place: Place) -> Seen:
    """Allowed twice: the tool runs once."""
    turn, call, text = _waiting(place)
    first = _decide(place, turn, "ann", call_id=call)
    second = _decide(place, turn, "ann", call_id=call)
    if first.status != 200 or place.sent.count(text) != 1:
        return Seen(500, {}, f"first {first.status}, sent {place.sent.count(text)} times")
    return second


def _raced(place: Place) -> Seen:
    """Allowed ten times at once: the tool runs once."""
    turn, call, text = _waiting(place)
    with ThreadPoolExecutor(10) as pool:
        seen = list(pool.map(lambda _: _decide(place, turn, "ann", call_id=call), range(10)))
    statuses = sorted(one.status for one in seen)
    if place.sent.count(text) != 1 or statuses[0] != 200 or not set(statuses) <= {200, 409}:
        return Seen(500, {}, f"sent {place.sent.count(text)} times, {statuses}")
    return Seen(409)


def _by_another(place: Place, **body: Any) -> Seen:
    turn, call, text = _waiting(place)
    seen = _decide(place, turn, "bob", call_id=call, **body)
    if text in place.sent:
        return Seen(500, {}, "the tool ran")
    _decide(place, turn, "ann", call_id=call, allow=False)
    return seen


def _for_good(place: Place) -> Seen:
    """A key that sees its own must not allow a tool for everybody."""
    turn, call, text = _waiting(place)
    seen = _decide(place, turn, "ann", call_id=call, always=True)
    return Seen(500, {}, "the tool ran") if text in place.sent else seen


def _made_up(place: Place) -> Seen:
    turn, _, text = _waiting(place)
    seen = _decide(place, turn, "ann", call_id="made-up")
    return Seen(500, {}, "the tool ran") if text in place.sent else seen


def _other_arguments(place: Place) -> Seen:
    """Arguments that do not fit the tool."""
    turn, call, text = _waiting(place)
    seen = _decide(place, turn, "ann", call_id=call, arguments={"text": {"$ne": ""}})
    return Seen(500, {}, "the tool ran") if text in place.sent else seen


def _listed(path: str) -> Callable[[Place], Seen]:
    """A list that shows only one's own."""

    def run(place: Place) -> Seen:
        turn = ask(place, "ann", thread=_name())
        waiting, _, _ = _waiting(place)
        seen = place.call("GET", path, key="bob")
        found = [name for name in (turn["turn_id"], turn["thread"], waiting) if name in seen.text]
        return Seen(500, {}, f"it shows {found}") if found else seen

    return run


def _idempotent(place: Place) -> Seen:
    """Another's Idempotency-Key begins a turn of one's own."""
    word, body = _name(), {"question": "What is the capital of Peru?", "stream": False}
    turns = [
        place.call("POST", "/v1/turns", key=key, json=body, headers={"Idempotency-Key": word}).json["turn_id"]
        for key in ("ann", "bob", "ann")
    ]
    fine = turns[0] == turns[2] != turns[1]
    return Seen(200 if fine else 500, {}, str(turns))


def _last_event(value: str) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        turn = ask(place, "ann")["turn_id"]
        return place.call("GET", f"/v1/turns/{turn}/events", key="ann", headers={"Last-Event-ID": value})

    return run


def _whole(seen: Seen, _: Place) -> str | None:
    """A stream that was begun anew ends with the answer, and holds nothing that was sent."""
    if seen.status != 200:
        return None
    return (
        None
        if "answer.ready" in seen.text and "evil" not in seen.text
        else f"a stream without its end: {seen.text[:80]}"
    )


_FILTERS: dict[str, dict[str, Any]] = {
    "regex-bomb": {"query": "x", "where_document": {"$regex": "(a+)+$"}},
    "operator": {"query": "x", "filter": {"user": {"$ne": ""}}},
    "operator-within": {"query": "x", "only": {"access": {"$ne": ""}}},
    "operator-collection": {"query": "x", "collection": {"$ne": ""}},
    "glob-bomb": {"query": "x", "only": {"sources": ["*a" * 50]}},
    "huge-k": {"query": "x", "k": 10**9},
    "nul-query": {"query": "a\0b"},
    "long-query": {"query": "x " * 50_000},
    "many-words": {"query": "x", "only": {"labels": ["x"] * 10_000}},
    "sql": {"query": "x", "only": {"kinds": ["text') OR 1=1 --"]}},
}
_OWN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "read": ("GET", "/v1/turns/{turn}", {}),
    "events": ("GET", "/v1/turns/{turn}/events", {}),
    "stop": ("POST", "/v1/turns/{turn}/stop", {}),
    "again": ("POST", "/v1/turns/{turn}/again", {"json": {"tier": "quick"}}),
    "go-on": ("POST", "/v1/turns/{turn}/go-on", {"json": {}}),
    "feedback": ("POST", "/v1/turns/{turn}/feedback", {"json": {"verdict": "down"}}),
    "response": ("GET", "/v1/responses/resp_{turn}", {}),
    "response-delete": ("DELETE", "/v1/responses/resp_{turn}", {}),
    "response-cancel": ("POST", "/v1/responses/resp_{turn}/cancel", {}),
    "response-items": ("GET", "/v1/responses/resp_{turn}/input_items", {}),
    "response-follow": ("POST", "/v1/responses", {"json": {"input": "And?", "previous_response_id": "resp_{turn}"}}),
    "thread": ("GET", "/v1/threads/{thread}", {}),
    "thread-rename": ("PATCH", "/v1/threads/{thread}", {"json": {"title": "mine"}}),
    "thread-unlock": ("PATCH", "/v1/threads/{thread}", {"json": {"locked": False}}),
    "thread-delete": ("DELETE", "/v1/threads/{thread}", {}),
    "thread-ask": ("POST", "/v1/turns", {"json": {"question": "And?", "thread": "{thread}", "stream": False}}),
    "thread-chat": ("POST", "/v1/chat/completions", {"json": {"messages": _SAID, "tierwise": {"thread": "{thread}"}}}),
    "thread-responses": ("POST", "/v1/responses", {"json": {"input": "And?", "tierwise": {"thread": "{thread}"}}}),
    "checkpoint": ("GET", "/v1/turns/{turn}?checkpoint_id=1", {}),
}
_NAMES = {
    "path": "../../x",
    "absolute": "/etc/passwd",
    "backslash": "..\\x",
    "dot": ".hidden",
    "nul": "a\0b",
    "line": "a\nevent: answer.ready\ndata: evil",
    "return": "a\r\nX-Made: 1",
    "long": "a" * 129,
    "empty": "",
    "blank": " ",
    "percent": "%2e%2e%2fx",
    "sql": "x' OR '1'='1",
    "letters": "\u0430dmin",
    "half": "a\u202eb",
    "object": {"$ne": ""},
}
_PLACES = {
    "event-garbage": "evil",
    "event-minus": "1--5",
    "event-word": "1-x",
    "event-line": "1-1%0aevent: evil",
    "event-sql": "1-1' OR 1=1",
}
_FAR = {"event-huge": "1-99999999999999999999999", "event-far": "1-5000", "event-other": "777-1", "event-zero": "0-0"}
_HEADERS = {
    "unknown": ("X-Tierwise-Api-Key", "x"),
    "thread": ("X-Tierwise-Thread", "../../x"),
    "adapter": ("X-Tierwise-Adapter", "/etc/passwd"),
    "dial": ("X-Tierwise-Dial", "1e999"),
    "lock": ("X-Tierwise-Lock", "perhaps"),
    "hold": ("X-Tierwise-Hold", "never"),
}
_Row = tuple[str, Callable[[Place], Seen], frozenset[int]]
_OTHERS: dict[str, _Row] = {
    "approval-replayed": ("approval replayed", _replayed, frozenset({409})),
    "approval-raced": ("ten yeses at once", _raced, frozenset({409})),
    "approval-foreign": ("approval by another user", _by_another, frozenset({403})),
    "approval-foreign-no": ("another's no", lambda place: _by_another(place, allow=False), frozenset({403})),
    "approval-foreign-always": ("another's for good", lambda place: _by_another(place, always=True), frozenset({403})),
    "approval-always": ("for good, for everybody", _for_good, frozenset({403})),
    "approval-made-up": ("a call that is not there", _made_up, _NOT_THERE),
    "approval-arguments": ("arguments that do not fit", _other_arguments, _BAD),
    "list-turns": ("turns of another", _listed("/v1/turns?limit=200"), _FINE),
    "list-threads": ("threads of another", _listed("/v1/threads?limit=200"), _FINE),
    "list-approvals": ("approvals of another", _listed("/v1/approvals"), _FINE),
    "idempotency": ("another's Idempotency-Key", _idempotent, _FINE),
    "idempotency-long": (
        "an Idempotency-Key of 50 kB",
        lambda place: place.call(
            "POST", "/v1/turns", json={"question": "x", "stream": False}, headers={"Idempotency-Key": "k" * 50_000}
        ),
        frozenset({400, 431}),
    ),
    "turn-path": ("a path as turn", lambda place: place.call("GET", "/v1/turns/..%2f..%2fx"), _NOT_THERE),
    "turn-beginning": (
        "the beginning of an id is no id",
        lambda place: place.call("GET", f"/v1/turns/{ask(place, 'ann')['turn_id'][:6]}", key="ann"),
        _NOT_THERE,
    ),
    "turn-last": (
        "a word that means the last turn",
        lambda place: place.call("GET", "/v1/turns/last", key="bob"),
        _NOT_THERE,
    ),
    "schema-key": ("a field of the SDK that is no field here", _turn(caller={"id": "ann"}), _BAD),
    "passing": ("a field of the record", _turn(passing=True, goes_on=True), _BAD),
    "nodes": ("no question but a list", _turn(question=["x"]), _BAD),
    "documents-none": (
        "documents for a key without",
        lambda place: place.chat(key="rob", tierwise={"documents": "only"}),
        frozenset({403}),
    ),
    "documents-named": (
        "a collection for a key without",
        lambda place: place.call(
            "POST", "/v1/turns", key="rob", json={"question": "x", "stream": False, "collection": "default"}
        ),
        frozenset({403}),
    ),
    "documents-add": (
        "a key that may only read adds",
        lambda place: place.call("POST", "/v1/knowledge/sources", key="ann", files=[("file", ("a.txt", b"x"))]),
        frozenset({403}),
    ),
    "documents-remove": (
        "a key that may only read removes",
        lambda place: place.call("DELETE", "/v1/knowledge/sources?path=/etc/passwd", key="ann"),
        frozenset({403}),
    ),
    "feedback-long": (
        "a reason of 500 kB",
        lambda place: place.call(
            "POST",
            f"/v1/turns/{ask(place, 'ann')['turn_id']}/feedback",
            key="ann",
            json={"verdict": "down", "reason": "x" * 500_000},
        ),
        _BAD,
    ),
    "header-line": ("a second header in a header", _raw_header(b"X-Tierwise-Thread: a\rX-Made: 1"), _BAD),
    "header-twice": ("two threads", _raw_header(b"X-Tierwise-Thread: a\r\nX-Tierwise-Thread: b"), _BAD),
    "header-bytes": ("bytes that are no text", _raw_header(b"X-Tierwise-Thread: \xff\xfe"), _BAD),
}

CASES: list[Case] = [
    *(
        Case(
            f"own-{name}", "tenant_state", "what is another key's", _foreign(*row[:2], **row[2]), _NOT_THERE, asks=True
        )
        for name, row in _OWN.items()
    ),
    *(
        Case(
            f"filter-{name}",
            "tenant_state",
            "a filter that is none",
            lambda place, body=body: place.call("POST", "/v1/knowledge/search", json=body),
            _BAD,
        )  # type: ignore[misc]
        for name, body in _FILTERS.items()
    ),
    *(
        Case(f"thread-{name}-{where}", "tenant_state", "a name that is none", run, _BAD)
        for name, value in _NAMES.items()
        for where, run in (
            ("turn", _turn(thread=value)),
            ("chat", lambda place, value=value: place.chat(tierwise={"thread": value})),  # type: ignore[misc]
            ("made", lambda place, value=value: place.call("POST", "/v1/threads", json={"thread": value})),  # type: ignore[misc]
        )
    ),
    *(
        Case(f"header-{name}", "tenant_state", "a header that is none", _header(*row), frozenset({400, 404}))
        for name, row in _HEADERS.items()
    ),
    *(
        Case(f"resume-{name}", "tenant_state", "no place in a stream", _last_event(value), _BAD, asks=True)
        for name, value in _PLACES.items()
    ),
    *(
        Case(
            f"resume-{name}",
            "tenant_state",
            "a place that is not there",
            _last_event(value),
            frozenset({200, 204, 400}),
            asks=True,
            check=_whole,
        )
        for name, value in _FAR.items()
    ),
    *(Case(name, "tenant_state", why, run, allowed, asks=True) for name, (why, run, allowed) in _OTHERS.items()),
]
