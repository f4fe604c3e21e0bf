"""LoRA adapters: found and checked before llama.cpp may touch them."""

from __future__ import annotations

from pathlib import Path

from tierwise.errors import AdapterError, ModelFileError
from tierwise.models.gguf import GgufHeader, read_adapter
from tierwise.models.local.prefixes import Adapter


def check_adapter(adapter: str, base: GgufHeader) -> Adapter:
    """An adapter that may fit a model.

    Args:
        adapter: path of the file.
        base: header of the model that is to wear it.

    Raises:
        AdapterError: if the file is missing, no LoRA adapter, or made for another kind of model.
    """
    path = Path(adapter).expanduser().absolute()
    if not path.is_file():
        raise AdapterError(f"The adapter {path} does not exist.", fix="Correct the path.")
    try:
        architecture = read_adapter(path)
    except ModelFileError as error:
        raise AdapterError(error.what, fix=error.fix) from error
    if architecture != base.architecture:
        raise AdapterError(
            f"The adapter {path} was made for a model of the kind {architecture!r}; this one is {base.architecture!r}.",
            fix="Use an adapter (GGUF) that was made for this very model.",
        )
    stat = path.stat()
    return Adapter(str(path), hash((stat.st_size, stat.st_mtime_ns)))
