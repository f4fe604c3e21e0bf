"""A local GGUF model as a :class:`~tierwise.models.base.ChatModel`."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import weakref
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from tierwise.errors import ConfigError, ModelNotInstalled
from tierwise.jsonable import to_json
from tierwise.models.base import Capabilities, ChatRequest, Chunk, Completed, Delta, Reading
from tierwise.models.gguf import GgufHeader, read_header
from tierwise.models.llama_process import LoadPlan, Supervisor
from tierwise.models.memory import check_memory, prefix_budget
from tierwise.types import TokenEvidence, Usage

DEFAULT_CONTEXT = 8192


class LlamaModel:
    """One GGUF in a process of its own, started by the first request.

    Args:
        path: the GGUF file.
        name: how configuration names it.
        context_window: tokens of prompt and answer together; the file's own limit if that is smaller.
        threads: CPU threads, fixed; default: ``TIERWISE_THREADS``, else at most the physical cores this process may
            use, and fewer while that is faster.
        sha256: what the file's SHA-256 must be; ``None`` skips that check.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        name: str | None = None,
        context_window: int | None = None,
        threads: int | None = None,
        sha256: str | None = None,
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self._name = name or f"llama:{self.path}"
        self._wanted = context_window
        self._threads = threads
        self._sha256 = sha256
        self._seen: tuple[tuple[int, int], GgufHeader] | None = None
        self._supervisor: Supervisor | None = None

    @property
    def name(self) -> str:
        """How configuration names it."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """From the file's header; the weights are not touched.

        Raises:
            ModelError: if the file or llama-cpp-python is missing, or the file is no usable GGUF.
        """
        return Capabilities(
            context_window=self._context(self._header()),
            on_device=True,
            tools="none",
            token_evidence=True,
            exact_counts=True,
        )

    @property
    def pid(self) -> int | None:
        """Process id while the model is loaded, else ``None``."""
        return self._supervisor.pid if self._supervisor else None

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """Run one model step; requests queue in order. See :class:`~tierwise.models.base.ChatModel`."""
        supervisor = await self._ready()
        call = supervisor.open(
            {
                "op": "chat",
                "messages": [to_json(m) for m in request.messages],
                "max_tokens": request.max_tokens,
                "temperature": request.temperature,
                "seed": request.seed,
                "stop": list(request.stop),
                "evidence": request.evidence,
            }
        )
        try:
            while True:
                frame = await call.next()
                match frame["event"]:
                    case "reading":
                        yield Reading(frame["done"], frame["total"])
                    case "delta":
                        yield Delta(frame["text"])
                    case "completed":
                        yield self._completed(frame)
                        return
        finally:
            supervisor.cancel(call)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the model's own tokenizer, control tokens read as plain text."""
        supervisor = await self._ready()
        call = supervisor.open({"op": "count", "texts": list(texts)})
        try:
            counts: list[int] = (await call.next())["counts"]
            return counts
        finally:
            supervisor.cancel(call)

    async def aclose(self) -> None:
        """End the process; a later request starts it again."""
        if self._supervisor is not None:
            self._supervisor.close()

    def _completed(self, frame: dict[str, Any]) -> Completed:
        evidence = frame["evidence"]
        return Completed(
            finish=frame["finish"],
            usage=Usage(**frame["usage"]),
            model_served=self._name,
            evidence=TokenEvidence(**{k: tuple(v) for k, v in evidence.items()}) if evidence else None,
        )

    async def _ready(self) -> Supervisor:
        supervisor = self._supervisor
        if supervisor is not None and supervisor.running:
            return supervisor
        plan = await asyncio.to_thread(self._plan)
        if self._supervisor is None:
            self._supervisor = Supervisor(self._name, plan)
            weakref.finalize(self, self._supervisor.close)
        return self._supervisor

    def _plan(self) -> LoadPlan:
        header = self._header()
        n_ctx = self._context(header)
        check_memory(header, n_ctx, name=self._name)
        threads = self._threads or fixed_threads()
        return LoadPlan(
            str(self.path),
            n_ctx,
            threads or usable_cores(),
            adapt=threads is None,
            prefix_budget=prefix_budget(header, n_ctx),
        )

    def _header(self) -> GgufHeader:
        if importlib.util.find_spec("llama_cpp") is None:
            raise ModelNotInstalled(
                f"{self._name} needs llama-cpp-python, which is not installed.",
                fix='Run: pip install "tierwise[local]"',
            )
        try:
            stat = self.path.stat()
        except OSError as error:
            raise ModelNotInstalled(
                f"The model file {self.path} cannot be opened: {error.strerror or error}.",
                fix='Correct the path in the tier\'s model = "llama:/path/to/file.gguf".',
            ) from error
        key = (stat.st_size, stat.st_mtime_ns)
        if self._seen is None or self._seen[0] != key:
            self._seen = (key, read_header(self.path, sha256=self._sha256))
        return self._seen[1]

    def _context(self, header: GgufHeader) -> int:
        return min(header.context_length, self._wanted or DEFAULT_CONTEXT)


def fixed_threads() -> int | None:
    """The thread count of ``TIERWISE_THREADS``, if that is set.

    Raises:
        ConfigError: if it is not a whole number from 1.
    """
    word = os.environ.get("TIERWISE_THREADS")
    if not word:
        return None
    if not word.isdigit() or int(word) < 1:
        raise ConfigError(f"TIERWISE_THREADS is {word!r}.", fix="Set it to a whole number from 1.")
    return int(word)


def usable_cores() -> int:
    """Physical cores this process may use; more threads only wait for each other."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))
