"""One GGUF on llama.cpp's C API: reads a prompt (but for the prefix it already knows), decodes, measures.

Runs in the model's own process only: a crash in here is a crash of that process.
"""

from __future__ import annotations

import codecs
import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import llama_cpp.llama_cpp as _llama_cpp
import numpy as np
from numpy.typing import NDArray

from tierwise.errors import ContextTooLong, ModelError, ModelFileError
from tierwise.models.memory import BATCH
from tierwise.models.prefixes import Prefixes, Stored, common
from tierwise.models.sampling import Sampler, measure
from tierwise.models.stops import StopFilter
from tierwise.models.threads import ThreadChoice

lib: Any = _llama_cpp
_CONTROL = 1 << 3  # LLAMA_TOKEN_ATTR_CONTROL
_LOG_ERROR = 4  # GGML_LOG_LEVEL_ERROR; the binding's own table is of an older numbering


class Cancelled(Exception):
    """The request was withdrawn."""


@dataclass(frozen=True)
class Generation:
    """How to decode: see :class:`~tierwise.models.base.ChatRequest`."""

    max_tokens: int
    temperature: float
    seed: int | None
    stop: tuple[str, ...]
    evidence: bool


@dataclass
class Outcome:
    """What decoding ended with; filled in while it runs."""

    finish: str = "stop"
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    logprobs: list[float] | None = None
    margins: list[float] | None = None
    entropies: list[float] | None = None


