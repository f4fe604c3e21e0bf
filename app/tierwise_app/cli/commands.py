"""The command tree, and the one place where failures become exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tierwise.errors import TierwiseError, UsageError
from tierwise.redact import install
from tierwise_app import console
from tierwise_app.cli import (
    approvals,
    ask,
    bench,
    chat,
    demo,
    doctor,
    improve,
    ingest,
    models,
    route,
    router,
    search,
    serve,
    setup,
    sources,
    stats,
    threads,
    threads_redact,
    tools,
    why,
)
from tierwise_app.cli.app import app as open_app
from tierwise_app.cli.session import Session
from tierwise_app.console import Stopped

_ORDER = (
    "demo",
    "setup",
    "doctor",
    "ask",
    "chat",
    "improve",
    "ingest",
    "search",
    "sources",
    "route",
    "router",
    "models",
    "tools",
    "threads",
    "why",
    "stats",
    "app",
    "serve",
    "bench",
)


class _Root(TyperGroup):
    """Ctrl-C reaches :func:`main` as an error with its own exit code, so that ``--json`` still gets its one value."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order in which a newcomer needs them."""
        return [*_ORDER]

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Stopped("Stopped.") from None


app = typer.Typer(
    name="tierwise",
    cls=_Root,
    help="Answers on your machine, asks a bigger model only when it must, and shows you why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.out().print(f"tierwise {version('tierwise')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", metavar="PATH", help="Configuration file to use.")] = None,
    home: Annotated[Path | None, typer.Option("--home", metavar="PATH", help="Folder of the stores.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Answers on your machine, asks a bigger model only when it must, and shows you why."""
    ctx.obj = Session.start(config, home, debug)


app.command("demo")(demo.demo)
app.command("setup")(setup.setup)
app.command("doctor")(doctor.doctor)
app.command("ask")(ask.ask)
app.command("chat")(chat.chat)
app.command("improve")(improve.improve)
app.command("ingest")(ingest.ingest)
app.command("search")(search.search)
app.add_typer(sources.app, name="sources")
app.command("route")(route.route)
app.add_typer(router.app, name="router")
app.add_typer(models.app, name="models")
app.add_typer(tools.app, name="tools")
threads.app.command("waiting")(approvals.waiting)
threads.app.command("approve")(approvals.approve)
threads.app.command("deny")(approvals.deny)
threads.app.command("resume")(approvals.resume)
threads.app.command("redact")(threads_redact.redact)
app.add_typer(threads.app, name="threads")
app.command("why")(why.why)
app.command("stats")(stats.stats)
app.command("app")(open_app)
app.add_typer(serve.app, name="serve")
app.add_typer(bench.app, name="bench")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong use, 3 waiting, 4 blocked, 130 stopped."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    before_dashes = words[: words.index("--")] if "--" in words else words
    sys.exit(_run(words, as_json="--json" in before_dashes, debug="--debug" in before_dashes))


def _run(words: list[str], *, as_json: bool, debug: bool) -> int:
    console.forgiving_streams()
    install()  # whatever is logged, warned or shown as a traceback from here on holds no secret
    try:
        result = app(words, standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except BrokenPipeError:
        console.drop_output()
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return console.report(Stopped("Stopped."), as_json=as_json)
    except typer.TyperException as error:
        if not error.format_message():  # the help has been printed instead
            return error.exit_code
        return console.report(UsageError(error.format_message()), as_json=as_json)
    except TierwiseError as error:
        if debug:
            console.show_trace(error)
        return console.report(error, as_json=as_json)
    except Exception as error:
        if debug:
            console.show_trace(error)
        return console.report(_unexpected(error), as_json=as_json)


def _unexpected(error: Exception) -> TierwiseError:
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return TierwiseError(f"Something unexpected happened ({what}).", fix="See more with: tierwise --debug COMMAND")
