"""The OpenAPI document: what FastAPI tells of the routes, with the errors, keys and headers that all of them have."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from tierwise import __version__

_ABOUT = """\
Answers on your machine, asks a bigger model only when it must, and shows you why.

`/v1/chat/completions`, `/v1/responses` and `/v1/models` are those of the OpenAI API: a program that speaks it needs
only another base URL. They take fields that are not listed here: one without effect is named in `X-Tierwise-Ignored`,
one that would change what is meant is refused. What is ours is in the field `tierwise` of requests and responses.

`/v1/turns`, `/v1/threads`, `/v1/approvals` and `/v1/knowledge` are our own: every event of a turn as it happens,
threads that go on, tool calls that wait for a yes, documents.

Where the server listens beyond this machine, or keys were made (`tierwise serve keys add`), every request needs one.
"""
_TAGS = [
    {"name": "OpenAI", "description": "Chat Completions, Responses and models, as of the OpenAI API."},
    {"name": "turns", "description": "Questions, with everything that happens to them as events."},
    {"name": "threads", "description": "Conversations that the server keeps."},
    {"name": "approvals", "description": "Tool calls, and what would leave the device, that wait for a person."},
    {"name": "feedback", "description": "What people thought of answers."},
    {"name": "knowledge", "description": "Documents: added, removed, searched."},
    {"name": "health", "description": "Whether the server lives, can answer, and what it has counted."},
]
_OPEN = ("/healthz", "/readyz")  # need no key
_ERROR = {
    "title": "Error",
    "description": "What went wrong, in the form that programs of the OpenAI API know.",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "description": "What happened, why, and the one thing to do."},
                "type": {"type": "string", "description": "The kind of error.", "examples": ["invalid_request_error"]},
                "param": {"type": ["string", "null"], "description": "Which part of the request."},
                "code": {"type": ["string", "null"], "description": "One word, for programs."},
            },
            "additionalProperties": True,
        }
    },
    "examples": [
        {
            "error": {
                "message": "There is no tier 'large'.",
                "type": "not_found_error",
                "param": "model",
                "code": "model_not_found",
            }
        }
    ],
}
_ALWAYS = {
    "401": "A key is needed, and there is none, or not one that is known.",
    "403": "This key, or this web page, may not do that; or a lock, a guard or the budget said no.",
    "421": "The server does not go by the name in `Host`.",
    "429": "Too many requests, or too much spent; `Retry-After` says when it may go better.",
    "500": "The server failed; its log says more under the request's id.",
    "503": "The server is busy or about to end; `Retry-After` says when it may go better.",
}
_WITH_INPUT = {
    "400": "The request cannot be read, or is not allowed as it is.",
    "404": "There is no such thing, or it is another key's.",
}
_WITH_BODY = {
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The body is of a kind that is not read.",
}
_METHODS = ("get", "put", "post", "delete", "patch", "options", "head")


def describe(app: FastAPI) -> None:
    """Make the application tell its own document."""
    app.openapi = partial(_document, app)  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(
            title="tierwise", version=__version__, description=_ABOUT, routes=app.routes, tags=_TAGS,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )  # fmt: skip
        _complete(made)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(made: dict[str, Any]) -> None:
    parts = made.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    errors = [name for name, schema in schemas.items() if [*schema.get("properties", {})] == ["error"]]
    for name in ("HTTPValidationError", "ValidationError", *errors):
        schemas.pop(name, None)
    schemas["Error"] = _ERROR
    parts["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key of `tierwise serve keys add`."}
    }
    parts["headers"] = {
        "RequestId": {"description": "Names the request in the server's log.", "schema": {"type": "string"}}
    }
    texts = _ALWAYS | _WITH_INPUT | _WITH_BODY
    parts["responses"] = {f"Error{status}": _error(text) for status, text in texts.items()}
    parts["responses"]["Error"] = _error("What went wrong.")
    made["security"] = [{"key": []}, {}]
    used = set()
    for path, methods in made["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                used |= {*operation.get("tags", ())}
                _finish(operation, path, {f"#/components/schemas/{name}" for name in errors})
    made["tags"] = [tag for tag in made["tags"] if tag["name"] in used]
    _drop_unused(made, schemas)


def _drop_unused(made: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Take out schemas that nothing refers to any more, those of errors by other names and what they consist of."""
    while True:
        text = json.dumps(made)
        unused = [name for name in schemas if f'"#/components/schemas/{name}"' not in text]
        if not unused:
            return
        for name in unused:
            del schemas[name]


def _finish(operation: dict[str, Any], path: str, errors: set[str]) -> None:
    """Give an operation the errors that it can end with, and the header that every response has.

    Args:
        operation: as FastAPI tells of it.
        path: its address.
        errors: other names of the schema of errors.
    """
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    statuses = {**_ALWAYS}
    if path in _OPEN:
        operation["security"] = []
        del statuses["401"], statuses["429"]
    if operation.get("parameters") or operation.get("requestBody"):
        statuses |= _WITH_INPUT
    if operation.get("requestBody"):
        statuses |= _WITH_BODY
    for status in statuses:
        responses.setdefault(status, {"$ref": f"#/components/responses/Error{status}"})
    responses.setdefault("default", {"$ref": "#/components/responses/Error"})
    for response in responses.values():
        for kind, content in response.get("content", {}).items():
            if kind == "text/event-stream":  # a schema would be one of the whole text to some, of each event to others
                content.pop("schema", None)
            if content.get("schema", {}).get("$ref") in errors:
                content["schema"] = {"$ref": "#/components/schemas/Error"}
        if "$ref" not in response:
            response.setdefault("headers", {}).setdefault("X-Request-Id", {"$ref": "#/components/headers/RequestId"})
    operation["responses"] = {status: responses[status] for status in sorted(responses)}


def _error(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
