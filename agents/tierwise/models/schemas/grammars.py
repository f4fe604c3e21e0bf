"""Grammars for constrained decoding, made by ``llguidance`` from JSON Schema.

The parent makes the text, the model's process turns it into token masks. Separators are compact: blanks are tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tierwise.errors import ModelNotInstalled, SchemaNotSupported
from tierwise.models.base import ToolSpec
from tierwise.models.schemas.formats import FORMATS
from tierwise.models.schemas.merge import Node
from tierwise.models.schemas.patterns import parse
from tierwise.models.schemas.prepare import prepare
from tierwise.models.schemas.scalars import MAX_LENGTH, MAX_NUMBER, NUMBER_STEP, bounds, exact
from tierwise.models.schemas.unroll import unroll
from tierwise.models.tool_text import CLOSE, OPEN

_COMPACT = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}
_KEY_LENGTH = 64
_KEY_REPEATS = 32  # of one part of a key's pattern


def json_grammar(schema: dict[str, Any]) -> str:
    """The grammar of one compact JSON value that fits a schema.

    Args:
        schema: a schema from :func:`tierwise.models.schemas.schemas.prepare`.

    Raises:
        SchemaNotSupported: if ``llguidance`` cannot keep it, with its reason.
        ModelNotInstalled: if ``llguidance`` is missing.
    """
    return _grammar(json.dumps(schema))


def tools_grammar(tools: Sequence[ToolSpec], schema: dict[str, Any] | None = None, *, must_call: bool = False) -> str:
    """The grammar of an answer that is free text, or asks for one tool from a marker on.

    Text streams as text. From ``<tool_call>`` on there follows one object ``{"name": ..., "arguments": {...}}`` with
    the arguments of the tool it names, then ``</tool_call>``, and nothing more; see
    :mod:`tierwise.models.tool_text`.

    Args:
        tools: what may be called, at least one.
        schema: a prepared schema that the answer must fit in place of free text.
        must_call: the answer is a call from its first character on.

    Raises:
        SchemaNotSupported: if the parameters of a tool cannot be kept, naming the tool.
        ModelNotInstalled: if ``llguidance`` is missing.
    """
    prepared = json.dumps(schema) if schema is not None else None
    return _tools(tuple((tool.name, json.dumps(tool.parameters)) for tool in tools), prepared, must_call)


def choice_grammar(choices: Sequence[str]) -> str:
    """The grammar of an answer that is one of a few words.

    Args:
        choices: the words, at least one.

    Raises:
        ModelNotInstalled: if ``llguidance`` is missing.
    """
    return _valid(_matcher().grammar_from_lark(f"%llguidance {{}}\nstart: {' | '.join(map(json.dumps, choices))}"))


@lru_cache(maxsize=64)
def _grammar(schema: str) -> str:
    return _valid(_matcher().grammar_from_json_schema(_written(json.loads(schema)), overrides=_COMPACT))


@lru_cache(maxsize=256)  # of single tools as well, see :mod:`tierwise.models.tools.dialects`
def _tools(tools: tuple[tuple[str, str], ...], schema: str | None, must_call: bool) -> str:
    calls = [_call(name, parameters) for name, parameters in tools]
    names = [f"call_{number}" for number in range(len(calls))]
    rules = [f"{name}: {_inline(call)}" for name, call in zip(names, calls, strict=True)]
    call = f"({' | '.join(names)}) {json.dumps(CLOSE)}"
    if must_call:
        rules += [f"start: {json.dumps(OPEN)} {call}"]
    elif schema is None:
        rules += [f"start: TEXT | ask {call}", f"ask[lazy]: TEXT {json.dumps(OPEN)}", "TEXT: /(?s:.*)/"]
    else:
        rules += [f"start: answer | {json.dumps(OPEN)} {call}", f"answer: {_inline(json.loads(schema))}"]
    return _valid(_matcher().grammar_from_lark("\n".join(["%llguidance {}", *rules])))


def _call(name: str, parameters: str) -> Node:
    try:
        arguments = prepare({"type": "object", "properties": {}, **json.loads(parameters)})
    except SchemaNotSupported as error:
        raise SchemaNotSupported(f"The tool {name!r} cannot be offered. {error}") from error
    definitions = arguments.pop("$defs", None)
    call: Node = {"type": "object", "properties": {"name": {"const": name}, "arguments": arguments}}
    call |= {"required": ["name", "arguments"], "additionalProperties": False}
    return {**call, "$defs": definitions} if definitions else call


def _inline(schema: Node) -> str:
    return f"%json {json.dumps({**_written(schema), 'x-guidance': _COMPACT})}"


def _valid(grammar: str) -> str:
    problem = _matcher().validate_grammar(grammar, None)
    if problem and not problem.startswith("WARNING"):
        why = problem.partition("\n")[0].rstrip(".")
        raise SchemaNotSupported(f"The schema cannot be kept while a text is written: {why}.", fix="Simplify it.")
    return grammar


def _matcher() -> Any:
    try:
        from llguidance import LLMatcher
    except ImportError as error:
        raise ModelNotInstalled(
            "A schema needs llguidance, which is not installed.", fix='Run: pip install "tierwise[local]"'
        ) from error
    return LLMatcher


# -- how values are written --------------------------------------------------------------------------------------------


def _written(schema: Node) -> Node:
    """The schema with an end to every number, name and level."""
    unrolled = unroll(schema)
    definitions = {name: _bounded(node) for name, node in unrolled.pop("$defs", {}).items()}
    root = _bounded(unrolled)
    return {**root, "$defs": definitions} if definitions else root


def _bounded(node: Node) -> Node:
    if "anyOf" in node:
        return {"anyOf": [_bounded(branch) for branch in node["anyOf"]]}
    how = {"integer": _integer, "number": _number, "string": _string, "array": _array, "object": _object}
    bound = how.get(node.get("type", ""))
    return bound(node) if bound is not None else node


def _integer(node: Node) -> Node:
    return {"minimum": -MAX_NUMBER, "maximum": MAX_NUMBER, **node}


def _number(node: Node) -> Node:
    step = exact(node["multipleOf"]) if "multipleOf" in node else NUMBER_STEP
    low, high = bounds(node, step)
    return {"type": "number", "minimum": float(low), "maximum": float(high), "multipleOf": float(step)}


def _string(node: Node) -> Node:
    pattern = FORMATS.get(node.get("format", ""), node.get("pattern"))
    lengths: Node = {k: node[k] for k in ("minLength", "maxLength") if k in node}
    if pattern is None:
        return {"type": "string", "maxLength": MAX_LENGTH, **lengths}
    return {"type": "string", "pattern": f"^(?:{parse(pattern).text})$", **lengths}


def _array(node: Node) -> Node:
    heads = {"prefixItems": [_bounded(h) for h in node["prefixItems"]]} if "prefixItems" in node else {}
    return {**node, **heads, "items": _bounded(node["items"]) if node["items"] is not False else False}


def _object(node: Node) -> Node:
    result = {**node, "properties": {name: _bounded(value) for name, value in node["properties"].items()}}
    names = {parse(p, repeats=_KEY_REPEATS).text: value for p, value in node.get("patternProperties", {}).items()}
    if node["additionalProperties"] is not False:
        names = {_other_names(set(node["properties"]), _KEY_LENGTH): node["additionalProperties"]}
        result["additionalProperties"] = False
    if names:
        result["patternProperties"] = {f"^(?:{name})$": _bounded(value) for name, value in names.items()}
    return result


def _other_names(taken: set[str], longest: int) -> str:
    """A pattern of all names of 1 to ``longest`` characters but those that are taken."""
    return _not_one_of({*taken, ""}, longest)


def _not_one_of(texts: set[str], longest: int) -> str:
    rests: dict[str, set[str]] = {}
    for text in texts - {""}:
        rests.setdefault(text[0], set()).add(text[1:])
    least = 1 if "" in texts else 0
    if not rests or longest < 1:
        return f"(?s:.{{{least},{max(least, longest)}}})"
    others = "".join(f"\\x{{{ord(char):x}}}" for char in sorted(rests))
    ways = [f"[^{others}](?s:.{{0,{longest - 1}}})"]
    ways += [f"\\x{{{ord(char):x}}}{_not_one_of(rest, longest - 1)}" for char, rest in sorted(rests.items())]
    return f"(?:{'|'.join(ways)}){'' if least else '?'}"
