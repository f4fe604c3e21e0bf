"""Runs the checks on one backend and keeps what was seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tierwise.errors import TierwiseError
from tierwise_app.backends.checks import CHECKS, NotAsked, NotKept, Subject, drain, story
from tierwise_app.text import one_line

if TYPE_CHECKING:
    from tierwise.models import ChatModel
    from tierwise_app.backends.find import Backend

UNKNOWN_MODEL = "tierwise-no-such-model"
_LIMIT_S = 180.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw.

    Attributes:
        check: its name.
        status: ``ok``, ``failed`` (this kind of backend must keep it), ``no`` (it need not) or ``skipped``.
        text: what happened, or why it was skipped.
    """

    check: str
    status: Literal["ok", "failed", "no", "skipped"]
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out about one backend.

    Attributes:
        name: of the backend.
        kind: of the backend.
        model: what was asked for; empty if the backend is absent.
        status: ``ok``, ``failed`` (a check that its kind must keep, or no answer at all) or ``skipped``.
        why: the reason for ``skipped``, or for no answer at all.
        served: what answered.
        first_token_ms: until the first text of a warm backend.
        tokens_per_s: speed of writing after it; ``None`` where all came at once.
        findings: one a check.
    """

    name: str
    kind: str
    model: str
    status: Literal["ok", "failed", "skipped"]
    why: str | None = None
    served: str | None = None
    first_token_ms: float | None = None
    tokens_per_s: float | None = None
    findings: tuple[Finding, ...] = ()


def examine(backend: Backend, home: Path, on_check: Callable[[str], None] = lambda _: None) -> Report:
    """Ask a backend everything.

    Args:
        backend: which.
        home: the home folder, where downloaded models lie.
        on_check: told the title of each check before it is run.
    """
    if backend.absent:
        return Report(backend.name, backend.kind, backend.model, "skipped", backend.absent)
    return asyncio.run(_examine(backend, home, on_check))


async def _examine(backend: Backend, home: Path, on_check: Callable[[str], None]) -> Report:
    from tierwise.models import open_model

    model = None
    try:
        on_check("first answer")
        model = open_model(backend.tier(), home=home)
        async with asyncio.timeout(_LIMIT_S):
            await drain(model, story())  # loads the model, wherever it is
            answer = await drain(model, story())
        subject = Subject(model, answer, _known_window(backend, model), lambda: _other(backend, home))
        findings = [await _ask(n, subject, backend.kind, on_check) for n in range(len(CHECKS))]
    except (TierwiseError, TimeoutError) as error:
        why = one_line(error.what) if isinstance(error, TierwiseError) else f"no answer within {_LIMIT_S:.0f} s"
        return Report(backend.name, backend.kind, backend.model, "failed", why)
    finally:
        if model is not None:
            await model.aclose()
    tokens, writing = answer.done.usage.completion_tokens, answer.total - answer.first
    return Report(
        name=backend.name,
        kind=backend.kind,
        model=backend.model,
        status="failed" if any(f.status == "failed" for f in findings) else "ok",
        served=answer.done.model_served,
        first_token_ms=answer.first * 1e3,
        tokens_per_s=(tokens - 1) / writing if tokens > 1 and writing > 1e-3 else None,
        findings=tuple(findings),
    )


async def _ask(number: int, subject: Subject, kind: str, on_check: Callable[[str], None]) -> Finding:
    check = CHECKS[number]
    on_check(check.title)
    try:
        async with asyncio.timeout(_LIMIT_S):
            return Finding(check.name, "ok", one_line(await check.run(subject)))
    except NotAsked as reason:
        return Finding(check.name, "skipped", str(reason))
    except NotKept as seen:
        text = one_line(str(seen))
    except TierwiseError as error:
        text = one_line(error.what)
    except TimeoutError:
        text = f"no end within {_LIMIT_S:.0f} s"
    return Finding(check.name, "failed" if kind in check.needed else "no", text)


def _known_window(backend: Backend, model: ChatModel) -> int | None:
    return model.capabilities.context_window if model.capabilities.exact_counts else backend.window


def _other(backend: Backend, home: Path) -> ChatModel:
    from tierwise.config import Tier
    from tierwise.models import open_model

    if backend.kind == "llama.cpp":
        return open_model(Tier("other", f"llama:{home / UNKNOWN_MODEL}.gguf"), home=home)
    return open_model(backend.tier(model=UNKNOWN_MODEL), home=home)
