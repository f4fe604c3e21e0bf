"""Frozen dataclasses to JSON values and back, for everything that is stored, streamed or printed."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Turn dataclasses, tuples and mappings into plain JSON values.

    Args:
        value: a dataclass instance, container or scalar.

    Returns:
        The same content made of ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` and ``None``.

    Raises:
        TypeError: if something in it has no JSON form.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(v) for v in value]
    if isinstance(value, frozenset):
        return sorted(to_json(v) for v in value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # heavy: only when something is read back

    return TypeAdapter(cls)


def from_json(cls: type[T], data: Any) -> T:
    """Build a ``cls`` from what :func:`to_json` made of one; unknown keys of a newer version are ignored.

    Raises:
        pydantic.ValidationError: if ``data`` does not describe a ``cls``.
    """
    result: T = _adapter(cast(Any, cls)).validate_python(data)
    return result
