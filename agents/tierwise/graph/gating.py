"""What happens to each call a model asks for: it runs, a person is asked, or it is settled without running."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tierwise.graph.caller_tools import results_instead
from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState
from tierwise.graph.toolbox import calls_so_far, limit_reached
from tierwise.guards import Ruling, Standing, refusal_of, rule
from tierwise.jsonable import from_json
from tierwise.record import CallKey, LedgerEntry, call_hash, call_id
from tierwise.turns import ToolStep, WaitingCall
from tierwise.types import ToolCall, ToolOutcome
from tierwise_tools import Tool, ToolError
from tierwise_tools.effects import only_reads

ENOUGH = "answer from what you have"


@dataclass
class Sorted:
    """The calls of a model step that have no result yet, by what happens to them now.

    Attributes:
        run: ``(place, what to run with, approved, edited)``.
        ask: what a person has to be asked.
        settled: what is over without having been run.
    """

    run: list[tuple[int, ToolCall, bool, bool]] = field(default_factory=list)
    ask: list[tuple[CallKey, WaitingCall]] = field(default_factory=list)
    settled: list[ToolStep] = field(default_factory=list)


def sort_calls(state: TurnState, context: TurnContext) -> Sorted:
    """Sort the calls of the last model step; reads the ledger, so call it in a thread."""
    sorting = _Sorting(state, context)
    for place, call in _open_calls(state):
        sorting.take(place, call)
    return sorting.done


def _open_calls(state: TurnState) -> list[tuple[int, ToolCall]]:
    rounds = state.get("rounds", [])
    if not rounds:
        return []
    last = len(rounds) - 1
    over = {r["index"] for r in state.get("results", []) if r["round"] == last}
    return [(n, from_json(ToolCall, call)) for n, call in enumerate(rounds[-1]["calls"]) if n not in over]


class _Sorting:
    def __init__(self, state: TurnState, context: TurnContext) -> None:
        self.done = Sorted()
        self._state, self._context = state, context
        self._services = context.services
        self._round = len(state.get("rounds", [])) - 1
        ledger = self._services.record.calls(context.turn_id)
        self._ledger = {entry.key.place: entry for entry in ledger if entry.key.round == self._round}
        self._limits = self._services.settings.tools.limits
        self._begun_now: set[str] = set()
        last = state["rounds"][-1]["calls"] if state.get("rounds") else []
        self._instead = results_instead(state, last, self._services.shelf.tools)

    def take(self, place: int, call: ToolCall) -> None:
        """Decide about one call."""
        if place in self._instead:
            outcome, told = self._instead[place]
            self._settle(place, call, (), outcome, told)
            return
        tool = self._services.shelf.tools.get(call.name)
        entry = self._ledger.get(place)
        if tool is None or call.problem is not None or (entry is not None and entry.state == "over"):
            self._run(place, call)  # to be told what is wrong with it, or what came of it
        elif entry is not None and entry.state != "begun" and (refusal := self._refusal(tool)) is not None:
            self._settle(place, call, tool.effects, "refused", f"not run: {refusal}")  # whatever a person said before
        elif entry is not None:
            self._go_on(place, call, tool, entry)
        elif (against := self._against(place, call, tool)) is not None:
            self._settle(place, call, tool.effects, "refused", f"not run: {against}")
        elif _does_not_fit(tool, call.arguments):
            self._run(place, call)  # nobody has to be asked about a call that cannot be run
        else:
            self._rule(place, call, tool)

    def _go_on(self, place: int, call: ToolCall, tool: Tool[..., Any], entry: LedgerEntry) -> None:
        """A call that the ledger knows: decided on by a person, or begun before the program ended."""
        if entry.state == "denied":
            why = f": {entry.reason}" if entry.reason else ""
            self._settle(place, call, tool.effects, "denied", f"not run: the user said no{why}")
        elif entry.state == "allowed" and not entry.edited and entry.arguments != call.arguments:
            why = "not run: its arguments are not those that were shown"
            self._settle(place, call, tool.effects, "refused", why)
        elif entry.state == "allowed":
            self._run(place, _with(call, entry.arguments), approved=True, edited=entry.edited)
        elif entry.state == "begun" and tool.may_repeat:
            self._run(place, _with(call, entry.arguments), approved=entry.asked, edited=entry.edited)
        elif entry.state == "begun":
            why = "it was begun before the program ended, and nobody knows whether it was done: look before you say yes"
            self._ask(place, _with(call, entry.arguments), tool, why)
        else:
            self._ask(place, call, tool, self._why(place, call))

    def _refusal(self, tool: Tool[..., Any]) -> str | None:
        word = self._services.settings.tools.approval.get(tool.name)
        return refusal_of(tool, word=word, stays=self._state["locked"] or self._state["offline"])

    def _against(self, place: int, call: ToolCall, tool: Tool[..., Any]) -> str | None:
        """What stands against running it, whoever may say yes."""
        reached = limit_reached(self._state, self._context, self._limits)
        if reached is not None or len(self._state.get("results", [])) + place >= self._limits.calls:
            return f"{reached or f'this turn has used its {self._limits.calls} tool calls'}; {ENOUGH}"
        same = call_hash(call.name, call.arguments)
        if calls_so_far(self._state)[same] > self._limits.equal_calls:
            return f"the same call was asked for more than {self._limits.equal_calls} times; {ENOUGH}"
        if tool.may_repeat:
            return None
        for result in self._state.get("results", []):
            if result["ok"] and call_hash(result["name"], result["arguments"]) == same:
                return f"exactly this was done already in this turn, and gave: {result['result']}"
        if same in self._begun_now:
            return "exactly this was asked for twice in one step, and is done once"
        self._begun_now.add(same)
        return None

    def _rule(self, place: int, call: ToolCall, tool: Tool[..., Any]) -> None:
        services, state = self._services, self._state
        standing = Standing(
            word=services.settings.tools.approval.get(tool.name),
            allowed=services.record.is_allowed(tool.name, tool.fingerprint),
            tainted=state.get("tainted", False),
            stays=state["locked"] or state["offline"],
        )
        ruling = rule(tool, standing)
        if ruling.verdict == "run" and call.cut and not only_reads(tool.effects):
            ruling = Ruling("ask", "the call came to the model's limit: its arguments may be shorter than it meant")
        if ruling.verdict == "run":
            self._run(place, call)
        elif ruling.verdict == "ask":
            self._ask(place, call, tool, ruling.why)
        else:
            self._settle(place, call, tool.effects, "refused", f"not run: {ruling.why}")

    def _run(self, place: int, call: ToolCall, *, approved: bool = False, edited: bool = False) -> None:
        self.done.run.append((place, call, approved, edited))

    def _ask(self, place: int, call: ToolCall, tool: Tool[..., Any], why: str) -> None:
        key = CallKey(self._context.turn_id, self._round, place)
        waiting = WaitingCall(
            id=call_id(key, call.name, call.arguments),
            turn_id=self._context.turn_id,
            name=call.name,
            arguments=call.arguments,
            effects=tool.effects,
            why=why,
            tier=self._state["tier"],
            origin=str(tool.origin),
        )
        self.done.ask.append((key, waiting))

    def _why(self, place: int, call: ToolCall) -> str:
        """Why a person was asked already about a call that still waits."""
        own = call_id(CallKey(self._context.turn_id, self._round, place), call.name, call.arguments)
        waiting = self._services.record.waiting_calls(self._context.turn_id)
        return next((one.why for one in waiting if one.id == own), "")

    def _settle(self, place: int, call: ToolCall, effects: tuple[str, ...], outcome: ToolOutcome, result: str) -> None:
        step = ToolStep(
            attempt=self._state["attempt"],
            index=place,
            name=call.name,
            arguments=call.arguments,
            ok=False,
            result=result,
            ms=0.0,
            round=self._round,
            outcome=outcome,
            effects=effects,
            mended=call.repaired,
        )
        self.done.settled.append(step)


def _does_not_fit(tool: Tool[..., Any], arguments: dict[str, Any]) -> bool:
    try:
        tool.check(arguments)
    except ToolError:
        return True
    return False


def _with(call: ToolCall, arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(call.id, call.name, arguments, repaired=call.repaired)
