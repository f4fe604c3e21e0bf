"""OpenAPI documents: a small API that is really served, and large documents made to measure."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import Body, FastAPI, File, Form, Header, HTTPException, Query, Request, Response, Security, UploadFile
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.security import APIKeyHeader, APIKeyQuery
from pydantic import BaseModel

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


class Item(BaseModel):
    """Something on a shelf."""

    id: int
    name: str
    tags: list[str] = []
    kind: Literal["book", "toy"] = "book"
    part_of: Item | None = None


def shop() -> FastAPI:
    """An API with one operation for each thing that can go right or wrong; it tells what it was sent."""
    app = FastAPI(title="shop", version="1.2.3")
    app.state.sent = []

    @app.middleware("http")
    async def remember(request: Request, call_next: Any) -> Any:
        app.state.sent.append((request.method, request.scope["raw_path"].decode(), dict(request.headers)))
        return await call_next(request)

    @app.get("/items/{item_id}", tags=["items"])
    async def read_item(item_id: str, tag: Annotated[list[str] | None, Query()] = None, full: bool = False) -> Any:
        """Read one item."""
        if item_id == "none":
            raise HTTPException(404, "there is no such item")
        return {"item_id": item_id, "tag": tag, "full": full}

    @app.put("/items/{id}", tags=["items"])
    async def replace_item(id: int, item: Item) -> Any:
        return {"path": id, "item": item.model_dump(exclude_none=True)}

    @app.post("/orders", tags=["orders"])
    async def place_order(
        count: Annotated[int, Body(ge=1)], note: Annotated[str, Body()], x_trace: Annotated[str, Header()]
    ) -> Any:
        return {"count": count, "note": note, "trace": x_trace}

    @app.post("/forms")
    async def send_form(name: Annotated[str, Form()], age: Annotated[int, Form()] = 3) -> Any:
        return {"name": name, "age": age}

    @app.post("/upload")
    async def upload(
        note: Annotated[str, Form()], file: Annotated[UploadFile, File()], more: Annotated[list[UploadFile], File()]
    ) -> Any:
        return {"note": note, "name": file.filename, "text": (await file.read()).decode(), "more": len(more)}

    @app.get("/table")
    async def table() -> Any:
        return Response("a,b\n1,2\n", media_type="text/csv; charset=utf-8")

    @app.get("/strict")
    async def strict(even: str) -> Any:
        raise HTTPException(422, [{"loc": ["query", "even"], "msg": f"{even} is odd"}])

    @app.get("/secret")
    async def by_header(key: Annotated[str, Security(APIKeyHeader(name="X-Key"))]) -> Any:
        if key != "s3cret-key":
            raise HTTPException(401, f"the key {key} is wrong")
        return {"echo": key, "in text": f"you sent {key}!"}

    @app.get("/secret_query")
    async def by_query(key: Annotated[str, Security(APIKeyQuery(name="api_key"))], page: int = 1) -> Any:
        return {"echo": key, "page": page}

    @app.get("/slow")
    async def slow() -> Any:
        await asyncio.sleep(20)

    @app.get("/away", dependencies=[Security(APIKeyHeader(name="X-Key", auto_error=False))])
    async def away() -> Any:
        return RedirectResponse("http://127.0.0.1:9/elsewhere?token=1", 302)

    @app.get("/moved")
    async def moved() -> Any:
        return RedirectResponse("/items/7?full=true", 302)

    @app.get("/circle")
    async def circle() -> Any:
        return RedirectResponse("/circle", 307)

    @app.post("/moved_order")
    async def moved_order() -> Any:
        return RedirectResponse("/orders", 307)

    @app.get("/big")
    async def big() -> Any:
        return PlainTextResponse("x" * 5_000_000)

    @app.get("/bomb")
    async def bomb() -> Any:
        return Response(
            gzip.compress(bytes(200_000_000), 1), headers={"content-encoding": "gzip"}, media_type="text/plain"
        )

    @app.get("/picture")
    async def picture() -> Any:
        return Response(PNG, media_type="image/png")

    @app.get("/lie")
    async def lie() -> Any:
        return Response(b"<script>alert(1)</script>", media_type="image/png")

    @app.delete("/items/{item_id}", status_code=204)
    async def remove_item(item_id: int) -> None:
        """Remove an item for good."""

    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an app on loopback; the value is its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def written(folder: Path, document: dict[str, Any]) -> Path:
    """A document in a file."""
    path = folder / "api.json"
    path.write_text(json.dumps(document))
    return path


def document_of(*operations: tuple[str, str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A small document of ``(method, path, operation)``."""
    paths: dict[str, Any] = {}
    for method, path, operation in operations:
        paths.setdefault(path, {})[method] = operation
    return {"openapi": "3.1.0", "servers": [{"url": "http://127.0.0.1:9/api"}], "paths": paths, **more}


