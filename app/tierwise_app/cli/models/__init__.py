"""``tierwise models``: which there are, how they come and go, which tier uses which, and trying them."""

from __future__ import annotations

import typer

from tierwise_app.cli.models import files, listing, tiers, trial

app = typer.Typer(help="List, get, use and try models.", no_args_is_help=True)
app.command("list")(listing.list_models)
app.command("pull")(files.pull)
app.command("add")(files.add)
app.command("rm")(files.remove)
app.command("use")(tiers.use)
app.command("test")(trial.test)
