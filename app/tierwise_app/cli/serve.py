"""``tierwise serve``: the HTTP server."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.errors import ConfigError, UsageError
from tierwise_app.cli import serve_keys
from tierwise_app.cli.session import Json, Session, session
from tierwise_app.console import Stopped, err, print_json

if TYPE_CHECKING:
    from tierwise.serve_settings import ServeSettings

app = typer.Typer(help="Serve answers to other programs over HTTP: the OpenAI API, and one of our own.")
app.add_typer(serve_keys.app, name="keys")
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  (shown, not bound)


@app.callback(invoke_without_command=True)
def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; one that others can reach needs a key.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="To listen on; by default 8411, 0 takes a free one.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", hidden=True)] = 1,
    as_json: Json = False,
) -> None:
    """Serve answers to other programs: what speaks the OpenAI API needs only another base URL."""
    if ctx.invoked_subcommand is not None:
        return
    if workers != 1 or os.environ.get("WEB_CONCURRENCY", "1").strip() not in ("", "1"):
        raise UsageError(
            "The server is one process: the local model and the line before it live in it.",
            fix="Start more servers on the same home, each with a --port of its own (and WEB_CONCURRENCY unset).",
        )
    current = session(ctx)
    settings = current.settings().serve
    settings = replace(
        settings, host=settings.host if host is None else host, port=settings.port if port is None else port
    )
    if _serve(current, settings, as_json=as_json):
        raise Stopped("Stopped.")


def _serve(current: Session, serve: ServeSettings, *, as_json: bool) -> bool:
    try:
        from tierwise_app.serve.app import make_app
        from tierwise_app.serve.guard.places import is_loopback, written
        from tierwise_app.serve.keys import Keys
        from tierwise_app.serve.running import listen, run
    except ImportError as error:
        raise ConfigError(f"The server needs {error.name}.", fix="Install it: pip install 'tierwise[serve]'") from error
    import sys

    from tierwise import AsyncCopilot
    from tierwise_app.serve.logging import log_to

    settings = current.settings()
    keys = Keys(settings.home).all()  # a file that cannot be read is said here
    if not keys and not is_loopback(serve.host):
        raise UsageError(
            f"{serve.host} can be reached from other machines, and there is no key.",
            fix="Make one: tierwise serve keys add NAME",
        )
    sockets = listen(serve.host, serve.port)
    serve = replace(serve, port=sockets[0].getsockname()[1])
    url = f"http://{written(_ANYWHERE.get(serve.host, serve.host))}:{serve.port}/v1"

    def ready() -> None:
        if as_json:
            print_json({"url": url, "pid": os.getpid(), "key_needed": bool(keys)})
            return
        known = "a key from: tierwise serve keys add NAME" if keys else "anything: no key is needed on this machine"
        err().print(
            f"tierwise serves {url}  (Ctrl-C ends it)\nIn a program that speaks the OpenAI API, two lines change:"
        )
        err().print(f"  OPENAI_BASE_URL={url}\n  OPENAI_API_KEY=…  ({known})")

    try:
        app = make_app(AsyncCopilot(settings=replace(settings, serve=serve)), serve)
        log_to(sys.stderr, debug=current.debug)
        return run(app, sockets, ready)
    finally:
        for one in sockets:
            one.close()
