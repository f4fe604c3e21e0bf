"""Answers as values of a Python type: its JSON Schema before, its own validation after."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from tierwise.errors import InvalidOutput, SchemaNotSupported
from tierwise.models.schemas import read, unwrapped, wrapped

T = TypeVar("T")
_MOST_PROBLEMS = 3


class Returns(Generic[T]):
    """A type that an answer is asked in.

    Args:
        kind: a pydantic model, dataclass, TypedDict, or any other type pydantic has a schema for.

    Raises:
        SchemaNotSupported: if pydantic has none.
    """

    def __init__(self, kind: Any) -> None:
        if isinstance(kind, dict):  # pydantic would take it for a schema of its own
            raise SchemaNotSupported(
                "returns takes a type, and this is a dict.", fix="Pass a JSON Schema as schema=..., or give a type."
            )
        self._kind = _name(kind)
        self._values: dict[str, T] = {}
        try:
            self._adapter: TypeAdapter[T] = _adapter(kind)
            self._own = self._adapter.json_schema(schema_generator=_Schema)
        except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, PydanticUserError, NameError) as error:
            why = str(error).partition("\n")[0].rstrip(".")
            raise SchemaNotSupported(f"{self._kind} has no JSON Schema: {why}.", fix="Use another type.") from error

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema to ask for; it is one of an object, which every model can be held to."""
        return wrapped(self._own) if self._is_wrapped else self._own

    def read(self, text: str) -> T:
        """The value that an answer is; read once, for validators of the caller's own may do more than look.

        Raises:
            InvalidOutput: in one sentence what is wrong with it.
        """
        if text not in self._values:
            self._values[text] = self._read(text)
        return self._values[text]

    def _read(self, text: str) -> T:
        read(text)  # says in plain words that it is no JSON
        try:
            return self._adapter.validate_json(unwrapped(text) if self._is_wrapped else text)
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, p['loc'])) or 'the value'}: {p['msg']}"
                for p in error.errors(include_url=False, include_input=False, include_context=False)
            ]
            more = f", and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
            raise InvalidOutput(f"The answer is refused: {'; '.join(problems[:_MOST_PROBLEMS])}{more}.") from error
        except Exception as error:
            why = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise InvalidOutput(f"The answer is refused: the checks of {self._kind} broke ({why}).") from error

    @property
    def _is_wrapped(self) -> bool:
        target = self._own
        while "$ref" in target:
            target = self._own["$defs"][target["$ref"].rpartition("/")[2]]
        return target.get("type") != "object"


class _Schema(GenerateJsonSchema):
    """pydantic's schema without what models cannot be held to and pydantic itself takes care of."""

    def set_schema(self, schema: Any) -> JsonSchemaValue:
        """A set reads a list, whatever is in it twice."""
        return _repeatable(super().set_schema(schema))

    def frozenset_schema(self, schema: Any) -> JsonSchemaValue:
        """As a set."""
        return _repeatable(super().frozenset_schema(schema))

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        """A number; the alternative, text, has a pattern that looks ahead."""
        made = super().decimal_schema(schema)
        branches = made.get("anyOf", [made])
        return next((b for b in branches if b.get("type") == "number"), made)


def _repeatable(schema: JsonSchemaValue) -> JsonSchemaValue:
    return {k: v for k, v in schema.items() if k != "uniqueItems"}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    try:
        return _cached_adapter(kind)
    except TypeError:  # some types cannot be hashed
        return TypeAdapter(kind)


@lru_cache(maxsize=128)
def _cached_adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", None) or str(kind)
