"""The graph put together: which node follows which."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from tierwise.errors import ConfigError
from tierwise.graph import nodes
from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState

Place = Literal["admit", "retrieve", "choose", "finish"]
NodeFunction = Callable[..., Awaitable[Any]]

# Steps of one turn at most: the fixed nodes, every tool round, every tier.
STEP_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Node:
    """A node of one's own, put behind one of the fixed nodes.

    Attributes:
        name: its name in the graph.
        after: the fixed node it follows.
        function: ``async (state, runtime) -> changes to the state``.
    """

    name: str
    after: Place
    function: NodeFunction


def build_graph(
    checkpointer: BaseCheckpointSaver[Any] | None = None, extra: Sequence[Node] = ()
) -> CompiledStateGraph[TurnState, TurnContext, TurnState, TurnState]:
    """Compile the graph of a turn.

    Args:
        checkpointer: where the state is kept between steps; ``None`` keeps it in memory only.
        extra: nodes of one's own; several behind the same node run in the order given.

    Raises:
        ConfigError: for a node that is not async, whose name is taken, or whose place does not exist.
    """
    graph = StateGraph(TurnState, context_schema=TurnContext)
    fixed: dict[str, NodeFunction] = {
        "admit": nodes.admit,
        "retrieve": nodes.retrieve,
        "choose": nodes.choose_tier,
        "generate": nodes.generate,
        "gate": nodes.gate,
        "act": nodes.act,
        "approve": nodes.approve,
        "show": nodes.show,
        "verify": nodes.verify,
        "look": nodes.look,
        "finish": nodes.finish,
        "record": nodes.record,
    }
    for name, function in fixed.items():
        graph.add_node(name, function)
    followers: dict[str, list[str]] = {}
    for node in extra:
        _check(node, graph.nodes)
        graph.add_node(node.name, node.function)
        followers.setdefault(node.after, []).append(node.name)
    graph.add_edge(START, "admit")
    for place, goal in (("admit", "retrieve"), ("retrieve", "choose"), ("choose", "generate"), ("finish", "record")):
        path = [place, *followers.get(place, []), goal]
        if place == "retrieve":  # what the documents do not have need not be drafted
            last = path[-2]
            graph.add_conditional_edges(last, _after_retrieve, ["choose", "finish"])
            path = path[:-1]
        for left, right in pairwise(path):
            graph.add_edge(left, right)
    graph.add_edge("act", "gate")  # generate, gate and verify name their successors themselves
    graph.add_edge("approve", "gate")
    graph.add_edge("show", "generate")
    graph.add_edge("look", "verify")
    graph.add_edge("record", END)
    return graph.compile(checkpointer, name="tierwise")


def _after_retrieve(state: TurnState) -> Literal["choose", "finish"]:
    return "finish" if state.get("settled") else "choose"


def going_on(snapshot: Any) -> Any:
    """What a parked turn's graph is started with again: past the point where it waits, or where its program ended."""
    return Command(resume=True) if any(task.interrupts for task in snapshot.tasks) else None


def _check(node: Node, taken: Any) -> None:
    if node.name in taken:
        raise ConfigError(f"A node named {node.name!r} is there already.", fix="Give yours another name.")
    if node.after not in get_args(Place):
        raise ConfigError(f"No node can follow {node.after!r}.", fix=f"Use one of: {', '.join(get_args(Place))}.")
    if not inspect.iscoroutinefunction(node.function):
        raise ConfigError(f"The node {node.name!r} is not async: it could not be stopped.", fix="Write async def.")
