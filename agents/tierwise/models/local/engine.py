"""One GGUF on llama.cpp's C API: tokens, one compute step over several sequences, their states, adapters.

Runs in the model's own process only: a crash in here is a crash of that process. What to compute, and for whom, is
decided in :mod:`tierwise.models.local.scheduler`.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import llama_cpp.llama_cpp as _llama_cpp
import numpy as np
from numpy.typing import NDArray

from tierwise.errors import AdapterError, ModelError, ModelFileError
from tierwise.models.local.prefixes import Adapter
from tierwise.models.memory import BATCH

lib: Any = _llama_cpp
_CONTROL = 1 << 3  # LLAMA_TOKEN_ATTR_CONTROL
_REFUSED = "failed to apply lora adapter:"
_LOG_ERROR = 4  # GGML_LOG_LEVEL_ERROR; the binding's own table is of an older numbering


class Row(NamedTuple):
    """One token of a step: what it is, where it stands in which sequence, and whether its logits are wanted."""

    token: int
    position: int
    sequence: int
    wanted: bool


class Engine:
    """A loaded model with one memory of ``n_ctx`` tokens that all its sequences share.

    Args:
        path: the GGUF file, already checked.
        n_ctx: tokens of all sequences together.
        n_threads: threads to begin with.
        sequences: how many conversations it can hold at a time.
        batch: tokens computed in one step, at most.
        gpu_layers: layers to put on a GPU, where the binding was built for one.
        mmap: map the file instead of reading it.
        safe_mode: keep weights in their plain layout; slower to read, but without the CPU-specific kernels.

    Attributes:
        stop_now: set from any thread, it ends the step in work within milliseconds.
        ticks: grows while a step is computed; a process whose ticks stand still hangs.

    Raises:
        ModelFileError: if llama.cpp refuses the file, with its own reason.
    """

    def __init__(
        self,
        path: str,
        *,
        n_ctx: int,
        n_threads: int,
        sequences: int = 1,
        batch: int = BATCH,
        gpu_layers: int = 0,
        mmap: bool = True,
        safe_mode: bool = False,
    ) -> None:
        self.n_ctx = n_ctx
        self.stop_now = False
        self.ticks = 0
        self._complaints: list[str] = []
        self._log = lib.llama_log_callback(self._note)
        lib.llama_log_set(self._log, None)
        lib.llama_backend_init()

        model_params = lib.llama_model_default_params()
        model_params.use_extra_bufts = not safe_mode
        model_params.use_mmap = mmap
        model_params.n_gpu_layers = gpu_layers
        self._model = lib.llama_model_load_from_file(path.encode(), model_params)
        if not self._model:
            raise ModelFileError(f"llama.cpp cannot load {path}: {self._complaint()}.", fix="Use another model file.")
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab = int(lib.llama_vocab_n_tokens(self.vocab))

        params = lib.llama_context_default_params()
        params.n_ctx = max(n_ctx, sequences)  # llama.cpp aborts below one token each
        params.n_batch = params.n_ubatch = self.batch_size = min(batch, int(params.n_ctx))
        params.n_seq_max = sequences
        params.kv_unified = True  # a sequence may take the whole window; several share it
        params.n_threads = params.n_threads_batch = self._threads = n_threads
        params.no_perf = True
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise ModelFileError(
                f"llama.cpp cannot make a context of {n_ctx} tokens for {path}: {self._complaint()}.",
                fix="Set a smaller context_window for this tier.",
            )
        self._memory = lib.llama_get_memory(self._context)
        # Asked after every node of the compute graph; measured at about one percent of a step of a 135M model.
        self._ask_stop = lib.ggml_abort_callback(self._tick)
        lib.llama_set_abort_callback(self._context, self._ask_stop, None)
        self._batch = lib.llama_batch_init(self.batch_size, 0, 1)
        self._piece = ctypes.create_string_buffer(64)
        self._adapters: dict[Adapter, Any] = {}
        self.adapter: Adapter | None = None

    def _tick(self, _: object) -> bool:
        self.ticks += 1
        return self.stop_now

    # -- text and tokens -----------------------------------------------------------------------------------------------

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids of ``text``; ``special`` says whether control tokens written in it count as such."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        tokens = (lib.llama_token * room)()
        count = lib.llama_tokenize(self.vocab, data, len(data), tokens, room, False, special)
        if count < 0:
            room = -count
            tokens = (lib.llama_token * room)()
            count = lib.llama_tokenize(self.vocab, data, len(data), tokens, room, False, special)
        return list(tokens[:count])

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Bytes of one token; control tokens are empty unless ``special``."""
        size = lib.llama_token_to_piece(self.vocab, token, self._piece, len(self._piece), 0, special)
        if size < 0:
            self._piece = ctypes.create_string_buffer(-size)
            size = lib.llama_token_to_piece(self.vocab, token, self._piece, len(self._piece), 0, special)
        return self._piece.raw[:size]

    def ends(self, token: int) -> bool:
        """Whether the model ends its answer with this token."""
        return bool(lib.llama_vocab_is_eog(self.vocab, token))

    @cached_property
    def end_tokens(self) -> list[int]:
        """All tokens that end an answer, the one for the end of a text first."""
        found = [token for token in range(self.n_vocab) if self.ends(token)]
        return sorted(found, key=lambda token: token != self.eos[0])

    @cached_property
    def control_texts(self) -> tuple[str, ...]:
        """How the model's control tokens are written, longest first."""
        texts = set()
        for token in range(self.n_vocab):
            if lib.llama_vocab_get_attr(self.vocab, token) & _CONTROL:
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
        return self._named(lib.llama_vocab_bos(self.vocab))

    @property
    def eos(self) -> tuple[int, str]:
        """Id and text of the token that ends a text; -1 and ``""`` if there is none."""
        return self._named(lib.llama_vocab_eos(self.vocab))

    @property
    def adds_bos(self) -> bool:
        """Whether the model was trained with a beginning token before every text."""
        return bool(lib.llama_vocab_get_add_bos(self.vocab))

    def _named(self, token: int) -> tuple[int, str]:
        return (-1, "") if token < 0 else (token, self.piece(token, special=True).decode("utf-8", "replace"))

    # -- one step ------------------------------------------------------------------------------------------------------

    def compute(self, rows: Sequence[Row], *, threads: int) -> bool:
        """Compute one step.

        Args:
            rows: at most ``batch_size`` tokens; those of one sequence in order.
            threads: how many threads work on it.

        Returns:
            False if ``stop_now`` ended it: the sequences' new ends are then undefined, so :meth:`trim` them.

        Raises:
            ModelError: if llama.cpp could not compute it; the sequences' ends are undefined as well.
        """
        if threads != self._threads:
            lib.llama_set_n_threads(self._context, threads, threads)
            self._threads = threads
        batch = self._batch
        batch.n_tokens = len(rows)
        for index, (token, position, sequence, wanted) in enumerate(rows):
            batch.token[index] = token
            batch.pos[index] = position
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = sequence
            batch.logits[index] = wanted
        status = lib.llama_decode(self._context, batch)
        if status == 2 or self.stop_now:
            return False
        if status != 0:
            raise ModelError(f"llama.cpp could not compute the next step (status {status}): {self._complaint()}.")
        return True

    def logits(self, row: int) -> NDArray[np.float32]:
        """What the last step says about the token after that row: shape ``(n_vocab,)``, valid until the next step."""
        pointer = lib.llama_get_logits_ith(self._context, row)
        view: NDArray[np.float32] = np.ctypeslib.as_array(pointer, shape=(self.n_vocab,))
        return view

    # -- sequences -----------------------------------------------------------------------------------------------------

    def trim(self, sequence: int, length: int) -> int:
        """Keep the first ``length`` tokens of a sequence; returns how many are left, 0 if its memory cannot be cut."""
        if lib.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return length
        lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return 0

    def share(self, source: int, target: int, length: int) -> int:
        """Let an empty sequence have the first tokens of another without copying; returns how many it then has."""
        lib.llama_memory_seq_cp(self._memory, source, target, 0, length)
        if lib.llama_memory_seq_pos_max(self._memory, target) == length - 1:
            return length
        return self.trim(target, 0)

    def state_size(self, sequence: int) -> int:
        """Bytes that :meth:`save` will take."""
        return int(lib.llama_state_seq_get_size(self._context, sequence))

    def save(self, sequence: int, length: int) -> NDArray[np.uint8] | None:
        """A copy of a sequence of ``length`` tokens, or ``None`` if its memory holds something else."""
        if lib.llama_memory_seq_pos_max(self._memory, sequence) != length - 1:
            return None
        size = self.state_size(sequence)
        state = np.empty(size, np.uint8)
        whole = lib.llama_state_seq_get_data(self._context, _bytes(state), size, sequence) == size
        return state if whole else None

    def restore(self, sequence: int, state: NDArray[np.uint8]) -> bool:
        """Copy a saved sequence back in place of whatever this one holds."""
        if lib.llama_state_seq_set_data(self._context, _bytes(state), state.nbytes, sequence):
            return True
        self.trim(sequence, 0)
        return False

    # -- adapters ------------------------------------------------------------------------------------------------------

    def wear(self, adapter: Adapter | None) -> None:
        """Put a LoRA adapter on in place of the one that is worn; ``None`` takes it off. Loaded ones stay in memory.

        Args:
            adapter: the adapter; keys and values computed with another one are of no use with it.

        Raises:
            AdapterError: if it is no adapter for this model; the one that is worn stays.
        """
        if adapter == self.adapter:
            return
        if adapter is None:
            lib.llama_set_adapters_lora(self._context, None, 0, None)
        else:
            pointer = (lib.llama_adapter_lora_p_ctypes * 1)(self._adapter(adapter))
            if lib.llama_set_adapters_lora(self._context, pointer, 1, (ctypes.c_float * 1)(1.0)) != 0:
                raise AdapterError(f"llama.cpp cannot put on {adapter.path}.", fix="Use another adapter.")
        self.adapter = adapter

    def _adapter(self, adapter: Adapter) -> Any:
        if adapter not in self._adapters:
            self._complaints.clear()
            loaded = lib.llama_adapter_lora_init(self._model, os.fsencode(adapter.path))
            if not loaded:
                reason = self._complaints[-1].partition(_REFUSED)[2] if self._complaints else ""
                raise AdapterError(
                    f"{adapter.path} is no adapter for this model: {reason.strip() or self._complaint()}.",
                    fix="Use an adapter (GGUF) that was made for this very model.",
                )
            self._adapters[adapter] = loaded
        return self._adapters[adapter]

    def _note(self, level: int, text: bytes, _: object) -> None:
        if level == _LOG_ERROR:
            self._complaints.append(text.decode("utf-8", "replace").strip())
            del self._complaints[:-3]

    def _complaint(self) -> str:
        return self._complaints[0].removesuffix(".") if self._complaints else "it gives no reason"


def _bytes(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
