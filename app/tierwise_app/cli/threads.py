"""``tierwise threads``: conversations that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tierwise.errors import InvalidInput
from tierwise.jsonable import to_json
from tierwise.turns import DecisionRecord
from tierwise_app.cli.session import Json, session
from tierwise_app.console import confirm, err, out, print_json
from tierwise_app.exporting import thread_json, thread_markdown, thread_records
from tierwise_app.render import print_citations, print_table, step_text
from tierwise_app.text import clean, one_line, plural, when
from tierwise_app.waiting_calls import print_what_waits

if TYPE_CHECKING:
    from tierwise.record import ThreadSummary

app = typer.Typer(
    help="Conversations: list, name, show, search, export, delete them, and go on with those that wait.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(metavar="THREAD", help="The thread's name.")]


@app.command("list")
def list_threads(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="Also those of single questions to the server.")] = False,
    as_json: Json = False,
) -> None:
    """List threads, the most recently used first."""
    with session(ctx).record() as record:
        threads = record.threads(limit, passing=everything)
    if as_json:
        print_json(to_json(threads))
    elif threads:
        rows = [(t.thread, f"{t.turns}", when(t.last), _lock(t), one_line(t.title)) for t in threads]
        print_table(out(), ("thread", "turns", "last", "", "title"), rows)
    else:
        out().print("no threads yet", style="dim")


@app.command("rename")
def rename(
    ctx: typer.Context,
    thread: Name,
    title: Annotated[str, typer.Argument(help="What to show in the list; its name stays.")],
    as_json: Json = False,
) -> None:
    """Give a thread a title of your own in place of the one made from its first question."""
    with session(ctx).record() as record:
        stored = record.rename_thread(thread, title)
    if as_json:
        print_json({"thread": thread, "title": stored})
    else:
        out().print(f"{clean(thread)} is now listed as: {stored}")


@app.command("show")
def show(ctx: typer.Context, thread: Name, as_json: Json = False) -> None:
    """Show a thread's questions and answers."""
    with session(ctx).record() as record:
        turns = record.turns(thread)
    if as_json:
        print_json(to_json(turns))
        return
    for turn in turns:
        out().print(f"> {clean(turn.asked)}", style="bold")
        for step in turn.tools:
            out().print(f"  tool {step_text(step)}", style="dim")
        if turn.waiting or turn.outgoing is not None:
            print_what_waits(out(), turn)
        else:
            out().print(clean(turn.text) or "(no answer)")
        print_citations(out(), turn.citations)
        out().print(f"[{turn.final or turn.status}] {' · '.join(_facts(turn))}\n", style="dim")


@app.command("search")
def search(
    ctx: typer.Context,
    words: Annotated[str, typer.Argument(help="Words that a question or answer holds.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """Find turns whose question or answer holds all the words."""
    if not words.strip():
        raise InvalidInput("There are no words to look for.", fix="Write at least one.")
    with session(ctx).record() as record:
        turns = record.search(words, limit)
    if as_json:
        print_json(to_json(turns))
        return
    for turn in turns:
        out().print(f"{turn.turn_id}  {turn.thread}  {when(turn.created)}  {one_line(turn.asked, 80)}", style="bold")
        out().print(f"   {one_line(turn.text, 200)}")
    if not turns:
        out().print("nothing found", style="dim")


@app.command("export")
def export(
    ctx: typer.Context,
    thread: Name,
    form: Annotated[Literal["md", "json"], typer.Option("--format", help="Markdown, or the decision records.")] = "md",
    target: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there instead of stdout.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a thread out as Markdown or, with --format json or --json, as its decision records.

    Keys and passwords are taken out; what stays on this device is marked.
    """
    with session(ctx).record() as record:
        turns = record.turns(thread)
    if as_json and target is None:
        print_json(thread_records(turns))
        return
    text = thread_json(turns) if as_json or form == "json" else thread_markdown(thread, turns)
    if target is None:
        out().print(text, end="")
        return
    if target.exists() and not force:
        raise InvalidInput(f"{target} is already there.", fix="Choose another name or add --force.")
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}.", fix="Choose another place.") from error
    if as_json:
        print_json({"thread": thread, "turns": len(turns), "out": str(target)})
    else:
        err().print(f"{plural(len(turns), 'turn')} written to {target}")


@app.command("delete")
def delete(
    ctx: typer.Context,
    thread: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a thread with all its turns and decision records."""
    with session(ctx).record() as record:
        turns = record.turns(thread)
        if not yes:
            confirm(f"Delete thread {thread!r} with {plural(len(turns), 'turn')}?")
        deleted = record.delete_thread(thread)
    if as_json:
        print_json({"thread": thread, "deleted": deleted})
    else:
        out().print(f"deleted {plural(deleted, 'turn')}")


def _lock(thread: ThreadSummary) -> str:
    return "locked" if thread.locked else "title locked" if thread.title_locked else ""


def _facts(turn: DecisionRecord) -> Iterator[str]:
    yield turn.status
    if turn.locked:
        yield "locked"
    yield turn.turn_id
    yield when(turn.created)
    if turn.overruled:
        yield f"overruled ({turn.overruled})"
    if turn.overrules:
        yield f"asked again of {turn.overrules}"
    if turn.feedback:
        yield one_line(turn.feedback)
