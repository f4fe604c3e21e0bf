"""Prints the graphics processors that llama.cpp can use as a JSON list: ``python gpu_list.py FOLDER_OF_ITS_LIBRARIES``.

A program of its own, run by :func:`tierwise.models.device.probe.gpus`: loading a driver may end the process.
"""

import ctypes
import json
import sys
from pathlib import Path
from typing import Any

_OWN_MEMORY, _SHARED_MEMORY = 1, 2  # enum ggml_backend_dev_type: GPU, IGPU


def devices(folder: Path) -> list[dict[str, Any]]:
    """Ask the libraries.

    Raises:
        OSError | StopIteration | AttributeError: if they are missing, broken or without these functions.
    """
    base, ggml, llama = (_load(folder, name) for name in ("ggml-base", "ggml", "llama"))
    size, handle = ctypes.c_size_t, ctypes.c_void_p

    def function(name: str, result: Any, *arguments: Any) -> Any:
        made = getattr(ggml if hasattr(ggml, name) else base, name)
        made.restype, made.argtypes = result, list(arguments)
        return made

    llama.llama_supports_gpu_offload.restype = ctypes.c_bool
    function("ggml_backend_load_all", None)()
    if not llama.llama_supports_gpu_offload():
        return []
    device = function("ggml_backend_dev_get", handle, size)
    label = function("ggml_backend_dev_description", ctypes.c_char_p, handle)
    kind = function("ggml_backend_dev_type", ctypes.c_int, handle)
    memory = function("ggml_backend_dev_memory", None, handle, ctypes.POINTER(size), ctypes.POINTER(size))
    found = []
    for number in range(function("ggml_backend_dev_count", size)()):
        it, free, total = device(number), size(), size()
        if kind(it) not in (_OWN_MEMORY, _SHARED_MEMORY):
            continue
        memory(it, ctypes.byref(free), ctypes.byref(total))
        found.append(
            {
                "name": label(it).decode("utf-8", "replace"),
                "memory": total.value,
                "free": free.value,
                "shared": kind(it) == _SHARED_MEMORY or sys.platform == "darwin",
            }
        )
    return found


def _load(folder: Path, name: str) -> ctypes.CDLL:
    return ctypes.CDLL(str(next(file for file in sorted(folder.iterdir()) if file.stem in (name, f"lib{name}"))))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(devices(Path(sys.argv[1]))) + "\n")
