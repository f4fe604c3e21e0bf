"""A JSON Schema made fit to be kept, before anything is decoded; what cannot be kept is refused."""

from __future__ import annotations

import json
from typing import Any

from tierwise.errors import SchemaNotSupported
from tierwise.models.schemas.nodes import Preparer
from tierwise.models.schemas.unroll import unroll
from tierwise.models.schemas.validator import said, validator_class

_MOST_CHARS = 200_000
_DEEPEST = 60


def prepare(schema: Any) -> dict[str, Any]:
    """The schema as it is enforced: what fits it fits ``schema``, and every answer that fits it has an end.

    * A text has at most 1,000 characters, a list at most 100 items, an object at most 100 keys that are not listed,
      unless the schema says otherwise. "Any value" is a scalar, or a list or an object of scalars.
    * An object has the properties it lists and no others, unless ``additionalProperties`` says otherwise.
    * Fixed values (``const``), and the property a ``discriminator`` names, are required and come first. All else keeps
      its order.
    * ``oneOf`` becomes ``anyOf`` where its alternatives exclude each other; ``allOf`` is merged.
    * Unknown formats and annotations but ``description`` are left out. References are ``#/$defs/NAME``.

    Args:
        schema: JSON Schema, draft 2020-12.

    Raises:
        SchemaNotSupported: naming the place and the keyword of what is invalid, impossible or cannot be kept.
    """
    _check_form(schema)
    if not isinstance(schema, dict):
        schema = {} if schema else {"enum": []}
    preparer = Preparer(schema)
    try:
        prepared = preparer.prepare()
        if preparer.definitions:
            prepared = {**prepared, "$defs": preparer.definitions}
        unroll(prepared)  # raises if there is no finite value
    except RecursionError:
        raise SchemaNotSupported("The schema is nested too deeply.", fix="Flatten it.") from None
    return prepared


def _check_form(schema: Any) -> None:
    """Refuse what is not JSON Schema at all, or out of all proportion."""
    try:
        size = len(json.dumps(schema, allow_nan=False)) if _depth(schema) <= _DEEPEST else None
    except (TypeError, ValueError) as error:
        raise SchemaNotSupported(f"The schema is not made of JSON values: {error}.") from error
    if size is None or size > _MOST_CHARS:
        what = f"nested more than {_DEEPEST} deep" if size is None else f"larger than {_MOST_CHARS:,} characters"
        raise SchemaNotSupported(f"The schema is {what}.", fix="Ask for less at a time.")
    kind = validator_class()
    problem = next(kind(kind.META_SCHEMA).iter_errors(schema), None)
    if problem is not None:
        where = "/".join(["", *map(str, problem.absolute_path)]) or "its root"
        raise SchemaNotSupported(f"This is no valid JSON Schema, at {where}: {said(problem)}.")


def _depth(value: Any) -> int:
    """How deep containers nest, counted no further than needed to refuse."""
    depth, level = 0, [value]
    while level and depth <= _DEEPEST:
        depth += 1
        inner = (v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list))
        level = [value for values in inner for value in values]
    return depth
