"""``tierwise bench``: measurements a user can repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.jsonable import to_json
from tierwise_app.checks import offline_word
from tierwise_app.cli.bench_retrieval import retrieval
from tierwise_app.cli.escalation import escalation
from tierwise_app.cli.session import Json, session
from tierwise_app.console import err, out, print_json
from tierwise_app.text import clean, duration

if TYPE_CHECKING:
    from tierwise_app.backends import Report

app = typer.Typer(help="Measurements you can repeat.", no_args_is_help=True)

_SIGNS = {"ok": ("ok", "green"), "failed": ("FAIL", "bold red"), "no": ("no", "yellow"), "skipped": ("-", "dim")}
_CAPTION = "ok: kept. FAIL: this kind must keep it. no: it need not. -: not asked."


app.command("escalation")(escalation)
app.command("retrieval")(retrieval)


@app.callback()
def group() -> None:
    """Measurements you can repeat."""


@app.command("backends")
def backends(
    ctx: typer.Context,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", metavar="NAME=URL[,model=M][,key_env=V][,window=N]", help="A server to ask, too."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask every backend the same: streaming, stop, limits, tools, structured output, errors, speed.

    Looks for llama.cpp in its own process and for llama-server, Ollama and vLLM at their usual ports on this machine.
    Anything else is contacted only if it is named, and no server when offline or locked. Exit code 1 if a backend fails
    what its kind must keep.
    """
    from tierwise_app.backends import examine, find_backends, named_backend

    settings = session(ctx).settings()
    named = [named_backend(words) for words in backend or ()]
    reports = []
    for found in find_backends(named, offline_word(settings)):
        reports.append(
            _watched(lambda tell, found=found: examine(found, settings.home, tell), found.name, quiet=as_json)
        )
        if not as_json:
            _print_report(reports[-1])
    failed = any(report.status == "failed" for report in reports)
    if as_json:
        print_json({"ok": not failed, "backends": to_json(reports)})
    else:
        _print_table(reports)
    raise typer.Exit(1 if failed else 0)


def _watched(work: Any, name: str, *, quiet: bool) -> Report:
    """Run with the present check on the screen."""
    if quiet:
        report: Report = work(lambda _: None)
        return report
    with err().status(f"{name} …") as status:
        done: Report = work(lambda title: status.update(f"{name}: {title} …"))
        return done


def _print_report(report: Report) -> None:
    console = out()
    if report.status == "skipped":
        console.print(f"{report.name}: skipped: {clean(report.why or '')}", style="dim")
        return
    speed = f", {report.tokens_per_s:.0f} tokens/s" if report.tokens_per_s else ""
    first = f": first token after {duration(report.first_token_ms)}{speed}" if report.first_token_ms else ""
    console.print(f"{report.name}, {clean(report.model)}{first}", style="bold")
    if report.why:
        console.print(f"  FAIL {clean(report.why)}", style="bold red")
    for finding in report.findings:
        word, style = _SIGNS[finding.status]
        console.print(f"  {word:<4}", style=style, end=" ")
        console.print(f"{finding.check}: {clean(finding.text)}")


def _print_table(reports: list[Report]) -> None:
    from rich.table import Table
    from rich.text import Text

    from tierwise_app.backends import CHECKS

    present = [report for report in reports if report.findings]
    if not present:
        return
    table = Table("check", *(report.name for report in present), caption=_CAPTION)
    for n, check in enumerate(CHECKS):
        signs = [_SIGNS[report.findings[n].status] for report in present]
        table.add_row(check.title, *(Text(word, style=style) for word, style in signs))
    table.add_row("tokens/s", *(f"{r.tokens_per_s:.0f}" if r.tokens_per_s else "-" for r in present))
    console = out()
    console.print()
    console.print(table)
