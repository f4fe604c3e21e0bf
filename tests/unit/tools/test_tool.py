"""A typed, documented function is a tool; a badly written one is refused with the reason."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_tools import AuthoringError, ToolContext, ToolError, calculator, search_knowledge, tool


@tool
def book(context: ToolContext, room: str, hours: int = 1, kind: Literal["talk", "party"] = "talk") -> dict[str, object]:
    """Book a room.

    More about it.

    Args:
        room: the room's name,
            as it stands on the door.
        hours: for how long.
        kind: what for.

    Returns:
        The booking.
    """
    return {"room": room, "hours": hours, "kind": kind, "thread": context.thread}


def test_the_schema_comes_from_hints_and_docstring() -> None:
    assert book.description == "Book a room. More about it."
    assert set(book.parameters["properties"]) == {"room", "hours", "kind"}
    assert book.parameters["properties"]["room"]["description"] == "the room's name, as it stands on the door."
    assert book.parameters["required"] == ["room"]
    assert book.parameters["additionalProperties"] is False


def test_a_tool_is_still_a_function() -> None:
    assert book(ToolContext(thread="t"), "blue")["thread"] == "t"


async def test_running_validates_and_fills_in_the_context() -> None:
    result = json.loads((await book.run({"room": "blue", "hours": 2}, ToolContext(thread="t9"))).text)
    assert result == {"room": "blue", "hours": 2, "kind": "talk", "thread": "t9"}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"room": "a", "colour": "red"},
        {"room": "a", "kind": "war"},
        {"room": "a", "hours": True},
        {"room": "a", "hours": "2"},
    ],
)
async def test_wrong_arguments_are_explained_to_the_model(arguments: dict[str, object]) -> None:
    with pytest.raises(ToolError, match="book was called wrongly") as caught:
        await book.run(arguments)
    assert '"room"' in str(caught.value)  # what is expected stands in the message


async def test_async_functions_are_awaited() -> None:
    @tool(name="later")
    async def wait(n: Annotated[int, "unused"]) -> int:
        """Wait.

        Args:
            n: how long.
        """
        return n + 1

    assert wait.name == "later"
    assert (await wait.run({"n": 1})).text == "2"


def test_authoring_errors_name_the_parameter() -> None:
    def no_docstring(x: int) -> None: ...

    def no_hint(x) -> None:  # type: ignore[no-untyped-def]
        """Do.

        Args:
            x: it.
        """

    def undescribed(x: int) -> None:
        """Do."""

    def variadic(*x: int) -> None:
        """Do.

        Args:
            x: it.
        """

    def late_context(x: int, context: ToolContext) -> None:
        """Do.

        Args:
            x: it.
        """

    for function, says in (
        (no_docstring, "needs a docstring"),
        (no_hint, "'x' has no type hint"),
        (undescribed, "'x' is not described"),
        (variadic, "'x' is variadic"),
        (late_context, "must come first"),
    ):
        with pytest.raises(AuthoringError, match=says):
            tool(function)
    with pytest.raises(AuthoringError, match="cannot be a tool's name"):
        tool(name="no spaces")(undescribed)


@pytest.mark.parametrize(
    ("expression", "value"),
    [("2+3*4", "14"), ("(17.5 * 12) / 4", "52.5"), ("2**10", "1024"), ("-7 // 2", "-4"), ("sqrt(16) + abs(-1)", "5"),
     ("0.1 + 0.2", "0.3"), ("max(1, 2, 3)", "3"), ("round(2.567, 2)", "2.57"), ("10**20", "100000000000000000000")],
)  # fmt: skip
def test_the_calculator_is_exact(expression: str, value: str) -> None:
    assert calculator(expression) == value


@pytest.mark.parametrize(
    "expression",
    ["", "9**9**9", "2**-1**0.5j", "__import__('os')", "().__class__", "'a'*9", "1/0", "lambda: 1", "x", "10**400",
     "(-1)**0.5", "sqrt(-1)", "1;2", "[1]", "True", "9" * 600, "(" * 200, "pow(2, 9)", "1e400", "abs(x=1)"],
)  # fmt: skip
def test_the_calculator_refuses_everything_else(expression: str) -> None:
    with pytest.raises(ToolError):
        calculator(expression)


@given(st.text(max_size=60))
def test_the_calculator_answers_or_refuses_whatever_it_is_given(expression: str) -> None:
    try:
        assert float(calculator(expression)) == float(calculator(expression))
    except ToolError as error:
        assert str(error)


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_the_calculator_agrees_with_python(a: int, b: int) -> None:
    assert calculator(f"({a}) * ({b}) - ({a})") == str(a * b - a)


async def test_search_without_documents_says_so() -> None:
    with pytest.raises(ToolError, match="no knowledge is connected"):
        await search_knowledge.run({"query": "anything"})
    found = await search_knowledge.run({"query": "x"}, ToolContext(search=lambda query, k: []))
    assert found.text == "nothing was found"
