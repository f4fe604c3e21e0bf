"""The HTTP server over scripted tiers, on a free port, in a thread."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2

from tierwise import AsyncCopilot, Settings, Tier
from tierwise.models import ChatModel
from tierwise.serve_settings import ServeSettings
from tierwise.testing import ScriptedModel
from tierwise_app.serve.app import make_app
from tierwise_app.serve.running import Server as Uvicorn
from tierwise_app.serve.running import configured


@dataclass
class Server:
    """A server that runs.

    Attributes:
        url: ``http://127.0.0.1:PORT``, without ``/v1``.
        app: the application; ``app.state.parts`` are its parts.
        copilot: belongs to the server's event loop.
        models: the tiers' models by the tiers' names.
        loop: of the server; ``run`` runs a coroutine in it.
        client: a plain client with the base URL set.
    """

    url: str
    app: Any
    copilot: AsyncCopilot
    models: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    client: httpx2.Client
    _uvicorn: Any = field(repr=False)

    @property
    def parts(self) -> Any:
        return self.app.state.parts

    def run(self, work: Any, timeout: float = 30) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)


@contextmanager
def serving(
    quick: Any = ("An answer.",),
    deep: Any = None,
    *,
    home: Path | str | None = None,
    serve: ServeSettings | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Iterator[Server]:
    """Serve scripted tiers.

    Args:
        quick: a model, or the steps of the on-device tier; the last step is repeated.
        deep: the same of a tier that is not on the device; by default there is none.
        home: by default a fresh folder.
        serve: settings of the server; it listens on loopback whatever they say.
        settings: the copilot's.
        options: passed on to ``AsyncCopilot``.
    """
    home = Path(home or tempfile.mkdtemp(prefix="tierwise-http-"))
    tiers = [Tier("quick", _model(quick, "scripted-quick", on_device=True))]
    if deep is not None:
        tiers.append(Tier("deep", _model(deep, "scripted-deep", on_device=False)))
    settings = replace(settings or Settings(), home=home, **({"serve": serve} if serve else {}))
    copilot = AsyncCopilot(tiers, settings=settings, **options)
    with running(copilot) as server:
        yield server


@contextmanager
def running(copilot: AsyncCopilot) -> Iterator[Server]:
    """Serve a copilot."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = make_app(copilot, replace(copilot.settings.serve, port=port))
    server = Uvicorn(configured(app))
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="server", daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        url = f"http://127.0.0.1:{port}"
        models = {tier.name: copilot.model(tier.name) for tier in copilot.tiers}
        with httpx2.Client(base_url=url, timeout=60) as client:
            yield Server(url, app, copilot, models, loops[0], client, server)
    finally:
        server.should_exit = True
        thread.join(90)  # turns and connections that are left get 30 s of the server itself
        assert not thread.is_alive(), "the server did not end"


def _model(script: Any, name: str, *, on_device: bool) -> ChatModel:
    if isinstance(script, ChatModel):
        return script
    steps: Sequence[Any] = [script] if isinstance(script, str) else list(script)
    host = None if on_device else "scripted.invalid"
    return ScriptedModel(steps, name=name, on_device=on_device, host=host, repeat=True)
