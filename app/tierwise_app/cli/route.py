"""``tierwise route``: what would be chosen, without drafting."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import InvalidInput, TierwiseError, UsageError
from tierwise.jsonable import to_json
from tierwise_app.cli.ask import Lock, Offline, Tier, read_question
from tierwise_app.cli.session import Collection, Json, session
from tierwise_app.console import err, out, print_json
from tierwise_app.progress import bar
from tierwise_app.render import print_notices, reason_text
from tierwise_app.text import plural, points
from tierwise_app.wishes import Dial, Share, wish_of

if TYPE_CHECKING:
    from tierwise import Copilot, Route


def route(
    ctx: typer.Context,
    question: Annotated[str | None, typer.Argument(help="The question; - reads it from stdin.")] = None,
    batch: Annotated[
        Path | None, typer.Option("--batch", metavar="IN.jsonl", help='Lines such as {"question": "…"}.')
    ] = None,
    target: Annotated[Path | None, typer.Option("--out", metavar="OUT.jsonl", help="Where a batch goes.")] = None,
    tier: Tier = "auto",
    dial: Dial = None,
    share: Share = None,
    lock: Lock = False,
    collection: Collection = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Show which tier would be tried first and why; no model is asked."""
    if (question is None) == (batch is None):
        raise UsageError("Give either a QUESTION or --batch IN.jsonl.")
    if (batch is None) != (target is None):
        raise UsageError("--batch IN.jsonl and --out OUT.jsonl go together.")
    wish = wish_of(dial, share)
    options: dict[str, Any] = {"tier": tier, "dial": wish, "lock": lock, "collection": collection}
    options["offline"] = offline or None
    rows = list(_read(batch)) if batch else []
    with session(ctx).copilot(dial=wish) as copilot:
        if batch and target:
            summary = _route_all(copilot, rows, target, options)
            if as_json:
                print_json(summary)
            else:
                err().print(f"{plural(summary['routed'], 'question')} routed, {summary['failed']} refused: {target}")
            raise typer.Exit(1 if rows and not summary["routed"] else 0)
        found = copilot.route(read_question(question or ""), **options)
    print_notices(err(), found.notices)
    if as_json:
        print_json(_told(found))
        return
    out().print(found.choice, style="bold")
    for reason in found.reasons:
        out().print(f"  because {reason_text(reason)}")
    if found.p_good:
        out().print("  p(good): " + ", ".join(f"{name} {p:.2f}" for name, p in found.p_good.items()))
    if gains := list(_gains(found.p_good)):
        out().print(f"  gain over {next(iter(found.p_good))}: {', '.join(gains)}")


def _told(found: Route) -> dict[str, Any]:
    """The route as programs get it; notices are for people, on stderr."""
    return {"choice": found.choice, "p_good": found.p_good, "reasons": to_json(found.reasons)}


def _gains(p_good: Mapping[str, float]) -> Iterator[str]:
    """How much better than the first tier each other is expected to do."""
    chances = list(p_good.items())
    for name, p in chances[1:]:
        yield f"{name} {points(p - chances[0][1])}"


def _read(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidInput(f"{path} cannot be read: {why}.", fix="Give a JSON Lines file in UTF-8.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidInput(f"{path}, line {number} is not JSON: {error.msg}.", fix="Correct that line.") from error
        if not isinstance(row, dict) or not isinstance(row.get("question"), str):
            raise InvalidInput(f"{path}, line {number} has no question.", fix='Write {"question": "…"} on each line.')
        yield row


def _route_all(copilot: Copilot, rows: list[dict[str, Any]], target: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Route each row; a refused one keeps its place with an ``error``."""
    begun, failed = time.perf_counter(), 0
    try:
        with target.open("w", encoding="utf-8") as file, bar("routing", len(rows)) as advance:
            for row in rows:
                try:
                    result = _told(copilot.route(row["question"], **options))
                except TierwiseError as error:
                    failed += 1
                    result = {"error": {"code": error.code, "message": str(error)}}
                file.write(json.dumps({**row, **result}) + "\n")
                advance()
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}.", fix="Choose another place.") from error
    seconds = round(time.perf_counter() - begun, 3)
    return {"routed": len(rows) - failed, "failed": failed, "seconds": seconds, "out": str(target)}
