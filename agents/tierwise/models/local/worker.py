"""The process that holds one GGUF. Started by :mod:`tierwise.models.local.process`; speaks frames on its pipes.

In: ``load`` (first), ``chat``, ``count``, ``cancel``; the end of the pipe means the copilot is gone, so this ends too.
Out: ``queued``, ``reading``, ``delta``, ``completed``, ``counts``, ``cancelled``, ``error`` with the ``id`` of their
request; ``failed`` when the model cannot be loaded; ``alive`` every second in which a step went on.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from functools import cached_property
from typing import IO

from tierwise.errors import ModelError, TierwiseError
from tierwise.models.local.answer import Generation, Outcome
from tierwise.models.local.engine import Engine, Row
from tierwise.models.local.frames import Frame, read_frame, write_frame
from tierwise.models.local.masks import Grammars, Mask
from tierwise.models.local.prefixes import Adapter
from tierwise.models.local.scheduler import Request, Scheduler
from tierwise.models.local.templates import BadTemplate, PromptFormat, prompt_tokens, shaped
from tierwise.models.local.threads import StepThreads
from tierwise.models.local.watchdog import pulse


class Worker:
    """Computes step after step in the main thread; a second thread listens, so a cancel is heard at once."""

    def __init__(self, source: IO[bytes], sink: IO[bytes]) -> None:
        self._source, self._sink = source, sink
        self._write_lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self._loaded: Loaded | None = None

    def run(self, load: Frame) -> None:
        """Load the model, then serve until the process ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._loaded = loaded = Loaded(load)
        except TierwiseError as error:
            self.send({"event": "failed", **_as_frame(error)})
            return
        if loaded.form.problem:
            self.send(
                {
                    "event": "warning",
                    "text": f"Its own chat template is not used: {loaded.form.problem.removesuffix('.')}.",
                }
            )
        pulse(self.send, lambda: loaded.engine.ticks)
        while True:
            loaded.engine.stop_now = False
            self._take_in(loaded)
            loaded.scheduler.step()

    def send(self, frame: Frame) -> None:
        """Write a frame; from any thread."""
        with self._write_lock:
            write_frame(self._sink, frame)

    def _listen(self) -> None:
        while (frame := read_frame(self._source)) is not None:
            loaded = self._loaded
            if frame["op"] == "count" and loaded is not None:
                self._count(frame, loaded)  # the vocabulary is read-only, so this need not wait for a step
                continue
            self._jobs.put(frame)
            if frame["op"] == "cancel" and loaded is not None and loaded.scheduler.worth_stopping(frame["id"]):
                # Also ends the step of everyone else; theirs is computed again, which takes less than one step.
                loaded.engine.stop_now = True
        os._exit(0)

    def _take_in(self, loaded: Loaded) -> None:
        """Take whatever has arrived; with nothing to compute, wait for it."""
        with contextlib.suppress(queue.Empty):
            while True:
                frame = self._jobs.get(block=loaded.scheduler.idle)
                match frame["op"]:
                    case "chat":
                        self._submit(frame, loaded)
                    case "count":
                        self._count(frame, loaded)
                    case "cancel":
                        loaded.scheduler.cancel(frame["id"])

    def _submit(self, frame: Frame, loaded: Loaded) -> None:
        listener = _Frames(self, frame["id"], evidence=frame["evidence"])
        try:
            prompt = loaded.prompt(frame["messages"])
        except ModelError as error:
            listener.failed(error)
            return
        how = Generation(
            max_tokens=frame["max_tokens"],
            temperature=frame["temperature"],
            seed=frame["seed"],
            stop=tuple(frame["stop"]),
            evidence=frame["evidence"],
            closes=frame["closes"],
            closes_after=frame["closes_after"],
            among=frame["among"],
            floor=tuple(frame["floor"]) if frame["floor"] else None,
        )
        adapter = Adapter(*frame["adapter"]) if frame["adapter"] else None
        loaded.scheduler.submit(Request(frame["id"], frame["thread"], prompt, how, listener, frame["grammar"], adapter))

    def _count(self, frame: Frame, loaded: Loaded) -> None:
        counts = [len(loaded.engine.tokenize(text, special=False)) for text in frame["texts"]]
        self.send({"event": "counts", "id": frame["id"], "counts": counts})


