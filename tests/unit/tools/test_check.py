"""The check finds what is wrong with a tool as it is described, and nothing wrong with a good one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_tools import (
    Problem,
    Tool,
    ToolContext,
    Toolset,
    calculator,
    clock,
    search_knowledge,
    tool,
)
from tierwise_tools.foreign import foreign_tool
from tierwise_tools.testing import Report, calling, check_tool, check_tool_here, check_toolset, check_toolset_here
from tierwise_tools.testing.arguments import check_refusals, fitting_arguments
from tierwise_tools.testing.definition import check_definition

AnyTool = Tool[..., Any]


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """No call here takes long, so none is made once more to be cancelled, however slow the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calling, "_WORTH_CANCELLING", 60.0)
        yield


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


@tool(effects="read")
def room(name: str, hours: int = 1) -> str:
    """Tell about a room.

    Args:
        name: as on the door.
        hours: for how long.
    """
    return f"{name} for {hours}"


@pytest.mark.parametrize(
    ("good", "example"),
    [(calculator, {"expression": "1+1"}), (clock, {"zone": "UTC"}), (room, {"name": "blue"})],
)
def test_good_tools_are_good(good: AnyTool, example: dict[str, Any]) -> None:
    report = check_tool(good, examples=[example])
    report.raise_for_errors()
    assert str(report) == f"{good.name}: ok\n1 call was made."


async def test_it_works_inside_a_running_loop_and_in_it() -> None:
    assert check_tool(room, examples=[{"name": "blue"}]).ok
    home = asyncio.get_running_loop()

    async def call(arguments: dict[str, Any], context: ToolContext) -> bool:
        return asyncio.get_running_loop() is home

    bound = foreign_tool(call, name="bound", description="Tell.", parameters={"additionalProperties": False})
    seen: list[str] = []
    watched = ToolContext(progress=seen.append)
    report = await check_tool_here(bound, examples=[{}], context=watched)
    assert (report.ok, report.calls) == (True, 1)


@pytest.mark.parametrize(
    ("changes", "severity", "code"),
    [
        ({"name": "no name"}, "error", "name"),
        ({"name": "1st"}, "error", "name"),
        ({"description": " "}, "error", "description"),
        ({"description": "word " * 300}, "warning", "description-length"),
        ({"description": "Read it.\U000e0041"}, "error", "hidden-characters"),
        ({"description": "Read\u202e it."}, "error", "hidden-characters"),
        ({"effects": ("fly",)}, "error", "effects"),
        ({"effects": ()}, "error", "effects"),
        ({"says_effects": False}, "warning", "effects"),
        ({"effects": ("network",), "trusted": True}, "error", "trusted"),
        ({"parameters": {"type": "array"}}, "error", "schema"),
        ({"parameters": {"type": "object", "properties": {"a": {"type": "strong"}}}}, "error", "schema"),
        ({"parameters": {"type": "object", "maxProperties": float("nan")}}, "error", "schema"),
        ({"parameters": {"type": "object", "properties": {1: {}}}}, "error", "schema"),
        ({"parameters": {"type": "object", "$ref": "http://127.0.0.1:9/x"}}, "error", "schema"),
    ],
)
def test_what_is_wrong_with_a_definition(changes: dict[str, Any], severity: str, code: str) -> None:
    report = check_tool(room.but(**changes))
    assert (severity, code) in [(finding.severity, finding.code) for finding in report.findings]
    assert report.ok is (severity == "warning")


def test_emoji_and_other_scripts_are_no_hidden_characters() -> None:
    assert check_tool(room.but(description="👩‍💻 می‌خواهم ❤️ שלום")).ok


def test_a_loose_schema_is_told() -> None:
    async def call(arguments: dict[str, Any], context: ToolContext) -> str:
        return "x"

    loose = foreign_tool(call, name="loose", description="Do.", parameters={"properties": {"a": {}}})
    report = check_tool(loose)
    assert report.ok
    assert codes(report) == ["parameter-description", "parameter-type", "schema-open"]