class Engine:
    """A loaded model with one context of ``n_ctx`` tokens.

    Args:
        path: the GGUF file, already checked.
        n_ctx: tokens of prompt and answer together.
        n_threads: threads for reading and decoding, at most.
        adapt: use fewer threads while that is faster.
        safe_mode: keep weights in their plain layout; slower to read, but without the CPU-specific kernels.
        prefix_budget: bytes for the prefixes of conversations other than the one it is in.

    Raises:
        ModelFileError: if llama.cpp refuses the file, with its own reason.
    """

    def __init__(
        self,
        path: str,
        *,
        n_ctx: int,
        n_threads: int,
        adapt: bool = False,
        safe_mode: bool = False,
        prefix_budget: int = 0,
    ) -> None:
        self.n_ctx = n_ctx
        self._threads = ThreadChoice(n_threads) if adapt else None
        self.stop_now = False
        self._held: list[int] = []
        self._prefixes = Prefixes(prefix_budget)
        self._complaints: list[str] = []
        self._log = lib.llama_log_callback(self._note)
        lib.llama_log_set(self._log, None)
        lib.llama_backend_init()

        model_params = lib.llama_model_default_params()
        model_params.use_extra_bufts = not safe_mode
        self._model = lib.llama_model_load_from_file(path.encode(), model_params)
        if not self._model:
            raise ModelFileError(f"llama.cpp cannot load {path}: {self._complaint()}.", fix="Use another model file.")
        self._vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab = int(lib.llama_vocab_n_tokens(self._vocab))

        params = lib.llama_context_default_params()
        params.n_ctx = n_ctx
        params.n_batch = params.n_ubatch = min(BATCH, n_ctx)
        params.n_threads = params.n_threads_batch = n_threads
        params.no_perf = True
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise ModelFileError(
                f"llama.cpp cannot make a context of {n_ctx} tokens for {path}: {self._complaint()}.",
                fix="Set a smaller context_window for this tier.",
            )
        self._memory = lib.llama_get_memory(self._context)
        # Asked after every node of the compute graph; measured at about one percent of a step of a 135M model.
        self._ask_stop = lib.ggml_abort_callback(lambda _: self.stop_now)
        lib.llama_set_abort_callback(self._context, self._ask_stop, None)
        self._piece = ctypes.create_string_buffer(64)

    # -- text and tokens -----------------------------------------------------------------------------------------------

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids of ``text``; ``special`` says whether control tokens written in it count as such."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        tokens = (lib.llama_token * room)()
        count = lib.llama_tokenize(self._vocab, data, len(data), tokens, room, False, special)
        if count < 0:
            room = -count
            tokens = (lib.llama_token * room)()
            count = lib.llama_tokenize(self._vocab, data, len(data), tokens, room, False, special)
        return list(tokens[:count])

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Bytes of one token; control tokens are empty unless ``special``."""
        size = lib.llama_token_to_piece(self._vocab, token, self._piece, len(self._piece), 0, special)
        if size < 0:
            self._piece = ctypes.create_string_buffer(-size)
            size = lib.llama_token_to_piece(self._vocab, token, self._piece, len(self._piece), 0, special)
        return self._piece.raw[:size]

    @cached_property
    def control_texts(self) -> tuple[str, ...]:
        """How the model's control tokens are written, longest first."""
        texts = set()
        for token in range(self.n_vocab):
            if lib.llama_vocab_get_attr(self._vocab, token) & _CONTROL:
                texts.add(self.piece(token, special=True).decode("utf-8", "replace"))
        return tuple(sorted(texts - {""}, key=lambda text: (-len(text), text)))

    @property
    def template(self) -> str | None:
        """The chat template the file carries, if any."""
        source = lib.llama_model_chat_template(self._model, None)
        return source.decode("utf-8", "replace") if source else None

    @property
    def bos(self) -> tuple[int, str]:
        """Id and text of the token that begins a text; -1 and ``""`` if there is none."""
        return self._named(lib.llama_vocab_bos(self._vocab))

    @property
    def eos(self) -> tuple[int, str]:
        """Id and text of the token that ends a text; -1 and ``""`` if there is none."""
        return self._named(lib.llama_vocab_eos(self._vocab))

    @property
    def adds_bos(self) -> bool:
        """Whether the model was trained with a beginning token before every text."""
        return bool(lib.llama_vocab_get_add_bos(self._vocab))

    def _named(self, token: int) -> tuple[int, str]:
        return (-1, "") if token < 0 else (token, self.piece(token, special=True).decode("utf-8", "replace"))

    # -- the work ------------------------------------------------------------------------------------------------------

    def answer(
        self, prompt: Sequence[int], how: Generation, on_progress: Callable[[int, int], None], outcome: Outcome
    ) -> Iterator[str]:
        """Read ``prompt``, then yield the answer's text piece by piece.

        Args:
            prompt: token ids, at least one.
            how: limits and sampling.
            on_progress: told ``(done, total)`` while the prompt is read.
            outcome: filled in; complete when the iterator ends.

        Raises:
            ContextTooLong: before any work, if the prompt leaves no room for one token.
            Cancelled: soon after ``stop_now`` was set.
            ModelError: if the model computes something that is not a number.
        """
        if len(prompt) + 1 > self.n_ctx:
            raise ContextTooLong(
                f"The prompt has {len(prompt):,} tokens, and the model's window holds {self.n_ctx:,} with the answer.",
                fix="Shorten the question or the history, or give the tier a larger context_window.",
            )
        outcome.prompt_tokens = len(prompt)
        outcome.cached_tokens = self._read(list(prompt), on_progress)
        if how.evidence:
            outcome.logprobs, outcome.margins, outcome.entropies = [], [], []
        characters = codecs.getincrementaldecoder("utf-8")("replace")
        stops = StopFilter(how.stop)
        outcome.finish = "length"
        begun = False
        for token in self._decode(how, outcome, room=self.n_ctx - len(prompt)):
            if token is None:
                outcome.finish = "stop"
                break
            text = characters.decode(self.piece(token))
            if not begun:
                text = text.lstrip()
                begun = bool(text)
            if ready := stops.feed(text):
                yield ready
            if stops.hit:
                outcome.finish = "stop"
                return
        # Bytes of an unfinished character are dropped: half a character is worse than none.
        if rest := stops.rest():
            yield rest

    def _read(self, prompt: list[int], on_progress: Callable[[int, int], None]) -> int:
        if self.stop_now:
            raise Cancelled
        # The last token is always read again: its logits are what the answer starts from.
        self._recall(prompt[:-1])
        kept = common(self._held, prompt[:-1])
        if not lib.llama_memory_seq_rm(self._memory, 0, kept, -1):
            lib.llama_memory_clear(self._memory, True)
            kept = 0
        self._held = prompt[:kept]
        for start in range(kept, len(prompt), BATCH):
            on_progress(start, len(prompt))
            self._step(prompt[start : start + BATCH])
        on_progress(len(prompt), len(prompt))
        return kept

    def _recall(self, prompt: list[int]) -> None:
        """Store what the context holds if it is of another conversation, and copy back what is known of this one."""
        held = common(self._held, prompt)
        found = self._prefixes.find(prompt, held=held)
        if self._prefixes.wants(self._held, staying=0 if found else held):
            self._store(needed_next=found)
        if found is None:
            return
        self._held = list(found.tokens)
        if lib.llama_state_seq_set_data(self._context, _bytes(found.state), found.state.nbytes, 0):
            self._prefixes.used(found, staying=common(found.tokens, prompt))
        else:
            self._prefixes.remove(found)
            self._forget()

    def _store(self, *, needed_next: Stored | None) -> None:
        # A step that was stopped may have left keys behind; a memory that cannot drop them is not stored.
        length = len(self._held)
        if not lib.llama_memory_seq_rm(self._memory, 0, length, -1):
            return
        if lib.llama_memory_seq_pos_max(self._memory, 0) != length - 1:
            return
        size = lib.llama_state_seq_get_size(self._context, 0)
        if self._prefixes.make_room(size, keep=needed_next):
            state = np.empty(size, np.uint8)
            if lib.llama_state_seq_get_data(self._context, _bytes(state), size, 0) == size:
                self._prefixes.add(Stored(tuple(self._held), state))

    def _forget(self) -> None:
        self._held = []
        lib.llama_memory_clear(self._memory, True)

    def _decode(self, how: Generation, outcome: Outcome, *, room: int) -> Iterator[int | None]:
        """Yield token ids; ``None`` when the model ended its answer, nothing more when the limit did."""
        sampler = Sampler(how.temperature, how.seed)
        for n in range(min(how.max_tokens, room)):
            logits = self._logits()
            token = sampler.pick(logits)
            if outcome.logprobs is not None and outcome.margins is not None and outcome.entropies is not None:
                try:
                    logprob, margin, entropy = measure(logits, token)
                except FloatingPointError as error:
                    raise ModelError(
                        "The model computed something that is not a number.",
                        fix="Its file may be damaged: get it again.",
                    ) from error
                outcome.logprobs.append(logprob)
                outcome.margins.append(margin)
                outcome.entropies.append(entropy)
            outcome.completion_tokens = n + 1
            if lib.llama_vocab_is_eog(self._vocab, token):
                yield None
                return
            yield token
            if n + 1 < min(how.max_tokens, room):
                started = time.perf_counter()
                self._step([token])
                if self._threads is not None:
                    self._adapt(self._threads, time.perf_counter() - started)

    def _adapt(self, threads: ThreadChoice, seconds: float) -> None:
        before = threads.count
        threads.note(seconds)
        if threads.count != before:
            lib.llama_set_n_threads(self._context, threads.count, threads.count)

    def _step(self, tokens: list[int]) -> None:
        if self.stop_now:
            raise Cancelled
        ids = (lib.llama_token * len(tokens))(*tokens)  # the batch only points to it
        status = lib.llama_decode(self._context, lib.llama_batch_get_one(ids, len(tokens)))
        if status == 2 or self.stop_now:
            raise Cancelled
        if status != 0:
            self._forget()
            raise ModelError(f"llama.cpp could not compute the next step (status {status}): {self._complaint()}.")
        self._held += tokens

    def _logits(self) -> NDArray[np.float32]:
        pointer = lib.llama_get_logits_ith(self._context, -1)
        view: NDArray[np.float32] = np.ctypeslib.as_array(pointer, shape=(self.n_vocab,))
        return view

    def _note(self, level: int, text: bytes, _: object) -> None:
        if level == _LOG_ERROR:
            self._complaints.append(text.decode("utf-8", "replace").strip())
            del self._complaints[:-3]

    def _complaint(self) -> str:
        return self._complaints[0].removesuffix(".") if self._complaints else "it gives no reason"


def _bytes(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
