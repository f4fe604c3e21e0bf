"""Random walks through a grammar, byte by byte: what a model that knows nothing could write under it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

_END = 256
_CLOSING = {*b'"]},', _END}


class _Bytes:
    """A vocabulary of the 256 bytes and an end."""

    eos_token_id = _END
    bos_token_id = None
    tokens = (*(bytes([n]) for n in range(256)), b"<end>")
    special_token_ids = (_END,)

    def __call__(self, text: Any) -> list[int]:
        return list(text if isinstance(text, bytes) else text.encode())


TOKENIZER = LLTokenizer(TokenizerWrapper(_Bytes()))


def walk(grammar: str, seed: int, *, most: int = 20_000) -> str:
    """One text that the grammar allows, chosen at random with a liking for ends.

    Raises:
        AssertionError: if the grammar leads into a dead end or does not end within ``most`` bytes.
    """
    choose = random.Random(seed)
    matcher = LLMatcher(TOKENIZER, grammar, log_level=0)
    bits = np.zeros((len(_Bytes.tokens) + 31) // 32, np.int32)
    written = bytearray()
    while len(written) < most:
        if matcher.is_stopped():
            break
        matcher.unsafe_compute_mask_ptr(bits.ctypes.data, bits.nbytes)
        assert not matcher.is_error(), matcher.get_error()
        allowed = np.flatnonzero(np.unpackbits(bits.view(np.uint8), bitorder="little")[: _END + 1])
        assert len(allowed), f"dead end after {bytes(written)!r}"
        closing = [n for n in allowed if n in _CLOSING]
        plain = [n for n in allowed if n < 128 or n == _END] or allowed
        token = int(choose.choice(closing if closing and choose.random() < 0.4 else plain))
        if token == _END:
            break
        assert matcher.consume_token(token), matcher.get_error()
        written.append(token)
    assert matcher.is_accepting(), f"no end after {len(written)} bytes: {bytes(written[:200])!r}"
    return written.decode()


def allows(grammar: str, text: str) -> bool:
    """Whether the grammar allows exactly this text."""
    matcher = LLMatcher(TOKENIZER, grammar, log_level=0)
    data = list(text.encode())
    return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()
