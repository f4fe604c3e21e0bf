"""Sums that a text writes out, done again: ``3 * 60 meters = 180`` holds, ``150 % of 80,000 = 100,000`` does not."""

from __future__ import annotations

import re

# What stands left of an equals sign, back to the nearest word that is no unit, and the number to its right.
_SUM = re.compile(r"([\d$(][^=\n:;?]{2,80}?)=\s*\$?\s*(-?\d[\d,]*(?:\.\d+)?)(?![\d/^*x(])")
_NOISE = re.compile(r"[$\u20ac\u00a3,]|\b[a-wyzA-WYZ][a-zA-Z]+\b|\\[a-z]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_PART = re.compile(r"\d+(?:\.\d+)?|[-+*/()x\u00d7\u00f7%]|\S")
_SIGNS = {"x": "*", "\u00d7": "*", "\u00f7": "/"}
_NEAR = 0.006
_MOST = 60


def check_sums(text: str) -> tuple[int, int]:
    """How many sums could be read, and how many of them are wrong by more than rounding."""
    read = wrong = 0
    for left, right in _SUM.findall(text)[:_MOST]:
        value = _value(left)
        if value is not None:
            said = float(right.replace(",", ""))
            read += 1
            wrong += abs(value - said) > _NEAR * max(1.0, abs(value))
    return read, wrong


def _value(words: str) -> float | None:
    tokens = [_SIGNS.get(part, part) for part in _PART.findall(_NOISE.sub(" ", _THOUSANDS.sub("", words)))]
    if not any(part in "+-*/" for part in tokens[1:]):
        return None
    try:
        value, rest = _sum(tokens)
    except (ValueError, IndexError, ZeroDivisionError, OverflowError, RecursionError):
        return None
    return None if rest else value


def _sum(tokens: list[str]) -> tuple[float, list[str]]:
    value, rest = _product(tokens)
    while rest and rest[0] in "+-":
        term, after = _product(rest[1:])
        value, rest = (value + term if rest[0] == "+" else value - term), after
    return value, rest


def _product(tokens: list[str]) -> tuple[float, list[str]]:
    value, rest = _number(tokens)
    while rest and rest[0] in "*/":
        factor, after = _number(rest[1:])
        value, rest = (value * factor if rest[0] == "*" else value / factor), after
    return value, rest


def _number(tokens: list[str]) -> tuple[float, list[str]]:
    if tokens[0] == "(":
        value, rest = _sum(tokens[1:])
        if not rest or rest[0] != ")":
            raise ValueError("an open bracket")
        rest = rest[1:]
    elif tokens[0] == "-":
        value, rest = _number(tokens[1:])
        value = -value
    else:
        value, rest = float(tokens[0]), tokens[1:]
    return (value / 100.0, rest[1:]) if rest and rest[0] == "%" else (value, rest)