class Loaded:
    """The model with all that its requests need.

    Args:
        load: the frame that says what to load.

    Raises:
        ModelFileError: if llama.cpp refuses the file.
    """

    def __init__(self, load: Frame) -> None:
        self.engine = engine = Engine(
            load["path"],
            n_ctx=load["n_ctx"],
            n_threads=load["n_threads"],
            sequences=load["parallel"],
            batch=load["batch"],
            gpu_layers=load["gpu_layers"],
            mmap=load["mmap"],
            safe_mode=load["safe_mode"],
        )
        self.form = PromptFormat(engine.template, engine.control_texts, bos=engine.bos[1], eos=engine.eos[1])
        self.scheduler = Scheduler(
            engine,
            parallel=load["parallel"],
            prefix_budget=load["prefix_budget"],
            threads=StepThreads(load["n_threads"], adapt=load["adapt"]),
            grammar=self._mask,
            row=Row,
        )

    def prompt(self, messages: list[Frame]) -> list[int]:
        """Token ids of a conversation in the model's own format.

        Raises:
            ModelError: if its chat template fails on it.
        """
        engine = self.engine
        try:
            tokens = prompt_tokens(
                shaped(messages),
                self.form,
                engine.control_texts,
                lambda text, special: engine.tokenize(text, special=special),
            )
        except BadTemplate as error:
            raise ModelError(f"The model's chat template fails on this conversation: {error}.") from error
        bos = engine.bos[0]
        if engine.adds_bos and bos >= 0 and tokens[:1] != [bos]:
            tokens.insert(0, bos)
        if not tokens:
            raise ModelError("The model's chat template makes an empty prompt of this conversation.")
        return tokens

    @cached_property
    def _grammars(self) -> Grammars:
        return Grammars(self.engine.vocab, self.engine.end_tokens, self.engine.piece)

    def _mask(self, grammar: str) -> Mask:
        return self._grammars.start(grammar)


class _Frames:
    """Tells the copilot what becomes of one request."""

    def __init__(self, worker: Worker, number: int, *, evidence: bool) -> None:
        self._worker, self._number, self._evidence = worker, number, evidence

    def queued(self, ahead: int, seconds: float | None) -> None:
        self._send("queued", ahead=ahead, seconds=seconds)

    def reading(self, done: int, total: int) -> None:
        self._send("reading", done=done, total=total)

    def wrote(self, text: str) -> None:
        self._send("delta", text=text)

    def completed(self, outcome: Outcome) -> None:
        evidence = None
        if self._evidence:
            evidence = {name: getattr(outcome, name) for name in ("logprobs", "margins", "entropies", "starts")}
        usage = {
            "prompt_tokens": outcome.prompt_tokens,
            "completion_tokens": outcome.completion_tokens,
            "cached_tokens": outcome.cached_tokens,
        }
        work = {name: getattr(outcome, name) for name in ("guessed", "kept", "forced", "evicted")}
        self._send("completed", finish=outcome.finish, usage=usage, evidence=evidence, work=work)

    def failed(self, error: ModelError) -> None:
        self._send("error", **_as_frame(error))

    def cancelled(self) -> None:
        self._send("cancelled")

    def _send(self, event: str, **fields: object) -> None:
        self._worker.send({"event": event, "id": self._number, **fields})


def _as_frame(error: TierwiseError) -> Frame:
    return {"code": error.code, "what": error.what, "fix": error.fix}


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the thread that started it ends, which is when the copilot is gone."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _die_with_any_thread() -> None:
    """End the process when one of its threads fails: without the listener, say, it would only seem to live."""

    def end(failure: threading.ExceptHookArgs) -> None:
        try:
            threading.__excepthook__(failure)
        finally:
            os._exit(1)

    threading.excepthook = end


def main() -> None:
    """Entry point of ``python -m tierwise.models.local.worker``."""
    _die_with_parent()
    _die_with_any_thread()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the copilot, which then cancels
    # Frames own the pipe; whatever llama.cpp or a library prints goes to stderr, which is kept for the crash message.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), "rb")
    load = read_frame(source)
    if load is None:
        return
    with contextlib.suppress(BrokenPipeError):
        Worker(source, sink).run(load)


if __name__ == "__main__":
    main()
