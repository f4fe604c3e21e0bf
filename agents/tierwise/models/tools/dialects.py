"""One schema a tool, and the form of it that a model takes: what is lost on the way is said, and checked afterwards.

Whatever a model was told, its arguments are held against the tool's own schema before the tool is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tierwise.errors import SchemaNotSupported
from tierwise.models.base import ToolSpec
from tierwise.models.schemas.formats import FORMATS
from tierwise.models.schemas.grammars import tools_grammar
from tierwise.models.schemas.prepare import prepare
from tierwise.models.schemas.scalars import MAX_LENGTH
from tierwise.models.tools.lax_schema import nodes, simplified
from tierwise.models.tools.strict_schema import Place, strict_tool
from tierwise_tools.toolset import Problem

Kind = Literal["openai-strict", "lax", "constrained"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The form of a tool's schema that one kind of model takes.

    Attributes:
        parameters: the schema as the model gets it.
        strict: the API promises to keep it.
        losses: what the tool's own schema says and this one does not, a sentence each.
        absent: places where ``null`` means that the property is left out, for
            :func:`~tierwise.models.tools.reading.read_arguments`.
    """

    parameters: dict[str, Any]
    strict: bool = False
    losses: tuple[str, ...] = ()
    absent: tuple[Place, ...] = ()


def dialect_for(parameters: dict[str, Any], kind: Kind) -> Dialect:
    """A tool's schema in the form of a kind of model.

    Args:
        parameters: JSON Schema of type ``object``.
        kind: ``openai-strict`` for the OpenAI API (a schema that strict mode cannot hold is sent as ``lax``), ``lax``
            for any server with function calls, ``constrained`` for a model that is held to it while it writes.

    Raises:
        SchemaNotSupported: for ``constrained``, if the schema cannot be kept; with the reason.
    """
    if kind == "constrained":
        prepared = prepare({"type": "object", "properties": {}, **parameters})
        tools_grammar([ToolSpec("tool", "", parameters)])  # its compiler may refuse what could be prepared
        return Dialect(prepared, strict=True, losses=tuple(_bounds(parameters)))
    if kind == "openai-strict" and (made := strict_tool(parameters)) is not None:
        return Dialect(made.parameters, strict=True, losses=made.losses, absent=made.absent)
    simple, losses = simplified(parameters)
    return Dialect(simple, losses=losses)


def constrainable(tools: Sequence[ToolSpec]) -> tuple[tuple[ToolSpec, ...], tuple[Problem, ...]]:
    """The tools that a model can be held to while it writes, and why the others are set aside."""
    kept: list[ToolSpec] = []
    problems: list[Problem] = []
    for tool in tools:
        try:
            tools_grammar([tool])
        except SchemaNotSupported as error:
            problems.append(Problem(tool.name, str(error)))
        else:
            kept.append(tool)
    return tuple(kept), tuple(problems)


def _bounds(parameters: dict[str, Any]) -> list[str]:
    """What a model that is held to a schema cannot write though the schema allows it."""
    all_nodes = list(nodes(parameters))
    losses = []
    bounds = {"maxLength", "enum", "const", "pattern", "format"}
    if any(node.get("type") == "string" and not node.keys() & bounds for node in all_nodes):
        losses.append(f"A text has at most {MAX_LENGTH:,} characters.")
    if any(node.get("type") == "number" for node in all_nodes):
        losses.append("A number has at most six decimals.")
    if any(node.get("properties") and "additionalProperties" not in node for node in all_nodes):
        losses.append("An object has the properties that are listed, and no others.")
    unknown = sorted({str(node["format"]) for node in all_nodes if "format" in node and node["format"] not in FORMATS})
    losses += [f"The format {name} is not kept while it writes." for name in unknown]
    return losses
