"""``tierwise app``: the chat app in the browser."""

from __future__ import annotations

import os
import socket
from typing import Annotated

import typer

from tierwise.errors import ConfigError, UsageError
from tierwise_app.cli.session import session
from tierwise_app.console import err

_HERE = "127.0.0.1"
_FIRST, _TRIED = 8501, 20


def app(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help=f"Port on this machine; by default a free one from {_FIRST} on."),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")] = True,
) -> None:
    """Open the chat app. It listens on this machine only."""
    current = session(ctx)
    if current.config is not None:
        os.environ["TIERWISE_CONFIG"] = str(current.config.absolute())
    current.settings()  # a configuration that cannot be used is said here, not in the browser
    try:
        from tierwise_app.web.server import run
    except ImportError as error:
        raise ConfigError(f"The app needs {error.name}.", fix="Install it: pip install 'tierwise[app]'") from error
    found = _free_port(port)
    err().print(f"tierwise app: http://{_HERE}:{found}  (Ctrl-C ends it)")
    run(address=_HERE, port=found, browser=browser)


def _free_port(wanted: int | None) -> int:
    """The port that was asked for, or the first free one of the usual.

    Raises:
        UsageError: if there is none.
    """
    for port in range(_FIRST, _FIRST + _TRIED) if wanted is None else (wanted,):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((_HERE, port))
            except OSError as error:
                why = error.strerror or str(error)
            else:
                return port
    which = f"Port {wanted}" if wanted is not None else f"Ports {_FIRST} to {_FIRST + _TRIED - 1}"
    raise UsageError(f"{which} cannot be used: {why}.", fix="Name another: tierwise app --port PORT")
