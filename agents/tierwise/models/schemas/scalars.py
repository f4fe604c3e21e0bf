"""Texts and numbers in the enforced form: bounded, and known to leave at least one value."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from tierwise.models.schemas.formats import FORMATS
from tierwise.models.schemas.merge import Node, refuse
from tierwise.models.schemas.patterns import NotPlain, parse

MAX_LENGTH = 1000  # characters of a text that nothing else bounds
MAX_NUMBER = 10**15  # numbers stay between its negative and this: every program reads them exactly
NUMBER_STEP = Fraction(1, 10**6)  # numbers have at most six decimals
_STEP_DIGITS = 3
_COUNTABLE = 100_000  # a larger bound bounds nothing


def string(schema: Node, at: str) -> Node:
    """A text; unknown formats bind nothing, as JSON Schema has it."""
    shortest, longest = count(schema, "minLength", at) or 0, count(schema, "maxLength", at)
    high = longest if longest is not None else max(MAX_LENGTH, shortest)
    if shortest > high:
        raise refuse(at, "minLength", f"({shortest}) is above maxLength ({high})")
    result: Node = {"type": "string"}
    keyword = "format" if schema.get("format") in FORMATS else "pattern"
    if keyword == "format" and "pattern" in schema:
        raise refuse(at, "pattern", f"stands beside format {schema['format']!r}; keep one of the two")
    bounded, given = False, schema.get(keyword)
    if given is not None:
        bounded = _check_pattern(FORMATS.get(given) or given, shortest, high, at, keyword)
        result[keyword] = given
    if shortest:
        result["minLength"] = shortest
    if longest is not None or not bounded:
        result["maxLength"] = high
    return result


def _check_pattern(source: str, shortest: int, longest: int, at: str, keyword: str) -> bool:
    """Whether the pattern itself bounds the text."""
    try:
        re.compile(source)  # what the answer is checked with
        found = parse(source)
    except (NotPlain, re.error, RecursionError) as error:
        raise refuse(at, keyword, f"({source[:80]!r}) cannot be kept: {error}") from error
    if not found.can_be(shortest, longest):
        raise refuse(at, keyword, f"({source[:80]!r}) allows no text of {shortest} to {longest} characters")
    return found.bounded


def integer(schema: Node, at: str) -> Node:
    """A whole number."""
    step = exact(schema.get("multipleOf", 1)).numerator  # whole multiples of a fraction p/q are the multiples of p
    _check_step(Fraction(step), at)
    low, high = bounds(schema, Fraction(step), at)
    result: Node = {"type": "integer"}
    if any(k in schema for k in ("minimum", "exclusiveMinimum")):
        result["minimum"] = int(low)
    if any(k in schema for k in ("maximum", "exclusiveMaximum")):
        result["maximum"] = int(high)
    return result if step == 1 else {**result, "multipleOf": step}


def number(schema: Node, at: str) -> Node:
    """A number of at most six decimals."""
    step = exact(schema["multipleOf"]) if "multipleOf" in schema else NUMBER_STEP
    if (step / NUMBER_STEP).denominator != 1:
        raise refuse(at, "multipleOf", "has more than six decimals")
    _check_step(step, at)
    if "multipleOf" in schema:  # more digits than these, and the nearest number a program has is no multiple
        most = MAX_NUMBER // step.denominator
        low, high = max(-most, schema.get("minimum", -most)), min(most, schema.get("maximum", most))
        schema = {**schema, "minimum": low, "maximum": high}
    bounds(schema, step, at, " of at most six decimals")
    return {"type": "number", **{k: v for k, v in schema.items() if abs(v) <= MAX_NUMBER}}


def _check_step(step: Fraction, at: str) -> None:
    """Masks follow the remainder of what is written so far, and there are as many remainders as the step has units."""
    digits = str((step / NUMBER_STEP).numerator).rstrip("0")
    if len(digits) > _STEP_DIGITS:
        raise refuse(at, "multipleOf", f"has more than {_STEP_DIGITS} digits, zeros at its end not counted")


def bounds(schema: Node, step: Fraction, at: str = "", kind: str = "") -> tuple[Fraction, Fraction]:
    """The least and the greatest multiple of ``step`` that are allowed.

    Raises:
        SchemaNotSupported: if there is none.
    """
    low = max(Fraction(-MAX_NUMBER), exact(schema.get("minimum", -MAX_NUMBER)))
    high = min(Fraction(MAX_NUMBER), exact(schema.get("maximum", MAX_NUMBER)))
    if "exclusiveMinimum" in schema:
        low = max(low, (math.floor(exact(schema["exclusiveMinimum"]) / step) + 1) * step)
    if "exclusiveMaximum" in schema:
        high = min(high, (math.ceil(exact(schema["exclusiveMaximum"]) / step) - 1) * step)
    low, high = math.ceil(low / step) * step, math.floor(high / step) * step
    if low > high:
        limits = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
        keyword = next((k for k in limits if k in schema), "type")
        raise refuse(at, keyword, f"leaves no number{kind} within 15 digits")
    return low, high


def exact(value: float) -> Fraction:
    """A JSON number as it is written: 0.1 is a tenth."""
    return Fraction(str(value))


def count(schema: Node, keyword: str, at: str) -> int | None:
    """A bound on a length, ``None`` if there is none to speak of."""
    if keyword not in schema:
        return None
    value = int(schema[keyword])
    if value <= _COUNTABLE:
        return value
    if keyword.startswith("min"):
        raise refuse(at, keyword, f"is above {_COUNTABLE:,}, and no answer gets so long")
    return None
