"""Whether arguments fit the schema of their tool, and the one way in which they may be brought to fit."""

from __future__ import annotations

from typing import Any

from tierwise.models.schemas.check import complaint
from tierwise.models.schemas.validator import validator
from tierwise.models.tools.loose_json import Unreadable, read_strictly

_MOST_TEXTS = 32  # values written as texts that are looked at
_EXACT = 2**53  # above it, a float is no longer one certain whole number


class Unfit(ValueError):
    """The arguments do not fit; the text says what, and where."""


def fitted(arguments: dict[str, Any], parameters: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The arguments as they fit the schema, and what was mended.

    A number, truth value, list or object that stands in a text (``"3"``) where the schema wants no text is taken out of
    it. A whole number written with decimals (``3.0``) is written without.

    Args:
        arguments: what a model asked with; not changed.
        parameters: JSON Schema of the tool.

    Raises:
        Unfit: if they do not fit.
    """
    checks = validator(parameters)
    mends: tuple[str, ...] = ()
    try:
        if (found := complaint(arguments, checks)) is not None:
            arguments = _out_of_texts(arguments, checks)
            mends = ("value written as a text taken out of it",)
            if not checks.is_valid(arguments):
                raise Unfit(": ".join(filter(None, found)))
    except Unfit:
        raise
    except Exception as error:  # a reference that leads nowhere, a type that is none, nesting without end
        raise Unfit(f"they cannot be checked ({type(error).__name__})") from error
    whole = _whole(arguments, parameters)
    return (whole, (*mends, "whole number written as one")) if whole is not None else (arguments, mends)


def _out_of_texts(arguments: dict[str, Any], checks: Any) -> dict[str, Any]:
    """A copy in which a text, where none is allowed, is the value that is written in it."""
    changed = arguments
    for error in list(checks.iter_errors(arguments))[:_MOST_TEXTS]:
        if not isinstance(error.instance, str) or error.validator not in ("type", "anyOf", "oneOf"):
            continue
        try:
            value = read_strictly(error.instance)
        except Unreadable:
            continue
        if value is not None and not isinstance(value, str):
            changed = _with(changed, list(error.absolute_path), value)
    return changed


def _with(container: Any, path: list[Any], value: Any) -> Any:
    if not path:
        return value
    copy = container.copy()
    copy[path[0]] = _with(container[path[0]], path[1:], value)
    return copy


def _whole(arguments: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any] | None:
    """A copy in which whole numbers are written as such; ``None`` if they are already."""
    properties = parameters.get("properties", {})
    found = {
        name: int(value)
        for name, value in arguments.items()
        if isinstance(value, float)
        and value.is_integer()
        and abs(value) < _EXACT
        and isinstance(properties.get(name), dict)
        and properties[name].get("type") == "integer"
    }
    return {**arguments, **found} if found else None
