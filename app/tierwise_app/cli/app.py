"""``tierwise app``: the chat app in the browser."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from tierwise.errors import ConfigError
from tierwise_app.cli.session import session
from tierwise_app.console import err


def app(
    ctx: typer.Context,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 8501,
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
    err().print(f"tierwise app: http://127.0.0.1:{port}  (Ctrl-C ends it)")
    run(address="127.0.0.1", port=port, browser=browser)
