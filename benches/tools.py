"""How well a local model calls tools: whether every call is valid, and whether it is the right one.

    python -m benches.tools [--threads N] [--prompts N]     the embedded SmolLM2: 12 tools, each prompt twice
    python -m benches.tools --gguf FILE                     a larger model: 6 tools, the right tool and arguments

Validity: with ``must_call`` every answer has to be a call of a tool there is with arguments that fit; without it, every
call that comes. Each prompt is asked twice, greedily and drawn at temperature 0.7. Gate: no call that could be run is
invalid. What a model cannot bring to an end (a text or list without end, a name twice in an object of open names) has a
problem and is not run; it is counted apart, and the aim is that there is none.
Rightness (aim 85 % of the tools): the prompts of ``tool_prompts.jsonl`` ask for one tool each; of its arguments those
are checked that leave no doubt (texts: that the word is in them).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tierwise.models import Called, ChatRequest, Completed, Delta, LlamaModel, ToolSpec, locate
from tierwise.models.device.probe import usable_cores
from tierwise.models.tools.fitting import Unfit, fitted
from tierwise.types import Message, ToolCall

PROMPTS = Path(__file__).parent / "tool_prompts.jsonl"
SYSTEM = "You are a helpful assistant. Use a tool when it fits the request."
AIM = 0.85
MOST_TOKENS = 512
SHORT = 160  # for answers that may be text: a call that has not begun by then will not come


def tool(name: str, description: str, required: list[str], **properties: dict[str, Any]) -> ToolSpec:
    """A tool whose parameters are these and no others."""
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return ToolSpec(name, description, schema)


TEXT = {"type": "string"}
MONEY = {"type": "string", "enum": ["USD", "EUR", "GBP", "CHF", "JPY"]}
SIX = (
    tool("get_weather", "Weather of a city.", ["city", "day"], city=TEXT, day={"enum": ["today", "tomorrow"]}),
    tool(
        "convert_currency",
        "Convert an amount of money from one currency to another.",
        ["amount", "source", "target"],
        amount={"type": "number", "minimum": 0},
        source=MONEY,
        target=MONEY,
    ),
    tool("set_timer", "Start a timer.", ["minutes"], minutes={"type": "integer", "minimum": 1, "maximum": 600}),
    tool("send_email", "Send an email.", ["to", "subject", "body"], to=TEXT, subject=TEXT, body=TEXT),
    tool("calculate", "Calculate an arithmetic expression.", ["expression"], expression=TEXT),
    tool("search_documents", "Search the user's own documents.", ["query"], query=TEXT, k={"type": "integer"}),
)
TWELVE = (
    *SIX,
    tool("now", "The current date and time.", []),
    tool(
        "book_table",
        "Book a table at a restaurant.",
        ["when", "guests"],
        when={"type": "string", "format": "date-time"},
        guests={"type": "array", "items": TEXT, "minItems": 1, "maxItems": 6},
        outside={"type": "boolean"},
    ),
    tool(
        "create_event",
        "Put an event into the calendar.",
        ["title", "place"],
        title={"type": "string", "maxLength": 60},
        place={"anyOf": [{"type": "null"}, {"type": "object", "properties": {"room": TEXT}, "required": ["room"]}]},
        day={"type": "string", "format": "date"},
    ),
    tool("track_parcel", "Where a parcel is.", ["number"], number={"type": "string", "pattern": "^[A-Z]{2}[0-9]{9}$"}),
    tool("label", "Labels with their values.", ["labels"], labels={"type": "object", "additionalProperties": TEXT}),
    tool(
        "filter_rows",
        "Filter the rows of a table.",
        ["conditions"],
        conditions={
            "type": "array",
            "minItems": 1,
            "maxItems": 3,
            "items": {
                "type": "object",
                "properties": {"column": TEXT, "is": {"anyOf": [{"type": "number"}, TEXT, {"type": "boolean"}]}},
                "required": ["column", "is"],
            },
        },
    ),
)


async def answer(model: LlamaModel, prompt: str, tools: tuple[ToolSpec, ...], **how: Any) -> tuple[str, list[ToolCall]]:
    """What it says, and what it calls."""
    messages = (Message("system", SYSTEM), Message("user", prompt))
    request = ChatRequest(messages, tools=tools, evidence=False, **{"max_tokens": MOST_TOKENS, **how})
    text, calls = "", []
    async for chunk in model.stream(request):
        if isinstance(chunk, Delta):
            text += chunk.text
        elif isinstance(chunk, Called):
            calls.append(chunk.call)
        elif isinstance(chunk, Completed):
            break
    return text, calls


def is_valid(call: ToolCall, tools: tuple[ToolSpec, ...]) -> bool:
    """Whether it can be run: judged here once more, from the schemas alone."""
    parameters = next((t.parameters for t in tools if t.name == call.name), None)
    if parameters is None or call.problem or call.repaired:
        return False
    try:
        return fitted(call.arguments, parameters)[0] == call.arguments
    except Unfit:
        return False


async def validity(path: Path, threads: int, rows: list[dict[str, Any]], modes: Sequence[bool]) -> bool:
    """Calls under a grammar; true if the gates hold."""
    model = LlamaModel(path, threads=threads, context_window=4096)
    good = True
    for must in modes:
        started, found = time.perf_counter(), Counter[str]()
        for number, row in enumerate(rows):
            for how in ({}, {"temperature": 0.7, "seed": number}):
                limit = MOST_TOKENS if must else SHORT
                text, calls = await answer(model, row["prompt"], TWELVE, must_call=must, max_tokens=limit, **how)
                valid = len(calls) == 1 and is_valid(calls[0], TWELVE)
                kind = "text" if not calls else "valid" if valid else "problem" if calls[0].problem else "invalid"
                found[kind] += 1
                if kind in ("problem", "invalid"):
                    print(f"  {kind}: {calls[0].name} {str(calls[0].arguments)[:80]} {calls[0].problem or ''}"[:160])
                found["cut"] += any(call.cut for call in calls)
                if must and text:
                    found["said something as well"] += 1
        asked = 2 * len(rows)
        seconds = time.perf_counter() - started
        counts = ", ".join(f"{kind} {n}" for kind, n in found.items())
        print(f"must_call={must}: {counts} of {asked}; {seconds / asked:.2f} s an answer", flush=True)
        good = good and not found["invalid"] and not (must and found["valid"] < asked)
    await model.aclose()
    return good


async def rightness(path: Path, threads: int, rows: list[dict[str, Any]]) -> bool:
    """The right tool and the right arguments; true if the aim is reached."""
    model = LlamaModel(path, threads=threads, context_window=4096)
    started, right_tool, right_arguments, silent = time.perf_counter(), 0, 0, 0
    for row in rows:
        text, calls = await answer(model, row["prompt"], SIX)
        if not calls:
            silent += 1
            print(f"  no call: {row['prompt']} -> {' '.join(text.split())[:80]!r}", flush=True)
            continue
        call = calls[0]
        if call.name != row["tool"] or call.problem:
            print(f"  wrong: {row['prompt']} -> {call.name} {call.problem or ''}", flush=True)
            continue
        right_tool += 1
        if all(is_right(call.arguments.get(name), wanted) for name, wanted in row["args"].items()):
            right_arguments += 1
        else:
            print(f"  arguments: {row['prompt']} -> {json.dumps(call.arguments)[:100]}", flush=True)
    await model.aclose()
    n = len(rows)
    seconds = (time.perf_counter() - started) / n
    print(f"{path.name}, {len(SIX)} tools, {n} prompts, {seconds:.1f} s a prompt: right tool {right_tool / n:.0%}")
    print(f"(aim {AIM:.0%}), right arguments as well {right_arguments / n:.0%}, no call {silent}")
    return right_tool / n >= AIM


def is_right(value: Any, wanted: Any) -> bool:
    """A number is the number; a text has the word in it."""
    if isinstance(wanted, str):
        return isinstance(value, str) and wanted.casefold() in value.casefold()
    return bool(value == wanted)


def main() -> int:
    """Print the figures; 1 if a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", type=Path, help="default: the embedded SmolLM2, for validity only")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--prompts", type=int, help="only the first N")
    parser.add_argument("--only", choices=("must_call", "free"), help="half of the validity")
    args = parser.parse_args()
    rows = [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()][: args.prompts]
    if args.gguf is not None:
        return int(not asyncio.run(rightness(args.gguf, args.threads, rows)))
    modes = {"must_call": (True,), "free": (False,), None: (True, False)}[args.only]
    return int(not asyncio.run(validity(locate("smollm2-135m"), args.threads, rows, modes)))


if __name__ == "__main__":
    sys.exit(main())
