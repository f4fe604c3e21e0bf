"""``tierwise bench retrieval``: our search beside plainer ones, on your documents and questions."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json
from tierwise_app.console import err, out, print_json
from tierwise_app.text import plural

if TYPE_CHECKING:
    from tierwise.knowledge import Comparison

_NAMES = {"words": "words (BM25)", "dense": "vectors (cosine)", "fusion": "fusion by rank (RRF)"}
_CAPTION = (
    "by quote: a passage from the right file with 80 % of the words of a gold quote; by file: any passage from it."
    " words: mean length of what was found."
)


def retrieval(
    corpus: Annotated[Path, typer.Option("--corpus", metavar="DIR", help="A folder of documents.")],
    questions: Annotated[Path, typer.Option("--questions", metavar="Q.jsonl", help="Questions with gold quotes.")],
    home: Annotated[
        Path | None, typer.Option("--home", metavar="DIR", help="Keep the ingested documents here for the next run.")
    ] = None,
    chunks: Annotated[
        bool, typer.Option("--chunks/--no-chunks", help="Also search plain chunks of 200 words (embeds them anew).")
    ] = True,
    as_json: Json = False,
) -> None:
    """Ask the same questions of our search, of words alone, of vectors alone and of both fused by rank.

    Each line of the questions is {"question", "kind", "gold_quotes": [{"file", "quote", "part"}], "gold_files"}; files
    count from the folder. Questions without quotes show how often nothing relevant is said to be found.
    """
    from tierwise.knowledge import compare, read_questions
    from tierwise.models import MiniLM

    asked = read_questions(questions)
    with ExitStack() as stack:
        folder = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tierwise-bench-")))
        status = stack.enter_context(err().status("reading …"))
        embedder = MiniLM()
        stack.callback(embedder.close)
        found = compare(
            corpus, asked, embedder, home=folder, chunked=chunks, tell=lambda words: status.update(f"{words} …")
        )
    if as_json:
        print_json(_figures(found))
    else:
        _print(found)


def _figures(found: Comparison) -> dict[str, Any]:
    """The comparison with the names that its tables have."""
    figures: dict[str, Any] = to_json(found)
    for way in figures["ways"]:
        for by in ("quote", "file"):
            hits = way[by]
            way[by] = {"hit@1": hits["at_1"], "hit@5": hits["at_5"], "hit@10": hits["at_10"], "mrr": hits["mrr"]}
        way["all_parts@10"] = way.pop("all_parts")
    return figures


def _print(found: Comparison) -> None:
    from rich.table import Table

    console = out()
    failed = f", {found.failed} failed" if found.failed else ""
    console.print(
        f"{plural(found.files, 'file')}{failed}, {plural(found.passages, 'passage')} of"
        f" {found.passage_words:.0f} words; {plural(found.questions, 'question')}"
    )
    table = Table(title="Found", caption=_CAPTION)
    table.add_column("way")
    for name in ("quote@1", "@5", "@10", "mrr", "file@1", "@5", "@10", "mrr", "all parts@10", "words"):
        table.add_column(name, justify="right")
    for way in found.ways:
        hits = (way.quote.at_1, way.quote.at_5, way.quote.at_10, way.quote.mrr)
        files = (way.file.at_1, way.file.at_5, way.file.at_10, way.file.mrr)
        figures = [f"{value:.2f}" for value in (*hits, *files, way.all_parts)]
        table.add_row(_way(way.name, way.over), *figures, f"{way.words:.0f}")
    console.print(table)
    table = Table("against", "by", "won", "lost", "tied", "p", title="Ours, question by question")
    for pair in found.pairs:
        counts = (str(pair.won), str(pair.lost), str(pair.tied))
        table.add_row(_way(pair.name, pair.over), pair.by, *counts, f"{pair.p:.3f}")
    console.print(table)
    for refusal in found.refusals:
        console.print(f"nothing relevant found: {refusal.refused} of {refusal.asked} {refusal.kind}")
    console.print(f"search {found.search_ms:.0f} ms (median, without embedding the question)")


def _way(name: str, over: str) -> str:
    return "ours" if name == "ours" else f"{_NAMES[name]}, {over}"
