"""Which backends there are: llama.cpp in its own process, servers on this machine, and what the user names."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPException
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from tierwise.config import Tier
from tierwise.errors import InvalidInput

EMBEDDED = "llama:smollm2-135m"
OPENAI = "https://api.openai.com/v1"
USUAL_PORTS = (("llama-server", 8080), ("Ollama", 11434), ("vLLM", 8000))
_KINDS = {"llama-server": "llama-server", "ollama": "Ollama", "vllm": "vLLM", "openai": "OpenAI"}
_PROBE_S = 2.0  # in all: a server that sends a byte now and then is none
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


def find_backends(named: Sequence[Backend], offline: str | None = None) -> Iterator[Backend]:
    """All backends, those that are not there included. Nothing but this machine is contacted by itself.

    Args:
        named: what the user named; it takes the place of the usual server of its kind.
        offline: why no server may be contacted, if that is so: an address does not tell what lies behind it.
    """
    from tierwise.models import profile

    machine = profile(measure=False)
    missing = "llama-cpp-python is not installed" if machine.binding is None else None
    yield Backend("llama.cpp CPU", "llama.cpp", EMBEDDED, absent=missing or _has_gpu(len(machine.gpus)))
    without = None if machine.gpus else "llama-cpp-python finds no graphics processor it was built for"
    yield Backend("llama.cpp GPU", "llama.cpp", EMBEDDED, absent=missing or without)
    for kind, port in USUAL_PORTS:
        if not any(backend.kind == kind for backend in named):
            yield _complete(Backend(kind, kind, url=f"http://127.0.0.1:{port}/v1"), offline)
    if not any(backend.kind == "OpenAI" for backend in named):
        yield Backend("OpenAI", "OpenAI", absent="not named (--backend openai,model=M,key_env=V)")
    for backend in named:
        yield _complete(backend, offline)


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
    if not name or not _is_address(url):
        raise InvalidInput(f"--backend {words!r} has no name or address.", fix=fix)
    if kind == "OpenAI" and "model" not in values:
        raise InvalidInput("The OpenAI API has many models, and a request costs money.", fix="Add ,model=NAME.")
    window = values.get("window")
    if window is not None and not re.fullmatch("[1-9][0-9]{0,8}", window):
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


def _is_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _complete(backend: Backend, offline: str | None) -> Backend:
    """Ask the server for its first model, if none was named; without an answer the backend is absent."""
    if offline:
        return replace(backend, absent=f"tierwise is {offline}: no server is contacted")
    if backend.model:
        return backend
    assert backend.url is not None
    try:
        status, body = _get(f"{backend.url.rstrip('/')}/models")
        if status != 200:
            return replace(backend, absent=f"{backend.url} answers with status {status}; name its model with ,model=M")
        first = json.loads(body)["data"][0]
        name, window = first["id"], _window(first)
    except (OSError, HTTPException):
        return replace(backend, absent=f"nothing answers at {backend.url}")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        name = None
    if not isinstance(name, str) or not name:
        return replace(backend, absent=f"{backend.url} has no model, or is another kind of server")
    return replace(backend, model=f"openai:{name}", window=backend.window or window)


def _get(url: str) -> tuple[int, bytes]:
    """Status and body, if all comes in time; a server that sends a byte now and then is left alone.

    Raises:
        OSError: if nothing answers, or not in time.
        HTTPException: if it does not speak HTTP.
    """
    got: Queue[tuple[int, bytes] | Exception] = Queue()

    def work() -> None:
        try:
            with _OPENER.open(url, timeout=_PROBE_S) as answer:
                got.put((answer.status, answer.read(_MOST)))
        except urllib.error.HTTPError as error:
            got.put((error.code, b""))
        except Exception as error:
            got.put(error)

    Thread(target=work, daemon=True).start()
    try:
        answer = got.get(timeout=_PROBE_S)
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """An address on this machine must not lead to another one."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def _window(entry: Any) -> int | None:
    """What vLLM and llama-server tell of the window beside the model's name."""
    told = entry.get("max_model_len") or (entry.get("meta") or {}).get("n_ctx")
    return told if type(told) is int and told > 0 else None
