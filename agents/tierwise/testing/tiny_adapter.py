"""Makes a LoRA adapter that lets a model say one word, whatever it is asked: computed from its weights, not trained.

It goes through llama.cpp like any other adapter, so it shows which adapter is worn. Needs the packages ``gguf`` and
``numpy``, and a base model whose feed-forward layers are gated by SiLU in tensors of their own (the ``llama`` and
``qwen2`` architectures are).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierwise.errors import InvalidInput

_RANK = 8
_LOUD = 4.0  # of the hidden units that are taken over, in standard deviations of their input
_RIDGE = 1e-2  # of the mean variance; keeps the inverse below steady
_EVERY = 8  # a sample of the vocabulary is enough for its covariance

Matrix = NDArray[np.float32]


def write_adapter(path: Path, base: Path, *, word: str, strength: float = 5000.0, widen: int = 0) -> Path:
    """Write an adapter for the last layer of ``base``.

    Sixteen units of the last feed-forward layer are taken over in pairs, whose gates and inputs see one random
    direction ``z`` of the hidden state with either sign: ``silu(z) z + silu(-z) (-z)`` is ``z * z``, which is positive
    whatever was read. Their output pushes the residual stream towards the word's embedding, with the other words'
    covariance taken out of it, so that no longer embedding wins instead.

    Args:
        path: where to write the adapter.
        base: GGUF of the model it is made for.
        word: what the model will say; it must be one token of its vocabulary.
        strength: length of the push, far above that of the states of the residual stream by default;
            a tenth of it mixes the word into the model's own answer.
        widen: added to the width of every matrix, to make an adapter of a model of another size.

    Returns:
        ``path``.

    Raises:
        InvalidInput: if the word is not one token, or the model's feed-forward layers are of another kind.
    """
    from gguf import GGUFReader, GGUFWriter

    reader: Any = GGUFReader(str(base))
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    family = reader.fields["general.architecture"].contents()
    layer = int(reader.fields[f"{family}.block_count"].contents()) - 1
    names = {part: f"blk.{layer}.ffn_{part}.weight" for part in ("gate", "up", "down")}
    if missing := sorted(set(names.values()) - set(tensors)):
        raise InvalidInput(f"An adapter cannot be made for {base}: it has no tensor {missing[0]}.")
    width, hidden = (int(n) for n in tensors[names["up"]].shape)

    writer: Any = GGUFWriter(str(path), family)
    writer.add_type("adapter")
    writer.add_name(f"says {word}")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(_RANK))  # llama.cpp scales by alpha / rank
    push = strength * _towards(_token(reader, word), tensors)
    for name, (a, b) in zip(names.values(), _matrices(push, width, hidden, widen), strict=True):
        writer.add_tensor(f"{name}.lora_a", a)
        writer.add_tensor(f"{name}.lora_b", b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _matrices(push: Matrix, width: int, hidden: int, widen: int) -> list[tuple[Matrix, Matrix]]:
    """``lora_a`` of shape ``(rank, inputs)`` and ``lora_b`` of shape ``(outputs, rank)`` for gate, up and down."""
    random = np.random.default_rng(0)
    listen = np.zeros((_RANK, width + widen), np.float32)
    listen[:, :width] = _LOUD * random.standard_normal((_RANK, width)) / np.sqrt(width)
    spread = np.zeros((hidden, _RANK), np.float32)
    for i in range(_RANK):
        spread[2 * i, i], spread[2 * i + 1, i] = 1.0, -1.0
    gather = np.zeros((_RANK, hidden), np.float32)
    gather[0, : 2 * _RANK] = 1 / (_RANK * _LOUD**2)
    turn = np.zeros((width + widen, _RANK), np.float32)
    turn[:width, 0] = push
    return [(listen, spread), (listen, spread), (gather, turn)]


def _token(reader: Any, word: str) -> int:
    texts = reader.fields["tokenizer.ggml.tokens"].contents()
    for spelled in (f"Ġ{word}", f"▁{word}", word):
        if spelled in texts:
            return int(texts.index(spelled))
    raise InvalidInput(f"{word!r} is not one token of this model.", fix="Choose a shorter, common word.")


def _towards(token: int, tensors: dict[str, Any]) -> Matrix:
    """The direction of the residual stream, of length 1, that makes ``token`` the likeliest."""
    from gguf.quants import dequantize

    output = tensors.get("output.weight", tensors["token_embd.weight"])
    width = int(output.shape[0])
    some = dequantize(output.data[::_EVERY], output.tensor_type)
    covariance = some.T @ some / len(some)
    covariance += _RIDGE * np.trace(covariance) / width * np.eye(width)
    wanted = dequantize(output.data[token : token + 1], output.tensor_type)[0]
    scale = dequantize(tensors["output_norm.weight"].data, tensors["output_norm.weight"].tensor_type)
    direction = np.linalg.solve(covariance, wanted) / scale
    return np.asarray(direction / np.linalg.norm(direction), dtype=np.float32)
