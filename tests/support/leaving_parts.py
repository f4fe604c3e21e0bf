"""What tests of what leaves the device share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tierwise import (
    Answer,
    Copilot,
    Outgoing,
    Passage,
    Tier,
)
from tierwise.models import ChatRequest
from tierwise.testing import ScriptedModel

DRAFT = "UNSURE, a draft of the device."


def piece(n: int, text: str) -> Passage:
    return Passage(f"p{n}", f"/docs/{n}.txt", "default", None, 0, len(text), text, 0.8)


SEVEN, NINE = piece(1, "The fee of the pool is seven euros."), piece(2, "The sauna shuts at nine on Sundays.")


def sent(copilot: Copilot, tier: str = "deep") -> list[str]:
    """Everything that each request to a tier said."""
    return [said(request) for request in copilot.model(tier).requests]  # type: ignore[attr-defined]


def said(request: ChatRequest) -> str:
    return "\n".join([*(m.content for m in request.messages), *(str(m.tool_calls) for m in request.messages)])


def shown(answer: Answer) -> Outgoing:
    assert answer.status == "needs_approval", answer
    assert answer.outgoing is not None
    assert answer.waiting == ()
    return answer.outgoing


def kinds(outgoing: Outgoing) -> list[str]:
    """What is in it beside the tools, which come last."""
    assert "tools" not in [item.kind for item in outgoing.items[:-1]]
    return [item.kind for item in outgoing.items if item.kind != "tools"]


def decide(copilot: Copilot, answer: Answer, *, allow: bool, without: Any = ()) -> Answer:
    turn = copilot.decide_sending(answer.turn_id, shown(answer).id, allow=allow, without=without)
    return copilot.go_on(turn)


def three(own_home: Path, deep: Any, deeper: Any, **options: Any) -> Copilot:
    tiers = [
        Tier("quick", ScriptedModel([DRAFT], name="q", repeat=True)),
        Tier("deep", deep),
        Tier("deeper", deeper),
    ]
    return Copilot(tiers, home=own_home, **options)


def hosted(*steps: Any, host: str) -> ScriptedModel:
    return ScriptedModel(list(steps), name=host, on_device=False, host=host, repeat=True)
