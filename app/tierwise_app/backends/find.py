"""Which backends there are: llama.cpp in its own process, servers on this machine, and what the user names."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from tierwise.config import Tier
from tierwise.errors import InvalidInput

EMBEDDED = "llama:smollm2-135m"
OPENAI = "https://api.openai.com/v1"
USUAL_PORTS = (("llama-server", 8080), ("Ollama", 11434), ("vLLM", 8000))
_KINDS = {"llama-server": "llama-server", "ollama": "Ollama", "vllm": "vLLM", "openai": "OpenAI"}
_PROBE_S = 1.0
_MOST = 1 << 20  # bytes of a list of models


@dataclass(frozen=True, slots=True)
class Backend:
    """Something that answers, or the reason why it is not there.

    Attributes:
        name: as the report calls it.
        kind: ``llama.cpp``, ``llama-server``, ``Ollama``, ``vLLM``, ``OpenAI`` or ``compatible``: what it has to keep.
        model: ``llama:...`` or ``openai:...``.
        url: address of a server; ``None`` for llama.cpp in its own process and for the OpenAI API.
        key_env: variable that holds the key.
        window: tokens of its context, where it is known.
        absent: why it is not there, in a few words.
    """

    name: str
    kind: str
    model: str = ""
    url: str | None = None
    key_env: str | None = None
    window: int | None = None
    absent: str | None = None

    def tier(self, *, model: str | None = None) -> Tier:
        """The entry of the configuration that uses it.

        Args:
            model: another model's name.
        """
        return Tier(
            "backend",
            f"openai:{model}" if model else self.model,
            base_url=self.url,
            api_key_env=self.key_env,
            context_window=self.window,
        )


def find_backends(named: Sequence[Backend]) -> Iterator[Backend]:
    """All backends, those that are not there included. Nothing but this machine is contacted by itself.

    Args:
        named: what the user named; it takes the place of the usual server of its kind.
    """
    from tierwise.models import profile

    machine = profile(measure=False)
    missing = "llama-cpp-python is not installed" if machine.binding is None else None
    yield Backend("llama.cpp CPU", "llama.cpp", EMBEDDED, absent=missing or _has_gpu(len(machine.gpus)))
    without = None if machine.gpus else "llama-cpp-python finds no graphics processor it was built for"
    yield Backend("llama.cpp GPU", "llama.cpp", EMBEDDED, absent=missing or without)
    for kind, port in USUAL_PORTS:
        if not any(backend.kind == kind for backend in named):
            yield _complete(Backend(kind, kind, url=f"http://127.0.0.1:{port}/v1"))
    if not any(backend.kind == "OpenAI" for backend in named):
        yield Backend("OpenAI", "OpenAI", absent="not named (--backend openai,model=M,key_env=V)")
    for backend in named:
        yield backend if backend.model else _complete(backend)


def named_backend(words: str) -> Backend:
    """Read ``NAME=URL[,model=M][,key_env=V][,window=N]``; ``openai`` needs no address.

    Raises:
        InvalidInput: if it is written in another way.
    """
    first, *options = words.split(",")
    name, _, url = first.partition("=")
    kind = _KINDS.get(name.lower(), "compatible")
    fix = "Write NAME=URL[,model=M][,key_env=V][,window=N], for example vllm=http://127.0.0.1:8000/v1."
    values = dict(option.partition("=")[::2] for option in options)
    if set(values) - {"model", "key_env", "window"} or not all(values.values()):
        raise InvalidInput(f"--backend {words!r} cannot be read.", fix=fix)
    if not url and kind == "OpenAI":
        url = OPENAI
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise InvalidInput(f"--backend {words!r} has no address.", fix=fix)
    if kind == "OpenAI" and "model" not in values:
        raise InvalidInput("The OpenAI API has many models, and a request costs money.", fix="Add ,model=NAME.")
    window = values.get("window")
    if window is not None and not (window.isdigit() and int(window)):
        raise InvalidInput(f"A window of {window!r} tokens is no number.", fix=fix)
    return Backend(
        name,
        kind,
        f"openai:{values['model']}" if "model" in values else "",
        None if url == OPENAI else url,
        values.get("key_env"),
        int(window) if window else None,
    )


def _has_gpu(count: int) -> str | None:
    return "its model lies on the graphics processor, see llama.cpp GPU" if count else None


def _complete(backend: Backend) -> Backend:
    """Ask the server for its first model; without an answer the backend is absent."""
    assert backend.url is not None
    request = urllib.request.Request(f"{backend.url.rstrip('/')}/models")  # noqa: S310 - http(s) was checked
    try:
        with _OPENER.open(request, timeout=_PROBE_S) as answer:
            first = json.loads(answer.read(_MOST))["data"][0]
            name = str(first["id"])
    except urllib.error.HTTPError as error:
        return replace(backend, absent=f"{backend.url} answers with status {error.code}; name its model with ,model=M")
    except (OSError, HTTPException):
        return replace(backend, absent=f"nothing answers at {backend.url}")
    except (ValueError, LookupError, TypeError):
        return replace(backend, absent=f"{backend.url} has no model, or is another kind of server")
    return replace(backend, model=f"openai:{name}", window=backend.window or _window(first))


def _window(entry: Any) -> int | None:
    """What vLLM and llama-server tell of the window beside the model's name."""
    told = entry.get("max_model_len") or (entry.get("meta") or {}).get("n_ctx")
    return told if isinstance(told, int) and told > 0 else None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """An address on this machine must not lead to another one."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
