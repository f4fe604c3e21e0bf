"""Whether a model fits into memory, asked before it is loaded: being killed half-way helps nobody."""

from __future__ import annotations

from dataclasses import dataclass

from tierwise.errors import ModelFileError
from tierwise.models.gguf import GgufHeader

# Tokens computed in one step. More read a little faster, but delay progress and hold BATCH x vocabulary floats.
BATCH = 256
USUAL_WINDOW = 8192  # tokens, of a local tier whose entry does not say otherwise
MARGIN = 256 << 20  # for the rest of the machine


@dataclass(frozen=True)
class MemoryNeed:
    """Estimated bytes of a loaded model.

    Attributes:
        weights: the tensors, as stored.
        context: keys and values of every layer for every token of the window, 16 bits each.
        buffers: what one step works in.
    """

    weights: int
    context: int
    buffers: int

    @property
    def total(self) -> int:
        """All together."""
        return self.weights + self.context + self.buffers


def memory_need(header: GgufHeader, n_ctx: int) -> MemoryNeed:
    """Estimate what a model needs.

    Args:
        header: the file's header.
        n_ctx: tokens of the window.
    """
    heads = header.number("attention.head_count", 1) or 1
    width = header.number("embedding_length")
    head_width = width // heads
    kv_heads = header.number("attention.head_count_kv", heads) or heads
    per_token = kv_heads * (
        header.number("attention.key_length", head_width) + header.number("attention.value_length", head_width)
    )
    vocabulary = header.lengths.get("tokenizer.ggml.tokens", 0)
    feed_forward = header.number("feed_forward_length", 4 * width)
    return MemoryNeed(
        weights=header.weight_bytes,
        context=2 * header.number("block_count") * n_ctx * per_token,
        buffers=4 * BATCH * (vocabulary + 4 * width + 2 * feed_forward) + 4 * BATCH * n_ctx * heads // 8 + (32 << 20),
    )


def available_memory() -> int:
    """Bytes that can be given out now without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


def check_memory(header: GgufHeader, n_ctx: int, *, name: str, elsewhere: float = 0.0) -> None:
    """Refuse what does not fit.

    Args:
        header: the file's header.
        n_ctx: tokens of the window.
        name: how people call the model.
        elsewhere: the part of the model, in [0, 1], that lies in the memory of a graphics processor.

    Raises:
        ModelFileError: with the figures and what would help.
    """
    need, free = memory_need(header, n_ctx), available_memory()
    if need.total * (1 - elsewhere) + MARGIN <= free:
        return
    smaller = need.weights + need.buffers + MARGIN < free
    raise ModelFileError(
        f"{name} does not fit into memory: it needs about {_gb(need.total)} ({_gb(need.weights)} weights, "
        f"{_gb(need.context)} for {n_ctx:,} tokens of context, {_gb(need.buffers)} working space), and {_gb(free)} are "
        "free.",
        fix=f"Set context_window = {fitting(need, free, n_ctx):,} or less for this tier.".replace(",", "_")
        if smaller
        else "Close other programs, or use a smaller model or a stronger quantisation.",
    )


def prefix_budget(header: GgufHeader, n_ctx: int) -> int:
    """Bytes that the stored prefixes of other conversations may take.

    As many as the window itself, and at most half of what the loaded model leaves free: a model that only just fits
    stores none, and none is refused for their sake.
    """
    need = memory_need(header, n_ctx)
    return min(need.context, max(0, available_memory() - need.total - MARGIN) // 2)


def fitting(need: MemoryNeed, free: int, n_ctx: int) -> int:
    """The longest window for which ``free`` bytes suffice, a multiple of 256 and at least that.

    Args:
        need: what a window of ``n_ctx`` tokens needs.
        free: bytes that can be given out.
        n_ctx: tokens.
    """
    room = free - need.weights - need.buffers - MARGIN
    return max(256, int(n_ctx * room / max(1, need.context)) // 256 * 256)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
