"""``tierwise sources new``: the beginning of a connector."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from tierwise.errors import InvalidInput
from tierwise_app.cli.session import Json
from tierwise_app.console import out, print_json
from tierwise_app.text import plural
from tierwise_tools.errors import SourceError


def new(
    name: Annotated[str, typer.Argument(help="Of the package and the connector, for example acme-tickets.")],
    place: Annotated[Path, typer.Option("--in", metavar="FOLDER", help="Where its folder is made.")] = Path(),
    as_json: Json = False,
) -> None:
    """Begin a connector to another system: a package that installs, works, and passes its tests."""
    from tierwise_tools.packages import scaffold

    plain = re.sub(r"[-_.]+", "-", name).lower()  # as package indexes write it
    folder = place.expanduser() / plain
    try:
        made = scaffold(folder, name, template=files("tierwise_app") / "connector_template")
    except SourceError as error:
        raise InvalidInput(error.what, fix=error.fix) from error
    steps = [
        f'pip install -e "{folder}[dev]"',
        f'pytest "{folder}"',
        f'write in tierwise.toml, under [connectors]: enabled = ["{plain}"]',
        f"tierwise ingest {plain}:ARGUMENT",
    ]
    if as_json:
        print_json({"folder": str(folder), "files": [str(file) for file in made], "next": steps})
        return
    out().print(f"{folder} is ready, with {plural(len(made), 'file')}; go on with:")
    for step in steps:
        out().print(f"  {step}")