_KINDS = (
    "user",
    "team",
    "project",
    "invoice",
    "shipment",
    "calendarEvent",
    "apiToken",
    "auditLog",
    "webhook",
    "report",
)


def large_document(operations: int) -> dict[str, Any]:
    """A document as a generator writes it for a large service, in OpenAPI 3.0.

    Every kind of id is in it: FastAPI's, camel case, with slashes, none, and one that is far too long; schemas refer to
    each other and to themselves; every tenth resource has a path and a body parameter of the same name.

    Args:
        operations: at least so many; each resource has five.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for number in range(-(-operations // 5)):
        kind = _KINDS[number % len(_KINDS)]
        plural = f"{kind}s" if number < len(_KINDS) else f"{kind}s{number}"
        schemas[f"{kind}{number}"] = _resource_schema(f"{kind}{number}", collides=number % 10 == 0)
        body = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind}{number}"}}}}
        body["required"] = True  # type: ignore[assignment]
        one, many = f"/api/v1/{plural}/{{id}}", f"/api/v1/{plural}"
        paths[many] = {
            "get": {**_id(number, "list", many, "get"), "parameters": _PAGES, "tags": [kind]},
            "post": {**_id(number, "create", many, "post"), "requestBody": body, "tags": [kind]},
        }
        paths[one] = {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {**_id(number, "get", one, "get"), "summary": f"Get one {kind}", "description": "Long. " * 400},
            "put": {**_id(number, "replace", one, "put"), "requestBody": body},
            "delete": _id(number, "delete", one, "delete"),
        }
    return {
        "openapi": "3.0.3",
        "info": {"title": "large", "version": "2"},
        "servers": [{"url": "https://{region}.example.org/", "variables": {"region": {"default": "eu"}}}],
        "paths": paths,
        "components": {"schemas": schemas},
    }


_PAGES = [
    {"name": "page[size]", "in": "query", "schema": {"type": "integer", "minimum": 0, "exclusiveMinimum": True}},
    {"name": "sort", "in": "query", "schema": {"type": "string", "nullable": True, "enum": ["asc", "desc"]}},
    {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}},
]


def _id(number: int, verb: str, path: str, method: str) -> dict[str, str]:
    words = path.split("/")[3]
    kinds = (
        f"{verb}{words[0].upper()}{words[1:]}",
        f"{verb}_{words}{path}".translate(str.maketrans("/{}", "___")) + f"_{method}",
        f"{words}/{verb}-{words}",
        None,
        f"{verb}{words.capitalize()}" + "WithEveryRelatedResourceOfTheOrganisationIncluded" * 2,
    )
    made = kinds[number % len(kinds)]
    return {} if made is None else {"operationId": made}


def _resource_schema(name: str, *, collides: bool) -> dict[str, Any]:
    own = {"id": {"type": "integer"}} if collides else {"id": {"type": "integer", "readOnly": True}}
    return {
        "allOf": [
            {"type": "object", "required": ["id", "name"], "properties": own},
            {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "maxLength": 80, "example": "a name"},
                    "parent": {"nullable": True, "allOf": [{"$ref": f"#/components/schemas/{name}"}]},
                    "children": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}},
                    "state": {"type": "string", "enum": ["on", "off"], "default": "on"},
                    "price": {"oneOf": [{"type": "number"}, {"type": "string", "format": "decimal"}]},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
        ]
    }
