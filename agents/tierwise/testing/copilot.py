"""A copilot for tests: scripted tiers, a home of its own, no embedder unless asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tierwise.config import Settings, Tier
from tierwise.models.base import ChatModel, ChatRequest
from tierwise.runtime import Copilot
from tierwise.testing.scripted import ScriptedModel, Step

Script = ChatModel | Sequence[str | Step | Callable[[ChatRequest], str | Step]]


def make_copilot(quick: Script = ("An answer.",), deep: Script | None = None, **options: Any) -> Copilot:
    """A copilot on scripted models that touches nothing outside a fresh folder.

    Args:
        quick: a model, or the steps of the on-device tier; the last step is repeated.
        deep: a model, or the steps of a second tier that is not on the device; by default there is none.
        options: passed on to :class:`~tierwise.Copilot`; ``home`` names the folder to use.

    Returns:
        The copilot; the models are ``copilot.model("quick")`` and ``copilot.model("deep")``.
    """
    home = Path(options.pop("home", None) or tempfile.mkdtemp(prefix="tierwise-test-"))
    tiers = [Tier("quick", _model(quick, "scripted-quick", on_device=True))]
    if deep is not None:
        tiers.append(Tier("deep", _model(deep, "scripted-deep", on_device=False)))
    settings = options.pop("settings", None) or Settings(home=home)
    return Copilot(tiers, settings=settings, home=home, **options)


def _model(script: Script, name: str, *, on_device: bool) -> ChatModel:
    if isinstance(script, ChatModel):
        return script
    return ScriptedModel(
        list(script), name=name, on_device=on_device, host=None if on_device else "scripted.invalid", repeat=True
    )
