"""Roff's conditions and numbers, as far as manual pages use them: for a terminal, by a modern formatter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_COMPARED = re.compile(r"(?P<mark>['\"\x07^/])(?P<one>[^\n]*?)(?P=mark)(?P<other>[^\n]*?)(?P=mark)")
_NUMERIC = re.compile(r"[-+*/%&:<>=()\d.|a-zA-Z?]+")
_TOKEN = re.compile(r"\d+(?:\.\d*)?|\.\d+|<=|>=|==|<\?|>\?|[-+*/%&:<>=()]")
_MOST_TOKENS = 200


def holds(rest: str, registers: Mapping[str, float], defined: Callable[[str], bool]) -> tuple[bool, str]:
    """Whether a condition holds, and what comes after it."""
    negated = False
    while rest.startswith("!"):
        negated, rest = not negated, rest[1:].lstrip(" ")
    kind = rest[:1]
    if kind in ("n", "o", "t", "e", "v") and not rest[1:2].isalnum():
        true, rest = kind in ("n", "o"), rest[1:]
    elif kind in ("d", "r", "c", "m", "F", "S"):
        name, _, rest = rest[1:].lstrip(" ").partition(" ")
        true = name in registers if kind == "r" else defined(name) if kind == "d" else kind != "m"
    elif match := _COMPARED.match(rest):
        true, rest = match["one"] == match["other"], rest[match.end() :]
    elif match := _NUMERIC.match(rest):
        true, rest = number(match[0]) > 0, rest[match.end() :]
    else:
        true, rest = False, rest.partition(" ")[2]
    return true != negated, rest


def number(expression: str) -> float:
    """What an expression comes to; units count as nothing, operators are taken from left to right as roff does."""
    tokens = _TOKEN.findall(expression)[:_MOST_TOKENS]
    values: list[tuple[float, str]] = []  # of the brackets that are open: what was before, and the operator
    total, operator = 0.0, "+"
    for token in tokens:
        if token == "(":  # noqa: S105
            values.append((total, operator))
            total, operator = 0.0, "+"
        elif token == ")":  # noqa: S105
            if values:
                inner = total
                total, operator = values.pop()
                total, operator = _applied(total, operator, inner), ""
        elif token[0].isdigit() or token[0] == ".":
            total, operator = _applied(total, operator, float(token[:12])), ""
        else:
            operator = "-+"[operator == "-"] if token == "-" and operator else token  # noqa: S105
    while values:
        inner = total
        total, operator = values.pop()
        total = _applied(total, operator, inner)
    return total


def _applied(one: float, operator: str, other: float) -> float:
    if operator in ("<", ">", "=", "==", "<=", ">="):
        smaller, same = one < other, one == other
        return float(
            {"<": smaller, ">": not smaller and not same, "<=": smaller or same, ">=": not smaller}.get(operator, same)
        )
    if operator in ("&", ":"):
        return float((one > 0 and other > 0) if operator == "&" else (one > 0 or other > 0))
    if operator in ("/", "%"):
        return (one / other if operator == "/" else one % other) if other else 0.0
    results = {"+": one + other, "-": one - other, "*": one * other, "<?": min(one, other), ">?": max(one, other)}
    return min(max(results.get(operator, other), -1e12), 1e12)
