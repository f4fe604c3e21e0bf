"""What a key that sees only its own is told of this machine: names of files, and no folders."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request

from tierwise import to_json
from tierwise_app.serve.parts import key_of
from tierwise_app.serve.problems import without_paths

_PLACES = frozenset({"source", "sources", "document", "files", "path", "origin"})
_WORDS = frozenset({"error", "message", "why"})
_MODELS = frozenset({"model", "model_requested", "model_served"})  # llama:/a/file.gguf
_LISTS = frozenset({"notices", "reasons"})  # each with a text of ours
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.I)


def is_discreet(request: Request) -> bool:
    """Whether whoever asks is not to learn where things are on this machine."""
    key = key_of(request)
    return key is not None and key.sees != "all"


def shown(request: Request, value: Any) -> Any:
    """A value of ours as whoever asks may see it, in JSON."""
    return without_folders(to_json(value)) if is_discreet(request) else to_json(value)


def without_folders(value: Any) -> Any:
    """JSON values with the names of files in place of their paths; what people and models wrote stays as it is."""
    if isinstance(value, list):
        return [without_folders(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _value(name, one) for name, one in value.items()}


def model_name(model: str) -> str:
    """A model as configuration names it, without the folder of its file."""
    kind, _, where = model.partition(":")
    return f"{kind}:{_name(where)}" if kind == "llama" else model


def _value(name: str, value: Any) -> Any:
    if name in _PLACES:
        return [_name(one) for one in value] if isinstance(value, list) else _name(value)
    if name in _MODELS and isinstance(value, str):
        return model_name(value)
    if name in _WORDS and isinstance(value, str):
        return without_paths(value)
    if name in _LISTS and isinstance(value, list):
        return [_plain(one) for one in value]
    return without_folders(value)


def _name(value: Any) -> Any:
    if not isinstance(value, str):
        return without_folders(value)
    return value if _ADDRESS.match(value) else re.split(r"[\\/]", value.rstrip("\\/"))[-1]


def _plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return without_folders(value)
    return {name: without_paths(one) if isinstance(one, str) else without_folders(one) for name, one in value.items()}
