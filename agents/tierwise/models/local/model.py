"""A local GGUF model as a :class:`~tierwise.models.base.ChatModel`."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import math
import operator
import threading
import weakref
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Literal

from tierwise.errors import ModelError, ModelNotInstalled
from tierwise.jsonable import to_json
from tierwise.models.base import Called, Capabilities, ChatRequest, Chunk, Completed, Delta, Queued, Reading, ToolSpec
from tierwise.models.device.probe import fixed_threads, usable_cores
from tierwise.models.device.profile import Plan, plan, profile
from tierwise.models.gguf import GgufHeader, read_header
from tierwise.models.local.adapters import check_adapter
from tierwise.models.local.pool import Share
from tierwise.models.local.process import LoadPlan, Supervisor
from tierwise.models.memory import check_memory, prefix_budget
from tierwise.models.schemas import prepare
from tierwise.models.schemas.grammars import choice_grammar, json_grammar, tools_grammar
from tierwise.models.tool_text import OPEN, with_tools
from tierwise.models.tools.dialects import constrainable
from tierwise.models.tools.streaming import CallReader
from tierwise.types import TokenEvidence, Usage

log = logging.getLogger("tierwise.models")

PARALLEL = 4  # a step for four costs about two steps for one, and llama.cpp's CPU kernels take rows in fours


class LlamaModel:
    """One GGUF in a process of its own, started by the first request.

    Args:
        path: the GGUF file.
        name: how configuration names it.
        context_window: tokens of prompt and answer together; the file's own limit if that is smaller. By default 8,192,
            fewer where memory is short.
        threads: CPU threads, fixed; default: ``TIERWISE_THREADS``, else at most the physical cores this process may
            use, and fewer while that is faster.
        sha256: what the file's SHA-256 must be; ``None`` skips that check.
        adapter: path of a LoRA adapter (GGUF) it wears unless a request names another.
        tools: ``prompted`` shows tools in the prompt and holds calls to their schemas; ``none`` for a model that was
            not trained for it.
        parallel: answers written together; default 4.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        name: str | None = None,
        context_window: int | None = None,
        threads: int | None = None,
        sha256: str | None = None,
        adapter: str | None = None,
        tools: Literal["prompted", "none"] = "none",
        parallel: int = PARALLEL,
    ) -> None:
        self.path = Path(path).expanduser().absolute()
        self._name = name or f"llama:{self.path}"
        self._wanted = context_window
        self._threads = threads
        self._sha256 = sha256
        self._adapter = adapter
        self._tools = tools
        self._parallel = parallel
        self._set_aside: set[str] = set()
        self._seen: tuple[tuple[int, int], GgufHeader] | None = None
        self._decided: tuple[GgufHeader, Plan] | None = None
        self._share: Share | None = None
        self._lock = threading.Lock()

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
            context_window=self._planned().context,
            on_device=True,
            tools=self._tools,
            token_evidence=True,
            exact_counts=True,
            structured="constrained",
            adapters=True,
        )

    @property
    def pid(self) -> int | None:
        """Process id while the model is loaded, else ``None``."""
        return self._share.supervisor.pid if self._share else None

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """Run one model step. See :class:`~tierwise.models.base.ChatModel`.

        Raises:
            AdapterError: if the adapter cannot be worn; the bare model never answers in its place.
        """
        frame = await asyncio.to_thread(self._frame, request)
        supervisor = await self._ready()
        reader = CallReader(request.tools, marked=True, closes=True)
        call = supervisor.open(frame)
        try:
            while True:
                frame = await call.next()
                match frame["event"]:
                    case "queued":
                        yield Queued(frame["ahead"], frame["seconds"])
                    case "reading":
                        yield Reading(frame["done"], frame["total"])
                    case "delta":
                        if text := reader.feed(frame["text"]) if request.tools else frame["text"]:
                            yield Delta(text)
                    case "completed":
                        last = reader.finish(cut=frame["finish"] == "length")
                        if frame["finish"] == "doubted":  # given up: what it was about to call does not count
                            last = [item for item in last if isinstance(item, Delta)]
                        for item in last:
                            yield item
                        yield self._completed(frame, called=any(isinstance(item, Called) for item in last))
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
        """End the process, if no other model uses it; a later request starts it again."""
        with self._lock:
            share, self._share = self._share, None
        if share is not None:
            share.release()

    def _frame(self, request: ChatRequest) -> dict[str, Any]:
        """The request as the process takes it.

        Raises:
            AdapterError: if the adapter is missing or not for this model.
            SchemaNotSupported: if the schema cannot be kept.
            ModelError: if a number is none, or a call must come and there is no tool that can be offered.
        """
        messages, grammar = request.messages, None
        schema = prepare(request.schema) if request.schema is not None else None
        if tools := self._offered(request):
            messages = with_tools(messages, tools)
            grammar = tools_grammar(tools, schema, must_call=request.must_call)
        elif schema is not None:
            grammar = json_grammar(schema)
        elif request.choices:
            grammar = choice_grammar(request.choices)
        adapter = request.adapter or self._adapter
        return {
            "op": "chat",
            "messages": [to_json(m) for m in messages],
            "max_tokens": _whole("max_tokens", request.max_tokens, least=1),
            "temperature": _number("temperature", request.temperature),
            "seed": _whole("seed", request.seed) if request.seed is not None else None,
            "stop": list(request.stop),
            "evidence": request.evidence,
            "grammar": grammar,
            "closes": schema is not None,
            "closes_after": OPEN if tools else None,
            "among": bool(request.choices),
            "floor": [request.floor.tokens, request.floor.logprob_mean] if request.floor else None,
            "adapter": check_adapter(adapter, self._header()) if adapter is not None else None,
            "thread": request.thread,
        }

    def _offered(self, request: ChatRequest) -> tuple[ToolSpec, ...]:
        """The tools whose calls can be held to their schemas; the others are set aside, which is said once."""
        offered, problems = constrainable(request.tools)
        for problem in problems:
            if problem.name not in self._set_aside:
                self._set_aside.add(problem.name)
                log.warning("%s does without a tool: %s", self._name, problem.text)
        if request.must_call and request.tools and not offered:
            raise ModelError(f"{self._name} can be offered none of the tools. {problems[0].text}")
        return offered

    def _completed(self, frame: dict[str, Any], *, called: bool) -> Completed:
        evidence = frame["evidence"]
        return Completed(
            finish="tool_calls" if called else frame["finish"],
            usage=Usage(**frame["usage"]),
            model_served=self._name,
            evidence=TokenEvidence(**{k: tuple(v) for k, v in evidence.items()}) if evidence else None,
            work={name: count for name, count in frame["work"].items() if count},
        )

    async def _ready(self) -> Supervisor:
        share = self._share
        if share is not None and not share.foreign and share.supervisor.running:
            return share.supervisor
        plan, version = await asyncio.to_thread(self._plan)
        with self._lock:
            share = self._share
            if share is None or share.foreign or not share.holds(plan, version):
                if share is not None:
                    share.release()
                self._share = share = Share(self._name, plan, version)
                # Not at the end of the program: the process ends with it, and who still listens would hear of a crash.
                weakref.finalize(self, share.drop).atexit = False
            return share.supervisor

    def _plan(self) -> tuple[LoadPlan, int]:
        """What to load, and a number that changes with the file's contents."""
        header, planned = self._header(), self._planned()
        for reason in planned.why:
            log.info("%s: %s", self._name, reason)
        check_memory(header, planned.context, name=self._name, elsewhere=planned.elsewhere)
        threads = self._threads or fixed_threads()
        assert self._seen is not None
        return LoadPlan(
            str(self.path),
            planned.context,
            threads or usable_cores(),
            adapt=threads is None,
            prefix_budget=prefix_budget(header, planned.context),
            parallel=self._parallel,
            batch=planned.batch,
            gpu_layers=planned.gpu_layers,
            mmap=planned.use_mmap,
        ), hash(self._seen[0])

    def _planned(self) -> Plan:
        """How it is loaded: decided once for a file, so that the window does not change under a thread."""
        header = self._header()
        if self._decided is None or self._decided[0] is not header:
            self._decided = (header, plan(header, profile(measure=False), self._wanted))
        return self._decided[1]

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


def _whole(name: str, value: Any, *, least: int | None = None) -> int:
    """A number of a request, checked here: what fails in the model's process fails for everyone who uses it."""
    try:
        whole = operator.index(value)
    except TypeError as error:
        raise ModelError(f"{name} must be a whole number, not {value!r}.") from error
    if least is not None and whole < least:
        raise ModelError(f"{name} must be at least {least}, not {whole}.")
    return whole


def _number(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ModelError(f"{name} must be a number, not {value!r}.")
    return float(value)
