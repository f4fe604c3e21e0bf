"""The process that holds one GGUF. Started by :mod:`tierwise.models.llama_process`; speaks frames on its pipes.

In: ``load`` (first), ``chat``, ``count``, ``cancel``; the end of the pipe means the copilot is gone, so this ends too.
Out: ``reading``, ``delta``, ``completed``, ``counts``, ``cancelled``, ``error`` with the ``id`` of their request;
``failed`` when the model cannot be loaded.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from typing import IO

from tierwise.errors import ModelError, TierwiseError
from tierwise.models.frames import Frame, read_frame, write_frame
from tierwise.models.llama_engine import Cancelled, Engine, Generation, Outcome
from tierwise.models.templates import BadTemplate, PromptFormat, prompt_tokens, shaped


class Worker:
    """Does one request after the other in the main thread; a second thread listens, so a cancel is heard at once."""

    def __init__(self, source: IO[bytes], sink: IO[bytes]) -> None:
        self._source, self._sink = source, sink
        self._write_lock = threading.Lock()
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._current: int | None = None
        self._engine: Engine | None = None
        self._format: PromptFormat | None = None

    def run(self, load: Frame) -> None:
        """Load the model, then serve until the process ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            engine = Engine(
                load["path"],
                n_ctx=load["n_ctx"],
                n_threads=load["n_threads"],
                adapt=load["adapt"],
                safe_mode=load["safe_mode"],
                prefix_budget=load["prefix_budget"],
            )
            form = PromptFormat(engine.template, engine.control_texts, bos=engine.bos[1], eos=engine.eos[1])
        except TierwiseError as error:
            self._send({"event": "failed", **_as_frame(error)})
            return
        if form.problem:
            self._send({"event": "warning", "text": f"Its own chat template is not used: {form.problem}."})
        with self._lock:
            self._engine, self._format = engine, form
        while True:
            self._serve(self._jobs.get(), engine, form)

    def _listen(self) -> None:
        while (frame := read_frame(self._source)) is not None:
            if frame["op"] == "cancel":
                with self._lock:
                    self._cancelled.add(frame["id"])
                    if self._engine is not None and self._current == frame["id"]:
                        self._engine.stop_now = True
                continue
            with self._lock:
                engine = self._engine
            if frame["op"] == "count" and engine is not None:
                self._count(frame, engine)  # the vocabulary is read-only, so this need not wait for an answer
            else:
                self._jobs.put(frame)
        os._exit(0)

    def _serve(self, job: Frame, engine: Engine, form: PromptFormat) -> None:
        number: int = job["id"]
        if job["op"] == "count":
            self._count(job, engine)
            return
        with self._lock:
            self._current = number
            engine.stop_now = number in self._cancelled
        try:
            self._chat(job, engine, form)
        except Cancelled:
            self._send({"event": "cancelled", "id": number})
        except TierwiseError as error:
            self._send({"event": "error", "id": number, **_as_frame(error)})
        finally:
            with self._lock:
                self._current = None
                self._cancelled.discard(number)

    def _chat(self, job: Frame, engine: Engine, form: PromptFormat) -> None:
        number = job["id"]
        try:
            prompt = prompt_tokens(
                shaped(job["messages"]),
                form,
                engine.control_texts,
                lambda text, special: engine.tokenize(text, special=special),
            )
        except BadTemplate as error:
            raise ModelError(f"The model's chat template fails on this conversation: {error}.") from error
        bos = engine.bos[0]
        if engine.adds_bos and bos >= 0 and prompt[:1] != [bos]:
            prompt.insert(0, bos)
        if not prompt:
            raise ModelError("The model's chat template makes an empty prompt of this conversation.")
        how = Generation(
            max_tokens=job["max_tokens"],
            temperature=job["temperature"],
            seed=job["seed"],
            stop=tuple(job["stop"]),
            evidence=job["evidence"],
        )
        outcome = Outcome()

        def progress(done: int, total: int) -> None:
            self._send({"event": "reading", "id": number, "done": done, "total": total})

        for text in engine.answer(prompt, how, progress, outcome):
            self._send({"event": "delta", "id": number, "text": text})
        evidence = None
        if outcome.logprobs is not None:
            evidence = {"logprobs": outcome.logprobs, "margins": outcome.margins, "entropies": outcome.entropies}
        self._send(
            {
                "event": "completed",
                "id": number,
                "finish": outcome.finish,
                "usage": {
                    "prompt_tokens": outcome.prompt_tokens,
                    "completion_tokens": outcome.completion_tokens,
                    "cached_tokens": outcome.cached_tokens,
                },
                "evidence": evidence,
            }
        )

    def _count(self, job: Frame, engine: Engine) -> None:
        counts = [len(engine.tokenize(text, special=False)) for text in job["texts"]]
        self._send({"event": "counts", "id": job["id"], "counts": counts})

    def _send(self, frame: Frame) -> None:
        with self._write_lock:
            write_frame(self._sink, frame)


def _as_frame(error: TierwiseError) -> Frame:
    return {"code": error.code, "what": error.what, "fix": error.fix}


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the thread that started it ends, which is when the copilot is gone."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> None:
    """Entry point of ``python -m tierwise.models.llama_worker``."""
    _die_with_parent()
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
