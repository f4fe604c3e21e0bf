"""``tierwise models pull | add | rm``: how model files come and go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import InvalidInput, UsageError
from tierwise_app.cli.session import Json, session
from tierwise_app.console import err, out, print_json, warn
from tierwise_app.model_files import is_url, may_download, name_after, tiers_using
from tierwise_app.progress import download_bar
from tierwise_app.text import size

if TYPE_CHECKING:
    from tierwise.models import InstalledModel

_WORDS = {
    "catalogue": "it is the file that the catalogue knows",
    "first download": "nobody vouches for it; from now on it is held against its SHA-256 of today",
    "nobody": "nobody vouches for it",
}
Offline = Annotated[bool, typer.Option("--offline", help="Open no connection: refuse to download.")]


def pull(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A model of the catalogue; see: tierwise models list")],
    again: Annotated[bool, typer.Option("--again", help="Fetch it though it is there.")] = False,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Download a model of the catalogue, or go on with its download."""
    from tierwise.models import card, installed
    from tierwise.models import pull as fetch

    settings = session(ctx).settings()
    known = card(name)
    if again or installed(known, home=settings.home) is None:
        may_download(settings, offline=offline)
        if known.url is not None:
            err().print(f"{known.title}: {size(known.file_bytes)} from {known.source}, {known.licence}")
            _foretell(name, settings.home)
    with _kept_when_stopped(), download_bar(known.name) as progress:
        model = fetch(name, home=settings.home, again=again, progress=progress)
    _report(model, as_json)


def add(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="PATH|URL", help="A .gguf file, here or on the network.")],
    name: Annotated[str | None, typer.Option("--name", help="What to call it; by default after the file.")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy a local file instead of linking to it.")] = False,
    sha256: Annotated[str | None, typer.Option("--sha256", help="What a download's SHA-256 must be.")] = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Give a model file of your own a name: a local one is linked to, one on the network is downloaded."""
    from tierwise.models import add_file, pull_url

    settings = session(ctx).settings()
    if source.startswith(("openai:", "llama:")):
        raise UsageError(f"{source!r} is not a file.", fix=f"To give it a tier, run: tierwise models use TIER={source}")
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InvalidInput("That is not a SHA-256.", fix="Give its 64 hexadecimal digits.")
    called = name or name_after(source)
    if not is_url(source):
        if sha256 is not None:
            raise UsageError("--sha256 is for downloads.", fix="Leave it out for a local file.")
        _report(add_file(Path(source), called, home=settings.home, copy=copy), as_json)
        return
    may_download(settings, offline=offline)
    with _kept_when_stopped(), download_bar(called) as progress:
        model = pull_url(source, called, home=settings.home, sha256=sha256, progress=progress)
    _report(model, as_json)


def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name; see: tierwise models list")],
    force: Annotated[bool, typer.Option("--force", help="Though a tier uses it.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a model's file, its pin and an unfinished download; a file that is only linked to stays."""
    from tierwise.models import remove_model

    settings = session(ctx).settings()
    name = name.removeprefix("llama:")
    used = tiers_using(name, settings)
    if used and not force:
        raise InvalidInput(
            f"Tier {used[0]} uses {name}.",
            fix=f"Give it another model first (tierwise models use {used[0]}=MODEL), or add --force.",
        )
    freed = remove_model(name, home=settings.home)
    if as_json:
        print_json({"name": name, "freed": freed})
    else:
        out().print(f"{name} is removed, {size(freed)} freed")


def _foretell(name: str, home: Path) -> None:
    """Say what the model would cost here before it is fetched."""
    from tierwise.models import card, estimate, profile

    told = estimate(card(name).header(), profile(home))
    if told.fits:
        err().print(f"{told.text} (estimated)")
    else:
        warn(f"It will not run now. {told.text}")


def _report(model: InstalledModel, as_json: bool) -> None:
    if as_json:
        data: dict[str, Any] = {"name": model.name, "path": str(model.path), "size": model.size}
        print_json(data | {"sha256": model.sha256, "vouched": model.vouched})
        return
    out().print(f"llama:{model.name} is here ({size(model.size)}): {_WORDS[model.vouched]}")
    out().print(f"Use it with: tierwise models use quick={model.name}")


@contextmanager
def _kept_when_stopped() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        err().print("What has arrived is kept: the same command goes on from there.")
        raise
