"""``/healthz`` and ``/readyz``: whether the process lives, and whether it can answer."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from tierwise.errors import TierwiseError
from tierwise_app.serve.guard.places import is_loopback
from tierwise_app.serve.parts import parts_of

if TYPE_CHECKING:
    from tierwise import AsyncCopilot, Tier

router = APIRouter(tags=["health"])
_LASTS = 2.0  # seconds that a look is good for: whoever asks all the time costs nothing
_LEAST_FREE = 10_000_000  # bytes
_PATIENCE = 1.0  # seconds to wait for another that writes
_STORES = ("record.sqlite", "threads.sqlite", "knowledge.sqlite")
_TierWord = Literal["ready", "no key", "not usable", "kept out"]
_StoresWord = Literal["writable", "not writable", "no space"]


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"]


class TierReady(BaseModel):
    """Whether a tier can be asked: nothing is sent to find out."""

    name: str
    status: _TierWord = Field(
        description="`no key`: its variable is not set; `kept out`: the server is offline or locked, and the tier is"
        " not on the device; `not usable`: its model cannot be opened."
    )


class Readiness(BaseModel):
    """Whether the server can answer; what is behind that only where it may be told."""

    status: Literal["ready", "not ready", "draining"]
    stores: _StoresWord | None = None
    tiers: list[TierReady] | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    stores: _StoresWord
    tiers: tuple[tuple[str, _TierWord], ...]

    @property
    def able(self) -> bool:
        return self.stores == "writable" and any(word == "ready" for _, word in self.tiers)


@router.get("/healthz", operation_id="read_health", responses={200: {"model": Health}})
async def read_health() -> JSONResponse:
    """Whether the process lives. It needs no key."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", operation_id="read_readiness", responses={200: {"model": Readiness}, 503: {"model": Readiness}})
async def read_readiness(request: Request) -> JSONResponse:
    """Whether the stores can be written, a tier can be asked, and the server is not about to end: 200, else 503.

    It needs no key. Where others need one, it is no more than the word.
    """
    parts = parts_of(request)
    look: _Look | None = getattr(request.app.state, "look", None)
    if look is None or time.monotonic() - look.at > _LASTS:
        look = request.app.state.look = await run_in_threadpool(_look, parts.copilot)
    told = Readiness(status="draining" if parts.turns.draining else "ready" if look.able else "not ready")
    if _may_know(request):
        told.stores = look.stores
        told.tiers = [TierReady(name=name, status=word) for name, word in look.tiers]
    return JSONResponse(told.model_dump(exclude_none=True), 200 if told.status == "ready" else 503)


def _may_know(request: Request) -> bool:
    parts = parts_of(request)
    try:
        return is_loopback(parts.settings.host) and not parts.keys.all()
    except TierwiseError:  # the file of keys is damaged
        return False


def _look(copilot: AsyncCopilot) -> _Look:
    tiers = tuple((tier.name, _word(copilot, tier)) for tier in copilot.tiers)
    return _Look(time.monotonic(), _stores(copilot.settings.home), tiers)


def _stores(home: Path) -> _StoresWord:
    try:
        if shutil.disk_usage(home).free < _LEAST_FREE:
            return "no space"
    except OSError:
        return "not writable"
    for name in _STORES:
        path = home / name
        if path.exists() and not _is_writable(path):
            return "not writable"
    return "writable" if (home / _STORES[0]).exists() else "not writable"


def _is_writable(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)) as db:
            db.isolation_level = None
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)  # somebody writes: so it can be
    except sqlite3.Error:
        return False
    return True


def _word(copilot: AsyncCopilot, tier: Tier) -> _TierWord:
    settings = copilot.settings
    if (settings.offline or settings.locked) and not tier.stays_on_device:
        return "kept out"
    try:
        copilot.model(tier.name).capabilities  # noqa: B018 (raises where the model cannot be opened)
    except TierwiseError:
        return "not usable"
    hosted = isinstance(tier.model, str) and tier.model.startswith("openai:")
    if hosted and not (os.environ.get(tier.api_key_env) if tier.api_key_env else tier.base_url):
        return "no key"
    return "ready"
