"""Wrapping tools: each wrapping gives a new set, and no wrapping loses a tool silently."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_tools import Tool, Toolset, calculator, clock, tool
from tierwise_tools.effects import ask_by_effect, read_effects
from tierwise_tools.foreign import foreign_tool
from tierwise_tools.names import distinct_names, prefixed_name, safe_name

NAME = re.compile(r"[a-zA-Z_-][a-zA-Z0-9_-]{0,63}")


def names(tools: Toolset) -> list[str]:
    return [tool.name for tool in tools]


def test_sets_are_prefixed_filtered_renamed_and_made_to_ask() -> None:
    both = Toolset.of(calculator, clock)
    assert names(both.prefixed("my_")) == ["my_calculator", "my_clock"]
    assert names(both.filtered(lambda t: t.name == "clock")) == ["clock"]
    assert names(both.renamed({"clock": "time"})) == ["calculator", "time"]
    assert [t.asks for t in both.approval_required(lambda t: t.name == "clock")] == ["by_effect", "always"]
    assert names(both) == ["calculator", "clock"]
    assert calculator.but(name="x")("1+1") == "2"  # still a function


def test_mistakes_in_wrapping_are_errors() -> None:
    both = Toolset.of(calculator, clock)
    with pytest.raises(ValueError, match="two tools are named 'clock'"):
        both.renamed({"calculator": "clock"})
    with pytest.raises(KeyError, match="nothing"):
        both.renamed({"nothing": "x"})
    with pytest.raises(ValueError, match="two tools are named"):
        Toolset.of(clock, clock)


def test_of_two_tools_with_one_name_the_first_stays_and_the_other_is_told() -> None:
    other = clock.but(description="another")
    together = Toolset.of(clock) + Toolset.of(other, calculator)
    assert [t.description for t in together if t.name == "clock"] == [clock.description]
    assert names(together) == ["clock", "calculator"]
    assert [problem.name for problem in together.problems] == ["clock"]


@given(st.text(max_size=200))
def test_every_text_has_a_safe_name(text: str) -> None:
    assert NAME.fullmatch(safe_name(text))
    assert NAME.fullmatch(prefixed_name("shop_", safe_name(text)))


@given(st.lists(st.text(max_size=80), max_size=12, unique=True))
def test_different_texts_have_different_names(texts: list[str]) -> None:
    made = distinct_names(texts)
    assert list(made) == texts
    assert len({name.casefold() for name in made.values()}) == len(texts)
    assert all(NAME.fullmatch(name) for name in made.values())


def test_effects_decide_who_asks() -> None:
    asking = {effects: [ask_by_effect(effects, tainted=t) for t in (False, True)] for effects in
              (("read",), ("network",), ("read", "network"), ("write",), ("execute",), ("read", "write"))}  # fmt: skip
    assert asking == {
        ("read",): [False, False],
        ("network",): [False, True],
        ("read", "network"): [False, True],
        ("write",): [True, True],
        ("execute",): [True, True],
        ("read", "write"): [True, True],
    }
    assert read_effects(None) == ("write",)
    assert read_effects(["network", "read", "read"]) == ("read", "network")
    for wrong in ("fly", ["read", "x"], []):
        with pytest.raises(ValueError, match="effect"):
            read_effects(wrong)  # type: ignore[arg-type]


def test_the_fingerprint_follows_what_was_agreed_to() -> None:
    @tool(effects="read")
    def look(at: str) -> str:
        """Look.

        Args:
            at: at what.
        """
        return at

    assert look.fingerprint == look.but().fingerprint
    changes: list[dict[str, Any]] = [
        {"description": "Look!"}, {"name": "see"}, {"effects": ("write",)}, {"parameters": {}}, {"asks": "always"},
    ]  # fmt: skip
    assert len({look.fingerprint, *(look.but(**change).fingerprint for change in changes)}) == 6


async def test_a_foreign_tool_is_checked_against_its_schema() -> None:
    seen: list[Any] = []

    async def call(arguments: dict[str, Any], context: Any) -> dict[str, Any]:
        seen.append(arguments)
        return {"ok": True}

    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    made: Tool[..., Any] = foreign_tool(call, name="remote", description="d", parameters=schema, effects=("read",))
    assert (await made.run({"n": 1})).text == '{"ok":true}'
    for wrong in ({}, {"n": "1"}, {"n": 1e400}):
        with pytest.raises(Exception, match="called wrongly"):
            await made.run(wrong)
    assert seen == [{"n": 1}]
    for bad in ({"type": "array"}, {"type": "object", "properties": {"n": {"type": "numbr"}}}, []):
        with pytest.raises(ValueError, match="no JSON Schema"):
            foreign_tool(call, name="x", description="d", parameters=bad)  # type: ignore[arg-type]


async def test_a_schema_cannot_make_this_machine_fetch_anything() -> None:
    async def call(arguments: dict[str, Any], context: Any) -> str:
        return "called"

    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    seen: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Listener)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    schema = {"type": "object", "properties": {"n": {"$ref": f"http://127.0.0.1:{server.server_address[1]}/s.json"}}}
    made = foreign_tool(call, name="x", description="d", parameters=schema)
    with pytest.raises(Exception, match="cannot be checked"):
        await made.run({"n": 1})
    server.shutdown()
    server.server_close()
    assert seen == []


async def test_a_pattern_cannot_hold_up_the_program(tmp_path: Path) -> None:
    from tierwise_tools.schema_check import checker, complaint_about_schema

    program = (  # in a process of its own: what goes wrong here cannot be interrupted
        "from tierwise_tools.schema_check import checker\n"
        "check = checker({'properties': {'n': {'pattern': '^(a+)+$'}}, 'patternProperties': {'^(x+)+$': False}})\n"
        "print(check({'n': 'a' * 40 + '!', 'x' * 40 + '!': 1}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "does not match" in done.stdout
    assert checker({"properties": {"n": {"pattern": "^a+$"}}})({"n": "aaa"}) == []
    assert checker({"properties": {"n": {"pattern": "(?=a)b"}}})({"n": "zzz"}) == []  # left to whoever wrote it
    closed = checker(
        {"properties": {"a": {}}, "patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": False}
    )
    assert closed({"a": 1, "xy": 2}) == []
    assert closed({"xy": "z"}) == ["xy: 'z' is not of type 'integer'"]
    assert closed({"b": 1}) == ["arguments: 'b' is not one of its properties"]
    assert complaint_about_schema({"properties": {"n": {"minimum": "1"}}}) is not None
    assert complaint_about_schema({"$defs": {"n": {"type": ["string", "null"]}}, "$ref": "#/$defs/n"}) is None
