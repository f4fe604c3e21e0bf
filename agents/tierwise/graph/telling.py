"""What the record tells of a prompt: its parts, what became of the passages that were found, the tools in it."""

from __future__ import annotations

from collections.abc import Sequence

from tierwise.graph.asking import Asking, spec_text
from tierwise.graph.caller_tools import caller_tools
from tierwise.graph.context import Live, TurnContext
from tierwise.graph.counting import count_tokens
from tierwise.graph.state import Json, TurnState
from tierwise.graph.toolbox import usable_tools
from tierwise.jsonable import to_json
from tierwise.models.base import ChatModel, ToolSpec
from tierwise.models.tools import tool_nearness
from tierwise.turns import OfferedTool

TAKEN = "you took it out of what leaves"
_NOTED = 32  # tools that a record tells of, beside those that a model was told of


async def tell(
    live: Live, state: TurnState, context: TurnContext, model: ChatModel, asking: Asking, tools: Sequence[ToolSpec]
) -> None:
    """Note in the step that begins what its prompt is made of.

    The tokens of the tools are counted as JSON; what a model's template makes of that may take a few more.

    Raises:
        ModelError: if the tokens cannot be counted.
    """
    prompt, window = asking.prompt, model.capabilities.context_window
    of_tools = sum(await count_tokens(model, list(map(spec_text, tools))))
    live.prompt = {**prompt.parts, **({"tools": of_tools} if tools else {}), "window": window}
    live.told = {"retrieval": _as_read(state, asking, window), "offered": _offered(state, context, tools)}


def _as_read(state: TurnState, asking: Asking, window: int) -> Json | None:
    """The turn's ``Retrieval``, where passages that the prompt has no room for, or that stay here, are not kept."""
    if (retrieval := state.get("retrieval")) is None:
        return None
    had, ids = {passage["id"] for passage in state["passages"]}, {passage.id for passage in asking.prompt.passages}
    out = set(asking.without)
    cut = f"it does not fit the window of {state['tier']} ({window:,} tokens)"
    found = [
        {**one, "kept": one["id"] in ids, "why": None if one["id"] in ids else TAKEN if one["id"] in out else cut}
        if one["id"] in had
        else one
        for one in retrieval["found"]
    ]
    return {**retrieval, "found": found}


def _offered(state: TurnState, context: TurnContext, told: Sequence[ToolSpec]) -> list[Json]:
    """The turn's tools with the tiers that were told of them; of very many those far from the question are left out."""
    names, before = {spec.name for spec in told}, {one["name"]: one for one in state.get("offered", [])}
    ours = (ToolSpec(tool.name, tool.description) for tool in usable_tools(state, context).values())
    specs = [*caller_tools(state), *ours]
    near: dict[str, float] = {}
    embedder = context.services.embedder
    if names and len(told) < len(specs) and context.vector is not None and embedder is not None:
        # They have been chosen by it: nothing is embedded again.
        near = dict(zip((s.name for s in specs), tool_nearness(specs, context.vector, embedder.embed), strict=True))
    found = []
    for name in dict.fromkeys((*before, *(spec.name for spec in specs))):
        one = before.get(name, {"similarity": None, "tiers": []})
        tiers = dict.fromkeys((*one["tiers"], *([state["tier"]] if name in names else [])))
        found.append(OfferedTool(name, near.get(name, one["similarity"]), tuple(tiers)))
    spare = sorted((one for one in found if not one.tiers), key=lambda one: -(one.similarity or 0.0))[_NOTED:]
    return [to_json(one) for one in found if one not in spare]