def test_a_tool_that_does_not_check_its_arguments_is_found_without_being_called() -> None:
    called: list[object] = []
    careless: AnyTool = Tool(lambda **values: called.append(values), "careless", "Do.", room.parameters)
    report = check_tool(careless)
    assert codes(report) == ["arguments-accepted"]
    assert "'name' is missing" in str(report) or "'name' is None" in str(report)
    assert not called

    def broken(arguments: dict[str, Any]) -> dict[str, Any]:
        raise KeyError("x")

    assert codes(check_tool(careless.but(_check=broken))) == ["arguments-break"]


def test_arguments_are_made_up_only_for_tools_that_read_and_only_when_asked() -> None:
    assert check_tool(room).calls == 0
    assert check_tool(room, call=True).calls == 1
    assert check_tool(room.but(effects=("read", "write")), call=True).calls == 0
    assert check_tool(room.but(effects=("network",)), call=True).calls == 0
    report = check_tool(search_knowledge, call=True)  # it refuses: nothing is connected
    assert (report.ok, report.calls) == (True, 1)

    @tool(effects="read")
    def fragile(place: str) -> str:
        """Look a place up.

        Args:
            place: where.
        """
        return {"Oslo": "here"}[place]

    assert codes(check_tool(fragile, call=True)) == ["example-failed"]

    @tool(effects="read")
    def picky(place: str) -> str:
        """Look a place up.

        Args:
            place: where.
        """
        return place

    strict = picky.parameters | {"properties": {"place": {"type": "string", "pattern": "^[0-9]+$", "description": "x"}}}
    strictly = foreign_tool(
        lambda a, c: picky.run(a), name="p", description="Do.", parameters=strict, effects=("read",)
    )
    assert codes(check_tool(strictly, call=True)) == ["not-called"]


KINDS = st.sampled_from(
    [str, int, float, bool, list[int], dict[str, str], int | None, list[list[str]], tuple[int, str], set[str]]
)


@given(st.lists(KINDS, max_size=4))
def test_made_up_arguments_fit_and_spoilt_ones_are_refused(kinds: list[Any]) -> None:
    names = [f"p{n}" for n in range(len(kinds))]
    source = "def f(" + ", ".join(f"{name}: T[{n}]" for n, name in enumerate(names)) + ") -> str: return 'x'"
    space: dict[str, Any] = {"T": kinds}
    exec(source, space)
    space["f"].__doc__ = "Do.\n\nArgs:\n" + "".join(f"    {name}: one.\n" for name in names)
    anything: AnyTool = tool(effects="read")(space["f"])
    fitting = fitting_arguments(anything)
    assert fitting is not None
    assert [*check_definition(anything), *check_refusals(anything, fitting)] == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["object", "string", "#/$defs/a", "#"]),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "required", "items", "$ref", "$defs", "a", "anyOf", "enum", "default", "minimum",
                 "maximum", "minLength", "maxLength", "minItems", "exclusiveMinimum", "additionalProperties", "const"]
            ),
            inner,
            max_size=4,
        ),
        max_leaves=12,
    )
)  # fmt: skip
def test_whatever_a_schema_is_the_check_tells_something(schema: Any) -> None:
    parameters = {"type": "object", "properties": {"a": schema}} if not isinstance(schema, dict) else schema
    report = check_tool(room.but(parameters=parameters))
    assert json.dumps([str(finding) for finding in report.findings])


async def test_a_toolset_is_checked_as_a_whole() -> None:
    toolset = Toolset.of(room, calculator).with_problems([Problem("lost", "It has no docstring.")])
    examples: dict[str, Any] = {"room": [{"name": "blue"}], "rum": [{}]}
    report = check_toolset(toolset, examples=examples)
    assert report == await check_toolset_here(toolset, examples=examples)
    assert (report.tools, codes(report), report.calls) == (("room", "calculator"), ["set-aside", "no-such-tool"], 1)
    assert str(report).splitlines()[0] == "room: ok"
