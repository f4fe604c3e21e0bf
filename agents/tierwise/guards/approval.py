"""May a tool call run, must a person say yes first, or is it refused? Decided by rules, never by a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tierwise.tool_settings import Approval
from tierwise_tools import Tool
from tierwise_tools.effects import ask_by_effect, only_reads

_CAN = {"read": "read", "write": "change something", "network": "reach the network", "execute": "run code"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a call beside its tool.

    Attributes:
        word: the owner's word for this tool in the configuration.
        allowed: a person has said that this tool, as it is now, need not ask.
        tainted: the turn has read text that may not be trusted.
        stays: the turn may not leave the device: it is locked, or offline.
    """

    word: Approval | None = None
    allowed: bool = False
    tainted: bool = False
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """What happens to a call, and why, in words."""

    verdict: Literal["run", "ask", "refuse"]
    why: str = ""


def rule(tool: Tool[..., Any], standing: Standing) -> Ruling:
    """Rule over a call; what is stricter comes first.

    A tool that may never go unasked asks whatever the configuration says. The owner's ``free`` holds in every turn; a
    person's "always" does not hold in a turn that has read untrusted text, for that text may be what wants the call.
    """
    if refusal := refusal_of(tool, word=standing.word, stays=standing.stays):
        return Ruling("refuse", refusal)
    effects = " and ".join(_CAN[effect] for effect in tool.effects)
    if tool.asks == "always":
        return Ruling("ask", f"{tool.name} asks for every call")
    if standing.word == "free":
        return Ruling("run")
    if standing.word == "ask":
        return Ruling("ask", f"the configuration has {tool.name} ask")
    if standing.tainted and not only_reads(tool.effects):
        return Ruling("ask", f"this turn has read text that may not be trusted, and {tool.name} can {effects}")
    if standing.allowed or not ask_by_effect(tool.effects, tainted=standing.tainted):
        return Ruling("run")
    if not tool.says_effects:
        return Ruling("ask", f"{tool.name} does not say what it does (its author can: @tool(effects=...))")
    return Ruling("ask", f"{tool.name} can {effects}")


def refusal_of(tool: Tool[..., Any], *, word: Approval | None, stays: bool) -> str | None:
    """Why a tool cannot be used in a turn at all; ``None`` if it can."""
    if word == "deny":
        return f"the configuration refuses {tool.name}"
    if stays and "network" in tool.effects:
        return f"{tool.name} reaches the network, and this turn stays on the device"
    return None
