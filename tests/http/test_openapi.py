"""One document tells of every route what it takes and gives; programs that are made from it work."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi.routing import APIRoute
from serving import Server, serving

ROOT = Path(__file__).parents[2]
ERROR = {"$ref": "#/components/schemas/Error"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    answer = server.client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, told) for path, methods in document["paths"].items() for method, told in methods.items()]


def resolved(document: dict[str, Any], value: Any) -> Any:
    while "$ref" in value:
        found: Any = document
        for word in value["$ref"].removeprefix("#/").split("/"):
            found = found[word]
        value = found
    return value


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_somewhere_and_nothing_is_left_over(document: dict[str, Any]) -> None:
    used = set(references(document))
    for reference in used:
        assert resolved(document, {"$ref": reference})
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert schemas - used == set()


def test_every_schema_is_one(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_operation_can_be_called_by_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [told["operationId"] for _, _, told in operations(document)]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []
    known = {tag["name"] for tag in document["tags"]}
    for path, method, told in operations(document):
        assert set(told["tags"]) <= known, f"{method} {path}"
        assert told["summary"], f"{method} {path}"
        assert told["description"], f"{method} {path}"


def test_every_operation_tells_its_errors_and_what_it_gives(document: dict[str, Any]) -> None:
    for path, method, told in operations(document):
        where = f"{method} {path}"
        assert any(status.startswith("2") for status in told["responses"]), where
        for status, response in told["responses"].items():
            found = resolved(document, response)
            assert "X-Request-Id" in found["headers"], where
            contents = {kind: content.get("schema") for kind, content in found.get("content", {}).items()}
            if status.startswith("2") or (path, status) == ("/readyz", "503"):
                assert contents or status == "204", where
                assert contents.get("application/json", True), f"{where} {status}"
            else:
                assert contents == {"application/json": ERROR}, f"{where} {status}"


def test_keys_are_told_of_and_open_paths_need_none(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert document["security"] == [{"key": []}, {}]
    free = {path for path, _, told in operations(document) if told.get("security") == []}
    assert free == {"/healthz", "/readyz"}


def test_no_route_is_left_out(server: Server, document: dict[str, Any]) -> None:
    told = {(path, method.upper()) for path, method, _ in operations(document)}
    assert {
        ("/v1/chat/completions", "POST"),
        ("/v1/responses", "POST"),
        ("/v1/turns", "POST"),
        ("/metrics", "GET"),
    } <= told
    hidden = [r.path for r in server.app.routes if isinstance(r, APIRoute) and not r.include_in_schema]
    assert hidden == []


def test_the_openai_routes_take_fields_that_are_not_listed(document: dict[str, Any]) -> None:
    for path in ("/v1/chat/completions", "/v1/responses"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert resolved(document, body)["additionalProperties"] is True


def test_what_the_server_says_is_what_the_document_tells(server: Server, document: dict[str, Any]) -> None:
    client = server.client
    turn = client.post("/v1/turns", json={"question": "What?", "stream": False}).json()["turn_id"]
    client.post("/v1/knowledge/sources", files=[("file", ("a.txt", b"A claim may take fourteen days."))])
    for method, path, template, body in (
        ("get", "/v1/models", None, None),
        ("get", "/v1/knowledge/collections", None, None),
        ("get", "/v1/knowledge/sources", None, None),
        ("post", "/v1/knowledge/search", None, {"query": "claim"}),
        ("get", f"/v1/turns/{turn}", "/v1/turns/{turn_id}", None),
        ("get", "/v1/turns", None, None),
        ("get", "/v1/threads", None, None),
        ("get", "/v1/approvals", None, None),
        ("post", "/v1/turns", None, {"question": "What?", "stream": False}),
        ("post", "/v1/chat/completions", None, {"messages": [{"role": "user", "content": "What?"}]}),
        ("post", "/v1/responses", None, {"input": "What?"}),
        ("get", "/v1/turns/nothing", "/v1/turns/{turn_id}", None),
        ("get", "/readyz", None, None),
    ):
        answer = client.request(method, path, json=body)
        told = document["paths"][template or path][method]["responses"][str(answer.status_code)]
        schema = resolved(document, told)["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), {**schema, "components": document["components"]})


@pytest.mark.slow
def test_made_up_requests_break_nothing() -> None:
    command = [sys.executable, "-m", "benches.serve_schema", "--cases", "40", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
