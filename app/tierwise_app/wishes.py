"""The dial as the command line says it: ``--dial WISH`` or ``--target-share S``."""

from __future__ import annotations

from typing import Annotated

import typer

from tierwise.errors import InvalidInput, UsageError
from tierwise.types import Wish
from tierwise.wish import WORDS, read_wish

Dial = Annotated[
    str | None, typer.Option("--dial", metavar="WISH", help="economy, balanced, quality, or a share such as 0.2.")
]
Share = Annotated[
    str | None,
    typer.Option(
        "--target-share", metavar="S", help="At most this share of questions goes to a larger tier: 0.2 or 20%."
    ),
]


def wish_of(dial: str | None, share: str | None) -> Wish | None:
    """The wish of the two options; ``None`` if neither is given.

    Raises:
        UsageError: if both are given.
        ConfigError: if it is no wish.
        InvalidInput: if ``--target-share`` is no share.
    """
    if share is None:
        return None if dial is None else read_wish("The dial", dial)
    if dial is not None:
        raise UsageError("Give either --dial WISH or --target-share S.")
    if share in WORDS:
        raise InvalidInput(f"--target-share is {share!r}.", fix=f"Write --dial {share}.")
    return read_wish("--target-share", share)
