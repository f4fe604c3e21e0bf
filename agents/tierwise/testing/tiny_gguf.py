"""Makes a tiny GGUF of the ``phi3`` architecture that says what it is told, on the real Phi-3 vocabulary.

It goes through llama.cpp like any other model (tokenizer, template, attention, sampling), is 8 MB large and loads in a
blink. Needs the packages ``gguf`` and ``numpy``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

# The Phi-3 format in our words: each message between the name of its role and <|end|>.
PHI3_TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\\n' + m['content'] + '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)
_COPIED = ("tokenizer.ggml.",)


def write_tiny_phi3(
    path: Path,
    vocabulary: Path,
    *,
    follows: Mapping[int, int],
    template: str | None = PHI3_TEMPLATE,
    context: int = 512,
    layers: int = 2,
    width: int = 64,
    seed: int = 0,
) -> Path:
    """Write the model.

    Its layers add nothing to the residual stream and its output weights map each token to the one that follows, so
    greedy decoding walks along ``follows``; the rest of the embedding is random.

    Args:
        path: where to write it.
        vocabulary: a vocabulary-only GGUF of Phi-3.
        follows: token id to the id of the token that comes after it.
        template: chat template; ``None`` writes none.
        context: value of ``phi3.context_length``.
        layers: number of layers.
        width: length of the embedding, a multiple of 32.
        seed: for the random embedding.

    Returns:
        ``path``.
    """
    from gguf import GGUFReader, GGUFWriter

    reader: Any = GGUFReader(str(vocabulary))
    writer: Any = GGUFWriter(str(path), "phi3")
    writer.add_name("tiny phi3")
    writer.add_context_length(context)
    writer.add_rope_scaling_orig_ctx_len(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(width)
    writer.add_block_count(layers)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // 2)
    writer.add_rope_freq_base(10_000.0)
    for key, field in reader.fields.items():
        if key.startswith(_COPIED):
            kinds = field.types
            writer.add_key_value(key, field.contents(), kinds[0], sub_type=kinds[-1] if len(kinds) > 1 else None)
    if template is not None:
        writer.add_chat_template(template)
    tokens = len(reader.fields["tokenizer.ggml.tokens"].data)
    for name, tensor in _weights(tokens, follows, layers, width, seed).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(tokens: int, follows: Mapping[int, int], layers: int, width: int, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    embedding = random.standard_normal((tokens, width)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    output = np.zeros((tokens, width), dtype=np.float32)
    for token, after in follows.items():
        output[after] += 2.0 * embedding[token]
    tensors: dict[str, Any] = {
        "token_embd.weight": embedding.astype(np.float16),
        "output_norm.weight": np.ones(width, dtype=np.float32),
        "output.weight": output.astype(np.float16),
    }
    for n in range(layers):
        small = random.standard_normal((3 * width, width)).astype(np.float32) / width
        tensors |= {
            f"blk.{n}.attn_norm.weight": np.ones(width, dtype=np.float32),
            f"blk.{n}.attn_qkv.weight": small.astype(np.float16),
            f"blk.{n}.attn_output.weight": np.zeros((width, width), dtype=np.float16),
            f"blk.{n}.ffn_norm.weight": np.ones(width, dtype=np.float32),
            f"blk.{n}.ffn_up.weight": np.zeros((2 * width, width), dtype=np.float16),
            f"blk.{n}.ffn_down.weight": np.zeros((width, width), dtype=np.float16),
        }
    return tensors
