"""Whether what a model wrote fits its schema, and the forms that some servers want it in."""

from __future__ import annotations

import json
import re
from typing import Any

from tierwise.errors import InvalidOutput, SchemaNotSupported
from tierwise.models.schemas.validator import said, validator

_FENCED = re.compile(r"\A```[^`\n]*\n(.*?)\s*```\Z", re.DOTALL)
_WRAPPER = "value"


def check(text: str, schema: dict[str, Any]) -> Any:
    """Read an answer.

    Args:
        text: what the model wrote.
        schema: what it must fit; the caller's own or a prepared one.

    Returns:
        The JSON value.

    Raises:
        InvalidOutput: in one sentence what does not fit.
    """
    from referencing.exceptions import Unresolvable

    value = read(text)
    try:
        found = complaint(value, validator(schema))
    except Unresolvable as unresolvable:
        raise SchemaNotSupported(f"The schema refers to something that is not there: {unresolvable}.") from unresolvable
    except RecursionError:
        raise InvalidOutput("The answer is nested too deeply to be checked.") from None
    if found is not None:
        place, words = found
        raise InvalidOutput(f"The answer does not fit its schema{f' at {place}' if place else ''}: {words}.")
    return value


def complaint(value: Any, checks: Any) -> tuple[str, str] | None:
    """Where a value does not fit, empty for the whole, and how; ``None`` if it fits.

    Args:
        value: made of JSON values.
        checks: from :func:`~tierwise.models.schemas.validator.validator`.
    """
    import jsonschema

    error = jsonschema.exceptions.best_match(checks.iter_errors(value))
    if error is None:
        return None
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".")
    return place, said(error)


def read(text: str) -> Any:
    """The JSON value that a text is.

    Raises:
        InvalidOutput: if it is none.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        what = "empty" if not text.strip() else f"no JSON ({error})"
        raise InvalidOutput(f"The answer is {what}.") from error


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not in JSON")


def wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as one of an object, which is all that some hosted models take; an object's stays as it is."""
    if schema.get("type") == "object":
        return schema
    inner = {k: v for k, v in schema.items() if k != "$defs"}
    outer = {"type": "object", "properties": {_WRAPPER: inner}, "required": [_WRAPPER], "additionalProperties": False}
    return {**outer, "$defs": schema["$defs"]} if "$defs" in schema else outer


def unwrapped(text: str) -> str:
    """The text of the value inside :func:`wrapped`; a text that is not of that form stays as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(value, dict) or value.keys() != {_WRAPPER}:
        return text
    return json.dumps(value[_WRAPPER], ensure_ascii=False, separators=(",", ":"))


def bare(text: str) -> str:
    """The text without blanks and marks around it and without the code fence that models like to put there."""
    text = text.strip().strip("\ufeff")  # a byte order mark
    fenced = _FENCED.match(text)
    return (fenced[1] if fenced else text).strip()
