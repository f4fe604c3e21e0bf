"""Exact arithmetic for models that guess at it."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from tierwise_tools.errors import ToolError
from tierwise_tools.function import tool

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "max": max,
    "min": min,
    "round": round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}
_LONGEST = 500
_LARGEST = 10**300


@tool(effects="read", trusted=True)
def calculator(expression: str) -> str:
    """Work out an arithmetic expression exactly.

    Args:
        expression: numbers, + - * / // % ** and parentheses; abs, min, max, round, floor, ceil, sqrt, exp, log, log10,
            sin, cos, tan; pi and e. Example: (17.5 * 12) / 4
    """
    if len(expression) > _LONGEST:
        raise ToolError(f"the expression is longer than {_LONGEST} characters")
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ToolError(f"{expression!r} is not an arithmetic expression") from error
    except (ZeroDivisionError, OverflowError, ValueError, TypeError) as error:
        raise ToolError(f"{expression!r} has no value: {error}") from error
    return format(value, ".15g") if isinstance(value, float) else str(value)


def _value(node: ast.expr) -> int | float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _bounded(node.value)
    if isinstance(node, ast.Name) and node.id in _CONSTANTS:
        return _CONSTANTS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        value = _value(node.operand)
        return value if isinstance(node.op, ast.UAdd) else -value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) * math.log10(max(abs(left), 2)) > math.log10(_LARGEST):
            raise ToolError("the result is too large")
        return _bounded(_BINARY[type(node.op)](left, right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        if node.keywords:
            raise ToolError(f"{node.func.id} takes no named arguments")
        return _bounded(_FUNCTIONS[node.func.id](*map(_value, node.args)))
    raise ToolError(f"{ast.unparse(node)!r} is not allowed in an arithmetic expression")


def _bounded(value: Any) -> int | float:
    if isinstance(value, complex) or not abs(value) <= _LARGEST:
        raise ToolError("the result is not a real number of reasonable size")
    number: int | float = value
    return number
