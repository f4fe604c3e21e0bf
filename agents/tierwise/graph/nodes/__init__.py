"""The nodes of the graph, in the order of a turn."""

from tierwise.graph.nodes.act import act
from tierwise.graph.nodes.admit import admit
from tierwise.graph.nodes.approve import approve
from tierwise.graph.nodes.choose import choose_tier
from tierwise.graph.nodes.finish import finish
from tierwise.graph.nodes.gate import gate
from tierwise.graph.nodes.generate import generate
from tierwise.graph.nodes.look import look
from tierwise.graph.nodes.record import record
from tierwise.graph.nodes.retrieve import retrieve
from tierwise.graph.nodes.show import show
from tierwise.graph.nodes.verify import verify

__all__ = [
    "act",
    "admit",
    "approve",
    "choose_tier",
    "finish",
    "gate",
    "generate",
    "look",
    "record",
    "retrieve",
    "show",
    "verify",
]
