"""What there is to say about a tool: what it takes, what it does, when it asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tierwise.jsonable import to_json
from tierwise_app.text import one_line
from tierwise_tools.effects import ask_by_effect

if TYPE_CHECKING:
    from tierwise.config import Settings, Tier
    from tierwise.record import Record
    from tierwise_tools import Tool

_WORDS = {"run": "free", "ask": "asks", "refuse": "refused"}


@dataclass(frozen=True, slots=True)
class Asking:
    """When a person is asked before a tool runs.

    Attributes:
        now: ``free``, ``asks`` or ``refused``.
        after_untrusted: the same, in a turn that has read text that may not be trusted.
        by: what decides: ``tool``, ``configuration``, ``allowed for good`` or ``effects``.
        why: in words, if it asks or is refused.
    """

    now: str
    after_untrusted: str
    by: Literal["tool", "configuration", "allowed for good", "effects"]
    why: str = ""

    def __str__(self) -> str:
        if self.by == "tool":
            return "asks for every call"
        cause = "" if self.by == "effects" else f" ({self.by})"
        later = "; asks after untrusted text" if self.now == "free" and self.after_untrusted == "asks" else ""
        return f"{self.now}{cause}{later}"


def asking_of(tool: Tool[..., Any], settings: Settings, record: Record) -> Asking:
    """By the rules that turns go by, when a person is asked about this tool."""
    from tierwise.guards import Standing, rule

    word = settings.tools.approval.get(tool.name)
    allowed = record.is_allowed(tool.name, tool.fingerprint)
    stays = settings.locked or settings.offline
    plain = rule(tool, Standing(word=word, allowed=allowed, stays=stays))
    tainted = rule(tool, Standing(word=word, allowed=allowed, tainted=True, stays=stays))
    by: Literal["tool", "configuration", "allowed for good", "effects"] = "effects"
    if plain.verdict == "refuse" or (tool.asks != "always" and word is not None):
        by = "configuration"
    elif tool.asks == "always":
        by = "tool"
    elif allowed and ask_by_effect(tool.effects, tainted=False):
        by = "allowed for good"
    return Asking(_WORDS[plain.verdict], _WORDS[tainted.verdict], by, plain.why or tainted.why)


def tool_json(tool: Tool[..., Any], asking: Asking) -> dict[str, Any]:
    """A tool for programs."""
    return {
        "name": tool.name,
        "description": tool.description,
        "origin": to_json(tool.origin),
        "effects": list(tool.effects),
        "asks": to_json(asking),
        "parameters": tool.parameters,
        "repeatable": tool.may_repeat,
        "trusted": tool.trusted,
        "seconds": tool.bounds.seconds,
        "characters": tool.bounds.characters,
    }


def parameter_lines(parameters: dict[str, Any]) -> Iterator[str]:
    """One line a parameter: its name, its type, whether it must be given, what it is."""
    required = parameters.get("required", [])
    for name, schema in parameters.get("properties", {}).items():
        schema = schema if isinstance(schema, dict) else {}
        default = f", by default {json.dumps(schema['default'], ensure_ascii=False)}" if "default" in schema else ""
        must = ", required" if name in required else default
        told = f": {one_line(str(schema['description']), 300)}" if schema.get("description") else ""
        yield one_line(f"{name} ({type_word(schema)}{must}){told}", 500)


def type_word(schema: dict[str, Any]) -> str:
    """The type in a schema, in words: ``text``, ``whole number or null``, ``list of texts``."""
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    for several in ("anyOf", "oneOf"):
        if isinstance(schema.get(several), list):
            return " or ".join(dict.fromkeys(type_word(one) for one in schema[several] if isinstance(one, dict)))
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return " or ".join(type_word({**schema, "type": kind}) for kind in kinds)
    if kinds == "array" and isinstance(schema.get("items"), dict):
        return f"list of {type_word(schema['items'])}"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list"}
    return words.get(str(kinds), str(kinds) if kinds else "anything")


def losses_of(tool: Tool[..., Any], tier: Tier) -> list[str]:
    """What of a tool's schema a tier's model is not told or not held to; its arguments are checked all the same."""
    from tierwise.errors import SchemaNotSupported
    from tierwise.models import dialect_for

    on_llama = tier.model_name.startswith("llama:")
    try:
        kind: Literal["constrained", "openai-strict", "lax"]
        kind = "constrained" if on_llama else "openai-strict" if tier.base_url is None else "lax"
        return list(dialect_for(tool.parameters, kind).losses)
    except SchemaNotSupported as error:
        return [f"It is not offered the tool: {error}"]
